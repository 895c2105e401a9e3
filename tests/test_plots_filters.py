"""Figures of filters show every picture they are given, in place and named."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from vidlab import plots
from vidlab.errors import MetricError

RNG = np.random.default_rng(0)


def pictures(*, layer="backbone/block_3", filters=(1, 5, 8)):
    return SimpleNamespace(
        images=RNG.integers(0, 256, (len(filters), 16, 16, 3), np.uint8),
        layer=layer,
        filters=np.array(filters),
        responses=np.linspace(1, 2, len(filters)),
    )


def shown(figure):
    return [axes for axes in figure.axes if axes.images]


def titles(figure):
    return [axes.get_title(loc="center") for axes in shown(figure)]


def test_grid_has_a_row_for_each_layer():
    rows = [pictures(), pictures(layer="backbone/mixed4", filters=(0, 2))]
    figure = plots.filter_grid(rows)
    assert titles(figure) == ["1", "5", "8", "0", "2"]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["block_3", "mixed4"]
    np.testing.assert_array_equal(shown(figure)[4].images[0].get_array(), rows[1].images[1])


def test_filters_that_have_names_are_called_by_them():
    classes = [f"class {letter}" for letter in "abcdefghi"]
    figure = plots.filter_grid([pictures(layer="scores")], names=classes)
    assert titles(figure) == ["class b", "class f", "class i"]


def test_compared_filters_stand_one_above_the_other():
    before, after = pictures(), pictures()
    figure = plots.filters_compared({"old": before, "new": after}, correlations=[0.5, 0.9, 1])
    assert titles(figure)[:3] == ["1:  r = 0.50", "5:  r = 0.90", "8:  r = 1.00"]
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == ["old", "new"]
    np.testing.assert_array_equal(shown(figure)[3].images[0].get_array(), after.images[0])


def test_strongest_frames_are_dark_where_the_filter_is_silent():
    frames = np.full((4, 8, 8, 3), 200, np.uint8)
    maps = np.zeros((3, 2, 4, 4), np.float32)
    maps[..., :2] = 1  # the left half excites
    strongest = SimpleNamespace(
        filters=np.array([1, 5, 8]),
        frames=np.array([[0, 1], [2, 3], [1, 0]]),
        responses=np.full((3, 2), 0.25),
        maps=maps,
    )
    figure = plots.strongest_frames(pictures(), strongest, frames, names=["a", "b", "c", "d"])
    assert titles(figure)[:3] == ["made: 1.00", "a: 0.25", "b: 0.25"]
    lit = shown(figure)[1].images[0].get_array()
    assert lit[:, 0].min() == 200
    assert lit[:, -1].max() == 90


def test_layer_maps_name_their_layer_and_size():
    said = SimpleNamespace(
        layer="backbone/Conv1", filters=np.array([2, 3]), maps=RNG.normal(size=(2, 5, 7))
    )
    figure = plots.layer_maps(np.zeros((8, 8, 3)), [said, said])
    assert titles(figure) == ["the frame", "2", "3", "2", "3"]
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ["Conv1\n5×7"] * 2


def test_a_kernel_of_zeros_is_grey_and_the_largest_weight_is_full():
    weights = np.zeros((9, 3, 3, 3), np.float32)
    weights[1, 0, 0, 0], weights[1, 2, 2, 1] = 0.2, -0.2
    figure = plots.first_kernels(weights, maps=RNG.normal(size=(9, 6, 6)))
    kernels = [axes.images[0].get_array() for axes in shown(figure) if axes.get_title(loc="center")]
    assert len(kernels) == 9
    assert (kernels[0] == 0.5).all()
    assert (kernels[1][0, 0, 0], kernels[1][2, 2, 1]) == (1, 0)
    assert len(shown(figure)) == 18


def test_changes_have_a_dot_for_each_filter_and_a_median_for_each_layer():
    table = pd.DataFrame(
        {
            "layer": ["backbone/first"] * 3 + ["backbone/last"] * 2,
            "filter": [0, 1, 2, 0, 1],
            "correlation": [1.0, 0.8, np.nan, 0.2, 0.4],
        }
    )
    figure = plots.filter_changes(table)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["first", "last"]
    dots = [collection.get_offsets()[:, 0].tolist() for collection in axes.collections]
    assert dots == [[1.0, 0.8], [0.2, 0.4]]
    assert [text.get_text() for text in axes.texts] == ["0.90", "0.30"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.filter_grid([]), "at least one layer"),
        (lambda: plots.layer_maps(np.zeros((8, 8, 3)), []), "at least one layer"),
        (
            lambda: plots.filters_compared({"a": pictures(), "b": pictures(filters=(1, 2))}),
            "same filters",
        ),
        (lambda: plots.filters_compared({}), "Received: none"),
        (
            lambda: plots.filters_compared({"a": pictures()}, correlations=[1]),
            "3 correlations, one for each filter",
        ),
        (lambda: plots.first_kernels(np.zeros((2, 3, 3))), "kernels"),
        (
            lambda: plots.strongest_frames(
                pictures(), SimpleNamespace(filters=np.array([2])), np.zeros((1, 8, 8, 3))
            ),
            r"filters \[1, 5, 8\]",
        ),
    ],
    ids=["grid", "maps", "others", "nothing", "correlations", "kernels", "strongest"],
)
def test_what_does_not_belong_together_is_refused(draw, message):
    with pytest.raises(MetricError, match=message):
        draw()
