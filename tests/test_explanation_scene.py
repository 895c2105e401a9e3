"""Acts and scenes exchanged, on tiny models that are known to look at one place or two."""

import keras
import numpy as np
import pandas as pd
import pytest

from tests.looking import ACT, SCENE, SIDE, clip_with, looking_at
from vidlab import explanation
from vidlab.errors import MetricError
from vidlab.explanation import scene


def mask_of(index, frames=3):
    mask = np.zeros((frames, SIDE, SIDE), bool)
    mask[:, *index] = True
    return mask


def test_what_moves_is_found_though_the_camera_shakes():
    rng = np.random.default_rng(0)
    room = rng.integers(40, 140, (14, 18, 3)).repeat(5, axis=0).repeat(5, axis=1)
    frames = []
    for step in range(12):
        x, y = rng.integers(0, 3, 2)
        frame = room[y : y + 60, x : x + 80].astype(np.float32)
        frame[20 + 2 * step : 26 + 2 * step, 40:48] = 255
        frames.append(frame)
    mask = explanation.motion_mask(np.array(frames))
    assert mask.shape == (12, 60, 80)
    assert mask[:, 24:40, 41:47].all()
    assert mask[:, :, :20].mean() < 0.2
    assert not explanation.motion_mask(np.array(frames[:1])).any()


def test_a_hidden_act_leaves_its_surroundings():
    clip, act = clip_with(act=255, scene=200), mask_of(ACT)
    hidden = explanation.without_act(clip, act)
    around = mask_of([slice(side.start - 1, side.stop + 1) for side in ACT])
    np.testing.assert_array_equal(hidden[~around], clip[~around])
    assert np.abs(hidden[act] - 60).max() < 25
    shadow = clip.copy()
    shadow[:, ACT[0].stop, ACT[1]] = 0
    np.testing.assert_array_equal(explanation.without_act(shadow, act), hidden)
    assert (explanation.without_act(clip, np.ones_like(act)) == 127).all()


def test_an_act_is_put_into_the_scene_of_another_clip():
    one, other, act = clip_with(act=255, scene=200), clip_with(act=10, scene=20), mask_of(ACT)
    swapped = explanation.on_scene(one, other, act=act)
    assert (swapped[act] == 255).all()
    np.testing.assert_array_equal(swapped[~act], other[~act])
    half = explanation.on_scene(one, other, act=act / 2)
    assert (half[act] == (255 + 10) / 2).all()


def brightness(frames, index):
    """Return how bright a place of each frame is, 0–1."""
    return keras.ops.mean(frames[:, *index], axis=(1, 2, 3)) / 255


class Mixed(keras.layers.Layer):
    """Names the second class the likelier, the brighter act, scene and both are, so much each."""

    def __init__(self, act=0.0, scene=0.0, both=0.0):
        super().__init__()
        self.by = act, scene, both

    def call(self, frames):
        act, scene = brightness(frames, ACT), brightness(frames, SCENE)
        parts = (act - 0.5, scene - 0.5, act * scene - 0.5)
        moved = sum(by * part for by, part in zip(self.by, parts, strict=True))
        return keras.ops.stack([0.5 - moved, 0.5 + moved], axis=1)


def model_of(layer):
    frames = keras.Input((SIDE, SIDE, 3))
    return keras.Model(frames, layer(frames))


def judged(model, *, scenes=(0, 255) * 4, **options):
    """Judge by eight clips, whose second class has a bright act, in scenes so bright."""
    labels = [0, 1] * 4
    clips = [
        clip_with(act=255 * label, scene=bright)
        for label, bright in zip(labels, scenes, strict=True)
    ]
    options = {"acts": [mask_of(ACT)] * 8} | options
    return explanation.scene_reliance(
        model, clips, labels=labels, classes=["Dark", "Bright"], **options
    )


