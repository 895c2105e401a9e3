"""Deletion, hiding and swapping, on tiny models that are known to look at one place or two."""

import keras
import numpy as np
import pandas as pd
import pytest

from vidlab.errors import MetricError, ModelError
from vidlab.explanation import asking
from vidlab.explanation.records import explained
from vidlab.explanation.trust import curves, hiding
from vidlab.explanation.trust.shortcuts import SCENE_SHARE, shortcuts
from vidlab.explanation.trust.swapping import Swaps, swap_scenes

SIDE = 32
ACT = (slice(12, 20), slice(12, 20))
SCENE = (slice(0, 8), slice(0, 8))


def looking_at(place, *, clips=False):
    """Build a model whose second class is as likely as a place of the picture is bright."""
    rows, columns = place
    frames = keras.Input((SIDE, SIDE, 3))
    crop = ((rows.start, SIDE - rows.stop), (columns.start, SIDE - columns.stop))
    x = keras.layers.Rescaling(1 / 255)(frames)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Cropping2D(crop)(x))
    if clips:
        frame_model = keras.Model(frames, x)
        frames = keras.Input((None, SIDE, SIDE, 3))
        x = keras.layers.TimeDistributed(frame_model)(frames)
        x = keras.layers.GlobalAveragePooling1D()(x)
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(frames, dense(x))
    dense.set_weights([np.array([[-5.0, 5.0]] * 3), np.array([7.5, -7.5])])
    return model


def clip_with(*, act=0, scene=0, frames=3):
    clip = np.full((frames, SIDE, SIDE, 3), 60, np.float32)
    clip[:, *ACT], clip[:, *SCENE] = act, scene
    return clip


