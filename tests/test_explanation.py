"""Grad-CAM: right against other computations, on every way a model can be built."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
from tf_keras_vis.utils.scores import CategoricalScore

from tests import built as papers
from vidlab import explanation, models
from vidlab.errors import ModelError
from vidlab.models import backbones

SIZE, CLASSES = (32, 40), 5


def frames(count=3, size=SIZE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size, 3)).astype(np.float32)


def small_cnn(*, top=True, size=SIZE):
    """Build two convolutions, with 8×10 positions at the end."""
    return [
        keras.Input((*size, 3)),
        layers.Rescaling(1 / 127.5, offset=-1),
        layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv1"),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv2"),
        *([layers.GlobalAveragePooling2D(name="pool")] if top else []),
    ]


def sequential():
    return keras.Sequential([*small_cnn(), layers.Dense(CLASSES, activation="softmax")])


def functional():
    model = sequential()
    return keras.Model(model.inputs[0], model.outputs[0])


def nested_sequential():
    return keras.Sequential(
        [keras.Sequential(small_cnn(), name="eyes"), layers.Dense(CLASSES, activation="softmax")]
    )


def without_dense_softmax():
    return keras.Sequential([*small_cnn(), layers.Dense(CLASSES), layers.Softmax()])


def frame_classifier():
    backbone = backbones.build("mobilenetv2-0.35", size=(64, 64))
    return papers.frame_classifier(backbone, CLASSES, units=16)


def time_distributed():
    clips = keras.Input((None, *SIZE, 3))
    x = layers.TimeDistributed(keras.Sequential(small_cnn(), name="eyes"), name="each")(clips)
    return keras.Model(clips, layers.Dense(CLASSES, activation="softmax")(layers.GRU(4)(x)))


def layers_time_distributed():
    conv = layers.Conv2D(6, 3, strides=2, activation="relu")
    return keras.Sequential(
        [
            keras.Input((4, *SIZE, 3)),
            layers.TimeDistributed(conv, name="seen"),
            layers.TimeDistributed(layers.GlobalAveragePooling2D(), name="pooled"),
            layers.LSTM(4),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def convgru():
    return papers.recurrent(backbones.build("mobilenetv2-0.35", size=(64, 64)), CLASSES)


def pixels():
    return papers.pixel_rnn(CLASSES, size=(8, 8), units=2)


def head_on_features():
    return keras.Sequential([keras.Input((None, 8)), layers.GRU(4), layers.Dense(CLASSES)])


def hidden_layers():
    class Hidden(keras.Model):
        def call(self, inputs):
            return inputs

    return Hidden()


def two_branches():
    """Build a classifier whose layer "b" does not lead to the score."""
    pictures = keras.Input((*SIZE, 3))
    eyes = keras.Model(pictures, [layers.Conv2D(2, 3, name=name)(pictures) for name in "ab"])
    used, _ = eyes(pictures)
    return keras.Model(pictures, layers.Dense(2)(layers.GlobalAveragePooling2D()(used)))


WAYS = [
    sequential,
    functional,
    nested_sequential,
    without_dense_softmax,
    frame_classifier,
    time_distributed,
    layers_time_distributed,
    convgru,
]


@pytest.fixture(scope="module")
def built():
    """Build a model of each kind once, with random weights: (function) -> model."""
    kept = {}

    def make(way):
        if way not in kept:
            keras.utils.set_random_seed(1)
            kept[way] = way()
        return kept[way]

    return make


def clip_for(model):
    return frames(4, size=model.input_shape[-3:-1])


def reference(method, model, clip, *, layer, target):
    """Compute raw maps by tf-keras-vis."""
    return np.asarray(
        method(model, model_modifier=ReplaceToLinear(), clone=True)(
            CategoricalScore([target] * len(clip)),
            clip,
            penultimate_layer=layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
    )


def scaled(maps):
    """Scale each frame by its largest value."""
    return maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-12)


METHODS = {"grad_cam": Gradcam, "grad_cam++": GradcamPlusPlus, "layer_cam": Layercam}


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
@pytest.mark.parametrize("method", METHODS)
def test_maps_agree_with_tf_keras_vis(built, layer, method):
    model = built(functional)
    clip = clip_for(model)
    for target in range(3):
        ours = explanation.explain(model, clip, method=method, target=target, layer=layer).maps
        theirs = reference(METHODS[method], model, clip, layer=layer, target=target)
        np.testing.assert_allclose(scaled(ours), scaled(theirs), atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_build_a_model_is_explained(way, built, tmp_path):
    model = built(way)
    clip = clip_for(model)
    found = explanation.grad_cam(model, clip)
    predicted = model.predict(clip if len(model.input_shape) == 4 else clip[None]).mean(axis=0)
    assert found.layer in explanation.layers(model)
    assert found.layer == explanation.default_layer(model)
    assert found.heat.shape == clip.shape[:3]
    assert found.heat.dtype == found.frame_importance.dtype == np.float32
    assert found.heat.min() >= 0
    assert found.heat.max() == pytest.approx(float(found.has_evidence))
    assert found.frame_importance.sum() == pytest.approx(float(found.has_evidence))
    assert found.target == predicted.argmax()
    assert found.score == pytest.approx(predicted.max(), abs=1e-5)

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    batch = explanation.grad_cam(loaded, np.stack([255 - clip, clip]), target=[0, 3])
    assert [one.target for one in batch] == [0, 3]
    alone = explanation.grad_cam(model, clip, target=3)
    assert batch[1].layer == alone.layer
    np.testing.assert_allclose(batch[1].heat, alone.heat, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "size", "layer", "side"),
    [
        ("residual", 112, "block4_out", 7),
        ("mobilenetv2-0.35", 96, "out_relu", 3),
        ("inceptionv3", 96, "mixed10", 1),
    ],
)
def test_the_default_is_the_last_map_however_coarse(name, size, layer, side):
    model = papers.frame_classifier(backbones.build(name, size=(size, size)), CLASSES)
    found = explanation.grad_cam(model, frames(2, size=(size, size)))
    assert (found.layer, found.maps.shape) == (f"backbone/{layer}", (2, side, side))


def test_a_clip_is_explained_by_the_gradient_of_its_own_score(built):
    """Recompute by hand: the maps alone, then what follows on a tape."""
    model, clip = built(time_distributed), frames(4)
    eyes = model.get_layer("each").layer
    looking = keras.Model(eyes.inputs[0], eyes.get_layer("conv2").output)
    gru, dense = model.layers[-2:]
    with tf.GradientTape() as tape:
        maps = looking(clip)
        tape.watch(maps)
        states = gru(eyes.get_layer("pool")(maps)[None])
        score = (states @ dense.kernel + dense.bias)[0, 3]
    slopes = tape.gradient(score, maps).numpy()
    expected = np.maximum((maps.numpy() * slopes.mean((1, 2), keepdims=True)).sum(-1), 0)
    found = explanation.grad_cam(model, clip, target=3, layer="each/conv2")
    np.testing.assert_allclose(found.maps, expected, atol=1e-6)
    shares = expected.sum((1, 2)) / expected.sum()
    np.testing.assert_allclose(found.frame_importance, shares, atol=1e-5)


@pytest.mark.parametrize(("stride", "step_of_frame"), [(1, [0, 1, 2, 3]), (2, [0, 0, 1, 1])])
def test_maps_over_time_have_the_weights_of_the_class_and_lie_on_the_nearest_frames(
    stride, step_of_frame
):
    """After average pooling Grad-CAM's weight of a channel is the dense layer's, over places."""
    clips = keras.Input((4, *SIZE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(clips)
    x = layers.Conv3D(6, 3, strides=(stride, 2, 2), padding="same", activation="relu")(x)
    dense = layers.Dense(CLASSES, activation="softmax")
    model = keras.Model(clips, dense(layers.GlobalAveragePooling3D()(x)))
    found = explanation.grad_cam(model, frames(4), target=2)
    maps = np.asarray(keras.Model(clips, x)(frames(4)[None]))[0]  # (steps, rows, columns, 6)
    weights = np.asarray(dense.kernel)[:, 2] / np.prod(maps.shape[:3])
    expected = np.maximum(maps @ weights, 0)[step_of_frame]
    assert expected.max() > 0
    np.testing.assert_allclose(found.maps, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_pictures_that_met_before_the_map_share_its_heat():
    clips = keras.Input((4, *SIZE, 3))
    x = layers.Concatenate()([clips[:, number] for number in range(4)])
    x = layers.Conv2D(6, 3, activation="relu")(x / 255)
    x = layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x))
    heat = explanation.grad_cam(keras.Model(clips, x), frames(4)).heat
    assert heat.max() > 0
    for other in heat[1:]:
        np.testing.assert_array_equal(other, heat[0])


def test_a_frame_that_does_not_reach_the_score_shows_no_heat():
    keras.utils.set_random_seed(1)
    clips = keras.Input((3, *SIZE, 3))
    x = layers.TimeDistributed(keras.Sequential(small_cnn(), name="eyes"), name="each")(clips)
    last = layers.Cropping1D((2, 0))(x)
    scores = layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(last))
    found = explanation.grad_cam(keras.Model(clips, scores), frames(3))
    assert found.frame_importance.tolist() == [0, 0, 1]
    assert not found.heat[:2].any()


def test_what_is_only_padding_shows_no_heat(built):
    model = built(convgru)
    short, long = frames(2, size=(64, 64)), frames(4, size=(64, 64), seed=1)
    padded, _ = explanation.grad_cam(model, models.pad([short, long]), target=1)
    alone = explanation.grad_cam(model, short, target=1)
    assert not padded.heat[2:].any()
    np.testing.assert_allclose(padded.heat[:2], alone.heat, atol=1e-3)


def test_no_evidence_is_said_and_not_drawn():
    model = functional_with_signs()
    found = explanation.grad_cam(model, frames(2), target=0)
    assert not found.has_evidence
    assert not found.heat.any()
    assert found.frame_importance.tolist() == [0, 0]
    assert found.in_words().startswith("No positive evidence for class 0")
    assert found.in_words(["Jump", "Run"]).startswith("No positive evidence for Jump: nothing")
    other = explanation.grad_cam(model, frames(2), target=1)
    assert other.in_words(["Jump", "Run"]).startswith("Evidence for Run at 8×10 positions")


def functional_with_signs():
    """Build a classifier in which all that is seen speaks against class 0 and for class 1."""
    model = keras.Sequential([*small_cnn(), layers.Dense(2, activation="softmax", name="last")])
    model.get_layer("last").set_weights([np.tile([-1.0, 1.0], (8, 1)), np.zeros(2)])
    return model


def test_against_another_class_is_what_speaks_for_the_target_more(built):
    """Grad-CAM is linear in the score: the difference of two classes is that of their weights."""
    model, clip = built(functional), frames()
    maps = keras.Model(model.inputs[0], model.get_layer("conv2").output)(clip).numpy()
    kernel = model.layers[-1].kernel.numpy() / maps[0, ..., 0].size
    expected = np.maximum(maps @ (kernel[:, 0] - kernel[:, 1]), 0)
    found = explanation.grad_cam(model, clip, target=0, against=1)
    np.testing.assert_allclose(found.maps, expected, atol=1e-6)
    assert found.against == 1
    assert "class 0 rather than class 1" in found.in_words()


def test_one_graph_serves_clips_of_all_lengths_and_dies_with_its_model():
    keras.utils.set_random_seed(0)
    model = sequential()
    for count in (1, 3, 7):
        explanation.grad_cam(model, frames(count))
    explanation.grad_cam(model, frames(4).reshape(2, 2, *SIZE, 3))
    before = explanation.grad_cam(model, frames(), target=0).maps
    model.set_weights([-weight for weight in model.get_weights()])  # are explained anew
    assert not np.allclose(explanation.grad_cam(model, frames(), target=0).maps, before)
    (compiled,) = explanation.layer_graph(model)._made.values()
    assert compiled.experimental_get_tracing_count() == 1
    gone = weakref.ref(model)
    del model, compiled
    gc.collect()
    assert gone() is None


def test_each_input_of_several_is_explained_while_the_others_keep_what_they_showed():
    keras.utils.set_random_seed(3)
    inputs = {name: keras.Input((None, *SIZE, 3), name=name) for name in ("rgb", "flow")}
    seen = []
    for name, clips in inputs.items():
        eyes = [layers.Conv2D(4, 3, name=f"{name}_conv"), layers.GlobalAveragePooling2D()]
        eyes = keras.Sequential([keras.Input((*SIZE, 3)), layers.Rescaling(1 / 255), *eyes])
        seen.append(layers.GRU(4)(layers.TimeDistributed(eyes)(clips)))
    scores = layers.Dense(CLASSES, activation="softmax")(layers.Concatenate()(seen))
    shown = {name: frames(4, seed=seed) for seed, name in enumerate(inputs)}
    model = keras.Model(inputs, scores)
    expected = model({name: clip[None] for name, clip in shown.items()})[0].numpy().max()
    for name, (single, clip) in explanation.by_input(model, shown).items():
        found = explanation.grad_cam(single, clip)
        assert found.score == pytest.approx(expected, abs=1e-5)
        assert found.heat.any()
        assert [one.split("/")[-1] for one in explanation.layers(single)] == [f"{name}_conv"]


def apart_in_space_and_time():
    kernels = (1, 3, 3), (3, 1, 1)
    return [*(layers.Conv3D(4, kernel) for kernel in kernels), layers.ReLU(name="last")]


def in_time(*middle):
    """Build a classifier of clips of eight frames around layers that mix them."""
    clips = keras.Input((8, *SIZE, 3))
    x = layers.Rescaling(1 / 255)(clips)
    for layer in middle:
        x = layer(x)
    return keras.Model(clips, layers.Dense(CLASSES, activation="softmax")(layers.Flatten()(x)))


@pytest.mark.parametrize(
    ("middle", "last", "lengths"),
    [
        (lambda: [layers.Conv3D(4, 3, strides=2, name="c3d"), layers.ReLU(name="r")], "r", 3),
        (
            lambda: [
                layers.Conv3D(4, (1, 3, 3)),
                layers.Conv3D(4, (3, 1, 1)),
                layers.ReLU(name="r"),
            ],
            "r",
            6,
        ),
        (lambda: [layers.ConvLSTM2D(2, 3, return_sequences=True, name="each")], "each", 8),
        (lambda: [layers.ConvLSTM2D(2, 3, name="last")], "last", 1),
    ],
    ids=["Conv3D", "(2+1)D", "ConvLSTM2D", "ConvLSTM2D, last step"],
)
def test_every_frame_has_a_map_where_frames_met_before_it(middle, last, lengths):
    keras.utils.set_random_seed(5)
    model = in_time(*middle())
    records = [explanation.explain(model, frames(8), target=each) for each in range(CLASSES)]
    record = max(records, key=lambda one: len(np.unique(one.maps, axis=0)))
    assert (record.method, record.layer) == ("grad_cam", last)
    assert record.heat.shape == (8, *SIZE)
    assert len(np.unique(record.maps, axis=0)) == lengths


def one_unit(activation="sigmoid"):
    return keras.Sequential([*small_cnn(), layers.Dense(1, activation=activation, name="unit")])


@pytest.mark.parametrize("activation", ["sigmoid", None], ids=["sigmoid", "logit"])
def test_one_unit_speaks_of_the_second_class_and_against_the_first(activation):
    keras.utils.set_random_seed(4)
    model, clip = one_unit(activation), frames()
    unit = model.predict(clip, verbose=0)
    second = (unit if activation else 1 / (1 + np.exp(-unit))).mean()
    by_class = [explanation.grad_cam(model, clip, target=target) for target in (0, 1)]
    assert [one.score for one in by_class] == pytest.approx([1 - second, second], abs=1e-5)
    assert explanation.grad_cam(model, clip).target == int(second > 0.5)
    assert "Evidence for fall" in by_class[1].in_words(["walk", "fall"])
    # Against the first is for the second, and what speaks for both at a place is nothing.
    rather = explanation.grad_cam(model, clip, target=1, against=0)
    np.testing.assert_allclose(rather.maps, 2 * by_class[1].maps, rtol=1e-4)
    assert not (by_class[0].maps.astype(bool) & by_class[1].maps.astype(bool)).any()
    tf_maps = reference(Gradcam, two_units(model), clip, layer="conv2", target=1)
    np.testing.assert_allclose(by_class[1].maps, tf_maps, atol=1e-5)
    with pytest.raises(ModelError, match="from 0 to 1"):
        explanation.grad_cam(model, clip, target=2)


def two_units(model):
    """Build the softmax model that gives the probabilities of one with a sigmoid."""
    weights, bias = model.get_layer("unit").get_weights()
    last = layers.Dense(2, activation="softmax")
    same = keras.Model(model.inputs, last(model.get_layer("pool").output))
    last.set_weights([np.hstack([0 * weights, weights]), np.hstack([0 * bias, bias])])
    return same


def test_the_score_of_logits_is_a_probability(built):
    keras.utils.set_random_seed(2)
    model = keras.Sequential([*small_cnn(), layers.Dense(CLASSES)])
    expected = tf.nn.softmax(model.predict(frames(1), verbose=0)).numpy()[0]
    assert explanation.grad_cam(model, frames(1)).score == pytest.approx(expected.max(), abs=1e-5)


def without_input():
    return keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])


def features_and_mask():
    inputs = keras.Input((4, 8)), keras.Input((4,), dtype="bool")
    x = layers.GRU(4)(inputs[0], mask=inputs[1])
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


def two_clips():
    inputs = keras.Input((*SIZE, 3)), keras.Input((*SIZE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Add()(inputs)))
    return keras.Model(inputs, layers.Dense(CLASSES)(x))


def two_outputs():
    model = sequential()
    return keras.Model(model.inputs, [model.outputs[0], model.outputs[0]])


def label_per_frame():
    clips = keras.Input((4, *SIZE, 3))
    x = layers.TimeDistributed(keras.Sequential(small_cnn(), name="eyes"))(clips)
    return keras.Model(clips, layers.Dense(CLASSES, activation="softmax")(x))


def test_what_is_advised_can_be_explained():
    model = label_per_frame()
    at_step = keras.Model(model.inputs, model.outputs[0][:, 2])
    heat = explanation.grad_cam(at_step, frames(4), target=0).heat
    assert not heat[[0, 1, 3]].any()
    outer = keras.Input((*SIZE, 3))

    class Written(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = keras.Sequential(
                [layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(CLASSES)]
            )

        def call(self, inputs):
            return self.body(inputs)

    traced = keras.Model(outer, Written().call(outer))
    assert explanation.grad_cam(traced, frames(2)).heat.shape == (2, *SIZE)


@pytest.mark.parametrize(
    ("way", "size", "options", "message"),
    [
        (frame_classifier, (64, 64), {"layer": "block_12_ad"}, "backbone/block_12_add"),
        (frame_classifier, (64, 64), {"layer": "out_relu"}, r"one of: backbone/out_relu.*more"),
        (frame_classifier, (64, 64), {"layer": "dense"}, r"Received: 'dense'\. Choose one of"),
        (pixels, (8, 8), {}, r'none among its layers.*method="saliency"'),
        (functional, (30, 40), {}, r"\(time, 32, 40, 3\).*picture\[None\]"),
        (functional, SIZE, {"target": 5}, r"target= a class from 0 to 4.*index\.classes"),
        (functional, SIZE, {"target": [0, 1]}, "target= a class from 0 to 4"),
        (functional, SIZE, {"against": 0.5}, "against= a class from 0 to 4"),
        (head_on_features, SIZE, {}, "encoder"),
        (hidden_layers, SIZE, {}, r"a Hidden\..*keras\.Model\(inputs, outputs\)"),
        (hidden_layers, SIZE, {}, r"outputs = model\.call\(inputs\)"),
        (without_input, SIZE, {}, r"Put a keras\.Input first"),
        (features_and_mask, SIZE, {}, "encoder that makes its features"),
        (two_clips, SIZE, {}, r"one by one: vidlab\.explanation\.by_input"),
        (two_outputs, SIZE, {}, r"keras\.Model\(model\.inputs, model\.outputs\[0\]\)"),
        (label_per_frame, SIZE, {}, r"every step.*outputs\[0\]\[:, t\]"),
        (two_branches, SIZE, {"layer": "b"}, r"one of|no score depends"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_remedy(built, way, size, options, message):
    with pytest.raises(ModelError, match=message):
        explanation.grad_cam(built(way), frames(size=size), **options)
