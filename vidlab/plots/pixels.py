"""Inside a frame and along time: pixel values, and a row of pixels through time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import VERMILLION, Drawing, titled

__all__ = ["pixel_values", "time_slice"]


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
    """
    frame = as_pictures(frame, dimensions=3)
    square = frame[top : top + size, left : left + size]
    figure = titled(title, (12, 7.6))
    upper, lower = figure.subfigures(2, 1)
    whole, magnified = upper.subplots(1, 2, width_ratios=[1.35, 1])
    _show(whole, frame, title="the frame, its square marked")
    edge = {"fill": False, "edgecolor": VERMILLION, "linewidth": 2}
    whole.add_patch(Rectangle((left - 1, top - 1), size + 1, size + 1, **edge))
    extent = (left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5)
    _show(magnified, square, title=f"the marked {size} × {size} pixels", extent=extent)
    for channel, (axes, name) in enumerate(
        zip(lower.subplots(1, 3), ("red", "lime", "blue"), strict=True)
    ):
        seaborn.heatmap(
            pd.DataFrame(
                square[..., channel],
                pd.RangeIndex(top, top + size, name="row"),
                pd.RangeIndex(left, left + size, name="column"),
            ),
            ax=axes,
            annot=True,
            fmt="d",
            annot_kws={"fontsize": 8},
            cmap=seaborn.color_palette(f"blend:black,{name}", as_cmap=True),
            vmin=0,
            vmax=255,
            cbar=False,
            square=True,
        )
        axes.set_title(f"channel {channel}: {name.replace('lime', 'green')}", fontsize=10)
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
    figure = titled(title, (11.5, 4.1))
    left, right = figure.subplots(1, 2)
    _show(left, frames[count // 2], title=f"frame {count // 2}, and row {row} marked")
    left.axhline(row, color=VERMILLION, linewidth=1.5)
    extent = (-0.5, width - 0.5, count / fps, 0)
    _show(right, frames[:, row], title=f"row {row} of all frames", extent=extent, aspect="auto")
    right.set_ylabel("time (s), downwards")
    return figure


def _show(axes: Axes, image: np.ndarray, *, title: str, **options) -> None:
    axes.imshow(image, **options)
    axes.set_title(title, fontsize=10)
    axes.set(xlabel="column (pixels)", ylabel="row (pixels)")
    axes.grid(visible=False)
