"""Inside a frame and along time: pixel values, a row of pixels through time, change, and boxes.

Takes frames from `video` and boxes from `pantomime`; gives figures to notebooks. Every picture is
uint8 or float RGB from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import BLUE, GREY, INK, ORANGE, VERMILLION, Drawing, class_colours

__all__ = ["change_over_time", "evidence_boxes", "pixel_values", "time_slice"]

_CHANNELS = ("red", "green", "blue")
_PARTS = {"person": BLUE, "object": ORANGE, "limb": VERMILLION}


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
    title
        Over the figure.

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
    whole.add_patch(Rectangle((left - 1, top - 1), size + 1, size + 1, fill=False, ec="white"))
    whole.add_patch(Rectangle((left - 2, top - 2), size + 3, size + 3, fill=False, ec=VERMILLION))
    whole.set_title(f"the frame, {height} × {width} pixels", fontsize=10)
    whole.set(xlabel="column (pixels)", ylabel="row (pixels)")
    whole.grid(visible=False)
    _pixels(magnified, square, top=top, left=left)
    magnified.set_title(f"the marked {size} × {size} pixels", fontsize=10)
    for channel, axes in enumerate(lower.subplots(1, 3)):
        tinted = np.zeros_like(square)
        tinted[..., channel] = square[..., channel]
        _pixels(axes, tinted, top=top, left=left)
        axes.set_title(f"channel {channel}: {_CHANNELS[channel]}", fontsize=10)
        bright = square[..., channel] * (0.30, 0.59, 0.11)[channel]  # as the eye weighs the colours
        for row, column in np.ndindex(size, size):
            axes.text(
                left + column,
                top + row,
                square[row, column, channel],
                ha="center",
                va="center",
                fontsize=8,
                color=INK if bright[row, column] > 100 else "white",
            )
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
    fps
        Frames a second.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is no such row.
    """
    frames = as_pictures(frames, dimensions=4)
    count, height, width = frames.shape[:3]
    if not 0 <= row < height:
        raise MetricError(f"Expected a row from 0 to {height - 1}. Received: {row}. Choose one.")
    figure = Drawing(figsize=(11.5, 4.1), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    left, right = figure.subplots(1, 2)
    left.imshow(frames[count // 2])
    left.axhline(row, color="white", linewidth=2.5)
    left.axhline(row, color=VERMILLION, linewidth=1.2)
    left.set_title(f"frame {count // 2}, and row {row} marked", fontsize=10)
    left.set(xlabel="column (pixels)", ylabel="row (pixels)")
    right.imshow(
        frames[:, row], aspect="auto", extent=(-0.5, width - 0.5, count / fps, 0), origin="upper"
    )
    right.set_title(f"row {row} of all {count} frames", fontsize=10)
    right.set(xlabel="column (pixels)", ylabel="time (s), downwards")
    for axes in (left, right):
        axes.grid(visible=False)
    return figure


def change_over_time(
    changes: Mapping[str, np.ndarray],
    *,
    fps: float = 25.0,
    title: str = "How much each frame differs from the one before",
) -> Drawing:
    """Draw lines of change from frame to frame.

    Parameters
    ----------
    changes
        Name to the mean absolute change of a pixel value, (frames - 1,), 0 to 255.
    fps
        Frames a second.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is nothing to draw.
    """
    if not changes or not all(len(values) for values in changes.values()):
        raise MetricError(
            "Expected a line of changes or more. Received: none, or one of a single frame. "
            "Take clips of at least two frames."
        )
    figure = Drawing(figsize=(9, 3.7), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.subplots()
    for (name, values), colour in zip(
        changes.items(), class_colours(list(changes)).values(), strict=True
    ):
        seconds = np.arange(1, len(values) + 1) / fps
        axes.plot(seconds, values, color=colour, marker="o", markersize=3, label=name)
    axes.set(xlabel="time in the video (s)", ylabel="mean change of a pixel (0–255)")
    axes.set_ylim(bottom=0)
    if len(changes) > 1:
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def evidence_boxes(
    frames: np.ndarray,
    boxes: pd.DataFrame,
    *,
    numbers: np.ndarray,
    title: str = "Where the evidence is",
) -> Drawing:
    """Draw frames with the boxes that belong to them; frames without boxes are drawn as they are.

    Parameters
    ----------
    frames
        (frames, height, width, 3), 0 to 255.
    boxes
        Rows of `vidlab.pantomime.annotations` of one video: frame, part, x0, y0, x1, y1 (pixels).
    numbers
        Which frame of the video each of `frames` is.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there are not as many numbers as frames.
    """
    frames = as_pictures(frames, dimensions=4)
    if len(numbers) != len(frames):
        raise MetricError(
            f"Expected a number for each of {len(frames)} frames. Received: {len(numbers)}. "
            "Pass the indices the frames were read with."
        )
    height, width = frames.shape[1:3]
    inches = 11.5 / len(frames)
    figure = Drawing(figsize=(11.5, inches * height / width + 1.0), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    for axes, frame, number in zip(
        figure.subplots(1, len(frames), squeeze=False)[0], frames, numbers, strict=True
    ):
        axes.imshow(frame)
        axes.set_title(f"frame {number}", fontsize=9, fontweight="normal", loc="center")
        axes.set_axis_off()
        for box in boxes[boxes["frame"] == number].itertuples():
            corner, across, down = (box.x0, box.y0), box.x1 - box.x0, box.y1 - box.y0
            for colour, thickness in (("white", 3.2), (_PARTS.get(box.part, GREY), 1.8)):
                axes.add_patch(Rectangle(corner, across, down, fill=False, ec=colour, lw=thickness))
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    parts = list(dict.fromkeys(boxes["part"]))
    if parts:
        patches = [Rectangle((0, 0), 1, 1, fc=_PARTS.get(part, GREY)) for part in parts]
        figure.legend(patches, parts, loc="outside lower center", ncols=len(parts))
    return figure


def _pixels(axes, square: np.ndarray, *, top: int, left: int) -> None:
    """Draw pixels as squares, with their places in the frame on the axes."""
    size = len(square)
    axes.imshow(square, extent=(left - 0.5, left + size - 0.5, top + size - 0.5, top - 0.5))
    axes.set_xticks(range(left, left + size))
    axes.set_yticks(range(top, top + size))
    axes.tick_params(labelsize=7.5, length=0)
    axes.set(xlabel="column", ylabel="row")
    axes.grid(visible=False)
