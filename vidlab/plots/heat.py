"""Heatmaps on the frames they explain, and how much each frame counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures, film_strip, spread
from vidlab.plots.style import GREY, Drawing, class_colours, legend_below, percent_axis, titled

if TYPE_CHECKING:
    from vidlab.explanation import Explanation

__all__ = ["heat_strip", "overlay"]

_STRONGEST = 0.75  # of a picture is covered by heat of 1


def overlay(frames: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay heatmaps over frames: the hotter, the more is covered; what is cold stays as filmed.

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
    fitted = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_LINEAR) for each in heat])
    colours = 255 * mpl.colormaps["inferno"](fitted)[..., :3]
    covered = _STRONGEST * np.sqrt(fitted)[..., None]
    return np.rint(frames * (1 - covered) + colours * covered).astype(np.uint8)


def heat_strip(
    frames: np.ndarray,
    explanations: Mapping[str, Explanation],
    *,
    pictures: Mapping[str, np.ndarray] | None = None,
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
    pictures
        Row name to what its heat is laid on where these are not the frames, such as flow as
        colours; of the shape of `frames`.
    seconds
        The time of each frame in the video; without it frames are counted from 0.
    most
        How many frames are drawn, spread evenly; the curves have all of them.

    Raises
    ------
    MetricError
        If there is nothing to draw, or an explanation is of another number of frames.
    """
    frames = as_pictures(frames, dimensions=4)
    steps = np.arange(len(frames)) if seconds is None else np.asarray(seconds, float)
    lengths = {name: len(record.heat) for name, record in explanations.items()}
    if not lengths or {*lengths.values(), len(steps)} != {len(frames)}:
        raise MetricError(
            f"Expected explanations of {len(frames)} frames, and as many times. Received: "
            f"{lengths or 'no explanation'}, {len(steps)} times. Give the frames that were "
            "explained."
        )
    chosen = spread(len(frames), most)
    unit = "frame {:.0f}" if seconds is None else "{:.2f} s"
    inches = 11.5 / len(chosen) * frames.shape[1] / frames.shape[2] + 0.25
    shown = {"frames": frames[chosen]}
    for name, record in explanations.items():
        label = name + ("" if record.has_evidence else ": no positive evidence")
        shown[label] = overlay((pictures or {}).get(name, frames)[chosen], record.heat[chosen])
    figure = titled(title, (11.5, len(shown) * inches + 2.4))
    heights = [inches] * len(shown) + [1.7]
    *rows, below = figure.subplots(len(heights), 1, height_ratios=heights)
    for axes, (name, strip) in zip(rows, shown.items(), strict=True):
        labels = map(unit.format, steps[chosen]) if axes is rows[0] else ()
        film_strip(axes, strip, labels=labels)
        axes.set_title(name, fontsize=9.5, loc="left")
    for name, colour in class_colours(list(explanations)).items():
        label, shares = name if len(explanations) > 1 else None, explanations[name].frame_importance
        below.plot(steps, shares, "o-", color=colour, label=label, markersize=4)
    below.vlines(steps[chosen], 0, 1, color=GREY, linewidth=0.6, zorder=0)
    largest = max(record.frame_importance.max() for record in explanations.values())
    top = float(1.1 * largest) if largest > 0 else 1.0
    percent_axis(below, "share of the evidence", horizontal=False, top=top)
    below.set_xlabel("frame" if seconds is None else "time in the video (s)")
    legend_below(figure)
    return figure
