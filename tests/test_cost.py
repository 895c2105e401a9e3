"""Multiply-adds: against arithmetic of one's own, and against published figures."""

import keras
import pytest
from keras import layers

from vidlab import recipes
from vidlab.errors import ModelError
from vidlab.models import FoldTime, UnfoldTime, backbones, each_frame
from vidlab.models.cost import multiply_adds


def sequential(shape, *parts):
    return keras.Sequential([keras.Input(shape), *parts])


CONV = 6 * 6 * (3 * 3 * 3) * 5  # of 8×8 pixels, "valid"


@pytest.mark.parametrize(
    ("shape", "layer", "expected"),
    [
        ((8, 8, 3), layers.Conv2D(5, 3), CONV),
        ((8, 8, 3), layers.Conv2D(5, 3, strides=2, padding="same"), 4 * 4 * 27 * 5),
        ((8, 8, 4), layers.Conv2D(6, 3, groups=2), 6 * 6 * 9 * 2 * 6),
        ((8, 8, 3), layers.DepthwiseConv2D(3), 6 * 6 * 9 * 3),
        ((8, 8, 3), layers.SeparableConv2D(5, 3), 6 * 6 * (9 * 3 + 3 * 5)),
        ((4, 8, 8, 3), layers.Conv3D(5, 3), 2 * 6 * 6 * 81 * 5),
        ((7,), layers.Dense(5), 7 * 5),
        ((4, 7), layers.Dense(5), 4 * 7 * 5),
        ((4, 7), layers.GRU(5), 4 * 3 * (7 * 5 + 5 * 5)),
        ((4, 7), layers.RNN(layers.LSTMCell(5), return_sequences=True), 4 * 4 * (7 * 5 + 5 * 5)),
        ((4, 7), layers.Bidirectional(layers.GRU(5)), 2 * 4 * 3 * (7 * 5 + 5 * 5)),
        ((4, 8, 8, 3), layers.ConvLSTM2D(5, 3), 4 * 4 * 36 * 9 * (3 * 5 + 5 * 5)),
        ((4, 8, 8, 3), layers.TimeDistributed(layers.Conv2D(5, 3)), 4 * CONV),
        ((8, 8, 3), layers.MaxPooling2D(), 0),
        ((8, 8, 3), layers.BatchNormalization(), 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_each_kind_of_layer_is_counted(shape, layer, expected):
    assert multiply_adds(sequential(shape, layer)) == expected


def test_an_encoder_of_frames_counts_once_for_every_frame_of_a_clip():
    encoder = sequential((8, 8, 3), layers.Conv2D(5, 3))
    clips = keras.Input((None, 8, 8, 3))
    x = each_frame(clips, [encoder, layers.GlobalAveragePooling2D()])
    model = keras.Model(clips, layers.Dense(2)(layers.GRU(7)(x)))
    recurrent = 3 * (5 * 7 + 7 * 7)
    for frames in (1, 16):
        assert multiply_adds(model, frames=frames) == frames * (CONV + recurrent) + 7 * 2
    with pytest.raises(ModelError, match=r"number of frames.*None, None, 8, 8, 3.*Pass frames=16"):
        multiply_adds(model)


def test_a_shared_tower_counts_for_every_input_and_a_model_in_a_model_is_opened():
    tower = sequential((8, 8, 3), sequential((8, 8, 3), layers.Conv2D(5, 3)), layers.Flatten())
    for shared, count in ((tower, 2), (layers.TimeDistributed(tower), 2 * 4)):
        shape = (4, 8, 8, 3) if count == 8 else (8, 8, 3)
        inputs = {name: keras.Input(shape, name=name) for name in ("a", "b")}
        x = layers.Concatenate()([shared(inputs[name]) for name in inputs])
        assert multiply_adds(keras.Model(inputs, x)) == count * CONV


def test_frames_joined_again_count_as_one():
    clips = keras.Input((4, 8, 8, 3))
    x = UnfoldTime()(clips, layers.Conv2D(5, 3)(FoldTime()(clips)))
    model = keras.Model(clips, layers.Conv3D(2, (4, 1, 1))(x))
    assert multiply_adds(model) == 4 * CONV + 6 * 6 * 4 * 5 * 2


def test_a_layer_of_unknown_cost_is_refused():
    words = keras.Input((4, 7))
    model = keras.Model(words, layers.MultiHeadAttention(2, 3)(words, words))
    with pytest.raises(ModelError, match=r"MultiHeadAttention.*Count them by hand"):
        multiply_adds(model)


def test_published_figures():
    """MobileNetV2: 300 million (Sandler et al. 2018, table 4)."""
    mobilenet = keras.applications.MobileNetV2(weights=None)
    assert multiply_adds(mobilenet) == pytest.approx(300e6, rel=0.01)
    assert multiply_adds(backbones.build("residual", size=(112, 112))) == 29_917_440


def test_three_dimensions_cost_what_their_maps_say(monkeypatch):
    """C3D on 16×112×112: eight convolutions, summed by hand; 38.5 billion in later papers."""
    monkeypatch.setattr(
        keras.initializers.VarianceScaling, "__call__", lambda _, *a, **o: keras.ops.zeros(*a, **o)
    )
    maps = [(16, 112), (16, 56), *[(8, 28)] * 2, *[(4, 14)] * 2, *[(2, 7)] * 2]
    channels = [3, 64, 128, 256, 256, 512, 512, 512, 512]
    convolutions = sum(
        time * side * side * 27 * before * after
        for (time, side), before, after in zip(maps, channels[:-1], channels[1:], strict=True)
    )
    dense = 4 * 4 * 512 * 4096 + 4096 * 4096 + 4096 * 101
    found = multiply_adds(recipes.build("c3d"))
    assert found == convolutions + dense
    assert found == pytest.approx(38.5e9, rel=0.01)


def test_what_a_vocabulary_costs_is_not_known():
    model = recipes.build(recipes.get("bag-of-words").adapted(size=48))
    with pytest.raises(ModelError, match="vocabulary, a Vocabulary, whose multiply-adds are not"):
        multiply_adds(model, frames=4)
