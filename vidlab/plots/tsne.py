"""Videos as points in the plane, coloured by class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.spatial import KDTree

from vidlab.plots.names import labelled
from vidlab.plots.style import axes_or_new, class_colours

__all__ = ["tsne"]

_MARKERS = "osD^vPX<>pd*hH8"
_NAME = {"ha": "center", "va": "center", "fontsize": 6.5, "zorder": 5}
_WHITE = [patheffects.withStroke(linewidth=2, foreground="white")]
_STEPS = 100  # in which points are pushed apart


def tsne(
    points: np.ndarray,
    labels: Sequence[int],
    ax: Axes | None = None,
    *,
    classes: Sequence[str],
    title: str = "The feature space",
) -> Figure:
    """Draw videos as points, coloured by class: near points have similar features.

    Points that would cover one another, such as twins with the same mean features, stand side by
    side. Up to 15 classes each have a marker of their own; more are named, each at its middle.

    Parameters
    ----------
    points
        (videos, 2), from scikit-learn's ``TSNE`` (van der Maaten 2008). The axes have no unit and
        no meaning.
    labels
        int64, (videos,): indices into `classes`.
    """
    many = len(classes) > len(_MARKERS)
    size = (12, 10.5) if many else (9.5, 6.8)
    figure, axes = axes_or_new(ax, title=title, figsize=size)
    area = 16 if len(points) > 1000 else 48
    # Width and height of the map that are drawn in one point of print.
    inches = axes.get_figure(root=True).get_size_inches() * axes.get_position().size
    unit = np.maximum(np.ptp(points, axis=0), 1e-6) * 1.1 / (72 * inches)
    points = unit * _apart(np.asarray(points) / unit, distance=1.2 * area**0.5)
    table = pd.DataFrame(points, columns=["x", "y"]).assign(label=np.asarray(labels))
    style = {"s": area, "edgecolor": "white", "linewidth": 0.5}
    for label, (name, colour) in enumerate(class_colours(classes).items()):
        own = table[table["label"] == label]
        marker = "o" if many else _MARKERS[label]
        axes.scatter(own["x"], own["y"], color=colour, marker=marker, label=name, **style)
        if many and len(own):
            axes.text(*own[["x", "y"]].median(), name, path_effects=_WHITE, **_NAME)
    axes.set(xticks=[], yticks=[], xlabel="no unit: only nearness counts")
    if not many:
        named = labelled(axes)
        axes.legend(named.values(), named.keys(), loc="upper left", bbox_to_anchor=(1, 1))
    return figure


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
