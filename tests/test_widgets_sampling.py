"""The sampling explorer without a browser: its picks are those of the samplers, its frames true."""

import subprocess
import sys

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
from vidlab.errors import DatasetError, SamplingError
from vidlab.widgets import SamplingExplorer
from vidlab.widgets.library import Library


@pytest.fixture
def explored(numbered_video):
    """An explorer of a video of 45 frames, 15 a second."""
    return SamplingExplorer(numbered_video(frames=45, fps=15))


@pytest.fixture
def index(toy_dataset):
    return VideoIndex.from_folder(toy_dataset(groups=2, clips=2))


def row(explored, name):
    (found,) = [one for one in explored.rows if one["name"] == name]
    return found


def picks(explored, name):
    return np.frombuffer(row(explored, name)["picks"], np.int32).tolist()


def unpacked(picture):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(picture, np.uint8), 1), cv2.COLOR_BGR2RGB)


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
    kinds = set(sampling.__all__) - {"Sampler", "Possible", "from_text"}
    assert {one["name"] for one in explored.rows} == set(expected) == kinds
    for name, sampler in expected.items():
        assert picks(explored, name) == sampler.indices(45, fps=15.0).tolist()


def test_each_row_says_what_its_picks_cover(explored):
    covers = row(explored, "Window")["covers"]  # 16 frames from 14 on: 14 before, 15 after
    assert (covers["picks"], covers["gap"]) == (16, 15)
    assert covers["share"] == pytest.approx(16 / 45)
    explored.receive({"kind": "change", "row": "Window", "option": "length", "value": 50})
    assert row(explored, "Window")["covers"]["repeated"] == (0, 1, 2, 3, 4)


def test_an_option_is_changed_and_a_sampler_within_a_sampler_follows(explored):
    explored.receive({"kind": "change", "row": "Uniform", "option": "count", "value": 5})
    assert picks(explored, "Uniform") == [4, 13, 22, 31, 40]
    assert picks(explored, "Reordered") == [40, 31, 22, 13, 4]
    explored.receive(
        {"kind": "change", "row": "Reordered", "option": "sampler", "value": "EveryNth"}
    )
    explored.receive({"kind": "change", "row": "Reordered", "option": "order", "value": "frozen"})
    assert picks(explored, "Reordered") == [24] * 12


def test_an_option_that_can_be_left_out_is_emptied_again(explored):
    explored.receive({"kind": "change", "row": "EverySecond", "option": "at_most", "value": 2})
    assert len(picks(explored, "EverySecond")) == 2
    explored.receive({"kind": "change", "row": "EverySecond", "option": "at_most", "value": None})
    assert len(picks(explored, "EverySecond")) == 24


@pytest.mark.parametrize("value", [0, -3, 2.5, None, "many"])
def test_what_does_not_fit_is_told_in_its_row_in_the_words_of_the_sampler(explored, value):
    explored.receive({"kind": "change", "row": "Uniform", "option": "count", "value": value})
    with pytest.raises(SamplingError) as error:
        Uniform(value)
    assert row(explored, "Uniform")["problem"] == str(error.value)
    assert "picks" not in row(explored, "Uniform")
    assert row(explored, "Reordered")["problem"] == f"Uniform: {error.value}"
    assert len(picks(explored, "EveryNth")) == 12
    assert "Uniform" not in explored.picks()
    explored.receive({"kind": "change", "row": "Uniform", "option": "count", "value": 3})
    assert len(picks(explored, "Reordered")) == 3


