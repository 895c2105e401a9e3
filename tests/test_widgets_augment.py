"""The augmentation explorer without a browser: it shows what is drawn, and nothing else."""

import subprocess
import sys
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.widgets import AugmentExplorer

OFF = {"flip": False, "rotation": 0, "zoom": 0, "shift": 0, "crop": 1, "brightness": 0}


@pytest.fixture
def clip(numbered_video):
    return numbered_video(frames=30)


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=1))


def unpacked(pictures):
    """Frames as the page shows them: float, (frames, height, width, 3)."""
    decoded = [cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in pictures]
    return np.stack([cv2.cvtColor(one, cv2.COLOR_BGR2RGB) for one in decoded]).astype(float)


def assert_alike(pictures, frames):
    """JPEG changes a picture a little; another draw changes it by ten times as much."""
    assert len(pictures) == len(frames)
    assert np.abs(unpacked(pictures) - frames).mean() < 4


def test_all_frames_of_a_clip_get_one_draw_and_the_draws_follow_each_other(clip):
    explored = AugmentExplorer(clip, seed=5, options={"rotation": 30})
    explored.receive({"kind": "vary", "draw": 2})
    frames = video.read_frames(clip, Uniform(16).indices(30))
    rng = np.random.default_rng(5)
    expected = np.stack([Augment(rotation=30).draw(rng)(frames) for _ in range(6)]).astype(float)
    assert_alike(explored.answer["frames"], expected[2])
    assert_alike(explored.answer["stills"], expected[:, 8])
    assert explored.answer["numbers"] == [Uniform(16).indices(30)[8]] * 6
    assert np.abs(expected[2] - expected[1]).mean() > 20  # so the comparison above means something


def test_each_frame_gets_a_draw_of_its_own_where_that_is_asked_for(clip):
    explored = AugmentExplorer(clip, seed=5)
    explored.receive({"kind": "vary", "each": "frame"})
    frames = video.read_frames(clip, Uniform(16).indices(30))
    rng = np.random.default_rng(5)
    expected = np.stack([Augment().draw(rng)(frame) for frame in frames])
    assert_alike(explored.answer["frames"], expected)
    assert_alike(explored.answer["stills"], expected[:6])
    assert explored.answer["numbers"] == Uniform(16).indices(30)[:6].tolist()


def test_frames_of_a_clip_stay_alike_and_single_frames_do_not(clip):
    """The red corner of the numbered frames lies at one place in a clip, and jumps by itself."""
    explored = AugmentExplorer(clip, options={**OFF, "shift": 0.3}, seed=1)

    def places():
        red = [frame[..., 0] - frame[..., 1] > 90 for frame in unpacked(explored.answer["frames"])]
        return np.array([np.argwhere(one).mean(axis=0) for one in red if one.any()])

    explored.vary()
    assert np.ptp(places(), axis=0).max() < 2
    explored.vary(each="frame")
    assert np.ptp(places(), axis=0).max() > 8


def test_with_everything_off_the_clip_stays_as_it_is(clip):
    explored = AugmentExplorer(clip, options=OFF)
    assert_alike(explored.answer["frames"], unpacked(explored.film["frames"]))
    assert explored.answer["words"] == "Nothing is switched on: the clip stays as it is."


def test_the_usual_options_are_those_of_training(clip):
    explored = AugmentExplorer(clip)
    assert explored.answer["options"] == explored.answer["usual"] == asdict(Augment())
    assert explored.answer["code"] == "Augment()"


def test_what_is_switched_on_is_said_in_words_and_as_code(clip):
    explored = AugmentExplorer(clip, options=OFF)
    explored.vary(options={"rotation": 20, "crop": 0.8})
    assert explored.answer["words"] == (
        "Switched on: turned by up to 20° to either side, cut to a part of at least 80% of the "
        "height and width."
    )
    explored.vary(options={"flip": True, "zoom": 0.25, "shift": 0.1, "brightness": 0.5})
    for part in ("mirrored", "scaled by up to 25%", "moved by up to 10%", "up to 50% brighter"):
        assert part in explored.answer["words"]
    explored = AugmentExplorer(clip, options={"rotation": 20})
    assert explored.answer["code"] == "Augment(rotation=20)"


