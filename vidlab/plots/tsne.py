"""Videos as points in the plane, coloured by class, by group or by error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy.spatial import KDTree

from vidlab.plots.names import labelled
from vidlab.plots.style import BLUE, VERMILLION, axes_or_new, class_colours

__all__ = ["tsne"]

_MARKERS = "osD^vPX<>pd*hH8"
_NAME_SIZE = 6.5  # in points of print
_STEPS = 100  # in which points are pushed apart


def tsne(
    points: np.ndarray,
    labels: Sequence[int],
    ax: Axes | None = None,
    *,
    classes: Sequence[str],
    groups: Sequence[str] | None = None,
    right: Sequence[bool] | None = None,
    title: str = "The feature space",
) -> Figure:
    """Draw videos as points: near points have similar features.

    Points that would cover one another, such as twins with the same mean features, stand side by
    side.

    Points are coloured by class; with `groups`, by group, and lines join the videos of a
    (class, group); with `right`, by whether a model is right about them. Up to 15 classes each have
    a marker of their own; more are named, each at one of its videos.

    Parameters
    ----------
    points
        (videos, 2), from `evaluation.tsne`. The axes have no unit and no meaning.
    labels
        int64, (videos,): indices into `classes`.
    """
    labels = np.asarray(labels, dtype=np.int64)
    table = pd.DataFrame({"class": np.asarray(classes)[labels]})
    by, colours = "class", class_colours(classes)
    if right is not None:
        by, colours = "error", {"right": BLUE, "wrong": VERMILLION}
        table[by] = np.where(right, "right", "wrong")
    elif groups is not None:
        by, colours = "group", class_colours(sorted(set(groups)))
        table[by] = np.asarray(groups)
    many = len(classes) > len(_MARKERS)
    size = (12, 10.5) if many else (9.5, 6.8)
    figure, axes = axes_or_new(ax, title=f"{title}, by {by}", figsize=size)
    area = 16 if len(points) > 1000 else 48
    points = np.asarray(points, dtype=float)
    unit = _unit(axes, points)
    points = unit * _apart(points / unit, distance=1.2 * area**0.5)
    table[["x", "y"]] = points
    if by == "group":
        middles = table.groupby(["class", "group"])[["x", "y"]].transform("mean").to_numpy()
        ends = np.stack([middles, points], axis=1)
        axes.add_collection(LineCollection(ends, colors="#9A9A9A", linewidths=0.8, zorder=1))
    markers = {} if many else {"style": "class", "style_order": classes}
    seaborn.scatterplot(
        table,
        x="x",
        y="y",
        hue=by,
        palette=colours,
        hue_order=list(colours),
        markers=list(_MARKERS[: len(classes)]),
        s=area,
        edgecolor="white",
        linewidth=0.5,
        zorder=2,
        legend=False if many and by == "class" else "full",
        ax=axes,
        **markers,
    )
    axes.set(xticks=[], yticks=[], xlabel="no unit: only nearness counts", ylabel="")
    if (legend := axes.get_legend()) is not None:
        named, title = labelled(axes), legend.get_title().get_text()
        beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)}
        legend = axes.legend(named.values(), named.keys(), title=title, **beside)
        seaborn.utils.adjust_legend_subtitles(legend)
    if many:
        _write_names(axes, points, labels, classes)
    return figure


def _unit(axes: Axes, points: np.ndarray) -> np.ndarray:
    """Width and height of the map that are drawn in one point of print."""
    inches = axes.get_figure(root=True).get_size_inches() * axes.get_position().size
    return np.maximum(np.ptp(points, axis=0), 1e-6) * 1.1 / (72 * inches)


def _apart(points: np.ndarray, *, distance: float) -> np.ndarray:
    """Push points that are nearer than `distance` apart, those in the same place sideways."""
    points = points + np.linspace((0, 0), (0.01, 0), len(points))
    for _ in range(_STEPS):
        near = KDTree(points).query_pairs(0.99 * distance, output_type="ndarray")
        if not len(near):
            break
        first, second = near.T
        between = points[second] - points[first]
        gaps = np.linalg.norm(between, axis=1, keepdims=True)
        push = between / gaps * (distance - gaps) / 2
        np.add.at(points, second, push)
        np.add.at(points, first, -push)
    return points


def _write_names(
    axes: Axes, points: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> None:
    """Write each class's name above one of its videos, where possible clear of other names.

    Videos are tried in the order of how close the others of their class are.
    """
    unit = _unit(axes, points)
    white = [patheffects.withStroke(linewidth=2, foreground="white")]
    taken = np.empty((0, 4))  # left, low, right, high
    for label in np.unique(labels):
        own, name = points[labels == label], classes[label]
        half = unit * _NAME_SIZE * (0.3 * len(name), 0.6)
        spread = np.median(np.linalg.norm(own[:, None] - own[None], axis=2), axis=1)
        above = own[np.argsort(spread, kind="stable")] + (0, 1.3 * _NAME_SIZE * unit[1])
        boxes = np.column_stack([above - half, above + half])
        overlaps = (boxes[:, None, :2] < taken[None, :, 2:]).all(axis=2)
        overlaps &= (boxes[:, None, 2:] > taken[None, :, :2]).all(axis=2)
        best = int(overlaps.any(axis=1).argmin())  # the first one if none is free
        taken = np.vstack([taken, boxes[best]])
        style = {"ha": "center", "va": "center", "fontsize": _NAME_SIZE, "zorder": 5}
        axes.text(*above[best], name, path_effects=white, **style)
