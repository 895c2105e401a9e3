"""Optical flow: known motions, what is kept of it, and what a model reads."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.benchmarks import flow as known
from vidlab.cli import app
from vidlab.data import flow, video
from vidlab.data.augment import Variation
from vidlab.data.dataset import Clips
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import AllFrames, Uniform
from vidlab.data.store import FlowCache
from vidlab.data.streams import Flow
from vidlab.errors import DatasetError, SamplingError

WIDTH, HEIGHT = known.SIDES.tolist()


@pytest.fixture(scope="module")
def texture():
    return known.texture()


STILL = np.eye(2, 3)


@pytest.mark.parametrize("matrix", known.MOTIONS.values(), ids=known.MOTIONS)
@pytest.mark.parametrize("method", flow.METHODS)
def test_flow_is_where_the_points_of_the_first_picture_go(texture, method, matrix):
    found = flow.dense_flow(known.seen(texture, STILL), known.seen(texture, matrix), method=method)
    errors = np.hypot(*np.moveaxis(found - known.true_flow(matrix), -1, 0))[12:-12, 12:-12]
    assert found.dtype == np.float32
    assert np.median(errors) < (1.0 if method == "farneback" else 0.5)


def test_a_method_or_pictures_that_give_no_flow_are_refused(texture):
    with pytest.raises(DatasetError, match=r"dis-ultrafast, dis-fast.*Received: 'tvl1'"):
        flow.dense_flow(texture, texture, method="tvl1")
    with pytest.raises(DatasetError, match=r"Received: \(8, 8\) and \(8, 8\)"):
        flow.dense_flow(texture[:8, :8], texture[:8, :8])


def test_what_is_kept_is_off_by_half_a_step_at_most_and_ends_at_the_bound():
    shares = np.linspace(-flow.BOUND, flow.BOUND, 1001)
    assert np.abs(flow.decode(flow.encode(shares)) - shares).max() <= flow.BOUND / 127 / 2 + 1e-8
    assert flow.encode(np.array([0, 1, -1])).tolist() == [128, 255, 1]


def test_a_point_is_followed_through_the_fields():
    """All moves one pixel right in the first field; what is read of the second lies there."""
    first = np.zeros((4, 8, 2), np.float32)
    first[..., 0] = 1 / 8
    second = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None] / 80, (4, 8, 2))
    followed = flow.trajectories(np.stack([first, second, second]))
    np.testing.assert_array_equal(followed[0], first)
    step = 1 / 32 / 80  # OpenCV interpolates at 32 places between two points
    np.testing.assert_allclose(followed[1][:, :7], second[:, 1:], atol=step)
    # From there it moves on by x / 80 of the width: from column 1 + x to 1 + x + (1 + x) / 10.
    expected = (1 + np.arange(6)) * 1.1 / 80
    np.testing.assert_allclose(followed[2][0, :6, 0], expected, atol=step)


def test_the_mean_of_each_component_is_subtracted():
    shares = np.random.default_rng(0).normal(size=(2, 4, 8, 2)).astype(np.float32)
    left = flow.subtract_mean(shares + np.float32([0.5, -2]))
    np.testing.assert_allclose(left.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(left, flow.subtract_mean(shares), atol=1e-6)


def test_colours_tell_directions_apart_and_white_is_rest():
    directions = np.array([[[0, 0], [1, 0], [-1, 0], [0.5, 0]]])
    drawn = flow.colours(directions)
    assert drawn[0].tolist() == [[255] * 3, [255, 0, 0], [0, 255, 255], [255, 128, 128]]
    assert flow.colours(directions, largest=2.0)[0, 1].tolist() == [255, 128, 128]


def test_what_a_stream_reads_is_drawn_as_the_mean_of_its_pairs_in_pixels():
    """As far to the right as down, in shares of a wide picture, is mostly to the right."""
    shares = np.full((1, 6, 8, 4), 0.02)
    shares[..., :2] += 0.01
    shares[..., 2:] -= 0.01
    drawn = flow.pictures_of(flow.encode(shares), size=(12, 48))
    assert drawn.shape == (1, 12, 48, 3)
    expected = flow.colours(np.array([[[4.0, 1.0]]]))
    assert np.abs(drawn.astype(int) - expected).max() <= 2


# ---- streams

SIZE = (48, 64)


@pytest.fixture(scope="module")
def moving(texture, tmp_path_factory):
    """Write a video of twelve frames in which pair i moves i - 5 pixels to the right."""
    path = tmp_path_factory.mktemp("flow") / "Moves" / "v_Moves_g01_c01.avi"
    path.parent.mkdir()
    at = np.concatenate([[0], np.cumsum(np.arange(11) - 5)])
    frames = [known.seen(texture, np.array([[1.0, 0, x], [0, 1, 0]])) for x in at]
    video.write(path, [cv2.cvtColor(frame, cv2.COLOR_GRAY2RGB) for frame in frames])
    return SimpleNamespace(path=path, frames=12, video_id="v_Moves_g01_c01")


def horizontal(stream, record, indices, **kept):
    """Read a stream and return the motion to the right in pixels of the video, (time, pairs)."""
    read = stream.read(stream.opened(record, **kept), np.asarray(indices))
    assert read.dtype == np.uint8
    assert read.shape == (len(indices), *stream.frame_shape)
    inside = flow.decode(read)[:, 8:-8, 12:-12, 0::2]
    return np.median(inside, axis=(1, 2)) * WIDTH


def test_a_frame_stands_in_the_middle_of_its_pairs_which_stay_within_the_video(moving):
    stream = Flow(Uniform(4), SIZE, stack=5)
    found = horizontal(stream, moving, [0, 6, 11])
    expected = [[-5, -4, -3, -2, -1], [-1, 0, 1, 2, 3], [1, 2, 3, 4, 5]]
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_the_flow_of_a_video_played_in_reverse_is_computed_anew(moving, tmp_path):
    """It equals the flow of a file that holds the frames in reverse."""
    stream = Flow(Uniform(4), SIZE, stack=5, method="dis-medium").reordered("reversed")
    path = tmp_path / "v_Moves_g01_c01.avi"
    frames = video.read_frames(moving.path, range(12))
    video.write(path, frames[::-1])
    file = SimpleNamespace(path=path, frames=12, video_id="reversed")
    indices = stream.at_test.indices(12)
    assert (np.diff(indices) < 0).all()
    found = stream.read(stream.opened(moving), indices)
    plain = replace(stream, order="normal")
    expected = plain.read(plain.opened(file), 11 - indices)
    # The file was compressed once more.
    assert np.abs(found.astype(int) - expected).mean() < 1.5
    np.testing.assert_allclose(horizontal(stream, moving, [6])[0], [-2, -1, 0, 1, 2], atol=0.2)


def test_bidirectional_flow_goes_on_from_a_frame_and_back_from_it(moving):
    stream = Flow(Uniform(4), SIZE, stack=4, variant="bidirectional")
    onwards, back = [1, 2], [0, 1]  # pairs 6 and 7; pairs 5 and 4 the other way
    np.testing.assert_allclose(horizontal(stream, moving, [6])[0], onwards + back, atol=0.2)
    mirrored = horizontal(stream.reordered("reversed"), moving, [6])[0]
    np.testing.assert_allclose(mirrored, back + onwards, atol=0.2)
    with pytest.raises(SamplingError, match=r"even stack\. Received: stack=5"):
        replace(stream, stack=5)


def test_a_still_does_not_move_and_a_mean_can_be_subtracted(moving):
    stream = Flow(Uniform(4), SIZE, stack=3)
    still = stream.reordered("frozen")
    assert (still.read(still.opened(moving), np.array([5, 5])) == flow.REST).all()
    single = SimpleNamespace(path=moving.path, frames=1)
    assert (stream.read(stream.opened(single), np.array([0])) == flow.REST).all()
    np.testing.assert_allclose(
        horizontal(replace(stream, subtract_mean=True), moving, [11]), 0, atol=0.3
    )


def test_flow_is_computed_once_for_all_videos(moving, tmp_path, monkeypatch):
    index = VideoIndex.from_folder(moving.path.parents[1])
    stream = Flow(AllFrames(), SIZE, stack=2)
    once = Clips(index, {"flow": stream}, batch_size=12, flow=tmp_path)[0][0]["flow"]
    assert len(list(tmp_path.glob("flow-48x64-dis-fast/*.npy"))) == 1
    monkeypatch.setattr(flow, "dense_flow", None)  # what is kept is read
    again = Clips(index, {"flow": stream}, batch_size=12, flow=tmp_path)[0][0]["flow"]
    np.testing.assert_array_equal(once, again)
    monkeypatch.undo()
    anew = Clips(index, {"flow": stream}, batch_size=12)[0][0]["flow"]
    np.testing.assert_array_equal(once, anew)
    back = FlowCache(tmp_path, size=SIZE, backward=True)
    back.fill([moving])
    assert back.file(moving).is_file()


def test_a_flip_mirrors_the_field_and_negates_its_horizontal_component():
    stream = Flow(Uniform(1), (4, 6), stack=2)
    values = np.random.default_rng(0).integers(1, 256, (1, 4, 6, 4)).astype(np.uint8)
    flipped = stream.vary(values, Variation(flipped=True, brightness=0.3)).astype(int)
    mirrored = values[:, :, ::-1].astype(int)
    np.testing.assert_array_equal(flipped[..., 1::2], mirrored[..., 1::2])
    np.testing.assert_array_equal(flipped[..., 0::2] - 128, 128 - mirrored[..., 0::2])


def test_vectors_turn_and_shrink_with_the_picture(texture):
    """Flow that is varied is the flow between varied pictures."""
    pictures = [known.seen(texture, STILL), known.seen(texture, np.array([[1, 0, 3.0], [0, 1, 1]]))]
    variation = Variation(angle=20.0, scale=0.8)
    varied = [variation(cv2.cvtColor(one, cv2.COLOR_GRAY2RGB)) for one in pictures]
    shares = [
        flow.dense_flow(*pair, method="dis-medium") / (WIDTH, HEIGHT) for pair in (pictures, varied)
    ]
    stream = Flow(Uniform(1), (HEIGHT, WIDTH), stack=1)
    moved = flow.decode(stream.vary(flow.encode(shares[0])[None], variation))[0]
    inside = np.s_[24:-24, 32:-32]
    step = flow.BOUND / 127
    assert np.median(np.abs(moved - shares[1])[inside]) < 2 * step
    assert np.abs(moved[inside].mean((0, 1)) - shares[1][inside].mean((0, 1))).max() < step


def test_its_options_are_part_of_what_decides_a_result():
    stream = Flow(Uniform(4), 32, stack=3, variant="trajectory", subtract_mean=True)
    assert stream.as_dict() == {
        "stream": "Flow",
        "clip": False,
        "sampling": "Uniform(count=4)",
        "test": None,
        "size": [32, 32],
        "stack": 3,
        "variant": "trajectory",
        "subtract_mean": True,
        "method": "dis-fast",
    }
    assert stream.kind == "Flow 32×32×6 (dis-fast, trajectory, mean subtracted)"
    assert stream.changed(stack=5).frame_shape == (32, 32, 10)
    with pytest.raises(SamplingError, match="Received: stacks"):
        stream.changed(stacks=5)


# ---- pictures


def test_the_wheel_has_the_colour_of_each_direction_at_its_rim():
    drawn = flow.wheel(65)
    middle = 32
    for at, direction in (((middle, 64), [1, 0]), ((64, middle), [0, 1]), ((middle, 0), [-1, 0])):
        np.testing.assert_array_equal(drawn[at], flow.colours(np.array([[direction]]))[0, 0])
    assert (drawn[0, 0] == 255).all()


def test_the_command_writes_a_video_beside_its_flow(moving, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vidlab.cli.flow._MOST_BYTES", 4 * 3 * HEIGHT * WIDTH)  # four frames
    shown = CliRunner().invoke(app, ["flow", str(moving.path), "--largest", "5"])
    assert shown.exit_code == 0, shown.output
    assert "v_Moves_g01_c01-flow.avi (11 frames" in shown.output
    frames = video.read_frames("v_Moves_g01_c01-flow.avi", range(11))
    assert frames.shape == (11, HEIGHT, 2 * WIDTH, 3)
    drawn = frames[:, 20:-24, WIDTH + 16 : -24].astype(int).mean(axis=(1, 2))
    assert drawn[0, 0] < drawn[0, 2] - 60  # left: cyan
    assert drawn[10, 0] > drawn[10, 2] + 60  # right: red
    assert drawn[5].min() > 225  # no motion: white
    shown = CliRunner().invoke(app, ["flow", str(moving.path), "--method", "tvl1"])
    assert "Expected a method out of dis-ultrafast" in " ".join(shown.output.split())
    video.write("still.avi", np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    shown = CliRunner().invoke(app, ["flow", "still.avi"])
    assert "at least two frames. Received: still.avi" in " ".join(shown.output.split())
