"""Augmentation: each option does what it says; a draw is the same for all frames it is given."""

from dataclasses import asdict

import numpy as np
import pytest

from vidlab.data.augment import Augment, Variation
from vidlab.errors import ModelError

OFF = {"flip": False, "rotation": 0, "zoom": 0, "shift": 0, "crop": 1, "brightness": 0}
HEIGHT, WIDTH = 60, 80


def draws(number=200, **options):
    """Draw variations with nothing but the options on."""
    augment, rng = Augment(**{**OFF, **options}), np.random.default_rng(1)
    return [augment.draw(rng) for _ in range(number)]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def bilinear(picture, matrix):
    """Warp without OpenCV: float64; beyond its border the picture is mirrored, border included."""
    height, width = picture.shape[:2]
    mirrored = np.pad(picture.astype(float), ((height,) * 2, (width,) * 2, (0, 0)), "symmetric")
    rows, columns = np.mgrid[:height, :width]
    x, y = np.tensordot(matrix, np.stack([columns, rows, np.ones_like(rows)]), axes=1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    return sum(
        (1 - np.abs(x - column))[..., None]
        * (1 - np.abs(y - row))[..., None]
        * mirrored[row + height, column + width]
        for row in (top, top + 1)
        for column in (left, left + 1)
    )


@pytest.mark.parametrize("size", [(40, 40), (30, 50)], ids=["square", "wide"])
@pytest.mark.parametrize("seed", range(3))
def test_pictures_equal_an_independent_bilinear_warp(size, seed):
    augment = Augment(rotation=40, zoom=0.3, shift=0.3, crop=0.6, brightness=0.5)
    variation = augment.draw(np.random.default_rng(seed))
    picture = noise(*size, 3, seed=seed)
    expected = np.minimum(bilinear(picture, variation.matrix(*size)) * variation.brightness, 255)
    rounded_twice = 0.5 * variation.brightness + 0.5  # after the warp, and after the brightness
    assert np.abs(variation(picture) - expected).max() <= rounded_twice + 0.02


def test_a_flip_mirrors_about_half_the_frames_exactly_and_off_changes_nothing():
    frame, variations = noise(11, 14, 3), draws(flip=True)
    for variation in variations[:20]:
        expected = frame[:, ::-1] if variation.flipped else frame
        np.testing.assert_array_equal(variation(frame), expected)
    assert 80 <= sum(variation.flipped for variation in variations) <= 120
    assert draws(1) == [Variation()]


@pytest.mark.parametrize(
    ("option", "value", "attributes", "middle"),
    [
        ("shift", 0.1, ("right", "down"), 0),
        ("zoom", 0.2, ("scale",), 1),
        ("rotation", 20, ("angle",), 0),
        ("brightness", 0.3, ("brightness",), 1),
    ],
)
def test_draws_reach_their_limits_and_no_further(option, value, attributes, middle):
    drawn = draws(**{option: value})
    for attribute in attributes:
        found = [(getattr(one, attribute) - middle) / value for one in drawn]
        assert -1 <= min(found) < -0.9 < 0.9 < max(found) <= 1
    others = {**asdict(Variation()), **dict.fromkeys(attributes)}
    assert {**asdict(drawn[0]), **dict.fromkeys(attributes)} == others


def test_the_map_turns_scales_and_moves_about_the_centre():
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    matrix = Variation(angle=30, scale=0.5, right=0.1, down=-0.2).matrix(HEIGHT, WIDTH)
    np.testing.assert_allclose(matrix @ [*middle, 1] - middle, (0.1 * WIDTH, -0.2 * HEIGHT))
    cosine, sine = np.cos(np.pi / 6) / 2, np.sin(np.pi / 6) / 2
    np.testing.assert_allclose(matrix[:, :2].T, [(cosine, sine), (-sine, cosine)])


def test_a_crop_enlarges_a_part_that_lies_anywhere_inside_the_picture():
    corners = np.array([(-0.5, -0.5, 1), (WIDTH - 0.5, HEIGHT - 0.5, 1)])  # the pixels' outer edges
    parts = np.array([corners @ one.matrix(HEIGHT, WIDTH).T + 0.5 for one in draws(crop=0.5)])
    kept = (parts[:, 1] - parts[:, 0]) / (WIDTH, HEIGHT)
    np.testing.assert_allclose(kept[:, 0], kept[:, 1])
    assert 0.5 <= kept.min() < 0.52 < 0.98 < kept.max() <= 1
    assert (parts > -1e-9).all()
    assert (parts < np.array([WIDTH, HEIGHT]) + 1e-9).all()
    left_over = parts[:, 0] / ((1 - kept) * (WIDTH, HEIGHT))  # 0: at the left, 1: at the right
    assert (left_over.min(axis=0) < 0.05).all()
    assert (left_over.max(axis=0) > 0.95).all()


@pytest.mark.parametrize("axes", [(), (4,), (2, 3), (0,)], ids=["one", "clip", "batch", "none"])
def test_all_frames_are_varied_as_each_by_itself_wherever_they_lie(axes):
    frames = noise(*axes, 20, 30, 3)
    frames.flags.writeable = False
    variation = draws(1, flip=True, rotation=20, crop=0.7, brightness=0.2)[0]
    varied = variation(frames)
    assert (varied.shape, varied.dtype) == (frames.shape, np.uint8)
    for position in np.ndindex(axes):
        np.testing.assert_array_equal(varied[position], variation(frames[position]))
    apart = np.repeat(frames, 2, axis=-2)[..., ::2, :]
    np.testing.assert_array_equal(variation(apart), varied)


def test_one_draw_shows_the_same_part_at_every_size():
    variation = draws(1, rotation=30, zoom=0.2, shift=0.2, crop=0.5)[0]
    small, large = variation.matrix(40, 60), variation.matrix(80, 120)
    for x, y in np.random.default_rng(0).uniform(0, 1, (20, 2)):  # shares of width and height
        in_small = small @ [60 * x - 0.5, 40 * y - 0.5, 1] + 0.5
        in_large = large @ [120 * x - 0.5, 80 * y - 0.5, 1] + 0.5
        np.testing.assert_allclose(in_large, 2 * in_small)


def test_the_generator_alone_decides_and_options_leave_each_other_s_draws_alone():
    first, again = np.random.default_rng(2), np.random.default_rng(2)
    series = [Augment(crop=0.7).draw(first) for _ in range(5)]
    others = [Augment(crop=0.7, rotation=40, flip=False).draw(again) for _ in range(5)]
    assert len(set(series)) == 5
    for one, other in zip(series, others, strict=True):
        assert other.angle == pytest.approx(4 * one.angle)
        same = {"angle": 0, "flipped": False}
        assert asdict(one) | same == asdict(other) | same


@pytest.mark.parametrize(
    ("option", "value"),
    [("rotation", -1), ("zoom", 1.5), ("shift", 2), ("brightness", -0.1), ("crop", 0), ("crop", 2)],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ModelError, match=rf"Expected {option}.*Received: {value}.*switches it off"):
        Augment(**{option: value})


@pytest.mark.parametrize(
    ("shape", "dtype"), [((20, 30), "uint8"), ((20, 30, 2), "uint8"), ((20, 30, 3), "float64")]
)
def test_what_is_no_frame_is_refused(shape, dtype):
    with pytest.raises(ModelError, match=r"Received: shape \(20.*Vary frames as they are read"):
        Variation()(np.zeros(shape, dtype))
