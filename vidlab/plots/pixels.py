"""Inside a frame and along time: pixel values, and a row of pixels through time."""

from __future__ import annotations

import numpy as np
import seaborn
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import VERMILLION, Drawing

__all__ = ["pixel_values", "time_slice"]

_CHANNELS = {"red": "#FF0000", "green": "#00FF00", "blue": "#0000FF"}


def pixel_values(
    frame: np.ndarray, *, top: int, left: int, size: int = 8, title: str = "A frame is numbers"
) -> Drawing:
    """Draw a frame, a small square of it magnified, and the square's numbers channel by channel.

    Parameters
    ----------
    frame
        (height, width, 3), 0 to 255.
    top, left
        Row and column of the square's upper left pixel.
    size
        Its side in pixels; beyond 10 the numbers no longer fit.

    Raises
    ------
    MetricError
        If the square is not within the frame.
    """
    frame = as_pictures(frame, dimensions=3)
    height, width = frame.shape[:2]
    if not (0 <= top <= height - size and 0 <= left <= width - size and 1 <= size <= 10):
        raise MetricError(
            f"Expected a square of 1 to 10 pixels within {height} × {width}. Received: top={top}, "
            f"left={left}, size={size}. Move or shrink it."
        )
    square = frame[top : top + size, left : left + size]
    figure = Drawing(figsize=(12, 7.6), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    upper, lower = figure.subfigures(2, 1, height_ratios=[0.95, 1])
    whole, magnified = upper.subplots(1, 2, width_ratios=[1.35, 1])
    whole.imshow(frame)
    for margin, colour in ((1, "white"), (2, VERMILLION)):
        side = size + 2 * margin - 1
        whole.add_patch(Rectangle((left - margin, top - margin), side, side, fill=False, ec=colour))
    whole.set_title(f"the frame, {height} × {width} pixels", fontsize=10)
    magnified.imshow(square, extent=(left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5))
    magnified.set_title(f"the marked {size} × {size} pixels", fontsize=10)
    for axes in (whole, magnified):
        axes.set(xlabel="column (pixels)", ylabel="row (pixels)")
        axes.grid(visible=False)
    for channel, (axes, (name, colour)) in enumerate(
        zip(lower.subplots(1, 3), _CHANNELS.items(), strict=True)
    ):
        seaborn.heatmap(
            square[..., channel],
            ax=axes,
            annot=True,
            fmt="d",
            annot_kws={"fontsize": 8},
            cmap=LinearSegmentedColormap.from_list(name, ["black", colour]),
            vmin=0,
            vmax=255,
            cbar=False,
            square=True,
            xticklabels=range(left, left + size),
            yticklabels=range(top, top + size),
        )
        axes.set_title(f"channel {channel}: {name}", fontsize=10)
        axes.set(xlabel="column", ylabel="row")
    return figure


def time_slice(
    frames: np.ndarray, *, row: int, fps: float = 25.0, title: str = "One row of pixels over time"
) -> Drawing:
    """Draw one row of pixels of every frame below the other, so that time runs downwards.

    Parameters
    ----------
    frames
        (time, height, width, 3), 0 to 255.
    row
        Which row.
    """
    frames = as_pictures(frames, dimensions=4)
    count, _, width = frames.shape[:3]
    figure = Drawing(figsize=(11.5, 4.1), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    left, right = figure.subplots(1, 2)
    left.imshow(frames[count // 2])
    left.axhline(row, color="white", linewidth=2.5)
    left.axhline(row, color=VERMILLION, linewidth=1.2)
    left.set_title(f"frame {count // 2}, and row {row} marked", fontsize=10)
    left.set(xlabel="column (pixels)", ylabel="row (pixels)")
    right.imshow(frames[:, row], aspect="auto", extent=(-0.5, width - 0.5, count / fps, 0))
    right.set_title(f"row {row} of all {count} frames", fontsize=10)
    right.set(xlabel="column (pixels)", ylabel="time (s), downwards")
    for axes in (left, right):
        axes.grid(visible=False)
    return figure
