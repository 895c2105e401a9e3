"""Augmentation: each option does what it says, alike for all frames of a clip."""

import keras
import numpy as np
import pytest

from vidlab.augment import Augment
from vidlab.errors import ModelError

OFF = {"flip": False, "rotation": 0, "zoom": 0, "shift": 0, "crop": 1, "brightness": 0}


def only(**options):
    return Augment(**{**OFF, **options}, seed=1)


def varied(layer, images):
    return keras.ops.convert_to_numpy(layer(images, training=True))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def ramps(number, *, height=60, width=80):
    """Draw pictures whose first channel is the column and second the row of each pixel."""
    picture = np.zeros((height, width, 3), np.float32)
    picture[..., 0] = np.arange(width)
    picture[..., 1] = np.arange(height)[:, None]
    return np.repeat(picture[None], number, axis=0)


def middle(pictures, *, margin=20):
    """Cut the border away, where pixels come from beyond the picture."""
    return pictures[..., margin:-margin, margin:-margin, :]


@pytest.mark.parametrize("shape", [(3, 20, 30, 3), (2, 4, 20, 30, 3)], ids=["frames", "clips"])
def test_pictures_pass_unchanged_when_not_training(shape):
    images = noise(*shape)
    result = Augment(crop=0.5, seed=0)(images, training=False)
    assert result.dtype == "float32"
    np.testing.assert_array_equal(result, images)


def test_everything_off_changes_nothing_while_training():
    images = noise(4, 20, 30, 3)
    np.testing.assert_array_equal(varied(only(), images), images)


def test_flip_mirrors_about_half_the_pictures_exactly():
    images = noise(64, 11, 14, 3)
    result = varied(only(flip=True), images)
    same = (result == images).all(axis=(1, 2, 3))
    mirrored = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 16 <= mirrored.sum() <= 48


def test_shift_moves_whole_pictures_by_at_most_the_share():
    width, height = 80, 60
    result = middle(varied(only(shift=0.1), ramps(40)))
    moves = result - middle(ramps(40))
    columns, rows = moves[..., 0], moves[..., 1]
    for move, extent in ((columns, width), (rows, height)):
        per_picture = move.mean(axis=(1, 2))
        np.testing.assert_allclose(move, per_picture[:, None, None] + 0 * move, atol=1e-3)
        assert np.abs(per_picture).max() <= 0.1 * extent + 1e-3
        assert per_picture.min() < -0.05 * extent
        assert per_picture.max() > 0.05 * extent


def test_zoom_scales_about_the_centre_within_its_range():
    result = middle(varied(only(zoom=0.2), ramps(40)))
    scale_x = np.diff(result[..., 0], axis=2).mean(axis=(1, 2))
    scale_y = np.diff(result[..., 1], axis=1).mean(axis=(1, 2))
    np.testing.assert_allclose(scale_x, scale_y, atol=1e-3)
    assert scale_x.min() >= 0.8 - 1e-3
    assert scale_x.max() <= 1.2 + 1e-3
    assert np.ptp(scale_x) > 0.2
    np.testing.assert_allclose(result[..., 0].mean(axis=(1, 2)), (80 - 1) / 2, atol=1e-2)


def test_rotation_turns_by_at_most_the_angle():
    result = middle(varied(only(rotation=20), ramps(40)))
    across = np.diff(result, axis=2).mean(axis=(1, 2))
    angles = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    np.testing.assert_allclose(np.hypot(across[:, 0], across[:, 1]), 1, atol=1e-3)
    assert np.abs(angles).max() <= 20 + 0.1
    assert angles.min() < -10
    assert angles.max() > 10


