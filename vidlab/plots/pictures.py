"""Pictures side by side: frames of a video, of many classes.

Every picture is uint8 or float RGB from 0 to 255.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from vidlab.errors import MetricError
from vidlab.plots.style import Drawing, sentence, titled

__all__ = [
    "as_pictures",
    "contact_sheet",
    "film_strip",
    "frame_strip",
    "picture_grid",
    "spread",
]

_GAP = 4


def picture_grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    *,
    titles: Sequence[Sequence[str]] = (),
    names: Sequence[str] = (),
    title: str = "",
    inches: float = 1.35,
    columns: int | None = None,
    **options,
) -> Drawing:
    """Draw pictures and maps in rows, each in axes of its own.

    Parameters
    ----------
    rows
        Of each row its pictures, (height, width, 3), 0 to 255 or float 0 to 1, and maps, (height,
        width), which have colours of their own from their smallest value (dark) to their largest;
        None leaves a cell empty.
    titles
        Of each row those above its pictures.
    names
        What stands to the left of each row.
    inches
        Width of a picture, or less where many stand side by side.
    columns
        A single row goes on below after so many pictures.
    options
        Passed on to ``imshow``, such as the colour map.
    """
    if columns is not None:
        starts = range(0, len(rows[0]), columns)
        titles = [line[start : start + columns] for line in titles for start in starts]
        rows = [rows[0][start : start + columns] for start in starts]
    columns = max(map(len, rows))
    room = 1.6 if any(names) else 0.1
    side = min(inches, (12 - room) / columns)
    first = next(picture for row in rows for picture in row if picture is not None)
    below = side * first.shape[0] / first.shape[1]
    lines = max((text.count("\n") + 1 for row in titles for text in row if text), default=0)
    size = (max(columns * side + room, 4.5), len(rows) * (below + 0.05 + 0.14 * lines) + 0.5)
    figure = titled(title, size)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.01, hspace=0.01)
    cells = figure.subplots(len(rows), columns, squeeze=False)
    for axes in cells.ravel():
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for line, row in zip(cells, rows, strict=True):
        for axes, picture in zip(line, row, strict=False):
            if picture is not None:
                axes.imshow(picture, **options)
    for line, row in zip(cells, titles, strict=False):
        for axes, text in zip(line, row, strict=False):
            axes.set_title(text, fontsize=8, fontweight="normal", loc="center", pad=2.5)
    for line, name in zip(cells, names, strict=False):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8.5, labelpad=6)
    return figure


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

    Raises
    ------
    MetricError
        If `frames` has another shape or `titles` another length.
    """
    frames = as_pictures(frames, dimensions=4)
    titles = [f"frame {n}" for n in range(len(frames))] if titles is None else list(titles)
    if len(titles) != len(frames):
        raise MetricError(
            f"Expected {len(frames)} titles, one for each. Received: {len(titles)}. Name all of "
            "them."
        )
    columns = max(1, min(columns, len(frames)))
    inches = 2.0 + 2.4 / columns
    return picture_grid([frames], titles=[titles], title=title, columns=columns, inches=inches)


def contact_sheet(
    images: np.ndarray,
    row_names: Sequence[str],
    *,
    column_names: Sequence[str] = (),
    title: str = "Contact sheet",
    empty: str = "There are no pictures to show.",
) -> Drawing:
    """Draw a table of pictures, one row a class or video.

    Parameters
    ----------
    images
        (rows, columns, height, width, 3), 0 to 255.
    empty
        What to write where there are no rows.

    Raises
    ------
    MetricError
        If `images` has another shape.
    """
    if not len(images):
        return sentence(empty, title=title)
    images = as_pictures(images, dimensions=5)
    rows, columns, height, width = images.shape[:4]
    inches = min(8 / columns, 2.2)
    size = (columns * inches + 1.5, rows * inches * height / width + 0.8)
    figure = titled(title, size)
    axes = figure.subplots()
    across, down = width + _GAP, height + _GAP
    gaps = ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0))
    sheet = np.pad(images, gaps, constant_values=255).swapaxes(1, 2)
    axes.imshow(sheet.reshape(rows * down, columns * across, 3), interpolation="antialiased")
    axes.set_yticks(np.arange(rows) * down + height / 2, row_names, fontsize=9.5)
    middles = np.arange(len(column_names)) * across + width / 2
    axes.set_xticks(middles, column_names, fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure


def spread(count: int, most: int) -> np.ndarray:
    """Indices of at most `most` of `count` things, at even distances: int64."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def film_strip(axes: Axes, frames: np.ndarray, *, labels: Sequence[str] = ()) -> None:
    """Draw frames, uint8 (time, height, width, 3), side by side, with a label above each."""
    width, gap = frames.shape[2], max(1, frames.shape[2] // 40)
    padded = np.pad(frames, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=255)
    axes.imshow(np.concatenate(padded, axis=1)[:, :-gap])
    axes.set_axis_off()
    axes.set_anchor("W")
    for index, label in enumerate(labels):
        right = index * (width + gap) + width
        style = {"ha": "right", "fontsize": 8, "annotation_clip": False}  # the last is at the edge
        axes.annotate(label, (right, 0), (0, 2), textcoords="offset points", **style)


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
