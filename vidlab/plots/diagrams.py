"""How a recurrent network reads a video, drawn with the video's own frames.

Takes frames from `video`; gives a figure to notebooks. Every picture is uint8 or float RGB from 0
to 255.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import BLUE, INK, VERMILLION, Drawing

__all__ = ["unrolled"]

_STEP = 1.5  # from one time step to the next; a frame is 1.2 wide
_CELL, _OUT = 1.5, 2.6  # heights of the cells and of the answer


def unrolled(
    frames: np.ndarray,
    *,
    cell: str = "GRU",
    answer: str = "probabilities\nof the classes",
    title: str = "One cell, used once a frame",
) -> Drawing:
    """Draw a recurrent network twice: rolled up with its loop, and unrolled along the frames.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255, two of them or more.
    cell
        What is written into the cells.
    answer
        What comes out after the last frame.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If `frames` has another shape or is a single frame.
    """
    frames = as_pictures(frames, dimensions=4)
    if len(frames) < 2:
        raise MetricError(
            "Expected two frames or more, to have something to unroll. Received: one. "
            "Read more of the video."
        )
    places = 3.5 + _STEP * np.arange(len(frames))
    right, top = places[-1] + 0.75, _OUT + 0.3
    figure = Drawing(figsize=(12, 12 * (top + 0.5) / (right + 0.75) + 0.35), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.subplots()
    axes.set_axis_off()

    _picture(axes, frames[0], 0.0, name="every frame")
    _box(axes, 0.0, cell)
    _arrow(axes, (0, 0.8), (0, _CELL - 0.35))
    loop = "arc3,rad=-1.6"
    _arrow(axes, (0.45, _CELL + 0.12), (0.45, _CELL - 0.14), colour=VERMILLION, curve=loop)
    axes.text(0.55, _CELL + 0.25, "state", color=VERMILLION, fontsize=10)
    axes.text(1.5, _CELL, "=", fontsize=26, ha="center", va="center")

    start = places[0] - 0.95
    axes.text(start - 0.06, _CELL, "$h_0 = 0$", color=VERMILLION, ha="right", va="center")
    for number, (place, frame) in enumerate(zip(places, frames, strict=True), start=1):
        _picture(axes, frame, place, name=f"$x_{{{number}}}$")
        _box(axes, place, cell)
        _arrow(axes, (place, 0.8), (place, _CELL - 0.35))
        _arrow(axes, (start, _CELL), (place - 0.45, _CELL), colour=VERMILLION)
        if number > 1:
            between = (start + place - 0.45) / 2
            axes.text(between, _CELL + 0.13, f"$h_{{{number - 1}}}$", color=VERMILLION, ha="center")
        start = place + 0.45
    _arrow(axes, (places[-1], _CELL + 0.35), (places[-1], _OUT - 0.22))
    axes.text(places[-1], _OUT, answer, ha="center", va="center", fontsize=10)
    axes.text(places[-1] + 0.08, 2.07, f"$h_{{{len(frames)}}}$", color=VERMILLION, va="center")
    axes.set(xlim=(-0.75, right), ylim=(-0.5, top), aspect="equal")
    return figure


def _picture(axes: Axes, frame: np.ndarray, place: float, *, name: str) -> None:
    """Draw a frame as large as fits into its place, upright ones smaller."""
    height, width = frame.shape[:2]
    scale = min(0.6 / width, 0.48 / height)
    middle, half_width, half_height = 0.3, scale * width, scale * height
    axes.imshow(
        frame,
        extent=(
            place - half_width,
            place + half_width,
            middle - half_height,
            middle + half_height,
        ),
    )
    axes.text(place, -0.27, name, ha="center", va="top", fontsize=10)


def _box(axes: Axes, place: float, text: str) -> None:
    shape = "round,pad=0,rounding_size=0.12"
    corner = (place - 0.45, _CELL - 0.35)
    axes.add_patch(FancyBboxPatch(corner, 0.9, 0.7, boxstyle=shape, fc="#DCEBF5", ec=BLUE, lw=1.4))
    axes.text(place, _CELL, text, ha="center", va="center", fontsize=11, fontweight="bold")


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = INK,
    curve: str = "arc3",
) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            connectionstyle=curve,
            arrowstyle="-|>",
            mutation_scale=13,
            color=colour,
            linewidth=1.4,
            shrinkA=0,
            shrinkB=0,
        )
    )