@pytest.mark.parametrize(
    ("model", "share"),
    [(looking_at(SCENE), 1), (looking_at(ACT, clips=True), 0)],
    ids=["scene", "act"],
)
def test_a_model_is_found_out_by_what_moves_its_prediction(model, share):
    table = judged(model)
    assert table[["share", "low", "high"]].to_numpy() == pytest.approx(share, abs=1e-6)
    assert table[["auc", "at_home"]].to_numpy() == pytest.approx(1)
    assert table["elsewhere"].tolist() == [1 - share, 1 - share]


@pytest.mark.parametrize(
    ("layer", "by_act", "by_scene", "elsewhere"),
    [(Mixed(0.6, 0.2), 0.6, 0.2, 1), (Mixed(both=1.0), 0.5, 0.5, 0)],
    ids=["sum", "both at once"],
)
def test_pulls_are_shapley_values_in_probability(layer, by_act, by_scene, elsewhere):
    table = judged(model_of(layer))
    assert table["by_act"].to_numpy() == pytest.approx(by_act, abs=1e-3)
    assert table["by_scene"].to_numpy() == pytest.approx(by_scene, abs=1e-3)
    assert table["share"].to_numpy() == pytest.approx(by_scene / (by_act + by_scene), abs=1e-3)
    assert table.loc["Bright", ["at_home", "elsewhere"]].tolist() == [1, elsewhere]


def test_the_shape_of_what_is_hidden_tells_nothing():
    """The outlines of one class hide the bright place that all scenes have."""
    acts = [mask_of(ACT), mask_of(ACT) | mask_of(SCENE)] * 4
    table = judged(looking_at(SCENE), scenes=[255] * 8, acts=acts)
    assert table["by_scene"].to_numpy() == pytest.approx(0, abs=1e-6)


def test_no_clip_meets_its_own_class_or_keeps_an_act_of_its_own_group(monkeypatch):
    shown = []

    def predict(model, clips):
        shown.extend(clips)
        return np.full((len(shown), 2), 0.5)

    monkeypatch.setattr(scene, "predict", predict)
    labels, groups = np.array([0, 0, 0, 1, 1, 1]), np.array(["g1", "g1", "g2"] * 2)
    clips = [clip_with(act=10 * index, scene=10 * index) for index in range(6)]
    options = {"labels": labels, "groups": groups, "acts": [mask_of(ACT)] * 6}
    swaps = scene.swap_scenes(None, clips, **options, rounds=6, seed=0)
    seen = np.array([[clip[0, 2, 2, 0], clip[0, 15, 15, 0]] for clip in shown]) // 10
    fours = seen.reshape(-1, 4, 2).astype(int)  # (meetings, clips, scene and act)
    assert 0 < 2 * len(fours) == len(swaps) == 6 * 6
    for four in fours:
        scenes, acts = four[[0, 2], 0], four[:2, 1]
        assert four.tolist() == [[one, act] for one in scenes for act in acts]
        assert (labels[scenes] == labels[acts]).all()
        assert labels[scenes[0]] != labels[scenes[1]]
        assert (groups[scenes] != groups[acts]).all()
    shown.clear()
    other = scene.swap_scenes(None, clips, **options, rounds=6, seed=1)
    assert swaps["clip"].tolist() != other["clip"].tolist()


@pytest.mark.parametrize("index", [ACT, SCENE], ids=["act", "scene"])
def test_without_outlines_the_act_is_what_moves(index):
    labels, clips = [0, 1] * 3, []
    for label in labels:
        clip = clip_with(scene=255 * label, frames=4)
        clip[::2, *ACT] = 255 if label else 120
        clips.append(clip)
    model = model_of(Mixed(float(index == ACT), float(index == SCENE)))
    table = explanation.scene_reliance(model, clips, labels=labels, classes=["Dark", "Bright"])
    row = table.loc["Bright"]
    assert row["share"] == pytest.approx(float(index == SCENE), abs=0.01)


