"""Deletion, hiding and shortcuts, on tiny models that are known to look at one place."""

import keras
import numpy as np
import pandas as pd
import pytest

from vidlab.errors import MetricError, ModelError
from vidlab.explanation import asking
from vidlab.explanation.records import explained
from vidlab.explanation.trust import curves, hiding
from vidlab.explanation.trust.shortcuts import Halves, ask_halves, shortcuts

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
    with pytest.raises(ModelError, match=r"frames.*\(None, 4\).*assemble"):
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


def test_boxes_mark_the_act_at_the_size_of_the_clip():
    boxes = pd.DataFrame(
        [(4, "person", 160, 120, 240, 240)], columns=["frame", "part", "x0", "y0", "x1", "y1"]
    )
    marks = hiding.act_of_boxes(boxes, numbers=[3, 4], size=(24, 32))
    assert not marks[0].any()
    assert marks[1, 12:24, 16:24].all()
    assert not marks[1, :10].any()
    assert not marks[1, :, :14].any()
    assert not marks[1, :, 26:].any()


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


def test_a_hidden_act_leaves_its_surroundings_and_a_hidden_scene_the_act():
    clip = clip_with(act=255, scene=200)
    act = np.zeros(clip.shape[:3], bool)
    act[:, *ACT] = True
    hidden = hiding.without_act(clip, act)
    np.testing.assert_array_equal(hidden[~act], clip[~act])
    assert np.abs(hidden[act] - 60).max() < 25
    alone = hiding.without_scene(clip, act)
    assert (alone[act] == 255).all()
    assert (alone[~act] == 127).all()
    everywhere = hiding.without_act(clip, np.ones_like(act))
    assert (everywhere == 127).all()
    with pytest.raises(MetricError, match="at the size of the clip"):
        hiding.without_act(clip, act[:2])


def judged(model, *, scenes):
    """Ask about eight clips, whose second class has a bright act, in scenes so bright."""
    clips = [
        clip_with(act=255 * label, scene=scene)
        for label, scene in zip((0, 1) * 4, scenes, strict=True)
    ]
    acts = np.zeros((8, 3, SIDE, SIDE), bool)
    acts[:, :, *ACT] = True
    halves = ask_halves(model, clips, acts=acts)
    return halves, shortcuts(halves, labels=[0, 1] * 4, classes=["Dark", "Bright"])


def test_a_model_that_looks_at_the_scene_is_found_out():
    halves, table = judged(looking_at(SCENE), scenes=(0, 255) * 4)
    assert halves.rests_on == "boxes"
    assert table["looks_at"].tolist() == ["scene", "scene"]
    assert (table["without_act"] == 1).all()
    assert (table["without_scene"] == 0.5).all()
    assert "Bright is told by its scene" in table.loc["Bright", "says"]


def test_a_model_that_looks_at_the_act_is_not():
    _, table = judged(looking_at(ACT, clips=True), scenes=(90, 90, 200, 200) * 2)
    assert table["looks_at"].tolist() == ["act", "act"]
    assert (table["without_act"] <= 0.6).all()
    assert (table["without_scene"] == 1).all()


def test_without_boxes_the_verdict_says_that_it_rests_on_motion():
    clips = []
    for label in (0, 1) * 3:
        clip = clip_with(scene=255 * label, frames=4)
        clip[::2, *ACT] = 255
        clips.append(clip)
    halves = ask_halves(looking_at(SCENE), clips)
    table = shortcuts(halves, labels=[0, 1] * 3, classes=["Dark", "Bright"])
    assert halves.rests_on == "motion"
    assert table.loc["Bright", "looks_at"] == "scene"
    assert "everything that moves" in table.loc["Bright", "says"]


def test_a_class_that_is_not_told_is_not_judged():
    even = np.full((6, 3), 1 / 3, np.float32)
    table = shortcuts(Halves(even, even, even, "boxes"), labels=[0, 1] * 3, classes=["A", "B", "C"])
    assert table["looks_at"].tolist() == ["unclear"] * 3
    assert table.loc["C", "videos"] == 0
    assert np.isnan(table.loc["C", "without_act"])


def test_two_groups_are_too_few_for_a_verdict():
    halves, _ = judged(looking_at(SCENE), scenes=(0, 255) * 4)
    options = {"labels": [0, 1] * 4, "classes": ["Dark", "Bright"]}
    few = shortcuts(halves, groups=["g01"] * 4 + ["g02"] * 4, **options)
    assert few["looks_at"].tolist() == ["unclear", "unclear"]
    assert "2 groups here, too few" in few.loc["Bright", "says"]
    assert (few["without_act"] == 1).all()


def test_what_does_not_fit_is_refused():
    even = np.full((2, 2), 0.5, np.float32)
    with pytest.raises(MetricError, match=r"each of 2 clips.*1 labels"):
        shortcuts(Halves(even, even, even, "boxes"), labels=[0], classes=["A", "B"])
    with pytest.raises(MetricError, match="Received: none"):
        ask_halves(looking_at(ACT), [])
