"""The sampling explorer without a browser: its picks are those of the samplers, its frames true."""

import cv2
import numpy as np
import pytest

from vidlab.data import sampling
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import (
    AllFrames,
    EveryNth,
    EverySecond,
    Reordered,
    Segments,
    Uniform,
    Window,
)
from vidlab.errors import SamplingError
from vidlab.plots.style import VERMILLION
from vidlab.widgets import SamplingExplorer

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture
def explored(numbered_video):
    """An explorer of a video of 45 frames, 15 a second."""
    return SamplingExplorer(numbered_video(frames=45, fps=15))


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=2))


def trace(explored, name):
    (found,) = [one for one in explored.chart.data if one.name == name]
    return found


def picks(explored, name):
    """The frames of a row as the chart shows them."""
    return list(trace(explored, name).x)


def fact(explored, name):
    return explored.chart.layout.annotations[list(explored._samplers).index(name)].text


def set_option(explored, name, option, value):
    explored._controls[name][option].value = value


def decoded(image):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(image, np.uint8), 1), cv2.COLOR_BGR2RGB)


def test_every_kind_of_sampler_has_a_row_with_its_own_picks(explored):
    expected = {
        "Uniform": Uniform(16),
        "EverySecond": EverySecond(8),
        "EveryNth": EveryNth(4),
        "Window": Window(16),
        "Segments": Segments(8),
        "AllFrames": AllFrames(),
        "Reordered": Reordered(Uniform(16), "reversed"),
    }
    # Possible samples nothing of its own: it joins what others can choose.
    kinds = set(sampling.__all__) - {"Sampler", "Possible", "choose", "from_text"}
    assert set(explored._samplers) == set(expected) == kinds
    for name, sampler in expected.items():
        assert picks(explored, name) == sampler.indices(45, fps=15.0).tolist()


def test_each_row_says_what_its_picks_cover(explored):
    # 16 frames from 14 on: 14 before, 15 after
    assert fact(explored, "Window") == "16 frames, 36% of all<br>longest gap 15 (1.00 s)"
    set_option(explored, "Window", "length", 50)
    assert fact(explored, "Window") == "50 frames, 100% of all<br>no gap<br>5 frames repeated"
    repeated = trace(explored, "Window").marker.color == VERMILLION
    assert set(np.array(picks(explored, "Window"))[repeated]) == {0, 1, 2, 3, 4}


def test_an_option_is_changed_by_number_or_by_choice(explored):
    set_option(explored, "Uniform", "count", 5)
    assert picks(explored, "Uniform") == [4, 13, 22, 31, 40]
    set_option(explored, "Reordered", "order", "frozen")
    assert len(set(picks(explored, "Reordered"))) == 1


def test_an_option_that_can_be_left_out_is_left_out_at_zero(explored):
    for value, count in ((2, 2), (0, 24)):
        set_option(explored, "EverySecond", "at_most", value)
        assert len(picks(explored, "EverySecond")) == count


def test_training_draws_by_the_seed_and_predictions_do_not(explored, numbered_video):
    names = list(explored._samplers)
    without = {name: picks(explored, name) for name in names}
    explored._draw.value = 1
    first = {name: picks(explored, name) for name in names}
    explored._draw.value = 2
    second = {name: picks(explored, name) for name in names}
    assert {name for name in names if first[name] != second[name]} == {"Window", "Segments"}
    assert np.diff(first["Window"]).tolist() == [1] * 15
    bounds = np.arange(9) * 45 // 8
    assert np.searchsorted(bounds, second["Segments"], side="right").tolist() == list(range(1, 9))
    explored._draw.value = 0
    assert {name: picks(explored, name) for name in names} == without
    other = SamplingExplorer(numbered_video(frames=45, fps=15))
    other._draw.value = 1
    assert picks(other, "Segments") == first["Segments"]
    random = [text for text in explored.chart.layout.yaxis.ticktext if "random" in text]
    assert random == ["Window(length=16) · random", "Segments(count=8) · random"]


def test_a_row_shows_its_frames_in_the_order_a_model_gets_them(explored, frame_number):
    explored._row.value = "Reordered"
    expected = Uniform(16).indices(45)[::-1].tolist()
    assert [int(caption.split()[0]) for caption in explored._picks.captions] == expected
    assert [frame_number(decoded(one)) for one in explored._picks.images] == expected


def test_of_many_picks_32_are_shown_from_the_first_to_the_last(explored):
    explored._row.value = "AllFrames"
    captions = explored._picks.captions
    assert (len(captions), captions[0], captions[-1]) == (32, "0 · 0.00 s", "44 · 2.93 s")
    assert explored._player.slider.options[-1] == "pick 45 of 45 · frame 44"


def test_samplers_of_ones_own_are_shown_by_name(numbered_video):
    class FirstThree:
        def indices(self, frame_count, *, fps=25.0, rng=None):
            return np.arange(min(3, frame_count))

    class Failing:
        def indices(self, frame_count, *, fps=25.0, rng=None):
            raise SamplingError("Expected 10 frames. Received: 9. Take a longer video.")

    explored = SamplingExplorer(
        numbered_video(frames=9),
        samplers={"start": FirstThree(), "few": Uniform(2), "none": Failing()},
    )
    assert picks(explored, "start") == [0, 1, 2]
    assert picks(explored, "none") == []
    assert "Take a longer video" in explored.problem
    assert explored._options.children == ()


def test_without_a_sampler_there_is_nothing_to_show(numbered_video):
    with pytest.raises(SamplingError, match=r"at least one sampler.*Uniform\(16\)"):
        SamplingExplorer(numbered_video(frames=3), samplers={})


def test_a_video_is_found_by_parts_of_its_name_and_keeps_the_options(index):
    explored = SamplingExplorer(index)
    set_option(explored, "EveryNth", "step", 3)
    explored._row.value = "EveryNth"
    explored.search.value = "wave G02"
    assert explored.video.options == ("v_Jump_g01_c01", "v_Wave_g02_c01", "v_Wave_g02_c02")
    assert explored.video.value == "v_Jump_g01_c01"
    explored._step(1)
    assert explored.video.value == "v_Wave_g02_c01"
    frames = len(picks(explored, "AllFrames"))
    assert picks(explored, "EveryNth") == list(range(0, frames, 3))
    explored.search.value = "swim"
    assert "Try fewer letters" in explored.problem


def test_a_missing_video_is_told_and_the_others_can_still_be_opened(index):
    index.paths[0].unlink()
    explored = SamplingExplorer(index)
    assert index.paths[0].name in explored.problem
    assert explored.figure() is None
    assert index.paths[0].name in explored.describe()
    explored.video.value = "v_Jump_g01_c02"
    assert explored.problem == ""
    assert picks(explored, "AllFrames")
    assert "index with videos" in SamplingExplorer(index.select([])).problem


def test_the_static_form_draws_the_picks_as_they_are_now(explored, monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "static")
    set_option(explored, "Uniform", "count", 5)
    explored._row.value = "EveryNth"
    axes = explored.figure().axes
    titles = [one.get_title(loc="left") for one in axes]
    assert titles[0] == "Uniform(count=5): 5 picks"
    assert titles[-1].startswith("Reordered(sampler=Uniform(count=16)")
    with_frames = [place for place, one in enumerate(axes) if one.images]
    assert [titles[place - 1] for place in with_frames] == [
        "EveryNth(step=4): 12 picks, 10 of them shown"
    ]
    explored._draw.value = 2
    assert "picks in training, draw 2" in explored.figure().get_suptitle()
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "Uniform(count=5) 5, EverySecond(count=8) 24" in bundle["text/plain"]
