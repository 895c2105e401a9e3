"""Pictures made for filters: they show what excites a filter that is known, and can be repeated."""

import keras
import numpy as np
import pytest

from tests import built
from vidlab.errors import ModelError
from vidlab.explanation.filters import ascent
from vidlab.explanation.filters.pictures import depths, maximise
from vidlab.explanation.filters.reading import SCORES, reader
from vidlab.models import backbones

SIDE = 32


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


@pytest.fixture(scope="module")
def model():
    return cnn()


@pytest.fixture(scope="module")
def backbone():
    return backbones.build("mobilenetv2-0.35", size=(SIDE, SIDE))


@pytest.fixture(scope="module")
def frames_model(backbone):
    return built.frame_classifier(backbone, 3, units=8)


@pytest.fixture(scope="module")
def clips_model(backbone):
    return built.convgru(backbone, 3, units=4)


@pytest.fixture(scope="module")
def known(model):
    return maximise(model, "known", filters=range(4), steps=24, size=(SIDE, SIDE))


def test_picture_of_a_colour_filter_has_its_colour(known):
    red, blue = known.images[:2].astype(float)
    assert red[..., 0].mean() > red[..., 2].mean() + 20
    assert blue[..., 2].mean() > blue[..., 0].mean() + 20


@pytest.mark.parametrize(("number", "along"), [(2, 1), (3, 0)], ids=["upright", "level"])
def test_picture_of_a_line_filter_changes_across_its_lines(known, number, along):
    grey = known.images[number].astype(float).mean(axis=-1)
    across, down = (np.abs(np.diff(grey, axis=axis)).mean() for axis in (along, 1 - along))
    assert across > 1.5 * down


def test_pictures_excite_more_than_noise_and_say_how_much(model, known):
    alone = keras.Model(model.input, model.get_layer("known").output)
    noise = np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3)).astype(np.float32)
    said = alone.predict(known.images.astype(np.float32), verbose=0).mean(axis=(1, 2))
    np.testing.assert_allclose(known.responses, np.diag(said), rtol=1e-4)
    assert (known.responses > alone.predict(noise, verbose=0).mean(axis=(0, 1, 2))).all()


def test_same_seed_gives_the_same_pictures_and_another_seed_others(model):
    made = [maximise(model, "known", filters=2, steps=3, seed=s, size=(24, 40)) for s in (0, 0, 1)]
    assert made[0].images.shape == (2, 24, 40, 3)
    assert made[0].images.dtype == np.uint8
    np.testing.assert_array_equal(made[0].images, made[1].images)
    assert (made[0].images != made[2].images).any()


def test_a_picture_does_not_depend_on_the_filters_beside_it(model):
    together = maximise(model, "known", filters=[0, 2, 3], steps=3).images[1]
    alone = maximise(model, "known", filters=[2], steps=3).images[0]
    np.testing.assert_allclose(alone.astype(int), together.astype(int), atol=1)


def test_no_step_is_begun_after_the_time_is_up(model):
    made = maximise(model, "known", filters=2, steps=50, seconds=0)
    assert made.steps == 1
    assert "stopped after 1 of 50 steps" in made.says
    assert made.images.std() > 10


def test_pictures_are_kept_and_found_again(model, tmp_path):
    made = maximise(model, "known", filters=2, steps=2, cache=tmp_path)
    again = maximise(model, "known", filters=2, steps=2, cache=tmp_path)
    assert (made.loaded, again.loaded) == (False, True)
    assert again.says.startswith("2 filters of known: loaded; 2 steps")
    for name in ("images", "filters", "responses", "steps", "seed"):
        np.testing.assert_array_equal(getattr(made, name), getattr(again, name))


def test_each_picture_is_kept_on_its_own_and_only_missing_ones_are_made(model, tmp_path):
    kept = maximise(model, "known", filters=[0, 2], steps=2, cache=tmp_path)
    told = []
    wishes = {"steps": 2, "cache": tmp_path, "tell": lambda *step: told.append(step)}
    assert maximise(model, "known", filters=[2], **wishes).loaded
    assert told == []
    more = maximise(model, "known", filters=[2, 1, 0], **wishes)
    assert told == [(1, 2), (2, 2)]
    assert (more.loaded, more.filters.tolist()) == (False, [2, 1, 0])
    np.testing.assert_array_equal(more.images[[2, 0]], kept.images)
    np.testing.assert_array_equal(more.responses[[2, 0]], kept.responses)
    alone = maximise(model, "known", filters=[1], steps=2).images[0]
    np.testing.assert_allclose(more.images[1].astype(int), alone.astype(int), atol=1)


def test_every_step_is_told_until_the_time_is_up(model):
    told = []
    wishes = {"filters": 2, "steps": 50, "tell": lambda *step: told.append(step)}
    maximise(model, "known", seconds=0, **wishes)
    assert told == [(1, 50)]


def test_a_network_is_compiled_once_for_all_batches_of_its_filters(model):
    wishes = {"steps": 10, "size": (SIDE, SIDE)}
    together = maximise(model, "known", filters=range(4), **wishes)
    (compiled,) = ascent._COMPILED.values()
    turns = [maximise(model, "known", filters=some, **wishes) for some in ([0, 1, 2], [3])]
    assert compiled.experimental_get_tracing_count() == 1
    assert list(ascent._COMPILED.values()) == [compiled]
    images = np.concatenate([one.images for one in turns])
    np.testing.assert_allclose(images.astype(int), together.images.astype(int), atol=2)


