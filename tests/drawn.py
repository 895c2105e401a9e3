"""What stands in a figure, for tests that judge it by its labels."""

import pytest

SIZES = pytest.mark.parametrize("count", [2, 12, 101])


def names(count):
    return [f"Class{number:03d}" for number in range(count)]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def legend(figure):
    found = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for part in found if part is not None for text in part.get_texts()]
