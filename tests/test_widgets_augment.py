"""The augmentation explorer without a browser: it shows what `Augment` draws."""

import cv2
import numpy as np
import pytest

from vidlab.data import video
from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Uniform
from vidlab.errors import ModelError
from vidlab.widgets import AugmentExplorer

OFF = {"flip": False, "rotation": 0, "zoom": 0, "shift": 0, "crop": 1, "brightness": 0}


@pytest.fixture
def clip(numbered_video):
    return numbered_video(frames=30)


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=1))


def decoded(images):
    """Frames as the page shows them: float, (frames, height, width, 3)."""
    frames = [cv2.imdecode(np.frombuffer(one, np.uint8), 1) for one in images]
    return np.stack([cv2.cvtColor(one, cv2.COLOR_BGR2RGB) for one in frames]).astype(float)


def augmented(explored):
    return explored._clips.images[1]


def assert_alike(images, frames):
    """JPEG changes an image a little; another draw changes it by ten times as much."""
    assert len(images) == len(frames)
    assert np.abs(decoded(images) - frames).mean() < 4


def test_all_frames_of_a_clip_get_one_draw_and_the_draws_follow_each_other(clip):
    explored = AugmentExplorer(clip, seed=5, options={"rotation": 30})
    explored._stills.selected = 2
    frames = video.read_frames(clip, Uniform(16).indices(30))
    rng = np.random.default_rng(5)
    expected = np.stack([Augment(rotation=30).draw(rng)(frames) for _ in range(6)]).astype(float)
    assert_alike(explored._clips.images[0], frames)
    assert_alike(augmented(explored), expected[2])
    assert_alike(explored._stills.images, expected[:, 8])
    assert np.abs(expected[2] - expected[1]).mean() > 20  # so the comparison above means something


def test_each_frame_gets_a_draw_of_its_own_where_that_is_chosen(clip):
    explored = AugmentExplorer(clip, seed=5)
    explored._each.value = "frame"
    frames = video.read_frames(clip, Uniform(16).indices(30))
    rng = np.random.default_rng(5)
    expected = np.stack([Augment().draw(rng)(frame) for frame in frames])
    assert_alike(augmented(explored), expected)
    assert_alike(explored._stills.images, expected[:6])
    assert explored._stills.captions == [f"frame {n}" for n in Uniform(16).indices(30)[:6]]
    explored._stills.selected = 3
    assert explored._player.slider.index == 3


def test_frames_of_a_clip_stay_alike_and_single_frames_do_not(clip):
    """The red corner of the numbered frames lies at one place in a clip, and jumps by itself."""
    explored = AugmentExplorer(clip, options={**OFF, "shift": 0.3}, seed=1)

    def positions():
        red = [frame[..., 0] - frame[..., 1] > 90 for frame in decoded(augmented(explored))]
        return np.array([np.argwhere(one).mean(axis=0) for one in red if one.any()])

    assert np.ptp(positions(), axis=0).max() < 2
    explored._each.value = "frame"
    assert np.ptp(positions(), axis=0).max() > 8


def test_options_are_written_as_code_and_with_all_off_the_clip_stays_as_it_is(numbered_video):
    path = numbered_video(frames=8, size=(120, 90))
    explored = AugmentExplorer(path, options=OFF, size=(60, 60), sampling=Uniform(4))
    assert decoded(augmented(explored)).shape == (4, 60, 45, 3)
    assert_alike(augmented(explored), decoded(explored._clips.images[0]))
    explored._reset()
    assert "<code>Augment()</code>" in explored._text.value
    explored._options["crop"].value = 0.8
    assert "Augment(crop=0.8)" in explored._text.value


def test_a_seed_repeats_its_draws_and_another_has_others(clip):
    explored = AugmentExplorer(clip)
    shown = []
    for seed in (0, 1, 0):
        explored._seed.value = seed
        shown.append(explored._stills.images)
    assert shown[0] == shown[2] != shown[1]
    assert len(set(shown[0])) == 6


def test_options_out_of_their_range_are_refused(clip):
    with pytest.raises(ModelError, match=r"zoom between 0 and 0.99\. Received: 3"):
        AugmentExplorer(clip, options={"zoom": 3})


def test_a_video_of_an_index_is_found_and_augmented_as_the_last_one(index):
    explored = AugmentExplorer(index, options={"flip": False})
    explored._seed.value, explored._each.value = 4, "frame"
    explored.search.value = "wave g02"
    assert explored.video.options == ("v_Jump_g01_c01", "v_Wave_g02_c01")
    explored.video.value = "v_Wave_g02_c01"
    assert "v_Wave_g02_c01, Augment(flip=False)" in explored.describe()
    assert explored._seed.value == 4


def test_the_static_form_shows_the_frame_and_six_draws(clip):
    explored = AugmentExplorer(clip, options={"rotation": 25})
    figure = explored.figure()
    titles = [axes.get_title() + axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["original", *(f"draw {number}" for number in range(1, 7))]
    assert "Augment(rotation=25.0)" in figure.get_suptitle()
    assert explored._seed.comm is None  # else its state would be kept in the notebook
    shown = figure.axes[3].images[0].get_array()
    assert_alike(explored._stills.images[2:3], np.asarray(shown, float)[None])
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    explored._each.value = "frame"
    assert "each with a draw of its own" in explored.figure().get_suptitle()