@pytest.mark.parametrize(
    "changed",
    [{"seed": 1}, {"filters": 3}, {"steps": 1}, {"size": (16, 16)}],
    ids=lambda changed: next(iter(changed)),
)
def test_other_wishes_do_not_find_kept_pictures(model, tmp_path, changed):
    wishes = {"filters": 2, "steps": 2, "size": (20, 20), "cache": tmp_path}
    maximise(model, "known", **wishes)
    assert not maximise(model, "known", **(wishes | changed)).loaded


def test_other_weights_do_not_find_kept_pictures(tmp_path):
    wishes = {"filters": 2, "steps": 1, "cache": tmp_path}
    for seed in (0, 1):
        assert not maximise(cnn(seed=seed), "second", **wishes).loaded
    assert maximise(cnn(seed=1), "second", **wishes).loaded


def test_kept_pictures_cut_short_are_made_anew_with_more_time(model, tmp_path):
    wishes = {"filters": 2, "steps": 3, "cache": tmp_path}
    assert maximise(model, "known", seconds=0, **wishes).steps == 1
    assert maximise(model, "known", seconds=0, **wishes).loaded
    longer = maximise(model, "known", seconds=60, **wishes)
    assert (longer.loaded, longer.steps) == (False, 3)


def test_a_damaged_file_of_pictures_is_replaced(model, tmp_path):
    wishes = {"filters": 2, "steps": 1, "cache": tmp_path}
    maximise(model, "known", **wishes)
    file, _ = sorted(tmp_path.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    assert not maximise(model, "known", **wishes).loaded
    assert maximise(model, "known", **wishes).loaded


def test_filters_in_clip_models_and_frame_models_are_the_same(frames_model, clips_model):
    layer = "backbone/block_2_expand_BN"
    of_frames, of_clips = (
        maximise(one, layer, filters=2, steps=2, size=(SIDE, SIDE))
        for one in (frames_model, clips_model)
    )
    np.testing.assert_allclose(
        of_clips.images.astype(int), of_frames.images.astype(int), atol=1, err_msg=layer
    )


def test_a_time_distributed_layer_is_reached():
    inner = cnn()
    inner = keras.Model(inner.input, inner.layers[-2].output, name="inner")
    clips = keras.Input((None, SIDE, SIDE, 3))
    x = keras.layers.TimeDistributed(inner, name="each")(clips)
    x = keras.layers.Dense(2, activation="softmax")(keras.layers.GRU(4)(x))
    made = maximise(keras.Model(clips, x), "each/known", filters=[0], steps=8)
    assert made.images[0, ..., 0].mean() > made.images[0, ..., 2].mean()


def test_layers_that_only_apply_an_activation_are_read_before_it(model):
    picture = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    before = reader(model, "second", size=None).read(picture)
    assert before.min() < 0
    sees = reader(model, "second_relu", before_activation=True)
    np.testing.assert_allclose(sees.read(picture), before, atol=1e-5)
    np.testing.assert_allclose(
        reader(model, "second_relu").read(picture), before.clip(min=0), atol=1e-5
    )


def test_scores_are_read_before_the_softmax(frames_model):
    pictures = np.random.default_rng(0).uniform(0, 255, (3, SIDE, SIDE, 3)).astype(np.float32)
    scores = reader(frames_model, SCORES).read(pictures)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        probabilities, frames_model.predict(pictures, verbose=0), rtol=1e-4, atol=1e-6
    )


def test_pictures_of_classes_speak_for_the_class(model):
    made = maximise(model, SCORES, filters=range(3), steps=16)
    noise = np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 3))
    assert (made.responses > reader(model, SCORES).read(noise).mean(axis=0)).all()


def test_scores_of_a_clip_model_are_refused(clips_model):
    with pytest.raises(ModelError, match="Expected a model of single frames"):
        maximise(clips_model, SCORES, steps=1)


def test_depths_run_from_the_first_to_the_last_convolution(frames_model, clips_model):
    named = ["bn_Conv1", "block_1_expand_BN", "block_16_expand_BN", "Conv_1_bn"]
    every = depths(frames_model, 99)
    assert [every[0], every[1], every[-2], every[-1]] == [f"backbone/{name}" for name in named]
    assert len(every) == 18
    assert depths(frames_model, 3) == [every[0], every[8], every[17]]
    assert depths(clips_model, 99) == every


def test_depths_of_a_plain_network_are_its_convolutions(model):
    assert depths(model) == ["known", "second"]


@pytest.mark.slow
def test_depths_of_joined_branches_are_the_joints():
    model = built.frame_classifier(backbones.build("inceptionv3", size=(75, 75)), 3)
    chosen = depths(model, 99)
    assert chosen[1:] == [f"backbone/mixed{number}" for number in range(11)]
    made = maximise(model, "backbone/mixed1", filters=1, steps=2, size=(80, 80))
    assert made.images.shape == (1, 80, 80, 3)


def test_pixel_rnns_have_no_filters():
    model = built.pixel_rnn(3, size=(8, 8), units=2)
    with pytest.raises(ModelError, match="Expected a model with convolutions"):
        depths(model)


@pytest.mark.parametrize(
    ("layer", "options", "message"),
    [
        ("nowhere", {}, "known"),
        ("known", {"filters": [4]}, r"Expected filters from 0 to 3, those of known"),
        ("known", {"filters": [0.5]}, r"Received: \[0.5\]"),
        ("known", {"steps": 0}, "Expected at least one step"),
    ],
    ids=["layer", "filter", "fraction", "steps"],
)
def test_wishes_that_cannot_be_met_are_refused(model, layer, options, message):
    with pytest.raises(ModelError, match=message):
        maximise(model, layer, **options)
