"""A map of the feature space, its videos coloured by class, by group or by error.

Takes points from `evaluation.feature_map`, and labels; gives a figure to notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from vidlab.errors import MetricError
from vidlab.plots.style import BLUE, GREY, VERMILLION, Drawing, class_colours

__all__ = ["feature_map"]

_SIGNS = "osD^vPX<>pd*hH8"
_NAME_SIZE = 6.5  # in points of print


def feature_map(
    points: np.ndarray,
    labels: Sequence[int],
    *,
    classes: Sequence[str],
    groups: Sequence[str] | None = None,
    right: Sequence[bool] | None = None,
    title: str = "The feature space",
) -> Drawing:
    """Draw videos as points: near points have similar features.

    Points are coloured by class; with `groups`, by group, and lines join the videos of a
    (class, group); with `right`, by whether a model is right about them. Up to 15 classes each have
    a sign of their own; more are named, each at one of its videos.

    Parameters
    ----------
    points
        (videos, 2), from `evaluation.feature_map`. The axes have no unit and no meaning.
    labels
        int64, (videos,): positions in `classes`.
    classes
        All of them, also those without videos.
    groups
        (videos,).
    right
        bool, (videos,).
    title
        Over the figure; what the colours mean is added.

    Raises
    ------
    MetricError
        If there is not one point, label, group and answer for each video.
    """
    points, labels = np.asarray(points, dtype=float), np.asarray(labels, dtype=np.int64)
    _check(points, labels, groups, right)
    many = len(classes) > len(_SIGNS)
    figure = Drawing(figsize=(12, 10.5) if many else (9.5, 6.8), layout="constrained")
    axes = figure.subplots()
    if right is not None:
        values = np.where(np.asarray(right, dtype=bool), "right", "wrong")
        by, colours = "error", {"right": BLUE, "wrong": VERMILLION}
    elif groups is not None:
        values = np.asarray(groups, dtype=str)
        by, colours = "group", class_colours(sorted(set(values.tolist())))
    else:
        values = np.asarray(classes)[labels]
        by, colours = "class", class_colours(classes)
    axes.set(xticks=[], yticks=[], xlabel="no unit: only nearness counts")
    axes.set_title(f"{title}, by {by}")
    if groups is not None:
        _join(axes, points, labels, np.asarray(groups))
    signs = ["o"] * len(classes) if many else list(_SIGNS[: len(classes)])
    for label in np.unique(labels):
        inside = labels == label
        axes.scatter(
            *points[inside].T,
            s=14 if len(points) > 1000 else 42,
            c=[colours[value] for value in values[inside].tolist()],
            marker=signs[label],
            edgecolor="white",
            linewidth=0.5,
            zorder=2,
        )
    if many:
        _write_names(axes, points, labels, classes)
    else:
        handles = [
            _sign(sign, colours[name] if by == "class" else GREY, name)
            for sign, name in zip(signs, classes, strict=True)
        ]
        figure.legend(handles=handles, loc="outside right upper", title="class")
    if by != "class":
        handles = [_sign("o", colour, name) for name, colour in colours.items()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 9))
    return figure


def _sign(marker: str, colour: str, name: str) -> Line2D:
    """Give a sign and its name for a legend."""
    return Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=7, label=name)


def _join(axes: Axes, points: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> None:
    """Join the videos of each (class, group) to their middle."""
    lines = []
    for label, group in sorted(set(zip(labels.tolist(), groups.tolist(), strict=True))):
        inside = points[(labels == label) & (groups == group)]
        lines += [(inside.mean(axis=0), point) for point in inside]
    axes.add_collection(LineCollection(lines, colors="#9A9A9A", linewidths=0.8, zorder=1))


def _write_names(
    axes: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> None:
    """Write each class's name above one of its videos, where possible clear of other names.

    Videos are tried in the order of how close the others of their class are.
    """
    width, height = axes.figure.get_size_inches() * 72 * 0.95  # points of print
    unit = np.ptp(points, axis=0) * 1.1 / (width, height)  # of the map, in one point of print
    taken = np.empty((0, 4))
    for label in np.unique(labels):
        inside, name = points[labels == label], classes[label]
        half = unit * _NAME_SIZE * (0.3 * len(name), 0.6)
        spread = np.median(np.linalg.norm(inside[:, None] - inside[None], axis=2), axis=1)
        places = inside[np.argsort(spread, kind="stable")] + (0, 1.3 * _NAME_SIZE * unit[1])
        boxes = np.column_stack([places - half, places + half])
        free = [not _overlap(box, taken).any() for box in boxes]
        best = free.index(True) if any(free) else 0
        taken = np.vstack([taken, boxes[best]])
        axes.text(
            *places[best],
            name,
            ha="center",
            va="center",
            fontsize=_NAME_SIZE,
            path_effects=[patheffects.withStroke(linewidth=2, foreground="white")],
            zorder=5,
        )


def _overlap(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which boxes (left, low, right, high) overlap one: bool, (others,)."""
    return (box[:2] < others[:, 2:]).all(axis=1) & (box[2:] > others[:, :2]).all(axis=1)


def _check(points: np.ndarray, labels: np.ndarray, groups, right) -> None:
    lengths = {len(part) for part in (points, labels, groups, right) if part is not None}
    if points.ndim != 2 or points.shape[1] != 2 or len(lengths) > 1:
        raise MetricError(
            "Expected one point, (videos, 2), and one label, group and answer for each video. "
            f"Received: points of shape {points.shape} and {len(labels)} labels. "
            "Take all of them from the same videos in the same order."
        )
