"""How a recurrent network reads a video, drawn with the video's own frames."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import BLUE, INK, VERMILLION, Drawing, titled

__all__ = ["unrolled"]

_STEP = 1.5  # from one time step to the next; a cell is 0.9 wide
_CELL, _OUT = 1.5, 2.6  # heights of the cells and of the output


def unrolled(
    frames: np.ndarray, *, cell: str = "GRU", title: str = "One cell, used once a frame"
) -> Drawing:
    """Draw a recurrent network twice: rolled up with its loop, and unrolled along the frames.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255.
    cell
        What is written into the cells.
    """
    frames = as_pictures(frames, dimensions=4)
    middles = 3.5 + _STEP * np.arange(len(frames))
    right, top = middles[-1] + 0.75, _OUT + 0.3
    figure = titled(title, (12, 12 * (top + 0.5) / (right + 0.75) + 0.35))
    axes = figure.subplots()
    axes.set_axis_off()
    state = {"color": VERMILLION, "ha": "center", "va": "center"}

    _step(axes, frames[0], 0.0, name="every frame", cell=cell)
    loop = "arc3,rad=-1.6"
    _arrow(axes, (0.45, _CELL + 0.12), (0.45, _CELL - 0.14), colour=VERMILLION, curve=loop)
    axes.text(0.8, _CELL + 0.3, "state", fontsize=10, **state)
    axes.text(1.5, _CELL, "=", fontsize=26, ha="center", va="center")

    axes.text(middles[0] - 1.3, _CELL, "$h_0 = 0$", **state)
    for number, (middle, frame) in enumerate(zip(middles, frames, strict=True), start=1):
        _step(axes, frame, middle, name=f"$x_{{{number}}}$", cell=cell)
        start = middle - (0.95 if number == 1 else _STEP - 0.45)
        _arrow(axes, (start, _CELL), (middle - 0.45, _CELL), colour=VERMILLION)
        if number < len(frames):
            axes.text(middle + _STEP / 2, _CELL + 0.18, f"$h_{{{number}}}$", **state)
    _arrow(axes, (middles[-1], _CELL + 0.35), (middles[-1], _OUT - 0.22))
    axes.text(middles[-1] + 0.2, 2.07, f"$h_{{{len(frames)}}}$", **state)
    output = "probabilities\nof the classes"
    axes.text(middles[-1], _OUT, output, ha="center", va="center", fontsize=10)
    axes.set(xlim=(-0.75, right), ylim=(-0.5, top), aspect="equal")
    return figure


def _step(axes: Axes, frame: np.ndarray, middle: float, *, name: str, cell: str) -> None:
    """Draw a frame, upright ones smaller, and the cell that reads it."""
    height, width = frame.shape[:2]
    half = min(0.6 / width, 0.48 / height) * np.array([width, height])
    extent = (middle - half[0], middle + half[0], 0.3 - half[1], 0.3 + half[1])
    axes.imshow(frame, extent=extent)
    axes.text(middle, -0.27, name, ha="center", va="top", fontsize=10)
    _arrow(axes, (middle, 0.8), (middle, _CELL - 0.35))
    corner = (middle - 0.45, _CELL - 0.35)
    shape = "round,pad=0,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch(corner, 0.9, 0.7, boxstyle=shape, fc="#DCEBF5", ec=BLUE, lw=1.4))
    axes.text(middle, _CELL, cell, ha="center", va="center", fontsize=11, fontweight="bold")


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = INK,
    curve: str = "arc3",
) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.4, "mutation_scale": 13}
    style |= {"shrinkA": 0, "shrinkB": 0, "connectionstyle": curve}
    axes.annotate("", end, start, arrowprops=style)