def test_training_draws_and_predictions_do_not(explored):
    without = {one["name"]: picks(explored, one["name"]) for one in explored.rows}
    assert [one["name"] for one in explored.rows if one["is_random"]] == ["Window", "Segments"]
    explored.receive({"kind": "draw", "number": 1})
    first = {one["name"]: picks(explored, one["name"]) for one in explored.rows}
    explored.receive({"kind": "draw", "number": 2})
    second = {one["name"]: picks(explored, one["name"]) for one in explored.rows}
    changed = {name for name in first if first[name] != second[name]}
    assert changed == {"Window", "Segments"}
    assert np.diff(first["Window"]).tolist() == [1] * 15
    bounds = np.arange(9) * 45 // 8
    assert np.searchsorted(bounds, second["Segments"], side="right").tolist() == list(range(1, 9))
    steady = row(explored, "Segments")["steady"]
    assert np.frombuffer(steady, np.int32).tolist() == without["Segments"]
    explored.receive({"kind": "draw", "number": 0})
    assert {one["name"]: picks(explored, one["name"]) for one in explored.rows} == without


def test_the_same_seed_draws_alike_and_another_differently(numbered_video):
    path = numbered_video(frames=45)
    drawn = []
    for seed in (3, 3, 4):
        explored = SamplingExplorer(path, samplers=[Segments(12)], seed=seed)
        explored.draw_number(1)
        drawn.append(picks(explored, "Segments"))
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_row_shows_its_frames_in_the_order_a_model_gets_them(explored, frame_number):
    explored.receive({"kind": "choose", "row": "Reordered"})
    strip = explored.strip
    assert strip["numbers"] == Uniform(16).indices(45)[::-1].tolist()
    assert [frame_number(unpacked(one)) for one in strip["pictures"]] == strip["numbers"]


def test_of_many_picks_32_are_shown_from_the_first_to_the_last(explored):
    explored.choose("AllFrames")
    assert (len(explored.strip["pictures"]), explored.strip["of"]) == (32, 45)
    assert (explored.strip["numbers"][0], explored.strip["numbers"][-1]) == (0, 44)


def test_a_row_that_picks_nothing_shows_no_frames(explored):
    explored.change("Uniform", "count", 0)
    explored.choose("Uniform")
    assert explored.strip == {"row": "Uniform", "numbers": [], "pictures": [], "of": 0}


@pytest.mark.parametrize(("asked", "shown"), [(17, 17), (99, 44), (-1, 0)])
def test_any_frame_is_looked_at(explored, frame_number, asked, shown):
    explored.receive({"kind": "look", "number": asked})
    assert explored.seen["number"] == shown
    assert frame_number(unpacked(explored.seen["picture"])) == shown


def test_thumbnails_along_the_video_are_small_and_in_order(explored, frame_number):
    pictures = [unpacked(one) for one in explored.film["thumbnails"]]
    assert [frame_number(one) for one in pictures] == Uniform(10).indices(45).tolist()
    assert pictures[0].shape[1] <= 80


def test_samplers_of_ones_own_are_shown_by_name(numbered_video):
    class FirstThree:
        length = 3

        def indices(self, frame_count, *, fps=25.0, rng=None):
            return np.arange(min(3, frame_count))

    explored = SamplingExplorer(
        numbered_video(frames=9), samplers={"start": FirstThree(), "few": Uniform(2)}
    )
    assert picks(explored, "start") == [0, 1, 2]
    assert row(explored, "start")["options"] == []
    assert row(explored, "few")["options"][0]["value"] == 2


