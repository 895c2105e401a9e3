"""The drawn stills and their targets, one short training, and the shipped weights."""

import numpy as np
import pytest

from vidlab import pretraining
from vidlab.models import backbones
from vidlab.models.backbones.specs import spec
from vidlab.pretraining.drawing import (
    ATTRIBUTES,
    KEYPOINTS,
    THINGS,
    keypoint_maps,
    scene_stills,
)


@pytest.fixture(scope="module")
def drawn():
    return [scene_stills(seed) for seed in range(30)]


def test_a_scene_s_stills_have_targets_of_the_right_shape_and_follow_from_the_seed(drawn):
    first = drawn[3]
    assert (first.pictures.dtype, first.pictures.shape) == (np.uint8, (4, 240, 320, 3))
    assert first.attributes.shape == (4, len(ATTRIBUTES))
    for one, other in zip(first, scene_stills(3), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first.pictures, drawn[4].pictures)


def test_every_thing_and_every_direction_is_drawn(drawn):
    assert set(np.concatenate([one.things for one in drawn])) == set(range(len(THINGS)))
    attributes = np.concatenate([one.attributes for one in drawn])
    assert set(np.unique(attributes)) == {0, 1}
    hands, trunk = (
        [i for i, name in enumerate(ATTRIBUTES) if name.startswith(start)]
        for start in ("a hand", "trunk")
    )
    assert attributes[:, hands].any(axis=0).all()
    np.testing.assert_array_equal(attributes[:, trunk].sum(axis=1), 1)


def test_stills_do_not_depend_on_the_number_of_processes():
    one, two = (pretraining.stills(8, size=(32, 32), jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.pictures, two.pictures)
    np.testing.assert_array_equal(one.things, two.things)


def test_keypoint_maps_mark_where_things_and_joints_are(drawn):
    scene = drawn[5]
    maps = keypoint_maps(scene, rows=4, columns=4)
    assert maps.shape == (4, 4, 4, len(KEYPOINTS))
    inside = ((scene.points >= 0) & (scene.points < 1)).all(axis=2)
    for still, (points, seen) in enumerate(zip(scene.points, inside, strict=True)):
        x, y = (points[0] * 4).astype(int)  # the head comes first
        assert maps[still, ..., KEYPOINTS.index("head")].sum() == seen[0]
        assert not seen[0] or maps[still, y, x, KEYPOINTS.index("head")] == 1
        thing = THINGS[scene.things[still]]
        marked = {KEYPOINTS[k] for k in np.flatnonzero(maps[still].any(axis=(0, 1)))}
        assert marked & set(THINGS) == ({thing} if thing != "nothing" and seen[-1] else set())


def test_a_stage_goes_on_from_the_one_before(tiny_backbone):
    stages = [pretraining.Stage(size=size, epochs=1, rate=1e-3) for size in (32, 48)]
    backbone, scores = pretraining.train(stages, count=8, held_out=8, backbone=tiny_backbone)
    assert backbone.input_shape == (None, 48, 48, 3)
    assert scores["accuracy"].between(0, 1).all()
    assert list(scores.index[1:]) == list(ATTRIBUTES)


@pytest.mark.parametrize("name", ["residual", "residual-0.25"])
def test_the_shipped_weights_are_small_and_load(name):
    file = spec(name).pantomime
    assert file.stat().st_size < 2_000_000
    assert file.name in (file.parent / "README.md").read_text(encoding="utf-8")
    shipped, random = (
        backbones.build(name, size=(96, 96), weights=weights) for weights in ("pantomime", None)
    )
    assert not np.array_equal(shipped.get_weights()[0], random.get_weights()[0])
