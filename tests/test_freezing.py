"""Frozen parts: where a model is cut, and that both pieces together are the model."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from tests import built
from vidlab import models
from vidlab.data.streams import PADDING, stack_clips
from vidlab.models.quantization import FakeQuantizedActivations, FakeQuantizedWeights
from vidlab.training.freezing import KEPT, split

SIZE, CLASSES = (24, 32), 3
FEATURES = 8
with_random_weights = partial(built.with_random_weights, scale=0.4)


def backbone(*, trainable=False):
    images = keras.Input((*SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(images)
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="low")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Conv2D(FEATURES, 3, strides=2, activation="relu", name="high")(x)
    model = keras.Model(images, x, name="backbone")
    model.trainable = trainable
    return model


def classified(inputs, x):
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="scores")(x))


def frames():
    return built.frame_classifier(backbone(), CLASSES, units=6)


def flat_frames():
    return built.frame_vote(backbone(), CLASSES, units=6)


def clips():
    return built.convgru(backbone(), CLASSES, units=5)


def masked_clips():
    return built.recurrent(backbone(), CLASSES)


def scaled_clips():
    return built.chiche_rnn(backbone(), CLASSES, units=5)


def clips_after_frames():
    return built.cnn_lstm(built.frame_vote(backbone(), CLASSES, units=6), CLASSES, units=5)


def time_distributed():
    inputs = keras.Input((None, *SIZE, 3), name="rgb")
    x = layers.TimeDistributed(backbone())(inputs)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    return classified(inputs, layers.GRU(5)(x))


def nested_in_a_nested_model():
    inputs = keras.Input((*SIZE, 3), name="rgb")
    encoder = keras.Sequential([backbone(), layers.GlobalMaxPooling2D()], name="encoder")
    return classified(inputs, keras.Sequential([encoder], name="outer")(inputs))


def sequential():
    pool = layers.GlobalMaxPooling2D()
    return keras.Sequential(
        [keras.Input((*SIZE, 3), name="rgb"), backbone(), pool, layers.Dense(CLASSES)]
    )


def scaled_by_operations():
    inputs = keras.Input((*SIZE, 3), name="rgb")
    x = backbone()((255.0 - inputs) / 2)
    return classified(inputs, layers.GlobalMaxPooling2D()(x))


def top_learns():
    model = frames()
    model.get_layer("backbone").get_layer("high").trainable = True
    return model


def two_branches():
    """Two tensors cross the cut: a map that goes on, and a vector beside it."""
    inputs = keras.Input((*SIZE, 3), name="rgb")
    encoder = backbone()
    maps = encoder(inputs)
    vectors = layers.GlobalMaxPooling2D()(maps)
    beside = layers.Conv2D(2, 3, name="learns")(maps)
    x = layers.Concatenate()([layers.GlobalMaxPooling2D()(beside), layers.Dense(4)(vectors)])
    return classified(inputs, x)


def shared_tower():
    inputs = {name: keras.Input((*SIZE, 3), name=name) for name in ("rgb", "before")}
    tower = keras.Sequential([backbone(), layers.GlobalMaxPooling2D()])
    x = layers.Subtract()([tower(one) for one in inputs.values()])
    return classified(inputs, x)


def one_live_input():
    inputs = {name: keras.Input((None, *SIZE, 3), name=name) for name in ("rgb", "motion")}
    pools = [layers.GlobalMaxPooling2D(name=name) for name in ("pool", "motion_pool")]
    seen = models.each_frame(inputs["rgb"], [backbone(), pools[0]])
    live = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=4, name="live"), pools[1]]
    moved = layers.TimeDistributed(keras.Sequential(live))(inputs["motion"])
    return classified(inputs, layers.GRU(5)(layers.Concatenate()([seen, moved])))


def two_outputs():
    inputs = keras.Input((*SIZE, 3), name="rgb")
    x = layers.GlobalMaxPooling2D()(backbone()(inputs))
    names = ("action", "hand")
    return keras.Model(inputs, {name: layers.Dense(CLASSES, name=name)(x) for name in names})


WAYS = {  # what is computed last of the frozen part, and numbers a frame
    frames: ("pool", FEATURES),
    flat_frames: ("high", 5 * 7 * FEATURES),
    clips: ("pool", FEATURES),
    masked_clips: ("pool", FEATURES),
    scaled_clips: ("pool", FEATURES),
    clips_after_frames: ("dense", 6),
    time_distributed: ("global_average_pooling2d", FEATURES),
    nested_in_a_nested_model: ("global_max_pooling2d", FEATURES),
    sequential: ("global_max_pooling2d", FEATURES),
    scaled_by_operations: ("global_max_pooling2d", FEATURES),
    top_learns: ("norm", 11 * 15 * 4),
    two_branches: ("high", 5 * 7 * FEATURES),
    shared_tower: ("subtract", FEATURES),
    one_live_input: ("pool", FEATURES),
    two_outputs: ("global_max_pooling2d", FEATURES),
}


def takes_clips(model):
    return len(model.inputs[0].shape) == 5


def batch_for(model, *lengths):
    """Draw videos of these lengths for every input; each frame has a colour of its own."""
    rng = np.random.default_rng(1)

    def drawn(length):
        colours = rng.uniform(0, 200, (length, 1, 1, 3))
        return (colours + rng.uniform(0, 55, (length, *SIZE, 3))).astype(np.float32)

    return {tensor.name: [drawn(length) for length in lengths] for tensor in model.inputs}


def inputs_of(model, batch):
    """Put the videos of `batch_for` together as the model takes them."""
    stack = stack_clips if takes_clips(model) else np.concatenate
    return {name: stack(videos) for name, videos in batch.items()}


def kept_of(cut, batch, *, clips):
    """Compute what is kept of every video, and what else the rest takes."""
    names = [tensor.name for tensor in cut.frozen.inputs]
    vectors = [
        cut.frozen.predict(dict(zip(names, videos, strict=True)), verbose=0)
        for videos in zip(*(batch[name] for name in names), strict=True)
    ]
    if not clips:
        joined = {name: np.concatenate(batch[name]) for name in cut.live}
        return {KEPT: np.concatenate(vectors), **joined}
    live = {name: stack_clips(batch[name]) for name in cut.live}
    return {KEPT: stack_clips(vectors, fill=cut.padding), **live}


def assert_same(model, cut, *lengths):
    batch, takes = batch_for(model, *lengths), takes_clips(model)
    x = inputs_of(model, batch)
    whole = model.predict(x if len(x) > 1 else next(iter(x.values())), verbose=0)
    parts = cut.rest.predict(kept_of(cut, batch, clips=takes), verbose=0)
    for one, other in zip(keras.tree.flatten(whole), keras.tree.flatten(parts), strict=True):
        np.testing.assert_allclose(other, one, atol=1e-5)
        assert np.ptp(one, axis=0).max() > 1e-3  # the videos are told apart


class TestEveryModel:
    @pytest.mark.parametrize("write", WAYS)
    def test_both_pieces_together_are_the_model(self, write):
        model = with_random_weights(write())
        cut = split(model, clips=takes_clips(model))
        last, size = WAYS[write]
        assert cut.size == size
        assert cut.where.split(", ")[-1].startswith(last)
        for tensor in cut.frozen.inputs:
            assert tensor.shape == (None, *SIZE, 3)
        assert cut.frozen.output_shape == (None, cut.size)
        assert not cut.frozen.trainable_weights
        mine = {id(weight) for weight in model.trainable_weights}
        assert {id(weight) for weight in cut.rest.trainable_weights} == mine
        assert cut.live == (["motion"] if write is one_live_input else [])
        finds_padding = takes_clips(model) and write is not time_distributed
        assert cut.padding == (PADDING if finds_padding else None)
        assert_same(model, cut, *([2, 5, 1] if finds_padding else [3, 3]))

    def test_a_frozen_layer_behind_the_padding_is_left_to_the_rest(self):
        inputs = keras.Input((None, *SIZE, 3), name="rgb")
        x = models.each_frame(inputs, [backbone(), layers.GlobalMaxPooling2D(name="pool")])
        x = layers.Dense(4, name="behind", trainable=False)(x)  # of zeros it makes its bias
        model = with_random_weights(classified(inputs, layers.GRU(5)(x)))
        cut = split(model, clips=True)
        assert cut.where == "pool"
        assert_same(model, cut, 2, 5, 1)

    def test_an_input_that_is_looked_at_twice_is_kept_and_live(self):
        inputs = keras.Input((*SIZE, 3), name="rgb")
        seen = layers.GlobalMaxPooling2D()(backbone()(inputs))
        own = layers.GlobalMaxPooling2D()(layers.Conv2D(2, 3, name="own")(inputs / 255.0))
        model = with_random_weights(classified(inputs, layers.Concatenate()([seen, own])))
        cut = split(model, clips=False)
        assert cut.live == ["rgb"]
        assert_same(model, cut, 3, 3)


def with_layer(layer):
    """Put a layer between two frozen ones."""
    inputs = keras.Input((*SIZE, 3), name="rgb")
    x = layers.GlobalMaxPooling2D(name="pool")(backbone()(inputs))
    x = layers.Dense(6, name="frozen", trainable=False)(layer(x))
    return classified(inputs, x)


class Seeded(layers.Layer):
    """Adds noise by a generator of its own."""

    def __init__(self):
        super().__init__()
        self.dice = keras.random.SeedGenerator(0)

    def call(self, x):
        return x + keras.random.normal(keras.ops.shape(x), seed=self.dice)


class TwoWays(layers.Layer):
    """Does in training what it does not do else."""

    def call(self, x, training=False):
        return x * 2 if training else x


class Counting(layers.Layer):
    """Changes a variable of its own whenever it is called."""

    def build(self, shape):
        self.seen = self.add_weight(shape=(), trainable=False)

    def call(self, x):
        self.seen.assign_add(1.0)
        return x + 0 * self.seen


class TestWhereItEnds:
    @pytest.mark.parametrize(
        "layer",
        [
            layers.Dropout(0.1),
            layers.GaussianNoise(0.1),
            layers.Dense(6),
            layers.BatchNormalization(),
            layers.BatchNormalization(center=False, scale=False),
            FakeQuantizedActivations(8),
            Seeded(),
            TwoWays(),
            Counting(),
        ],
        ids=lambda layer: type(layer).__name__,
    )
    def test_what_learns_or_draws_or_changes_ends_it(self, layer):
        cut = split(with_layer(layer), clips=False)
        assert cut.where == "pool"
        assert layer in cut.rest.layers

    @pytest.mark.parametrize(
        "layer",
        [
            layers.Dense(6, trainable=False),
            layers.BatchNormalization(trainable=False),
            FakeQuantizedWeights(layers.Dense(6), 4, trainable=False),
            layers.Rescaling(2.0),
            layers.LeakyReLU(),
        ],
        ids=lambda layer: type(layer).__name__,
    )
    def test_what_stays_as_it_is_belongs_to_it(self, layer):
        model = with_random_weights(with_layer(layer))
        cut = split(model, clips=False)
        assert cut.where == "frozen"
        assert_same(model, cut, 3, 3)

    def test_batch_normalisation_that_learns_ends_it_within_the_backbone(self):
        model = frames()
        model.get_layer("backbone").get_layer("norm").trainable = True
        cut = split(model, clips=False)
        assert cut.where == "low"

    def test_a_frozen_recurrent_layer_ends_it(self):
        model = clips()
        model.get_layer("gru").trainable = False
        assert split(model, clips=True).where == "pool"

    def test_a_frozen_layer_over_time_ends_it(self):
        inputs = keras.Input((None, *SIZE, 3), name="rgb")
        x = models.each_frame(inputs, [backbone(), layers.GlobalMaxPooling2D(name="pool")])
        x = layers.Conv1D(4, 3, padding="same", trainable=False)(x)
        model = with_random_weights(classified(inputs, layers.GlobalMaxPooling1D()(x)))
        cut = split(model, clips=True)
        assert cut.where == "pool"
        assert_same(model, cut, 4, 4)

    def test_where_nothing_with_weights_is_frozen_frame_by_frame_nothing_is_kept(self):
        inputs = keras.Input((None, *SIZE, 3), name="rgb")
        x = layers.Conv3D(4, 3, padding="same", trainable=False)(inputs)
        volumes = classified(inputs, layers.GlobalMaxPooling3D()(x))
        all_learns = [
            write(backbone(trainable=True), CLASSES)
            for write in (built.frame_classifier, built.convgru)
        ]
        pixels = built.pixel_rnn(CLASSES, size=(8, 8), units=2)
        for model in (volumes, *all_learns, pixels):
            assert split(model, clips=takes_clips(model)) is None

    def test_layers_of_one_name_in_two_nested_models_are_left_as_they_are(self):
        inputs = {name: keras.Input((*SIZE, 3), name=name) for name in ("rgb", "before")}
        pool = layers.GlobalMaxPooling2D()
        towers = [keras.Sequential([backbone(), pool], name=name) for name in "ab"]
        x = layers.Concatenate()([t(one) for t, one in zip(towers, inputs.values(), strict=True)])
        assert split(classified(inputs, x), clips=False) is None


def test_the_most_that_may_be_kept_counts_all_that_crosses_the_cut():
    model = shared_tower()
    assert split(model, clips=False, most=FEATURES).where.startswith("subtract")
    assert split(model, clips=False, most=FEATURES - 1) is None