def test_crop_enlarges_a_part_that_lies_inside_the_picture():
    result = varied(only(crop=0.5), ramps(60))
    kept = np.diff(result[..., 0], axis=2).mean(axis=(1, 2))
    assert kept.min() >= 0.5 - 1e-2
    assert kept.max() <= 1 + 1e-3
    left, right = result[:, :, 0, 0].mean(axis=1), result[:, :, -1, 0].mean(axis=1)
    np.testing.assert_allclose(right - left, kept * 79, atol=0.5)
    offset = (left + right) / 2 - 79 / 2
    assert (np.abs(offset) <= (1 - kept) / 2 * 80 + 1e-2).all()
    assert np.abs(offset).max() > 5


def test_brightness_multiplies_and_stays_within_0_to_255():
    images = np.full((50, 4, 4, 3), 100, np.uint8)
    result = varied(only(brightness=0.3), images)
    assert result.min() >= 70 - 1e-3
    assert result.max() <= 130 + 1e-3
    assert np.ptp(result[:, 0, 0, 0]) > 30
    assert np.ptp(result, axis=(1, 2, 3)).max() == 0
    bright = varied(only(brightness=1.0), np.full((50, 4, 4, 3), 250, np.uint8))
    assert bright.min() >= 0
    assert bright.max() == 255


def test_pixels_from_beyond_the_border_mirror_the_picture():
    result = varied(only(shift=0.5, flip=False), ramps(20))
    assert result[..., 0].max() <= 79
    assert (np.abs(np.diff(result[..., 0], axis=2)) < 1.01).all()  # no jump at the border


def test_all_frames_of_a_clip_share_one_draw_and_clips_differ():
    frame = noise(20, 30, 3)
    clips = np.broadcast_to(frame, (3, 5, 20, 30, 3))
    result = varied(Augment(crop=0.7, seed=4), clips)
    np.testing.assert_array_equal(result, np.broadcast_to(result[:, :1], result.shape))
    assert np.abs(result[0, 0] - result[1, 0]).max() > 10


def test_a_clip_is_varied_as_a_single_frame_with_the_same_draw():
    frames = noise(3, 20, 30, 3)
    alone = varied(Augment(seed=4), frames)
    clips = varied(Augment(seed=4), np.repeat(frames[:, None], 2, axis=1))
    np.testing.assert_allclose(clips[:, 1], alone, atol=1e-3)


def test_the_seed_repeats_the_draws_and_another_gives_others():
    images = noise(4, 20, 30, 3)
    np.testing.assert_array_equal(varied(Augment(seed=2), images), varied(Augment(seed=2), images))
    assert np.abs(varied(Augment(seed=2), images) - varied(Augment(seed=3), images)).max() > 10


def test_two_calls_draw_anew():
    layer, images = Augment(seed=2), noise(4, 20, 30, 3)
    assert np.abs(varied(layer, images) - varied(layer, images)).max() > 10


def test_a_model_with_it_survives_saving(tmp_path):
    frames = keras.Input((20, 30, 3))
    model = keras.Model(frames, Augment(rotation=5, crop=0.8, seed=3)(frames))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
    images = noise(2, 20, 30, 3)
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), images)


def test_it_has_no_weights_and_trains_on_clips_of_any_number(tmp_path):
    clips = keras.Input((None, 20, 30, 3))
    layer = Augment(seed=0)
    pooled = keras.layers.GlobalAveragePooling3D()(layer(clips))
    model = keras.Model(clips, keras.layers.Dense(2, activation="softmax")(pooled))
    assert layer.count_params() == 0
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(noise(4, 3, 20, 30, 3), np.array([0, 1, 0, 1]), batch_size=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize(
    ("option", "value"),
    [("rotation", -1), ("zoom", 1.5), ("shift", 2), ("brightness", -0.1), ("crop", 0), ("crop", 2)],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ModelError, match=rf"Expected {option}.*Received: {value}.*switches it off"):
        Augment(**{option: value})


def test_a_single_picture_without_batch_axis_is_refused():
    with pytest.raises(ModelError, match=r"Received: shape \(20, 30, 3\)\. Add the missing axis"):
        Augment()(noise(20, 30, 3))
