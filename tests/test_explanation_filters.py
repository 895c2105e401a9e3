"""Filters: made pictures show what excites a known one, and activations are those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import built
from vidlab import explanation
from vidlab.errors import ModelError
from vidlab.explanation import activation_maximization
from vidlab.explanation.activations import activations
from vidlab.models import backbones

SIDE = 32
LAYER = "backbone/block_2_expand_BN"


def cnn(*, seed=0):
    """A small network whose four first filters are known: red, blue, upright and level lines."""
    keras.utils.set_random_seed(seed)
    pictures = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(pictures)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="known")(x)
    x = keras.layers.Conv2D(6, 3, strides=2, name="second")(x)
    x = keras.layers.ReLU(name="second_relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pictures, keras.layers.Dense(3, activation="softmax")(x))
    kernels = np.zeros((3, 3, 3, 4), np.float32)
    kernels[..., 0, 0], kernels[..., 2, 0] = 1, -1
    kernels[..., 2, 1], kernels[..., 0, 1] = 1, -1
    kernels[:, :, :, 2] = np.array([-1, 2, -1])[None, :, None]
    kernels[:, :, :, 3] = np.array([-1, 2, -1])[:, None, None]
    model.get_layer("known").set_weights([kernels, np.zeros(4, np.float32)])
    return model


def frame_model(*, seed=0, backbone="mobilenetv2-0.35"):
    keras.utils.set_random_seed(seed)
    return built.frame_classifier(backbones.build(backbone, size=(SIDE, SIDE)), 3, units=8)


@pytest.fixture(scope="module")
def small():
    return cnn()


@pytest.fixture(scope="module")
def model():
    return frame_model()


@pytest.fixture(scope="module")
def clip_model(model):
    return built.convgru(model.get_layer("backbone"), 3, units=4)


@pytest.fixture(scope="module")
def frames():
    coarse = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)
    return coarse.repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)


def maps_by_keras(model, frames):
    """Compute the maps of the layer without vidlab."""
    backbone = model.get_layer("backbone")
    inner = keras.Model(backbone.inputs, backbone.get_layer("block_2_expand_BN").output)
    return inner.predict(frames.astype(np.float32), verbose=0)


@pytest.fixture(scope="module")
def maps(model, frames):
    return maps_by_keras(model, frames)


def close(images, others, *, atol=1):
    np.testing.assert_allclose(images.astype(int), others.astype(int), atol=atol)


@pytest.fixture(scope="module")
def known(small):
    return activation_maximization(small, "known", filters=range(4), steps=24, size=(SIDE, SIDE))


class TestActivationMaximization:
    def test_pictures_excite_their_filter_and_show_its_colour_or_its_lines(self, small, known):
        red, blue, upright, level = known.images.astype(float)
        assert red[..., 0].mean() > red[..., 2].mean() + 20
        assert blue[..., 2].mean() > blue[..., 0].mean() + 20
        for lines, along in ((upright, 1), (level, 0)):
            grey = lines.mean(axis=-1)
            across, down = (np.abs(np.diff(grey, axis=axis)).mean() for axis in (along, 1 - along))
            assert across > 1.5 * down
        noise = np.random.default_rng(1).integers(0, 256, (4, SIDE, SIDE, 3))
        made, usual = (
            activations(small, x, layers=["known"], pool=True)["known"]
            for x in (known.images, noise)
        )
        np.testing.assert_allclose(known.responses, np.diag(made), rtol=1e-4)
        assert (known.responses > usual.mean(axis=0)).all()

    def test_the_seed_decides_the_pictures(self, small):
        made, same, other = (
            activation_maximization(
                small, "known", filters=2, steps=3, seed=seed, size=(24, 40)
            ).images
            for seed in (0, 0, 1)
        )
        assert (made.shape, made.dtype) == ((2, 24, 40, 3), np.uint8)
        np.testing.assert_array_equal(made, same)
        assert (made != other).any()

    @pytest.mark.parametrize("steps", [3, 10])
    def test_a_picture_does_not_depend_on_the_filters_beside_it(self, small, steps):
        together, alone = (
            activation_maximization(small, "known", filters=some, steps=steps).images
            for some in ([0, 2, 3], [2])
        )
        close(alone[0], together[1], atol=2)

    @pytest.mark.parametrize("steps", [4, 12])
    def test_unconstrained_it_is_plain_gradient_ascent(self, small, steps):
        noise = np.random.default_rng([0, 2]).standard_normal((1, SIDE, SIDE, 3), dtype=np.float32)
        picture = tf.constant(128 + 8 * noise)
        inner = keras.Model(small.input, small.get_layer("known").output)
        for _ in range(steps):
            with tf.GradientTape() as tape:
                tape.watch(picture)
                response = tf.reduce_mean(inner(picture)[..., 2])
            gradient = tape.gradient(response, picture)
            picture += 8 * gradient / tf.math.reduce_std(gradient)
            picture = tf.clip_by_value(picture, 0, 255)
        options = {"filters": [2], "steps": steps, "size": (SIDE, SIDE)}
        made = activation_maximization(small, "known", constrained=False, **options)
        np.testing.assert_allclose(made.images, picture.numpy(), atol=0.51)
        assert made.responses[0] > activation_maximization(small, "known", **options).responses[0]

    def test_a_network_is_compiled_once_for_all_batches_of_its_filters(self, small):
        for some in (range(4), [0, 1, 2], [3]):
            activation_maximization(small, "known", filters=some, steps=10)
        _, step = explanation.layer_graph(small)._made["known", (128, 128), True]
        assert step.experimental_get_tracing_count() == 1

    def test_no_step_is_begun_after_the_time_is_up(self, small):
        steps = []
        made = activation_maximization(
            small, "known", filters=2, steps=50, seconds=0, progress=lambda *one: steps.append(one)
        )
        assert steps == [(1, 50)]
        assert made.steps == 1
        assert "stopped after 1 of 50 steps" in made.in_words()
        assert made.images.std() > 10

    def test_each_picture_is_kept_on_its_own_and_only_missing_ones_are_made(self, small, tmp_path):
        steps = []
        wishes = {"steps": 2, "cache": tmp_path, "progress": lambda *one: steps.append(one)}
        kept = activation_maximization(small, "known", filters=[0, 2], **wishes)
        again = activation_maximization(small, "known", filters=[0, 2], **wishes)
        assert (kept.loaded, again.loaded, steps) == (False, True, [(1, 2), (2, 2)])
        assert again.in_words().startswith("2 filters of known: loaded; 2 steps")
        for name in ("images", "filters", "responses", "steps", "seed", "layer"):
            np.testing.assert_array_equal(getattr(kept, name), getattr(again, name))
        more = activation_maximization(small, "known", filters=[2, 1, 0], **wishes)
        assert (more.loaded, more.filters.tolist(), len(steps)) == (False, [2, 1, 0], 4)
        np.testing.assert_array_equal(more.images[[2, 0]], kept.images)
        np.testing.assert_array_equal(more.responses[[2, 0]], kept.responses)

    @pytest.mark.parametrize(
        "changed",
        [{"seed": 1}, {"filters": 3}, {"steps": 1}, {"size": (16, 16)}, {"model": cnn(seed=1)}],
        ids=lambda changed: next(iter(changed)),
    )
    def test_other_wishes_or_weights_do_not_find_kept_pictures(self, small, tmp_path, changed):
        wishes = {"model": small, "layer": "second", "filters": 2, "steps": 2, "size": (20, 20)}
        for loaded in (False, True):
            assert activation_maximization(**wishes, cache=tmp_path).loaded is loaded
        assert not activation_maximization(**wishes | changed, cache=tmp_path).loaded

    def test_kept_pictures_cut_short_or_damaged_are_made_anew(self, small, tmp_path):
        wishes = {"filters": 2, "steps": 3, "cache": tmp_path}
        made = [
            activation_maximization(small, "known", seconds=seconds, **wishes)
            for seconds in (0, 0, 60)
        ]
        assert [(one.steps, one.loaded) for one in made] == [(1, False), (1, True), (3, False)]
        file, _ = sorted(tmp_path.glob("*.npz"))
        file.write_bytes(file.read_bytes()[:100])
        assert not activation_maximization(small, "known", **wishes).loaded
        assert activation_maximization(small, "known", **wishes).loaded

    def test_filters_in_clip_models_and_frame_models_are_the_same(self, model, clip_model):
        of_frames, of_clips = (
            activation_maximization(one, LAYER, filters=2, steps=2, size=(SIDE, SIDE))
            for one in (model, clip_model)
        )
        close(of_clips.images, of_frames.images)

    def test_layers_that_only_apply_an_activation_are_maximized_before_it(self, small):
        before, after = (
            activation_maximization(small, layer, filters=3, steps=2)
            for layer in ("second", "second_relu")
        )
        np.testing.assert_array_equal(before.images, after.images)
        np.testing.assert_array_equal(before.responses, after.responses)

    def test_pictures_of_classes_speak_for_the_class(self, small):
        made = activation_maximization(small, "scores", filters=3, steps=16)
        noise = np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3)).astype(np.float32)
        found, usual = (small.predict(x.astype(np.float32)) for x in (made.images, noise))
        assert (np.diag(found) > usual.mean(axis=0)).all()

    @pytest.mark.parametrize(
        ("layer", "options", "message"),
        [
            ("nowhere", {}, "known"),
            ("known", {"filters": [4]}, r"Expected filters from 0 to 3, those of known"),
            ("known", {"filters": [0.5]}, r"Received: \[0.5\]"),
            ("known", {"steps": 0}, "Expected at least one step"),
            ("scores", {"size": (16, 16)}, "Expected a model of single frames and its own size"),
        ],
        ids=["layer", "filter", "fraction", "steps", "size"],
    )
    def test_wishes_that_cannot_be_met_are_refused(self, small, layer, options, message):
        with pytest.raises(ModelError, match=message):
            activation_maximization(small, layer, **options)


def test_depths_run_from_the_first_to_the_last_convolution(small, model, clip_model):
    named = ["bn_Conv1", "block_1_expand_BN", "block_16_expand_BN", "Conv_1_bn"]
    every = explanation.depths(model, 99)
    assert [every[0], every[1], every[-2], every[-1]] == [f"backbone/{name}" for name in named]
    assert len(every) == 18
    assert explanation.depths(model, 3) == [every[0], every[8], every[17]]
    assert explanation.depths(clip_model, 99) == every
    assert explanation.depths(small) == ["known", "second"]


@pytest.mark.slow
def test_depths_of_joined_branches_are_the_joints():
    chosen = explanation.depths(
        built.frame_classifier(backbones.build("inceptionv3", size=(75, 75)), 3), 99
    )
    assert chosen[1:] == [f"backbone/mixed{number}" for number in range(11)]


def test_first_kernels_are_those_of_the_first_convolution(model):
    (weights,) = model.get_layer("backbone").get_layer("Conv1").get_weights()
    kernels = explanation.first_kernels(model)
    assert kernels.shape == (16, 3, 3, 3)
    np.testing.assert_array_equal(kernels[5, 0, 2], weights[0, 2, :, 5])


def test_activations_are_what_the_layer_gives_at_any_size(model, frames, maps):
    found = activations(model, frames, layers=["backbone/bn_Conv1", LAYER])
    assert list(found) == ["backbone/bn_Conv1", LAYER]
    np.testing.assert_allclose(found[LAYER], maps, atol=1e-4)
    large = frames[:1].repeat(2, axis=1).repeat(3, axis=2)
    assert activations(model, large, layers=[LAYER])[LAYER].shape == (1, 16, 24, 48)


def test_responses_are_means_of_maps_also_in_a_clip_model(model, clip_model, frames, maps):
    for one in (model, clip_model):
        found = activations(one, frames, layers=["backbone/bn_Conv1", LAYER], pool=True)
        assert {layer: means.shape for layer, means in found.items()} == {
            "backbone/bn_Conv1": (10, 16),
            LAYER: (10, 48),
        }
        np.testing.assert_allclose(found[LAYER], maps.mean(axis=(1, 2)), atol=1e-4)


def test_strongest_frames_come_first(model, frames, maps):
    found = explanation.strongest_frames(model, frames, layer=LAYER, filters=[4, 0], count=3)
    means = maps.mean(axis=(1, 2))
    for row, number in enumerate([4, 0]):
        expected = np.argsort(-means[:, number])[:3]
        assert found.frames[row].tolist() == expected.tolist()
        np.testing.assert_allclose(found.responses[row], means[expected, number], atol=1e-4)
        np.testing.assert_allclose(found.maps[row], maps[expected, ..., number], atol=1e-4)


def test_known_responses_are_taken_and_of_each_video_only_the_strongest_frame(model, frames, maps):
    known = np.zeros((len(frames), 48), np.float32)
    known[[6, 1, 0, 8], 4] = 4.0, 3.0, 2.0, 1.0
    options = {"layer": LAYER, "filters": [4], "count": 3, "one_of": np.repeat(list("abcde"), 2)}
    found = explanation.strongest_frames(model, frames, **options, responses=known)
    assert found.frames.tolist() == [[6, 1, 8]]
    assert found.responses.tolist() == [[4.0, 3.0, 1.0]]
    np.testing.assert_allclose(found.maps[0], maps[[6, 1, 8], ..., 4], atol=1e-4)


def test_changes_are_correlations_over_frames_and_positions(model, frames, maps):
    kept = explanation.filter_changes(
        model, model, frames=frames, layers=["backbone/bn_Conv1", LAYER]
    )
    assert kept.groupby("layer").size().to_dict() == {"backbone/bn_Conv1": 16, LAYER: 48}
    assert kept["correlation"].min() == pytest.approx(1)
    other = frame_model(seed=1)
    theirs = maps_by_keras(other, frames)
    found = explanation.filter_changes(model, other, frames=frames, layers=[LAYER])
    for number in (0, 9):
        expected = np.corrcoef(maps[..., number].ravel(), theirs[..., number].ravel())[0, 1]
        assert found["correlation"][number] == pytest.approx(expected, abs=1e-3)
    first = other.get_layer("backbone").get_layer("Conv1")
    first.set_weights([first.get_weights()[0] * (np.arange(16) != 3)])  # a constant map
    found = explanation.filter_changes(model, other, frames=frames, layers=["backbone/Conv1"])
    assert found["correlation"].isna().to_numpy().nonzero()[0].tolist() == [3]


def test_selectivity_is_the_distance_of_a_class_in_standard_deviations():
    rng = np.random.default_rng(0)
    labels = np.repeat(["jump", "run", "wave"], 400)
    responses = rng.normal(size=(1200, 2))
    responses[labels == "run", 1] += 3
    found = explanation.class_selectivity(responses, labels)
    assert found.index.tolist() == ["jump", "run", "wave"]
    assert found.loc["run"].to_numpy() == pytest.approx([0, 3], abs=0.2)
    assert found.loc["jump", 1] < 0


@pytest.mark.parametrize(
    ("shape", "filters", "message"),
    [((32, 32, 3), [0], r"Expected pictures.*\(32, 32, 3\)"), ((2, 32, 32, 3), [48], "0 to 47")],
    ids=["picture", "filter"],
)
def test_what_cannot_be_computed_is_refused(model, shape, filters, message):
    with pytest.raises(ModelError, match=message):
        explanation.strongest_frames(model, np.zeros(shape), layer=LAYER, filters=filters)


def test_labels_and_models_have_to_fit(model, frames):
    with pytest.raises(ModelError, match=r"3 frames.*1 labels"):
        explanation.class_selectivity(np.ones((3, 2)), ["a"])
    other = frame_model(backbone="mobilenetv2")
    with pytest.raises(ModelError, match="two models of one architecture"):
        explanation.filter_changes(model, other, frames=frames, layers=[LAYER])
    on_pixels = built.pixel_rnn(3, size=(8, 8), units=2)
    with pytest.raises(ModelError, match="Expected a model with convolutions"):
        explanation.depths(on_pixels)
    with pytest.raises(ModelError, match="convolution over red, green and blue"):
        explanation.first_kernels(on_pixels)