def heat_at(place, **changes):
    maps = np.zeros((3, 8, 8), np.float32)
    rows, columns = (slice(part.start // 4, part.stop // 4) for part in place)
    maps[:, rows, columns] = 1
    options = {"size": (SIDE, SIDE), "layer": "conv", "score": 1.0, "target": 1}
    return explained(maps, method="grad_cam", **options | changes)


def but_not_at(place):
    """Make an explanation that marks everything except a place."""
    right = heat_at(place)
    options = {"size": (SIDE, SIDE), "layer": "conv", "score": 1.0, "target": 1}
    return explained(1 - right.maps, method="grad_cam", **options)


@pytest.fixture(scope="module", params=[False, True], ids=["frames", "clips"])
def act_model(request):
    return looking_at(ACT, clips=request.param)


def test_a_model_is_asked_in_its_own_shape(act_model):
    clips = [clip_with(act=255), clip_with(act=0), clip_with(act=128)]
    said = asking.answers(act_model, clips)
    np.testing.assert_allclose(said[:2, 1], [1, 0], atol=0.01)
    assert said.shape == (3, 2)
    alone = [asking.answer(act_model, clip) for clip in clips]
    np.testing.assert_allclose(said, alone, atol=1e-6)


def test_a_model_of_features_cannot_be_asked_about_clips():
    with pytest.raises(ModelError, match=r"frames.*\(None, 4\)"):
        asking.takes_clips(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


def test_hiding_what_counts_first_lowers_the_score_at_once(act_model):
    clip = clip_with(act=255, scene=255)
    right = curves.deletion_curve(act_model, clip, heat_at(ACT), steps=8)
    wrong = curves.deletion_curve(act_model, clip, heat_at(SCENE), steps=8)
    assert right["share"].tolist() == pytest.approx(np.linspace(0, 1, 9).tolist())
    assert right["score"].iloc[0] > 0.95
    assert right["score"].iloc[1] < 0.5 < wrong["score"].iloc[1]
    assert right["score"].iloc[-1] == pytest.approx(wrong["score"].iloc[-1], abs=1e-5)
    shown = curves.insertion_curve(act_model, clip, heat_at(ACT), steps=8)
    assert shown["score"].iloc[1] > 0.95
    assert curves.area_under(right) < curves.area_under(wrong)


def test_deletion_agrees_with_the_right_place_alone(act_model):
    clip = clip_with(act=255, scene=255)
    yes = curves.agrees_with_deletion(act_model, clip, heat_at(ACT), orders=3)
    no = curves.agrees_with_deletion(act_model, clip, but_not_at(ACT), orders=3)
    assert yes.agrees
    assert "yes" in yes.says
    assert not no.agrees
    assert "no." in no.says
    assert len(yes.random) == 3
    assert yes == curves.agrees_with_deletion(act_model, clip, heat_at(ACT), orders=3)


def test_without_evidence_nothing_is_agreed_with(act_model):
    empty = explained(
        np.zeros((3, 8, 8)), size=(SIDE, SIDE), layer="c", score=1.0, target=1, method="grad_cam"
    )
    assert not curves.agrees_with_deletion(act_model, clip_with(act=255), empty, orders=2).agrees


def test_a_difference_is_followed_as_a_difference():
    model = looking_at(ACT)
    found = curves.deletion_curve(model, clip_with(act=255), heat_at(ACT, against=0), steps=2)
    assert found["score"].iloc[0] == pytest.approx(1, abs=0.02)
    assert found["score"].iloc[-1] < 0


def test_heat_of_another_size_is_refused():
    with pytest.raises(MetricError, match=r"\(2, 32, 32, 3\).*\(3, 32, 32\).*explained"):
        curves.deletion_curve(looking_at(ACT), clip_with(frames=2), heat_at(ACT))


def test_what_moves_is_found_though_the_camera_shakes():
    rng = np.random.default_rng(0)
    scene = rng.integers(40, 140, (70, 90, 3))
    scene = np.repeat(np.repeat(scene[::5, ::5], 5, axis=0), 5, axis=1).astype(np.float32)
    frames = []
    for step in range(12):
        x, y = rng.integers(0, 3, 2)
        frame = scene[y : y + 60, x : x + 80].copy()
        frame[20 + 2 * step : 26 + 2 * step, 40:48] = 255
        frames.append(frame)
    marks = hiding.what_moves(np.array(frames))
    assert marks.shape == (12, 60, 80)
    assert marks[:, 24:40, 41:47].all()
    assert marks[:, :, :20].mean() < 0.2
    assert not hiding.what_moves(np.array(frames[:1])).any()


def test_a_hidden_act_leaves_its_surroundings():
    clip = clip_with(act=255, scene=200)
    act = marks_of(ACT)
    hidden = hiding.without_act(clip, act)
    around = marks_of(tuple(slice(part.start - 1, part.stop + 1) for part in ACT))
    np.testing.assert_array_equal(hidden[~around], clip[~around])
    assert np.abs(hidden[act] - 60).max() < 25
    shadow = clip.copy()
    shadow[:, ACT[0].stop, ACT[1]] = 0
    np.testing.assert_array_equal(hiding.without_act(shadow, act), hidden)
    everywhere = hiding.without_act(clip, np.ones_like(act))
    assert (everywhere == 127).all()
    with pytest.raises(MetricError, match="at the size of the clip"):
        hiding.without_act(clip, act[:2])


def test_an_act_is_put_into_the_scene_of_another_clip():
    one, other = clip_with(act=255, scene=200), clip_with(act=10, scene=20)
    act = marks_of(ACT)
    swapped = hiding.on_scene(one, other, act=act)
    assert (swapped[act] == 255).all()
    np.testing.assert_array_equal(swapped[~act], other[~act])
    half = hiding.on_scene(one, other, act=act / 2)
    assert (half[act] == (255 + 10) / 2).all()
    with pytest.raises(MetricError, match="at the size of the clip"):
        hiding.on_scene(one, other[:2], act=act)
    with pytest.raises(MetricError, match=r"0 to 255\. Divide"):
        hiding.on_scene(one, other, act=act * np.uint8(255))


def marks_of(place, frames=3):
    marks = np.zeros((frames, SIDE, SIDE), bool)
    marks[:, *place] = True
    return marks


def brightness(frames, place):
    """Return how bright a place of each frame is, 0–1."""
    return keras.ops.mean(frames[:, *place], axis=(1, 2, 3)) / 255


class Mixed(keras.layers.Layer):
    """Names the second class the likelier, the brighter act and scene are, so much each."""

    def __init__(self, act, scene):
        super().__init__()
        self.by = ((ACT, act), (SCENE, scene))

    def call(self, frames):
        moved = sum(by * (brightness(frames, place) - 0.5) for place, by in self.by)
        return keras.ops.stack([0.5 - moved, 0.5 + moved], axis=1)


def looking_at_both(act, scene):
    """Build a model that dark and bright places move, by so much of the probability each."""
    frames = keras.Input((SIDE, SIDE, 3))
    return keras.Model(frames, Mixed(act, scene)(frames))


def swapped_in(model, *, scenes, **options):
    """Swap eight clips, whose second class has a bright act, in scenes so bright."""
    labels = [0, 1] * 4
    clips = [
        clip_with(act=255 * label, scene=scene) for label, scene in zip(labels, scenes, strict=True)
    ]
    return swap_scenes(model, clips, labels=labels, acts=[marks_of(ACT)] * 8, **options)


def judged(swaps):
    return shortcuts(swaps, classes=["Dark", "Bright"])


def test_a_model_that_looks_at_the_scene_is_found_out():
    swaps = swapped_in(looking_at(SCENE), scenes=(0, 255) * 4)
    table = judged(swaps)
    assert swaps.rests_on == "outlines"
    assert table["looks_at"].tolist() == ["scene", "scene"]
    assert table[["share", "low", "told", "at_home"]].to_numpy() == pytest.approx(1)
    assert table[["by_act", "elsewhere"]].to_numpy() == pytest.approx(0)
    assert "Bright leans on its scene" in table.loc["Bright", "says"]
    assert "100% of its acts are named rightly, in others 0%" in table.loc["Bright", "says"]


def test_a_model_that_looks_at_the_act_is_not():
    table = judged(swapped_in(looking_at(ACT, clips=True), scenes=(0, 255) * 4))
    assert table["looks_at"].tolist() == ["act", "act"]
    assert table[["share", "high"]].to_numpy() == pytest.approx(0, abs=1e-6)
    assert table[["at_home", "elsewhere"]].to_numpy() == pytest.approx(1)
    assert "Dark is told by its act" in table.loc["Dark", "says"]


def test_pulls_are_counted_in_probability():
    swaps = swapped_in(looking_at_both(act=0.6, scene=0.2), scenes=(0, 255) * 4)
    assert swaps.pulls["by_act"].to_numpy() == pytest.approx(0.6, abs=1e-3)
    assert swaps.pulls["by_scene"].to_numpy() == pytest.approx(0.2, abs=1e-3)
    table = judged(swaps)
    assert table["share"].to_numpy() == pytest.approx(2 / 8, abs=1e-3)
    assert "25% lies in its scene" in table.loc["Bright", "says"]


class OnlyTogether(keras.layers.Layer):
    """Names the second class where act and scene are both bright."""

    def call(self, frames):
        both = brightness(frames, ACT) * brightness(frames, SCENE)
        return keras.ops.stack([1 - both, both], axis=1)


def test_where_both_are_needed_at_once_each_has_half():
    frames = keras.Input((SIDE, SIDE, 3))
    model = keras.Model(frames, OnlyTogether()(frames))
    table = judged(swapped_in(model, scenes=(0, 255) * 4))
    assert table[["by_act", "by_scene"]].to_numpy() == pytest.approx(0.5, abs=1e-3)
    assert table["share"].to_numpy() == pytest.approx(0.5, abs=1e-3)
    assert table.loc["Bright", ["at_home", "elsewhere"]].tolist() == [1, 0]


def test_scenes_that_are_no_class_s_own_pull_nowhere_on_average():
    model = looking_at_both(act=0.5, scene=0.5)
    table = judged(swapped_in(model, scenes=(0, 0, 255, 255) * 2, rounds=200))
    assert table["by_scene"].to_numpy() == pytest.approx(0, abs=0.08)
    assert table["by_act"].to_numpy() == pytest.approx(0.5, abs=1e-3)
    assert not (table["looks_at"] == "scene").any()


def test_the_shape_of_what_is_hidden_tells_nothing():
    """The outlines of one class hide the bright place that all scenes have."""
    labels = [0, 1] * 4
    clips = [clip_with(act=255 * label, scene=255) for label in labels]
    acts = [marks_of(ACT) | (marks_of(SCENE) if label else False) for label in labels]
    swaps = swap_scenes(looking_at(SCENE), clips, labels=labels, acts=acts)
    assert swaps.pulls["by_scene"].to_numpy() == pytest.approx(0, abs=1e-6)


def test_no_clip_meets_its_own_class_or_keeps_an_act_of_its_own_group(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "vidlab.explanation.trust.swapping.answers",
        lambda model, clips: np.array([asked.append(clip) or [0.5, 0.5] for clip in clips]),
    )
    labels, groups = [0, 0, 0, 1, 1, 1], ["g1", "g1", "g2", "g1", "g1", "g2"]
    clips = [clip_with(act=10 * place, scene=10 * place) for place in range(6)]
    swaps = swap_scenes(None, clips, labels=labels, groups=groups, acts=[marks_of(ACT)] * 6)
    seen = np.array([[clip[0, 2, 2, 0], clip[0, 15, 15, 0]] for clip in asked[6:]]) // 10
    fours = seen.reshape(-1, 4, 2).astype(int)  # (meetings, clips, scene and act)
    assert 0 < 2 * len(fours) == len(swaps.pulls) == 6 * 6
    for four in fours:
        scenes, acts = four[[0, 2], 0], four[:2, 1]
        assert four.tolist() == [[scene, act] for scene in scenes for act in acts]
        assert (np.take(labels, scenes) == np.take(labels, acts)).all()
        assert labels[scenes[0]] != labels[scenes[1]]
        assert (np.take(groups, scenes) != np.take(groups, acts)).all()


def test_swaps_repeat_with_the_seed():
    swaps, again, other = (
        swapped_in(looking_at(ACT), scenes=(0, 255) * 4, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(swaps.pulls, again.pulls)
    assert swaps.pulls["clip"].tolist() != other.pulls["clip"].tolist()


@pytest.mark.parametrize("place", [ACT, SCENE], ids=["act", "scene"])
def test_without_outlines_a_class_can_be_cleared_but_not_convicted(place):
    clips = []
    for label in (0, 1) * 3:
        clip = clip_with(scene=255 * label, frames=4)
        clip[::2, *ACT] = 255 if label else 120
        clips.append(clip)
    swaps = swap_scenes(
        looking_at_both(*(1.0 * (place == at) for at in (ACT, SCENE))), clips, labels=[0, 1] * 3
    )
    row = judged(swaps).loc["Bright"]
    assert swaps.rests_on == "motion"
    assert row["looks_at"] == ("act" if place == ACT else "unclear")
    assert row["share"] == pytest.approx(float(place == SCENE), abs=0.01)
    assert "what does not move" in row["says"]


def test_each_group_meets_as_many_classes_as_can_be(monkeypatch):
    monkeypatch.setattr(
        "vidlab.explanation.trust.swapping.answers",
        lambda model, clips: np.array([[0.25] * 4 for _ in clips]),
    )
    labels, groups = np.repeat(np.arange(4), 6), [f"g{place // 2}" for place in range(24)]
    clips = [clip_with()] * 24
    options = {"labels": labels, "groups": groups, "acts": [marks_of(ACT)] * 24, "rounds": 3}
    pulls = swap_scenes(None, clips, **options).pulls
    half = len(pulls) // 2
    met = pd.concat([pulls["clip"][half:], pulls["clip"][:half]]).to_numpy()
    table = pd.crosstab(np.array(groups)[pulls["clip"]], labels[met])
    assert len(pulls) > 0.9 * 3 * 24
    assert np.sort(table.to_numpy(), axis=1)[:, 1:].min() >= 1  # none of its own, all others


def made_up(by_scene, *, by_act=0.8, spread=0.1, seed=0):
    """Make swaps of twelve classes in seven groups of two clips; rooms pull as chance has it."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(12), 14)
    groups = np.tile(np.repeat([f"g{number}" for number in range(7)], 2), 12)
    clips = np.tile(np.arange(168), 4)
    rooms = np.repeat(rng.normal(0, spread, 84), 2) + np.repeat(by_scene, 14)
    pulls = pd.DataFrame(
        {
            "clip": clips,
            "by_act": by_act + rng.normal(0, 0.3, 672),
            "by_scene": rooms[clips] + rng.normal(0, spread, 672),
            "at_home": True,
            "elsewhere": np.arange(672) % 2 == 0,
        }
    )
    return Swaps(np.eye(12, dtype=np.float32)[labels], labels, groups, pulls, "outlines")


LETTERS = list("ABCDEFGHIJKL")


def test_no_class_of_many_is_called_by_chance_and_one_with_a_room_of_its_own_is():
    own_room = np.zeros(12)
    own_room[4] = 0.6
    for seed in range(20):
        table = shortcuts(made_up(np.zeros(12), seed=seed), classes=LETTERS)
        assert (table["looks_at"] != "scene").all()
        table = shortcuts(made_up(own_room, seed=seed), classes=LETTERS)
        assert table.index[table["looks_at"] == "scene"].tolist() == ["E"]


def test_a_small_share_that_is_sure_is_enough():
    table = shortcuts(made_up(np.full(12, 0.15), spread=0.01), classes=LETTERS)
    leans, cleared = SCENE_SHARE
    assert table["low"].between(leans, cleared).all()
    assert (table["looks_at"] == "scene").all()
    assert table["says"].str.contains(r"leans on its scene.* 1\d% .*surely more than 10%").all()


def test_a_share_too_uncertain_to_judge_is_said_to_be():
    table = shortcuts(made_up(np.full(12, 0.15), spread=0.4), classes=LETTERS)
    unclear = table[table["looks_at"] == "unclear"]
    assert len(unclear) >= 6
    assert unclear["says"].str.contains("cannot be judged").all()
    leans, cleared = SCENE_SHARE
    assert ((unclear["low"] <= leans) & (unclear["high"] >= cleared)).all()


def test_the_interval_leaves_out_one_group_at_a_time():
    swaps = made_up(np.full(12, 0.2))
    row = shortcuts(swaps, classes=LETTERS).loc["C"]
    own = swaps.pulls[swaps.pulls["clip"].between(28, 41)]
    numbers = (own["clip"].to_numpy() - 28) // 2

    def share_of(kept):
        scene, act = (
            np.mean([own[column].to_numpy()[numbers == g].mean() for g in kept])
            for column in ("by_scene", "by_act")
        )
        return scene / (scene + act)

    left = [share_of([g for g in range(7) if g != out]) for out in range(7)]
    reach = 3.862991 * np.sqrt(6 * np.var(left))  # Student's t of 6 at 1 - 0.05 / 12
    assert row["share"] == pytest.approx(share_of(range(7)))
    assert (row["low"], row["high"]) == pytest.approx((row["share"] - reach, row["share"] + reach))


def test_a_class_that_is_not_told_is_not_judged():
    swaps = made_up(np.full(12, 0.9))
    swaps.whole[:, 0] = 0.5
    table = shortcuts(swaps, classes=LETTERS)
    assert table["looks_at"].tolist() == ["unclear"] + ["scene"] * 11
    assert "A is not told" in table.loc["A", "says"]


def test_a_class_without_videos_or_meetings_has_no_numbers():
    alone = swap_scenes(looking_at(ACT), [clip_with()] * 2, labels=[0, 0])
    assert alone.pulls.empty
    table = shortcuts(alone, classes=["A", "B", "C"])
    assert table["looks_at"].tolist() == ["unclear"] * 3
    assert table["videos"].tolist() == [2, 0, 0]
    assert table[["told", "share"]].isna().all(axis=None)


def test_two_groups_are_too_few_for_a_verdict():
    groups = ["g01"] * 4 + ["g02"] * 4
    few = judged(swapped_in(looking_at(SCENE), scenes=(0, 255) * 4, groups=groups))
    assert few["looks_at"].tolist() == ["unclear", "unclear"]
    assert "2 groups here, too few" in few.loc["Bright", "says"]
    assert (few["by_scene"] > 0).all()


def test_a_class_that_neither_half_tells_alone_is_unclear():
    table = shortcuts(made_up(np.zeros(12), by_act=-0.9), classes=LETTERS)
    assert table["looks_at"].tolist() == ["unclear"] * 12
    assert table["says"].str.contains("neither by its act").all()


def test_what_does_not_fit_is_refused():
    clips, model = [clip_with()] * 2, looking_at(ACT)
    with pytest.raises(MetricError, match=r"each of 2 clips.*1 labels"):
        swap_scenes(model, clips, labels=[0])
    with pytest.raises(MetricError, match=r"each of 2 clips.*1 groups"):
        swap_scenes(model, clips, labels=[0, 1], groups=["g1"])
    with pytest.raises(MetricError, match=r"0 clips of \[\] frames"):
        swap_scenes(model, [], labels=[])
    with pytest.raises(MetricError, match=r"2 clips of \[2, 3\] frames.*Uniform"):
        swap_scenes(model, [clip_with(), clip_with(frames=2)], labels=[0, 1])
