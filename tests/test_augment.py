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


def sources(variation, *points):
    """Where in the picture the points (x, y) of the result are taken from: (points, 2)."""
    return np.array([variation.matrix(HEIGHT, WIDTH) @ [x, y, 1] for x, y in points])


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


def test_everything_off_changes_nothing():
    frames = noise(2, 3, 20, 30, 3)
    assert draws(1) == [Variation()]
    np.testing.assert_array_equal(Variation()(frames), frames)


@pytest.mark.parametrize("size", [(40, 40), (30, 50)], ids=["square", "wide"])
@pytest.mark.parametrize("seed", range(5))
def test_pictures_equal_an_independent_bilinear_warp(size, seed):
    augment = Augment(rotation=40, zoom=0.3, shift=0.3, crop=0.6, brightness=0.5)
    variation = augment.draw(np.random.default_rng(seed))
    picture = noise(*size, 3, seed=seed)
    expected = np.minimum(bilinear(picture, variation.matrix(*size)) * variation.brightness, 255)
    rounded_twice = 0.5 * variation.brightness + 0.5  # after the warp, and after the brightness
    assert np.abs(variation(picture) - expected).max() <= rounded_twice + 0.02


def test_a_flip_mirrors_about_half_the_frames_exactly():
    frame, variations = noise(11, 14, 3), draws(flip=True)
    for variation in variations[:20]:
        expected = frame[:, ::-1] if variation.flipped else frame
        np.testing.assert_array_equal(variation(frame), expected)
    assert 80 <= sum(variation.flipped for variation in variations) <= 120


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
    offsets = np.array([(0, 0), (1, 0), (0, 1)])
    found = sources(Variation(angle=30, scale=0.5, right=0.1, down=-0.2), *(middle + offsets))
    np.testing.assert_allclose(found[0] - middle, (0.1 * WIDTH, -0.2 * HEIGHT))
    cosine, sine = np.cos(np.pi / 6) / 2, np.sin(np.pi / 6) / 2
    np.testing.assert_allclose(found[1:] - found[0], [(cosine, sine), (-sine, cosine)])


def test_a_crop_enlarges_a_part_that_lies_anywhere_inside_the_picture():
    corners = (-0.5, -0.5), (WIDTH - 0.5, HEIGHT - 0.5)  # the outer edges of the pixels
    parts = np.array([sources(one, *corners) + 0.5 for one in draws(crop=0.5)])
    kept = (parts[:, 1] - parts[:, 0]) / (WIDTH, HEIGHT)
    np.testing.assert_allclose(kept[:, 0], kept[:, 1])
    assert 0.5 <= kept.min() < 0.52
    assert 0.98 < kept.max() <= 1
    assert (parts > -1e-9).all()
    assert (parts < np.array([WIDTH, HEIGHT]) + 1e-9).all()
    left_over = parts[:, 0] / ((1 - kept) * (WIDTH, HEIGHT))  # 0: at the left, 1: at the right
    assert (left_over.min(axis=0) < 0.05).all()
    assert (left_over.max(axis=0) > 0.95).all()


def test_pixels_from_beyond_the_border_mirror_the_picture():
    row = np.repeat(np.arange(8, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert Variation(right=0.5)(row)[0, :, 0].tolist() == [4, 5, 6, 7, 7, 6, 5, 4]
    assert Variation(right=-0.25)(row)[0, :, 0].tolist() == [1, 0, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("axes", [(), (4,), (2, 3), (0,)], ids=["one", "clip", "batch", "none"])
def test_all_frames_are_varied_as_each_by_itself(axes):
    frames = noise(*axes, 20, 30, 3)
    untouched = frames.copy()
    variation = draws(1, flip=True, rotation=20, crop=0.7, brightness=0.2)[0]
    varied = variation(frames)
    assert (varied.shape, varied.dtype) == (frames.shape, np.uint8)
    for place in np.ndindex(axes):
        np.testing.assert_array_equal(varied[place], variation(frames[place]))
    np.testing.assert_array_equal(frames, untouched)


def test_frames_that_cannot_be_written_or_lie_apart_are_taken():
    frames = noise(2, 20, 30, 3)
    apart = np.repeat(frames, 2, axis=2)[:, :, ::2]
    frames.flags.writeable = False
    np.testing.assert_array_equal(Variation(angle=9)(frames), Variation(angle=9)(apart))


def test_one_draw_shows_the_same_part_at_every_size():
    variation = draws(1, rotation=30, zoom=0.2, shift=0.2, crop=0.5)[0]
    small, large = variation.matrix(40, 60), variation.matrix(80, 120)
    for x, y in np.random.default_rng(0).uniform(0, 1, (20, 2)):  # shares of width and height
        in_small = small @ [60 * x - 0.5, 40 * y - 0.5, 1] + 0.5
        in_large = large @ [120 * x - 0.5, 80 * y - 0.5, 1] + 0.5
        np.testing.assert_allclose(in_large, 2 * in_small)


def test_the_generator_alone_decides_and_goes_on():
    augment = Augment(crop=0.7)
    first, again = np.random.default_rng(2), np.random.default_rng(2)
    series = [augment.draw(first) for _ in range(5)]
    np.random.seed(0)  # must not matter
    assert series == [augment.draw(again) for _ in range(5)]
    assert len(set(series)) == 5
    assert augment.draw(np.random.default_rng(3)) not in series


def test_an_option_leaves_the_draws_of_the_others_alone():
    usual = Augment().draw(np.random.default_rng(0))
    other = Augment(rotation=40, flip=False).draw(np.random.default_rng(0))
    assert other.angle == pytest.approx(4 * usual.angle)
    assert {**asdict(other), "angle": 0, "flipped": 0} == {
        **asdict(usual),
        "angle": 0,
        "flipped": 0,
    }


@pytest.mark.parametrize(
    ("option", "value"),
    [("rotation", -1), ("zoom", 1.5), ("shift", 2), ("brightness", -0.1), ("crop", 0), ("crop", 2)],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ModelError, match=rf"Expected {option}.*Received: {value}.*switches it off"):
        Augment(**{option: value})


@pytest.mark.parametrize(
    ("frames", "received"),
    [
        (np.zeros((20, 30), np.uint8), r"shape \(20, 30\), uint8"),
        (np.zeros((20, 30, 2), np.uint8), r"shape \(20, 30, 2\), uint8"),
        (np.zeros((20, 30, 3)), r"shape \(20, 30, 3\), float64"),
    ],
    ids=["no channels", "two channels", "float"],
)
def test_what_is_no_frame_is_refused(frames, received):
    with pytest.raises(ModelError, match=rf"Received: {received}\. Vary frames as they are read"):
        Variation()(frames)
