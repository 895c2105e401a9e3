"""Models for tests that need one: what the papers' functions write, around an encoder of one's own.

An encoder gives a map (batch, rows, columns, channels) or, for `recurrent`, also a vector.
"""

import dataclasses

import keras
import numpy as np
from keras import layers

from vidlab import models
from vidlab.recipes import chiche, cnn_lstm_thesis, newman
from vidlab.training import experiment, fit


def pooled(backbone):
    """Build the encoder of frames whose vectors are the means of a backbone's maps."""
    frames = keras.Input(backbone.input_shape[1:], name="frames")
    vectors = layers.GlobalAveragePooling2D(name="pool")(backbone(frames))
    return keras.Model(frames, vectors, name="encoder")


def small_cnn(*, seed=0):
    """Build a classifier of 32×32 frames in three classes, with random weights."""
    keras.utils.set_random_seed(seed)
    conv = {"strides": 2, "activation": "relu", "padding": "same"}
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="rgb"),
            layers.Rescaling(1 / 64),
            layers.Conv2D(8, 3, name="seen", **conv),
            layers.Conv2D(8, 3, name="top", **conv),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def model_of(write, shape, classes, **options):
    """Build the model that a paper's function writes on inputs of one shape."""
    inputs = {"rgb": keras.Input(shape, name="rgb")}
    return keras.Model(inputs["rgb"], write(inputs, classes, **options), name=write.__name__)


def frame_classifier(backbone, classes, *, units=512):
    return model_of(
        newman.frame_classifier, backbone.input_shape[1:], classes, backbone=backbone, units=units
    )


def frame_vote(backbone, classes, *, units=1024, dropout=0.5):
    return model_of(
        cnn_lstm_thesis.frame_vote,
        backbone.input_shape[1:],
        classes,
        backbone=backbone,
        units=units,
        dropout=dropout,
    )


def single(backbone, classes):
    return model_of(chiche.single, backbone.input_shape[1:], classes, backbone=backbone)


def pixel_rnn(classes, *, size, units=512, cell="gru"):
    return model_of(newman.pixel_rnn, (None, *size, 3), classes, units=units, cell=cell)


def convgru(backbone, classes, **options):
    shape = (None, *backbone.input_shape[1:])
    return model_of(newman.convgru, shape, classes, backbone=backbone, **options)


def cnn_lstm(start, classes, *, units=1024):
    shape = (None, *start.input_shape[1:])
    return model_of(cnn_lstm_thesis.cnn_lstm, shape, classes, start=start, units=units)


def chiche_rnn(backbone, classes, *, cell="gru", units=None, **options):
    shape = (None, *backbone.input_shape[1:])
    options |= {"cell": cell, "units": units}
    return model_of(chiche.recurrent, shape, classes, backbone=backbone, **options)


def recurrent(encoder, classes, *, units=4, cell="gru", pooling="last"):
    """Build a recurrent model that skips the padding of shorter clips, as a user might."""
    clips = keras.Input((None, *encoder.input_shape[1:]), name="rgb")
    pool = [layers.GlobalAveragePooling2D(name="pool")] if len(encoder.output_shape) == 4 else []
    x = models.each_frame(clips, [encoder, *pool])
    x = layers.Masking(name="skip_zeros")(x)
    memory = {"gru": layers.GRUCell, "lstm": layers.LSTMCell}[cell](units)
    if pooling == "statistics":
        memory = [memory, models.RunningStatistics(units)]
    x = layers.RNN(memory, name=cell)(x)
    x = layers.BatchNormalization(name="batchnorm")(x)
    return keras.Model(clips, layers.Dense(classes, activation="softmax", name="predictions")(x))


def with_random_weights(model, *, scale=0.8):
    """Give every weight a random value, so that the prediction depends on what the model sees.

    Statistics and scales have one dimension, and must not be negative.
    """
    rng = np.random.default_rng(0)
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights(
        [rng.uniform(0.1, 0.6, s) if len(s) == 1 else rng.normal(0, scale, s) for s in shapes]
    )
    return model


def number_learning(model):
    """Count the parameters that learn."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def fit_once(recipe, videos, *, start=None, **changes):
    """Train a recipe for one epoch, on tiny videos and small: (Fitted, the recipe as trained)."""
    phases = tuple(dataclasses.replace(phase, epochs=1, batch_size=4) for phase in recipe.phases)
    small = recipe.adapted(**{"size": 32, "phases": phases, "augment": None} | changes)
    return fit(small, (videos, videos), start=start), small


def probabilities(fitted, recipe, videos, *, order="normal"):
    """Predict videos, their frames in some order: (videos, classes)."""
    return experiment.predict(fitted.model, videos, recipe, order=order).probabilities


def two_streams(classes, *, streams, seed=0):
    """Build a model whose every input, pictures or flow, has a small network of its own."""
    keras.utils.set_random_seed(seed)
    inputs = {name: keras.Input(stream.shape, name=name) for name, stream in streams.items()}
    found = []
    for name, images in inputs.items():
        encoder = keras.Sequential(
            [
                keras.Input(images.shape[-3:]),
                layers.Rescaling(1 / 64, offset=-2),
                layers.Conv2D(6, 3, strides=2, activation="relu", name=f"top_{name}"),
            ],
            name=f"encoder_{name}",
        )
        pool = layers.GlobalAveragePooling2D()
        if len(images.shape) == 5:
            steps = models.each_frame(images, [encoder, pool])
            found.append(layers.GlobalAveragePooling1D()(steps))
        else:
            found.append(pool(encoder(images)))
    joined = layers.Concatenate()(found) if len(found) > 1 else found[0]
    given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return keras.Model(given, layers.Dense(classes, activation="softmax")(joined))
