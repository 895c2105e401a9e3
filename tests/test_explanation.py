"""Grad-CAM: right against other computations, on every way a model can be built."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
from tf_keras_vis.utils.scores import CategoricalScore

from tests import built as papers
from vidlab import explanation, models
from vidlab.errors import ModelError
from vidlab.explanation import opening
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
    scores = layers.Dense(CLASSES)(keras.Sequential(small_cnn(), name="eyes").outputs[0])
    model = keras.Sequential([*small_cnn(), layers.Dense(CLASSES), layers.Softmax()])
    assert scores.shape == model.output_shape
    return model


def frame_classifier():
    backbone = backbones.build("mobilenetv2-0.35", size=(64, 64))
    return papers.frame_classifier(backbone, CLASSES, units=16)


def residual_classifier():
    return papers.frame_classifier(backbones.build("residual", size=(64, 64)), CLASSES, units=16)


def frame_vote_classifier():
    backbone = backbones.build("mobilenetv2-0.35", size=(64, 64))
    return papers.frame_vote(backbone, CLASSES, units=16)


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


def assembled():
    return papers.recurrent(keras.Sequential(small_cnn(), name="eyes"), CLASSES)


def convgru():
    return papers.recurrent(backbones.build("mobilenetv2-0.35", size=(64, 64)), CLASSES)


WAYS = [
    sequential,
    functional,
    nested_sequential,
    without_dense_softmax,
    frame_classifier,
    residual_classifier,
    frame_vote_classifier,
    time_distributed,
    layers_time_distributed,
    assembled,
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
    return maps / max(maps.max(), 1e-12)


@pytest.mark.parametrize("layer", ["conv1", "conv2"])
@pytest.mark.parametrize("target", range(3))
def test_maps_agree_with_tf_keras_vis(built, layer, target):
    model = built(functional)
    clip = clip_for(model)
    ours = explanation.grad_cam(model, clip, target=target, layer=layer).maps
    theirs = reference(Gradcam, model, clip, layer=layer, target=target)
    np.testing.assert_allclose(scaled(ours), scaled(theirs), atol=1e-3)
    ours = explanation.explain(model, clip, method="layer_cam", target=target, layer=layer).maps
    theirs = reference(Layercam, model, clip, layer=layer, target=target)
    np.testing.assert_allclose(scaled(ours), scaled(theirs), atol=1e-3)


@pytest.mark.parametrize("top", [True, False], ids=["with its top", "with a top of ours"])
def test_maps_of_an_application_agree_with_tf_keras_vis(top):
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(
        input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=CLASSES, include_top=top
    )
    if not top:
        pooled = layers.GlobalAveragePooling2D()(model.output)
        model = keras.Model(model.input, layers.Dense(CLASSES, activation="softmax")(pooled))
    clip = frames(2, size=(96, 96)) / 127.5 - 1
    ours = explanation.grad_cam(model, clip, target=1, layer="block_12_add").maps
    theirs = reference(Gradcam, model, clip, layer="block_12_add", target=1)
    assert ours.shape == (2, 6, 6)
    np.testing.assert_allclose(scaled(ours), scaled(theirs), atol=1e-3)


@pytest.mark.parametrize("way", WAYS)
class TestEveryWayToBuildAModel:
    def test_it_is_explained(self, way, built):
        model = built(way)
        clip = clip_for(model)
        found = explanation.grad_cam(model, clip)
        said = model.predict(clip if len(model.input_shape) == 4 else clip[None], verbose=0)
        assert found.layer in explanation.layers(model)
        assert found.layer == explanation.default_layer(model)
        assert found.heat.shape == clip.shape[:3]
        assert found.heat.dtype == found.frame_importance.dtype == np.float32
        assert found.heat.min() >= 0
        assert found.heat.max() == pytest.approx(1 if found.has_evidence else 0)
        assert found.frame_importance.sum() == pytest.approx(1 if found.has_evidence else 0)
        assert found.target == said.mean(axis=0).argmax()
        assert found.score == pytest.approx(said.mean(axis=0).max(), abs=1e-5)

    def test_it_is_explained_alike_after_loading(self, way, built, tmp_path):
        model = built(way)
        model.save(tmp_path / "model.keras")
        clip = clip_for(model)
        before = explanation.grad_cam(model, clip, target=2)
        after = explanation.grad_cam(
            keras.saving.load_model(tmp_path / "model.keras"), clip, target=2
        )
        assert after.layer == before.layer
        np.testing.assert_allclose(after.heat, before.heat, atol=1e-4)

    def test_a_batch_is_explained_clip_by_clip(self, way, built):
        model = built(way)
        batch = np.stack([clip_for(model), 255 - clip_for(model)])
        both = explanation.grad_cam(model, batch, target=[0, 3])
        for clip, target, found in zip(batch, [0, 3], both, strict=True):
            alone = explanation.grad_cam(model, clip, target=target)
            assert found.target == alone.target == target
            np.testing.assert_allclose(found.heat, alone.heat, atol=1e-3)


def test_the_built_in_encoder_is_explained_at_7_by_7_positions_as_published():
    keras.utils.set_random_seed(0)
    backbone = backbones.build("residual")
    pooled = layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, layers.Dense(CLASSES, activation="softmax")(pooled))
    clip = frames(2, size=(112, 112))
    found = explanation.grad_cam(model, clip, target=1)
    theirs = reference(Gradcam, model, clip, layer="block4_out", target=1)
    assert (found.layer, found.maps.shape) == ("block4_out", (2, 7, 7))
    assert found.has_evidence
    np.testing.assert_allclose(scaled(found.maps), scaled(theirs), atol=1e-3)


@pytest.mark.parametrize(
    ("name", "layer", "side"), [("mobilenetv2-0.35", "out_relu", 3), ("inceptionv3", "mixed10", 1)]
)
def test_the_default_is_the_last_map_however_coarse(name, layer, side):
    model = papers.frame_classifier(backbones.build(name, size=(96, 96)), CLASSES)
    found = explanation.grad_cam(model, frames(2, size=(96, 96)))
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
    assert found.says.startswith("No positive evidence for class 0")
    assert found.in_words(["Jump", "Run"]).startswith("No positive evidence for Jump: nothing")
    other = explanation.grad_cam(model, frames(2), target=1)
    assert other.in_words(["Jump", "Run"]).startswith("Evidence for Run at 8×10 positions")


def functional_with_signs():
    """Build a classifier in which all that is seen speaks against class 0 and for class 1."""
    model = keras.Sequential([*small_cnn(), layers.Dense(2, activation="softmax", name="last")])
    model.get_layer("last").set_weights([np.tile([-1.0, 1.0], (8, 1)), np.zeros(2)])
    return model


def test_against_another_class_is_the_difference_of_both(built):
    model = built(functional)
    clip = clip_for(model)
    by = {label: explanation.by_gradient(model, clip, target=label) for label in (0, 1)}
    both = explanation.by_gradient(model, clip, target=0, against=1)
    np.testing.assert_allclose(both, by[0] - by[1], atol=1e-5)
    found = explanation.grad_cam(model, clip, target=0, against=1)
    assert found.against == 1
    assert "class 0 rather than class 1" in found.says


def test_one_graph_serves_clips_of_all_lengths_and_dies_with_its_model():
    keras.utils.set_random_seed(0)
    model = sequential()
    for count in (1, 3, 7):
        explanation.grad_cam(model, frames(count))
    explanation.grad_cam(model, frames(4).reshape(2, 2, *SIZE, 3))
    made = opening._MADE[model].values()
    (graph,) = [one for one in made if hasattr(one, "experimental_get_tracing_count")]
    assert graph.experimental_get_tracing_count() == 1
    gone = weakref.ref(model)
    del model, graph, made
    gc.collect()
    assert gone() is None


def test_weights_that_change_are_explained_anew(built):
    keras.utils.set_random_seed(0)
    model = sequential()
    before = explanation.grad_cam(model, frames(), target=0).maps
    model.set_weights([-weight for weight in model.get_weights()])
    assert not np.allclose(explanation.grad_cam(model, frames(), target=0).maps, before)


class TestWhatCannotBeExplained:
    def test_an_unknown_layer_is_answered_with_those_there_are(self, built):
        model = built(frame_classifier)
        with pytest.raises(ModelError, match=r"Received: 'block_12_ad'.*backbone/block_12_add"):
            explanation.grad_cam(model, clip_for(model), layer="block_12_ad")
        with pytest.raises(ModelError, match=r"one of: backbone/out_relu.*more: vidlab\.expl"):
            explanation.grad_cam(model, clip_for(model), layer="out_relu")

    def test_a_layer_without_a_map_is_refused(self, built):
        with pytest.raises(ModelError, match=r"Received: 'dense'\. Choose one of"):
            explanation.grad_cam(built(frame_classifier), frames(size=(64, 64)), layer="dense")

    def test_a_network_on_bare_pixels_is_pointed_to_saliency(self):
        model = papers.pixel_rnn(CLASSES, size=(8, 8), units=2)
        assert explanation.layers(model) == []
        for layer in (None, "gru"):
            with pytest.raises(ModelError, match=r'none among its layers.*method="saliency"'):
                explanation.grad_cam(model, frames(size=(8, 8)), layer=layer)

    @pytest.mark.parametrize("shape", [(2, 30, 40, 3), (32, 40, 3), (0, 32, 40, 3)])
    def test_frames_of_another_size_are_refused(self, built, shape):
        with pytest.raises(ModelError, match=r"\(time, 32, 40, 3\).*picture\[None\]"):
            explanation.grad_cam(built(functional), np.zeros(shape))

    @pytest.mark.parametrize("target", [5, -1, [0, 1], 0.5])
    def test_a_class_there_is_not_is_refused(self, built, target):
        with pytest.raises(ModelError, match=r"target= a class from 0 to 4.*index\.classes"):
            explanation.grad_cam(built(functional), frames(), target=target)

    def test_a_head_on_features_is_sent_to_its_encoder(self):
        head = keras.Sequential([keras.Input((None, 8)), layers.GRU(4), layers.Dense(CLASSES)])
        with pytest.raises(ModelError, match="encoder"):
            explanation.grad_cam(head, frames())

    def test_a_model_that_hides_its_layers_is_refused(self):
        class Hidden(keras.Model):
            def call(self, inputs):
                return inputs

        with pytest.raises(ModelError, match=r"a Hidden\..*keras\.Model\(inputs, outputs\)"):
            explanation.layers(Hidden())

    def test_a_layer_beside_the_way_to_the_score_is_refused(self):
        pictures = keras.Input((*SIZE, 3))
        eyes = keras.Model(pictures, [layers.Conv2D(2, 3, name=name)(pictures) for name in "ab"])
        used, _ = eyes(pictures)
        scores = layers.Dense(2)(layers.GlobalAveragePooling2D()(used))
        with pytest.raises(ModelError, match=r"one of|no score depends"):
            explanation.grad_cam(keras.Model(pictures, scores), frames(), layer="b")
