import numpy as np

from vidlab import pretraining
from vidlab.models import backbones
from vidlab.pretraining import ATTRIBUTES, MARKS, THINGS, Stage, draw_stills, marks, stills
from vidlab.pretraining.drawing import _bearing


def test_the_same_seed_draws_the_same_stills():
    first, second, other = draw_stills(3), draw_stills(3), draw_stills(4)
    np.testing.assert_array_equal(first.pictures, second.pictures)
    np.testing.assert_array_equal(first.attributes, second.attributes)
    assert not np.array_equal(first.pictures, other.pictures)


def test_stills_have_answers_of_the_right_shape():
    drawn = draw_stills(0)
    assert drawn.pictures.dtype == np.uint8
    assert drawn.pictures.shape == (4, 240, 320, 3)
    assert drawn.attributes.shape == (4, len(ATTRIBUTES))
    assert set(np.unique(drawn.attributes)) <= {0, 1}


def test_every_thing_and_every_direction_is_drawn():
    drawn = [draw_stills(seed) for seed in range(60)]
    things = np.concatenate([part.things for part in drawn])
    assert set(things) == set(range(len(THINGS)))
    answers = np.concatenate([part.attributes for part in drawn])
    hands = [i for i, name in enumerate(ATTRIBUTES) if name.startswith("a hand")]
    assert answers[:, hands].any(axis=0).all()
    trunk = [i for i, name in enumerate(ATTRIBUTES) if name.startswith("trunk")]
    np.testing.assert_array_equal(answers[:, trunk].sum(axis=1), 1)


def test_stills_do_not_depend_on_the_number_of_processes():
    one, two = (stills(8, size=(32, 32), jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.pictures, two.pictures)
    np.testing.assert_array_equal(one.things, two.things)


def test_marks_lie_where_things_and_joints_are():
    drawn = draw_stills(5)
    grid = marks(drawn, rows=4, columns=4)
    assert grid.shape == (4, 4, 4, len(MARKS))
    inside = ((drawn.points >= 0) & (drawn.points < 1)).all(axis=2)
    for still, (points, seen) in enumerate(zip(drawn.points, inside, strict=True)):
        x, y = (points[0] * 4).astype(int)  # the head comes first
        assert grid[still, ..., MARKS.index("head")].sum() == seen[0]
        assert not seen[0] or grid[still, y, x, MARKS.index("head")] == 1
        thing = THINGS[drawn.things[still]]
        marked = {MARKS[k] for k in np.flatnonzero(grid[still].any(axis=(0, 1)))}
        assert marked & set(THINGS) == ({thing} if thing != "nothing" and seen[-1] else set())


def test_a_stage_goes_on_from_the_one_before(tiny_backbone):
    backbone, scores = pretraining.train(
        (Stage(size=32, epochs=1, rate=1e-3), Stage(size=48, epochs=1, rate=1e-3)),
        count=8,
        held_out=8,
        backbone=tiny_backbone,
    )
    assert backbone.input_shape == (None, 48, 48, 3)
    assert scores["accuracy"].between(0, 1).all()
    assert list(scores.index[1:]) == list(ATTRIBUTES)


def test_a_body_upside_down_is_said_to_be():
    from vidlab.pantomime.body import Build, Pose, skeleton

    upright = _bearing(skeleton(Build(), Pose()), 1.0)
    over = _bearing(skeleton(Build(), Pose(lean=180.0)), 1.0)
    assert "trunk towards 90°" in upright
    assert "trunk towards 270°" in over


def test_the_shipped_weights_are_small_and_load():
    assert backbones.PANTOMIME_WEIGHTS.stat().st_size < 2_000_000
    assert (backbones.PANTOMIME_WEIGHTS.parent / "README.md").is_file()
    shipped = backbones.build("residual", size=(96, 96), weights="pantomime")
    random = backbones.build("residual", size=(96, 96))
    assert not np.array_equal(shipped.get_weights()[0], random.get_weights()[0])