def test_a_seed_repeats_its_draws_and_another_has_others(clip):
    explored = AugmentExplorer(clip)
    shown = []
    for seed in (0, 1, 0):
        explored.receive({"kind": "vary", "seed": seed})
        shown.append(explored.answer["stills"])
    assert shown[0] == shown[2] != shown[1]
    assert len({bytes(one) for one in shown[0]}) == 6


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"options": {"zoom": 3}}, "Expected zoom between 0 and 0.99. Received: 3."),
        ({"options": {"crop": 0}}, "Expected crop above 0"),
        ({"options": {"colour": 1}}, "Expected options of Augment: flip, rotation"),
        ({"each": "second"}, "clip or frame"),
    ],
    ids=["out of range", "no crop", "unknown option", "unknown draws"],
)
def test_what_does_not_fit_is_told_and_what_was_shown_stays(clip, message, told):
    explored = AugmentExplorer(clip)
    explored.vary(options={"rotation": 20})
    answer, answered = explored.answer, explored.answered
    explored.receive({"kind": "vary", **message})
    assert explored.status["problem"]
    assert told in explored.status["text"]
    assert (explored.answer, explored.answered) == (answer, answered + 1)
    explored.receive({"kind": "vary", "seed": 1})
    assert not explored.status["problem"]
    assert explored.answer["options"]["rotation"] == 20


def test_frames_are_shrunk_to_the_size_and_keep_their_shape(numbered_video):
    path = numbered_video(frames=8, size=(120, 90))
    explored = AugmentExplorer(path, size=(60, 60), sampling=Uniform(4))
    assert explored.film["size"] == [60, 45]
    assert unpacked(explored.answer["frames"]).shape == (4, 60, 45, 3)


def test_a_video_of_an_index_is_opened_and_varied_as_the_last_one(index):
    explored = AugmentExplorer(index, options={"flip": False})
    explored.receive({"kind": "vary", "seed": 4, "each": "frame"})
    explored.receive({"kind": "find", "search": "wave"})
    explored.receive({"kind": "video", "video_id": "v_Wave_g02_c01"})
    assert explored.film["title"] == explored.library["chosen"] == "v_Wave_g02_c01"
    assert explored.library["count"] == 2
    assert (explored.answer["seed"], explored.answer["each"]) == (4, "frame")
    assert explored.answer["options"]["flip"] is False


def test_a_missing_video_is_a_sentence_also_without_a_browser(tmp_path):
    explored = AugmentExplorer(tmp_path / "gone.avi")
    explored.receive({"kind": "vary"})
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "gone.avi" in bundle["text/plain"]


def test_the_static_form_shows_the_frame_and_six_draws(clip):
    explored = AugmentExplorer(clip, options={"rotation": 25})
    figure = explored.figure()
    titles = [axes.get_title() + axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["original", *(f"draw {number}" for number in range(1, 7))]
    assert "turned by up to 25°" in figure.get_suptitle()
    shown = figure.axes[3].images[0].get_array()
    assert_alike(explored.answer["stills"][2:3], np.asarray(shown, float)[None])
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "turned by up to 25°" in bundle["text/plain"]


def test_options_that_do_not_fit_leave_the_frame_in_the_static_form(clip):
    explored = AugmentExplorer(clip, options={"zoom": 3})
    figure = explored.figure()
    assert [bool(axes.images) for axes in figure.axes] == [True]
    assert "Received: 3" in figure.get_suptitle()


def test_the_clip_is_varied_at_once_and_without_tensorflow(clip):
    script = (
        "import sys, vidlab\n"
        f"e = vidlab.widgets.AugmentExplorer({str(clip)!r})\n"
        "print(len(e.answer['frames']), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "16 False", done.stderr
