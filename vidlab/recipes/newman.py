"""Newman 2020, *Video classification using deep learning* (MSc, Stellenbosch).

Single frames, sequences of bare pixels, and the two together: a CNN in front of a GRU. (The source
calls that one ConvGRU; elsewhere the word means a GRU with convolutional gates.)
"""

from functools import partial

from keras import layers

from vidlab import models
from vidlab.data.augment import Augment
from vidlab.data.sampling import AllFrames, Window
from vidlab.data.streams import Rgb
from vidlab.recipes import Phase, Published, recipe

NOTEBOOK = 8  # the first that trains one of them: lists of recipes follow the course

paper = partial(
    recipe,
    source="Newman 2020, Video classification using deep learning (MSc, Stellenbosch)",
    augment=Augment(crop=0.8),
    patience=1,  # training stops when the validation loss rises after an epoch
)
NOT_IN_SOURCE = (
    "The source names the augmentation (crop, rotation, brightness, shift, zoom, flip) without its "
    "ranges: here crop to at least 0.8, 10°, ±20%, ±10%, ±10%.",
    "The source does not print Adam's learning rate for frames and pixels; Keras' own 0.001.",
)


def frame_classifier(inputs, num_classes, *, backbone, units=512):
    """Classes of single frames: 22,903,685 parameters with InceptionV3, the "23M" of the source."""
    x = backbone(inputs["rgb"])  # (batch, rows, columns, channels)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, channels)
    x = layers.Dense(units, activation="relu", name="dense")(x)  # (batch, units)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


frames = partial(
    paper,
    backbone="inceptionv3",
    inputs={"rgb": Rgb(AllFrames(), 299)},
    departures=[
        *NOT_IN_SOURCE,
        "The size of the new dense layer: 512 units give the printed 23M.",
    ],
)
of_frames = partial(
    Published,
    unit="not stated",
    parameters="23M",
    note="The source's figures of errors count single frames; its tables do not say whether they "
    "count frames or videos.",
)

frames(
    "frame-scratch",
    title="Frames, InceptionV3 from random weights",
    phases=[Phase(100, "adam", 1e-3, batch_size=128, trainable="all")],
    published=of_frames(23.4, 38.9),
)(frame_classifier)

frames(
    "frame-pretrained",
    title="Frames, InceptionV3 from ImageNet, frozen",
    weights="imagenet",
    phases=[Phase(1, "adam", 1e-3, batch_size=128, trainable="none")],
    published=of_frames(47.0, 73.2),
)(frame_classifier)

frames(
    "frame-finetuned",
    title="Frames, InceptionV3 from ImageNet, top two modules tuned",
    weights="imagenet",
    starts_from="frame-pretrained",
    phases=[Phase(10, "sgd", 1e-3, batch_size=128, trainable="top")],
    published=of_frames(68.2, 87.2),
)(frame_classifier)


def pixel_rnn(inputs, num_classes, *, cell, units=512):
    """Classes of clips from bare pixels: every frame one long vector, read in both directions.

    24,722,533 parameters with GRU and 32,924,773 with LSTM, the "25M" and "33M" of the source; one
    direction would give half as many.
    """
    height, width = inputs["rgb"].shape[2:4]
    rnn = {"gru": layers.GRU, "lstm": layers.LSTM}[cell]
    x = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(inputs["rgb"])
    x = layers.Reshape((-1, height * width * 3), name="pixels")(x)  # (batch, time, pixels)
    x = layers.Bidirectional(rnn(units), name=cell)(x)  # (batch, 2 · units)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


pixels = partial(
    paper,
    inputs={"rgb": Rgb(Window(100), 50, clip=True)},
    phases=[Phase(30, "adam", 1e-3, batch_size=32)],
    departures=[
        *NOT_IN_SOURCE,
        "How the pixels are scaled is not stated; here -1..1, as for the source's InceptionV3. "
        "From 0..1 the gates saturate in the first epoch and stay as they are for every video.",
        "The source augments before shrinking to 50×50, here after it.",
        "Which 100 frames of a test video decide is not stated; here those in its middle.",
        "Both directions are read: inferred from the printed number of parameters.",
    ],
)

pixels(
    "lstm-pixels",
    title="Clips as 50×50 pixels, LSTM in both directions",
    options={"cell": "lstm"},
    published=Published(top1=44.1, top5=72.8, parameters="33M"),
)(pixel_rnn)

pixels(
    "gru-pixels",
    title="Clips as 50×50 pixels, GRU in both directions",
    options={"cell": "gru"},
    published=Published(top1=45.8, top5=74.2, parameters="25M"),
)(pixel_rnn)


def convgru(inputs, num_classes, *, backbone, units=512, momentum=0.99):
    """Classes of clips: 25,791,877 parameters with InceptionV3, the "26M" of the source."""
    pool = layers.GlobalAveragePooling2D(name="pool")
    x = models.each_frame(inputs["rgb"], [backbone, pool])  # (batch, time, channels)
    x = layers.RNN(layers.GRUCell(units), name="gru")(x)  # (batch, units), as layers.GRU
    x = layers.BatchNormalization(momentum=momentum, name="batchnorm")(x)
    return layers.Dense(num_classes, activation="softmax", name="predictions")(x)


clips = partial(
    paper,
    backbone="inceptionv3",
    inputs={"rgb": Rgb(Window(100), 299, clip=True)},
    departures=[
        NOT_IN_SOURCE[0],
        "Which frames of a test video decide is not stated; here the 100 in its middle, and the "
        "last time step labels the video.",
    ],
)

clips(
    "convgru-scratch",
    title="Clips, InceptionV3 and GRU from random weights, end to end",
    phases=[Phase(100, "adam", 1e-3, batch_size=32, trainable="all")],
    published=Published(top1=14.2, top5=21.3, parameters="26M"),
)(convgru)

clips(
    "convgru-fixed",
    title="Clips, InceptionV3 from ImageNet, frozen, and GRU",
    weights="imagenet",
    phases=[Phase(30, "sgd", 1e-4, batch_size=32, trainable="none")],
    published=Published(top1=68.7, top5=89.2, parameters="26M"),
)(convgru)

clips(
    "convgru-finetuned",
    title="Clips, InceptionV3 from ImageNet and GRU, all tuned",
    weights="imagenet",
    starts_from="convgru-fixed",
    phases=[Phase(30, "sgd", 1e-4, batch_size=32, trainable="all")],
    published=Published(top1=71.1, top5=91.8, parameters="26M"),
)(convgru)