def test_two_of_a_kind_are_told_apart_and_a_nested_one_may_stand_alone(numbered_video):
    samplers = [Uniform(3), Uniform(5), Reordered(Window(4), "reversed")]
    explored = SamplingExplorer(numbered_video(frames=20), samplers=samplers)
    assert [one["name"] for one in explored.rows] == [
        repr(samplers[0]),
        repr(samplers[1]),
        "Reordered",
    ]
    assert picks(explored, "Reordered") == [11, 10, 9, 8]
    assert row(explored, "Reordered")["options"][0]["choices"][-1] == "its own"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"kind": "change", "row": "Swim", "option": "count", "value": 1}, "Expected one of the"),
        ({"kind": "change", "row": "Uniform", "option": "size", "value": 1}, "It has: count"),
        (
            {"kind": "change", "row": "Uniform", "option": "count", "value": 10**9},
            "at most 100,000",
        ),
        ({"kind": "choose", "row": "Swim"}, "Expected one of the samplers Uniform"),
        ({"kind": "find", "search": "swim"}, "Try fewer letters"),
        ({"kind": "video", "video_id": "v_Swim"}, "Search for a part"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_goes_wrong_is_told_and_what_is_shown_stays(explored, message, told):
    rows, answered = explored.rows, explored.answered
    explored.receive(message)
    assert explored.status["problem"]
    assert told in explored.status["text"]
    assert explored.rows == rows
    assert explored.answered == answered + 1


def test_without_a_sampler_there_is_nothing_to_show(numbered_video):
    with pytest.raises(SamplingError, match=r"at least one sampler.*Uniform\(16\)"):
        SamplingExplorer(numbered_video(frames=3), samplers=[])


def test_a_video_is_found_by_parts_of_its_name_and_opened(index):
    explored = SamplingExplorer(index)
    assert explored.film["title"] == "v_Jump_g01_c01"
    explored.receive({"kind": "find", "search": "wave G02"})
    assert [name for name, _ in explored.library["videos"]] == ["v_Wave_g02_c01", "v_Wave_g02_c02"]
    assert (explored.library["count"], explored.library["of"]) == (2, len(index))
    explored.receive({"kind": "video", "video_id": "v_Wave_g02_c02"})
    assert explored.film["title"] == explored.library["chosen"] == "v_Wave_g02_c02"
    assert explored.strip["numbers"]


def test_another_video_keeps_the_options_and_the_row(index):
    explored = SamplingExplorer(index)
    explored.change("EveryNth", "step", 3)
    explored.choose("EveryNth")
    explored.open_video("v_Run_g01_c02")
    assert explored.strip["row"] == "EveryNth"
    frames = explored.film["frames"]
    assert picks(explored, "EveryNth") == list(range(0, frames, 3))


def test_a_missing_video_is_a_sentence_and_the_others_can_still_be_opened(index):
    index.paths[0].unlink()
    explored = SamplingExplorer(index)
    assert explored.status["problem"]
    assert index.paths[0].name in explored.status["text"]
    assert explored.film == {}
    assert explored.figure() is None
    assert set(explored._repr_mimebundle_()) == {"text/plain"}
    explored.receive({"kind": "video", "video_id": "v_Jump_g01_c02"})
    assert not explored.status["problem"]
    assert len(explored.rows) == 7


def test_an_empty_index_is_told(index):
    explored = SamplingExplorer(index.select([]))
    assert "index with videos" in explored.status["text"]
    with pytest.raises(DatasetError):
        Library(index.select([]))


def test_the_static_form_draws_the_picks_as_they_are_now(explored):
    explored.change("Uniform", "count", 5)
    explored.change("Window", "length", 0)
    explored.choose("EveryNth")
    axes = explored.figure().axes
    titles = [one.get_title(loc="left") for one in axes]
    assert titles[0] == "Uniform(count=5): 5 picks"
    assert titles[-1].startswith("Reordered(sampler=Uniform(count=5)")
    assert not any("Window" in title for title in titles)
    with_frames = [place for place, one in enumerate(axes) if one.images]
    assert [titles[place - 1] for place in with_frames] == [
        "EveryNth(step=4): 12 picks, 10 of them shown"
    ]
    explored.draw_number(2)
    assert "picks in training, draw 2" in explored.figure().get_suptitle()
    bundle = explored._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "image/png"}
    assert "Uniform(count=5) 5, EverySecond(count=8) 24" in bundle["text/plain"]


def test_an_open_notebook_gets_the_live_form_without_waiting_for_a_picture(
    monkeypatch, numbered_video
):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    explored = SamplingExplorer(numbered_video(frames=9))
    assert "image/png" not in explored._repr_mimebundle_()


def test_looking_at_samplers_loads_no_tensorflow(numbered_video):
    script = (
        "import sys, vidlab\n"
        f"vidlab.widgets.SamplingExplorer({str(numbered_video(frames=5))!r}).choose('Window')\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
