"""Frames side by side: of one video, of many classes, before and after augmentation.

Takes frames from `video`, `clips` and `augment`; gives figures to notebooks. Every picture is
uint8 or float RGB from 0 to 255.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vidlab.errors import MetricError
from vidlab.plots.style import Drawing, sentence

__all__ = ["as_pictures", "augmentation_grid", "contact_sheet", "frame_strip"]

_GAP = 4


def frame_strip(
    frames: np.ndarray,
    *,
    titles: Sequence[str] | None = None,
    title: str = "Frames of one video",
    columns: int = 8,
) -> Drawing:
    """Draw frames from left to right, going on below where a row is full.

    Parameters
    ----------
    frames
        (frames, height, width, 3), 0 to 255.
    titles
        One for each frame; without them the frames are counted from 0.
    title
        Over the figure.
    columns
        How many frames there are in a row.

    Raises
    ------
    MetricError
        If `frames` has another shape or `titles` another length.
    """
    frames = as_pictures(frames, dimensions=4)
    names = [f"frame {place}" for place in range(len(frames))] if titles is None else list(titles)
    _check_names(names, len(frames), "titles")
    columns = max(1, min(columns, len(frames)))
    rows = math.ceil(len(frames) / columns)
    width = min(12.0, 2.4 + 2.0 * columns)
    ratio = frames.shape[1] / frames.shape[2]
    height = rows * (width / columns * ratio + 0.25) + 0.45
    figure = Drawing(figsize=(width, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, frame, name in zip(cells, frames, names, strict=False):
        axes.imshow(frame)
        axes.set_title(name, fontsize=8.5, fontweight="normal", loc="center", pad=3)
    return figure


def contact_sheet(
    images: np.ndarray,
    row_names: Sequence[str],
    *,
    column_names: Sequence[str] | None = None,
    title: str = "Contact sheet",
    empty: str = "There are no pictures to show.",
) -> Drawing:
    """Draw a table of pictures, one row a class or video; many rows go on in further columns.

    Parameters
    ----------
    images
        (rows, columns, height, width, 3), 0 to 255.
    row_names
        One for each row.
    column_names
        One for each column.
    title
        Over the figure.
    empty
        What to write where there are no rows.

    Raises
    ------
    MetricError
        If `images` has another shape or a name is missing.
    """
    if not len(images):
        return sentence(empty, title=title)
    images = as_pictures(images, dimensions=5)
    rows, columns, height, width = images.shape[:4]
    _check_names(row_names, rows, "row names")
    if column_names is not None:
        _check_names(column_names, columns, "column names")
    blocks = math.ceil(rows / 36)
    length = math.ceil(rows / blocks)
    inches = min((8 if blocks == 1 else 4.6) / columns, 2.2)
    figure = Drawing(
        figsize=(blocks * (columns * inches + 1.5), length * inches * height / width + 0.8),
        layout="constrained",
    )
    figure.suptitle(title, x=0.01, ha="left")
    across, down = width + _GAP, height + _GAP
    for block, axes in enumerate(figure.subplots(1, blocks, squeeze=False)[0]):
        part = images[block * length : (block + 1) * length]
        sheet = np.full((length * down, columns * across, 3), 255, dtype=np.uint8)
        for row, column in np.ndindex(len(part), columns):
            top, left = row * down, column * across
            sheet[top : top + height, left : left + width] = part[row, column]
        axes.imshow(sheet, interpolation="antialiased")
        axes.set_anchor("N")  # space left over goes below, where saving cuts it off
        names = row_names[block * length : (block + 1) * length]
        axes.set_yticks(
            np.arange(len(part)) * down + height / 2, names, fontsize=9.5 if blocks == 1 else 7.5
        )
        axes.set_xticks(
            [] if column_names is None else np.arange(columns) * across + width / 2,
            [] if column_names is None else column_names,
            fontsize=9,
        )
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def augmentation_grid(
    images: np.ndarray,
    *,
    original: np.ndarray | None = None,
    title: str = "One frame, many draws of the augmentation",
    columns: int = 5,
) -> Drawing:
    """Draw augmented forms of a picture, the picture itself first.

    Parameters
    ----------
    images
        (draws, height, width, 3), 0 to 255.
    original
        (height, width, 3), 0 to 255.
    title
        Over the figure.
    columns
        How many pictures there are in a row.

    Raises
    ------
    MetricError
        If a picture has another shape.
    """
    images = as_pictures(images, dimensions=4)
    names = [f"draw {place + 1}" for place in range(len(images))]
    if original is not None:
        images = np.concatenate([as_pictures(original, dimensions=3)[None], images])
        names = ["original", *names]
    return frame_strip(images, titles=names, title=title, columns=columns)


def as_pictures(images: np.ndarray, *, dimensions: int) -> np.ndarray:
    """Make pictures uint8, (..., height, width, 3), whatever numbers from 0 to 255 they are of."""
    images = np.asarray(images)
    if images.ndim != dimensions or images.shape[-1] != 3 or 0 in images.shape:
        wanted = ("height, width, 3", "frames, height, width, 3", "rows, columns, height, width, 3")
        raise MetricError(
            f"Expected pictures of shape ({wanted[dimensions - 3]}). Received: {images.shape}. "
            "Read them with vidlab.video.read_frames."
        )
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def _check_names(names: Sequence[str], count: int, what: str) -> None:
    if len(names) != count:
        raise MetricError(
            f"Expected {count} {what}, one for each. Received: {len(names)}. Name all of them."
        )
