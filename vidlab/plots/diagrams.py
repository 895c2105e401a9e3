"""How networks read a video, drawn with the video's own frames: unrolled, or as graphs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    VERMILLION,
    Drawing,
    legend_below,
    pale,
    titled,
)

__all__ = ["fusion", "unrolled"]

_FUSIONS = {  # level by level from the frames up, what each unit reads of the level below
    "single frame": [[(4,)], [(0,)], [(0,)]],
    "early fusion": [[(*range(8),)], [(0,)], [(0,)]],
    "slow fusion": [[(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7)], [(0, 1), (1, 2)], [(0, 1)]],
    "late fusion": [[(0,), (7,)], [(0,), (1,)], [(0, 1)]],
    "segment consensus": [[(0,), (2,), (5,), (7,)], [(0,), (1,), (2,), (3,)], [(0, 1, 2, 3)]],
    "3-D convolution": [
        [(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 6), (5, 6, 7)],
        [(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5)],
        [(0, 1, 2, 3)],
    ],
}
_ONE, _SEVERAL, _MEAN = "has seen one frame", "has seen several, in order", "takes the mean"
_STEP = 1.5  # from one time step to the next; a cell is 0.9 wide
_CELL, _OUT = 1.5, 2.6  # heights of the cells and of the output
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")  # no formula: names are drawn as they are


def unrolled(frames: np.ndarray, *, title: str = "One cell, used once a frame") -> Drawing:
    """Draw a recurrent network twice: rolled up with its loop, and unrolled along the frames.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255.
    """
    frames = as_pictures(frames, dimensions=4)
    middles = 3.5 + _STEP * np.arange(len(frames))
    right, top = middles[-1] + 0.75, _OUT + 0.3
    figure = titled(title, (12, 12 * (top + 0.5) / (right + 0.75) + 0.35))
    axes = figure.subplots()
    axes.set_axis_off()
    state = {"color": VERMILLION, "ha": "center", "va": "center"}

    _step(axes, frames[0], 0.0, name="every frame")
    loop = "arc3,rad=-1.6"
    _arrow(axes, (0.45, _CELL + 0.12), (0.45, _CELL - 0.14), colour=VERMILLION, curve=loop)
    axes.text(0.8, _CELL + 0.3, "state", fontsize=10, **state)
    axes.text(1.5, _CELL, "=", fontsize=26, ha="center", va="center")

    axes.text(middles[0] - 1.3, _CELL, "h₀ = 0", **state)
    for number, (middle, frame) in enumerate(zip(middles, frames, strict=True), start=1):
        _step(axes, frame, middle, name=f"x{number}".translate(_BELOW))
        start = middle - (0.95 if number == 1 else _STEP - 0.45)
        _arrow(axes, (start, _CELL), (middle - 0.45, _CELL), colour=VERMILLION)
        if number < len(frames):
            axes.text(middle + _STEP / 2, _CELL + 0.18, f"h{number}".translate(_BELOW), **state)
    _arrow(axes, (middles[-1], _CELL + 0.35), (middles[-1], _OUT - 0.22))
    axes.text(middles[-1] + 0.2, 2.07, f"h{len(frames)}".translate(_BELOW), **state)
    output = "probabilities\nof the classes"
    axes.text(middles[-1], _OUT, output, ha="center", va="center", fontsize=10)
    axes.set(xlim=(-0.75, right), ylim=(-0.5, top), aspect="equal")
    return figure


def fusion(frames: np.ndarray, *, title: str = "Where the frames of a clip meet") -> Drawing:
    """Draw where six kinds of networks bring frames together, each as a graph from frames up.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255; eight of them are drawn.
    """
    frames = as_pictures(frames, dimensions=4)
    frames = frames[np.linspace(0, len(frames) - 1, 8).round().astype(int)]
    colours = {_ONE: BLUE, _SEVERAL: VERMILLION, _MEAN: GREEN}
    figure = titled(title, (12, 5.6))
    for axes, (name, levels) in zip(figure.subplots(2, 3).flat, _FUSIONS.items(), strict=True):
        axes.set_title(name, fontsize=10.5)
        axes.set_axis_off()
        read = {frame for unit in levels[0] for frame in unit}
        for number, frame in enumerate(frames):
            half = 0.44 * np.array(frame.shape[1::-1]) / max(frame.shape[:2])
            extent = (number - half[0], number + half[0], -half[1], half[1])
            axes.imshow(frame, extent=extent, alpha=1 if number in read else 0.15)
        below = [(number, {number}) for number in range(8)]  # where, and the frames it has seen
        for height, units in enumerate(levels, start=1):
            here = []
            for unit in units:
                middle = np.mean([below[each][0] for each in unit])
                here.append((middle, set.union(*(below[each][1] for each in unit))))
                for each in unit:
                    ends = (
                        [below[each][0], middle],
                        [1.2 * height - (0.86 if height == 1 else 0.92), 1.2 * height - 0.28],
                    )
                    axes.plot(*ends, color=GREY, linewidth=1)
                mean = height == len(levels) and name == "segment consensus"
                kind = _MEAN if mean else _ONE if len(here[-1][1]) == 1 else _SEVERAL
                _box(axes, middle, 1.2 * height, (0.72, 0.56), colours[kind])
            below = here
        axes.set(xlim=(-0.6, 7.6), ylim=(-0.55, 4.1), aspect="equal")
    legend_below(figure, {name: pale(colour) for name, colour in colours.items()})
    return figure


def _box(axes: Axes, middle: float, height: float, size: tuple[float, float], colour: str) -> None:
    corner = middle - size[0] / 2, height - size[1] / 2
    shape = {"boxstyle": "round,pad=0,rounding_size=0.12", "fc": pale(colour), "ec": colour}
    axes.add_patch(FancyBboxPatch(corner, *size, lw=1.4, **shape))


def _step(axes: Axes, frame: np.ndarray, middle: float, *, name: str) -> None:
    """Draw a frame, upright ones smaller, and the cell that reads it."""
    height, width = frame.shape[:2]
    half = min(0.6 / width, 0.48 / height) * np.array([width, height])
    extent = (middle - half[0], middle + half[0], 0.3 - half[1], 0.3 + half[1])
    axes.imshow(frame, extent=extent)
    axes.text(middle, -0.27, name, ha="center", va="top", fontsize=10)
    _arrow(axes, (middle, 0.8), (middle, _CELL - 0.35))
    _box(axes, middle, _CELL, (0.9, 0.7), BLUE)
    axes.text(middle, _CELL, "GRU", ha="center", va="center", fontsize=11, fontweight="bold")


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
