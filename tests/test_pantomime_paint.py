import numpy as np
import pytest

from vidlab.pantomime.paint import Pen, mix, tone
from vidlab.pantomime.props import PROPS, Placement, draw_prop, random_prop_style


def blank(height=120, width=160):
    return np.zeros((height, width, 3), np.uint8)


def drawn_extent(image):
    """Return (x0, y0, x1, y1) around the pixels that are clearly not black."""
    rows, columns = np.nonzero(image.max(axis=2) > 16)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_nested_pens_place_turn_and_scale_what_they_draw():
    image = blank()
    pen = Pen(image).at((80, 60), angle=90, size=10)
    pen.polygon(np.array([(0, -0.5), (3, -0.5), (3, 0.5), (0, 0.5)]), (255, 255, 255))
    # Three units along x, turned by a quarter, are thirty pixels along y.
    assert drawn_extent(image) == pytest.approx((75, 60, 85, 90), abs=1)


def test_a_flipped_pen_mirrors_its_x_axis():
    image = blank()
    Pen(image).at((80, 60), size=10, flip=True).polygon(
        np.array([(1, -1), (4, -1), (4, 1), (1, 1)]), (255, 255, 255)
    )
    assert drawn_extent(image) == pytest.approx((40, 50, 70, 70), abs=1)


@pytest.mark.parametrize("kind", sorted(PROPS))
def test_marks_give_the_box_of_the_pixels_drawn(kind):
    image = np.zeros((300, 400, 3), np.uint8)
    pen = Pen(image, matrix=np.array([[130.0, 0, 180], [0, -130.0, 240]]))
    style = random_prop_style(np.random.default_rng(3))
    with pen.marking("object"):
        draw_prop(pen, Placement(kind, (0.0, 0.1), angle=12, opening=40), style)
    assert pen.boxes()["object"] == pytest.approx(drawn_extent(image), abs=3)


def test_marks_end_with_their_block():
    pen = Pen(None)
    with pen.marking("inside"):
        pen.ellipse((0, 0), (1, 1), (1, 1, 1))
    pen.ellipse((50, 50), (1, 1), (1, 1, 1))
    assert pen.boxes()["inside"] == pytest.approx((-1, -1, 1, 1), abs=0.01)


@pytest.mark.parametrize("side", [-1, 1], ids=["from-left", "from-right"])
def test_limbs_are_brighter_towards_the_light(side):
    image = blank()
    pen = Pen(image, light=(side, 0))
    pen.limb([(80, 20), (80, 100)], (20, 20), ((120, 120, 120),))
    left, right = image[60, 62:80].mean(), image[60, 81:99].mean()
    assert (right - left) * side > 10


def test_a_soft_shadow_fades_outwards_and_leaves_the_rest_alone():
    image = np.full((100, 100, 3), 200, np.uint8)
    Pen(image).soft((50, 50), (20, 20), (0, 0, 0), strength=0.8)
    assert image[50, 50].max() < 60
    assert image[50, 50].max() < image[50, 60].max() < 200
    assert (image[:, :28] == 200).all()


def test_a_soft_shadow_over_the_edge_is_cut_off():
    image = np.full((40, 40, 3), 200, np.uint8)
    Pen(image).soft((0, 0), (20, 20), (0, 0, 0), strength=1)
    Pen(image).soft((-90, 0), (20, 20), (0, 0, 0), strength=1)
    assert image[0, 0].max() < 30
    assert (image[25:, 25:] == 200).all()


def test_a_stencil_is_full_wherever_something_is_drawn_whatever_its_colour():
    stencil = np.zeros((40, 60), np.uint8)
    pen = Pen(stencil)
    pen.soft((30, 20), (20, 15), (0, 0, 0), strength=1.0)
    pen.wash(np.array([[0, 0], [60, 0], [60, 40]]), (255, 255, 255), strength=1.0)
    assert not stencil.any()
    with pen.marking("all"):
        pen.ball((20, 20), (8, 8), (0, 0, 0))
        pen.at((40, 20)).stroke(np.array([[0, -8], [0, 8]]), 4, (9, 9, 9))
    assert (stencil[16:25, 16:25] == 255).all()
    assert stencil[20, 40] == 255
    assert stencil[0, 0] == 0
    assert "all" in pen.boxes()


def test_colours_are_toned_and_mixed():
    assert tone((200, 100, 0), 0.5) == (100, 50, 0)
    assert tone((0, 0, 0), 1.5) == pytest.approx((127.5,) * 3)
    assert mix((0, 0, 0), (200, 100, 50), 0.5) == (100, 50, 25)