LETTERS = list("ABCDEFGHIJKL")
LABELS = np.repeat(np.arange(12), 14)
GROUPS = np.tile(np.repeat([f"g{number}" for number in range(7)], 2), 12)


def made_up(by_scene, *, by_act=0.8, spread=0.1, seed=0):
    """Make swaps of twelve classes in seven groups of two clips; rooms pull as chance has it."""
    rng = np.random.default_rng(seed)
    clips = np.tile(np.arange(168), 4)
    rooms = np.repeat(rng.normal(0, spread, 84), 2) + np.repeat(by_scene, 14)
    return pd.DataFrame(
        {
            "clip": clips,
            "label": LABELS[clips],
            "group": GROUPS[clips],
            "by_act": by_act + rng.normal(0, 0.3, 672),
            "by_scene": rooms[clips] + rng.normal(0, spread, 672),
            "at_home": True,
            "elsewhere": np.arange(672) % 2 == 0,
        }
    )


def shares(swaps):
    return pd.DataFrame([scene.swap_means(swaps, label) for label in range(12)], index=LETTERS)


def test_no_class_of_many_is_flagged_by_chance_and_one_with_a_room_of_its_own_is():
    own_room = np.where(np.arange(12) == 4, 0.6, 0)
    for seed in range(20):
        assert (shares(made_up(np.zeros(12), seed=seed))["low"] < 0.1).all()
        table = shares(made_up(own_room, seed=seed))
        assert table.index[table["low"] > 0.1].tolist() == ["E"]


def test_the_interval_leaves_out_one_group_at_a_time():
    swaps = made_up(np.full(12, 0.2))
    row = shares(swaps).loc["C"]
    means = swaps[swaps["label"] == 2].groupby("group")[["by_scene", "by_act"]].mean()

    def share_of(groups):
        return groups["by_scene"].mean() / groups.sum(axis=1).mean()

    left = [share_of(means.drop(index=group)) for group in means.index]
    reach = 3.862991 * np.sqrt(6 * np.var(left))  # Student's t of 6 at 1 - 0.05 / 12
    assert row["share"] == pytest.approx(share_of(means))
    assert (row["low"], row["high"]) == pytest.approx((row["share"] - reach, row["share"] + reach))


def test_where_neither_half_tells_a_class_there_is_no_share():
    table = shares(made_up(np.zeros(12), by_act=-0.9))
    assert table["by_act"].notna().all()
    assert "share" not in table


def test_too_few_groups_or_meetings_give_no_share():
    few = judged(looking_at(SCENE), groups=["g01"] * 4 + ["g02"] * 4)
    assert few["share"].isna().all()
    assert (few["by_scene"] > 0).all()
    alone = explanation.scene_reliance(
        looking_at(ACT), [clip_with()] * 2, labels=[0, 0], classes=["A", "B", "C"]
    )
    assert alone["videos"].tolist() == [2, 0, 0]
    assert alone[["auc", "share"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("lengths", "options", "message"),
    [
        ([3, 3], {"labels": [0]}, r"2 clips.*1 labels"),
        ([3, 3], {"groups": ["g1"]}, r"2 clips.*1 groups"),
        ([], {"labels": []}, r"0 clips of \[\] frames"),
        ([2, 3], {}, r"2 clips of \[2, 3\] frames.*Uniform"),
        ([3, 3], {"acts": [mask_of(ACT)[:2]] * 2}, "at the size of the clip"),
        ([3, 3], {"acts": [mask_of(ACT) * np.uint8(255)] * 2}, "0 to 255"),
    ],
    ids=["labels", "groups", "none", "lengths", "size", "range"],
)
def test_what_does_not_fit_is_refused(lengths, options, message):
    clips = [clip_with(frames=length) for length in lengths]
    options = {"labels": [0, 1], "classes": ["A", "B"]} | options
    with pytest.raises(MetricError, match=message):
        explanation.scene_reliance(looking_at(ACT), clips, **options)
