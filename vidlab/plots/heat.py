"""Explanations on the frames they are about, and importance over time.

Takes frames from `video` and records of `explanation`; gives pictures and figures to notebooks and
to the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.rows import legend_below
from vidlab.plots.style import BLUE, GREY, INK, ORANGE, SKY, VERMILLION, Drawing, percent_axis

if TYPE_CHECKING:
    from vidlab.explanation import Explanation

__all__ = ["heat_strip", "importance_over_time", "overlay"]

_STRONGEST = 0.75  # of a picture is covered by heat of 1
_LINES = (BLUE, VERMILLION, INK, ORANGE, SKY)


def overlay(frames: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay heat over frames: the hotter, the more it covers; cold places stay as filmed.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255.
    heat
        (time, …, …), 0 to 1; enlarged to the frames where it is smaller.

    Returns
    -------
    numpy.ndarray
        uint8, (time, height, width, 3).

    Raises
    ------
    MetricError
        If there is not one heatmap for each frame.
    """
    frames, heat = as_pictures(frames, dimensions=4), np.asarray(heat, np.float32)
    if heat.ndim != 3 or len(heat) != len(frames):
        raise MetricError(
            f"Expected {len(frames)} heatmaps (time, height, width), one for each frame. Received: "
            f"shape {heat.shape}. Give the frames that were explained."
        )
    size = frames.shape[2], frames.shape[1]
    fitted = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_LINEAR) for one in heat])
    colours = 255 * mpl.colormaps["inferno"](fitted)[..., :3]
    covered = _STRONGEST * np.sqrt(fitted)[..., None]
    return np.rint(frames * (1 - covered) + colours * covered).astype(np.uint8)


def heat_strip(
    frames: np.ndarray,
    explanations: Mapping[str, Explanation],
    *,
    seconds: Sequence[float] | None = None,
    most: int = 8,
    title: str = "Where the model looked, and when",
) -> Drawing:
    """Draw frames, below them each explanation laid over them, and how much each frame counted.

    Parameters
    ----------
    frames
        Those that were explained, (time, height, width, 3), 0 to 255, of any size.
    explanations
        Row name to record, such as those of the true and of the predicted class.
    seconds
        The time of each frame in the video; without it frames are counted from 0.
    most
        How many frames are drawn, spread evenly; the curves have all of them.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is nothing to draw, or an explanation is of another number of frames.
    """
    frames = as_pictures(frames, dimensions=4)
    steps = np.arange(len(frames)) if seconds is None else np.asarray(seconds, float)
    lengths = {name: len(record.heat) for name, record in explanations.items()}
    if not lengths or set(lengths.values()) | {len(steps)} != {len(frames)}:
        raise MetricError(
            f"Expected explanations of {len(frames)} frames, and as many times. Received: "
            f"{lengths or 'no explanation'}, {len(steps)} times. Give the frames that were "
            "explained."
        )
    chosen = np.unique(np.linspace(0, len(frames) - 1, most).round().astype(int))
    inches = 11.5 / len(chosen) * frames.shape[1] / frames.shape[2] + 0.25
    rows = 1 + len(explanations)
    figure = Drawing(figsize=(11.5, rows * inches + 2.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    grid = figure.add_gridspec(rows + 1, len(chosen), height_ratios=[inches] * rows + [1.7])
    shown = {"frames": frames[chosen]} | {
        name: overlay(frames[chosen], record.heat[chosen]) for name, record in explanations.items()
    }
    for row, (name, pictures) in enumerate(shown.items()):
        cells = [figure.add_subplot(grid[row, column]) for column in range(len(chosen))]
        for axes, picture in zip(cells, pictures, strict=True):
            axes.imshow(picture)
            axes.set_axis_off()
        if name in explanations and not explanations[name].has_evidence:
            name += ": no positive evidence"
        across = figure.add_subplot(grid[row, :])  # a cell would be widened by a long name
        across.set_axis_off()
        across.set_title(name, fontsize=9.5, loc="left")
    unit = "frame {:.0f}" if seconds is None else "{:.2f} s"
    for axes, at in zip(figure.axes, chosen, strict=False):
        axes.set_title(unit.format(steps[at]), fontsize=8, fontweight="normal", loc="right")
    below = figure.add_subplot(grid[rows, :])
    for place, (name, record) in enumerate(explanations.items()):
        colour = _LINES[place % len(_LINES)]
        below.plot(steps, record.frame_importance, "o-", color=colour, label=name, markersize=4)
    for at in chosen:
        below.axvline(steps[at], color=GREY, linewidth=0.6, zorder=0)
    percent_axis(below, "share of the evidence", horizontal=False, top=_top(explanations))
    below.set_xlabel("frame" if seconds is None else "time in the video (s)")
    if len(explanations) > 1:
        legend_below(figure, below)
    return figure


def importance_over_time(
    importance: Mapping[str, np.ndarray],
    *,
    seconds: Sequence[float] | None = None,
    title: str = "Which frames count",
) -> Drawing:
    """Draw measures of how much each frame counts, one below the other, each in its own unit.

    Parameters
    ----------
    importance
        Name with its unit, such as ``"lost without it (probability)"``, to (time,).
    seconds
        The time of each frame in the video; without it frames are counted from 0.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is nothing to draw, or the lengths differ.
    """
    lengths = {name: len(values) for name, values in importance.items()}
    if seconds is not None:
        lengths["seconds"] = len(seconds)
    if not importance or len(set(lengths.values())) != 1:
        raise MetricError(
            f"Expected a number for each frame, of one clip. Received: {lengths or 'nothing'}. "
            "Measure the same frames."
        )
    steps = np.arange(next(iter(lengths.values()))) if seconds is None else seconds
    figure = Drawing(figsize=(10, 0.8 + 1.9 * len(importance)), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    panels = figure.subplots(len(importance), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, values) in zip(panels, importance.items(), strict=True):
        axes.axhline(0, color=GREY, linewidth=1)
        axes.plot(steps, values, "o-", color=BLUE, markersize=4)
        axes.set_title(name, fontsize=9.5, fontweight="normal", loc="left")
    panels[-1].set_xlabel("frame" if seconds is None else "time in the video (s)")
    return figure


def _top(explanations: Mapping[str, Explanation]) -> float:
    """Return where the axis of shares ends: a little above the largest."""
    largest = max(record.frame_importance.max() for record in explanations.values())
    return float(1.1 * largest) if largest > 0 else 1.0
