"""What filters look for: made pictures, real frames that excite them, feature maps, kernels.

Takes records of `explanation` and frames; gives figures to notebooks. Every picture is uint8 or
float RGB from 0 to 255.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures
from vidlab.plots.style import BLUE, GREY, INK, ORANGE, Drawing

if TYPE_CHECKING:
    from vidlab.explanation.filters.maps import FeatureMaps, StrongestFrames
    from vidlab.explanation.filters.pictures import FilterPictures

__all__ = [
    "filter_changes",
    "filter_grid",
    "filters_compared",
    "first_kernels",
    "kernel_pictures",
    "layer_maps",
    "strongest_frames",
]

_WIDE = 11.0


def filter_grid(
    rows: Sequence[FilterPictures],
    *,
    names: Sequence[str] | None = None,
    title: str = "What filters look for, first layers on top",
) -> Drawing:
    """Draw pictures made for filters, one row a layer.

    Parameters
    ----------
    rows
        From `vidlab.explanation.maximise`, in the order of the layers.
    names
        Of all filters, by their number, such as the classes of ``"scores"``; numbers when left out.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is no row.
    """
    if not rows:
        raise MetricError("Expected pictures of at least one layer. Received: none. Make some.")
    columns = max(len(row.filters) for row in rows)
    figure, cells = _sheet(len(rows), columns, title=title)
    for line, row in zip(cells, rows, strict=True):
        for axes, image, number in zip(line, row.images, row.filters, strict=False):
            axes.imshow(as_pictures(image, dimensions=3), interpolation="bilinear")
            axes.set_title(str(number) if names is None else names[number], **_SMALL)
        _name(line[0], _short(row.layer))
    return figure


def filters_compared(
    rows: Mapping[str, FilterPictures],
    *,
    correlations: Sequence[float] | None = None,
    title: str = "The same filters before and after fine-tuning",
) -> Drawing:
    """Draw the same filters of several models, one row a model.

    Parameters
    ----------
    rows
        Name of each row to pictures from `vidlab.explanation.maximise`, of one layer and the same
        filters.
    correlations
        One for each filter: how alike what the two models see in real frames is, −1..1.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the rows are of other filters, or a correlation is missing.
    """
    made = list(rows.values())
    if len({(row.layer, *row.filters.tolist()) for row in made}) != 1:
        raise MetricError(
            "Expected pictures of one layer and the same filters. Received: "
            f"{', '.join(f'{row.layer} {row.filters.tolist()}' for row in made) or 'none'}. "
            "Pass the filters of the first to the others."
        )
    heads = [str(number) for number in made[0].filters]
    if correlations is not None:
        _check(len(correlations), len(heads), "correlations")
        heads = [f"{name}:  r = {r:.2f}" for name, r in zip(heads, correlations, strict=True)]
    figure, cells = _sheet(len(made), len(heads), title=title)
    for line, row, name in zip(cells, made, rows, strict=True):
        for axes, image in zip(line, row.images, strict=True):
            axes.imshow(as_pictures(image, dimensions=3), interpolation="bilinear")
        _name(line[0], name)
    for axes, head in zip(cells[0], heads, strict=True):
        axes.set_title(head, **_SMALL)
    return figure


def strongest_frames(
    pictures: FilterPictures,
    strongest: StrongestFrames,
    frames: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    title: str = "Made pictures, and the real frames that excite the same filter most",
) -> Drawing:
    """Draw, filter by filter, the made picture and the strongest real frames.

    The frames are dark where the filter is silent. Above each picture stands the mean response.

    Parameters
    ----------
    pictures
        From `vidlab.explanation.maximise`.
    strongest
        From `vidlab.explanation.strongest_frames`, of the same filters.
    frames
        (frames, height, width, 3), 0 to 255: those that `strongest` was found among.
    names
        One for each frame, such as its class.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If the two are of other filters.
    """
    if pictures.filters.tolist() != strongest.filters.tolist():
        raise MetricError(
            f"Expected frames for the filters {pictures.filters.tolist()}. Received: "
            f"{strongest.filters.tolist()}. Pass the filters of the one to the other."
        )
    frames = as_pictures(frames, dimensions=4)
    rows, count = strongest.frames.shape
    figure, cells = _sheet(rows, count + 1, title=title, most=1.7)
    for place, line in enumerate(cells):
        line[0].imshow(as_pictures(pictures.images[place], dimensions=3), interpolation="bilinear")
        line[0].set_title(f"made: {pictures.responses[place]:.2f}", **_SMALL)
        _name(line[0], f"filter {pictures.filters[place]}")
        for axes, number, said, there in zip(
            line[1:],
            strongest.frames[place],
            strongest.responses[place],
            strongest.maps[place],
            strict=True,
        ):
            axes.imshow(_lit(frames[number], there))
            name = "" if names is None else f"{names[number]}: "
            axes.set_title(f"{name}{said:.2f}", **_SMALL)
    return figure


def layer_maps(
    frame: np.ndarray,
    layers: Sequence[FeatureMaps],
    *,
    title: str = "One frame, and what layers make of it",
) -> Drawing:
    """Draw a frame and, one row a layer, where some of its filters respond.

    Each map has colours of its own, from its smallest value (dark) to its largest (bright).

    Parameters
    ----------
    frame
        (height, width, 3), 0 to 255.
    layers
        From `vidlab.explanation.feature_maps`.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If there is no layer.
    """
    if not layers:
        raise MetricError("Expected the maps of at least one layer. Received: none. Read some.")
    columns = 1 + max(len(layer.filters) for layer in layers)
    figure, cells = _sheet(len(layers), columns, title=title)
    cells[0][0].imshow(as_pictures(frame, dimensions=3))
    cells[0][0].set_title("the frame", **_SMALL)
    for line, layer in zip(cells, layers, strict=True):
        for axes, number, map_ in zip(line[1:], layer.filters, layer.maps, strict=False):
            axes.imshow(map_, cmap="viridis", interpolation="nearest")
            axes.set_title(str(number), **_SMALL)
        height, width = layer.maps.shape[1:]
        _name(line[1], f"{_short(layer.layer)}\n{height}×{width}")
    return figure


def first_kernels(
    weights: np.ndarray,
    *,
    maps: np.ndarray | None = None,
    title: str = "The kernels of the first layer",
) -> Drawing:
    """Draw first-layer kernels as small pictures, and below each what it makes of a frame.

    Grey is a weight of zero; a colour that is brighter than grey is wanted there, a darker one is
    unwanted. Each kernel is scaled by its own largest weight.

    Parameters
    ----------
    weights
        (filters, rows, columns, 3), from `vidlab.explanation.first_kernels`.
    maps
        (filters, rows, columns): the filters' maps of one frame.
    title
        Over the figure.

    Raises
    ------
    MetricError
        If `weights` has another shape, or `maps` another length.
    """
    pictures = kernel_pictures(weights)
    if maps is not None:
        _check(len(maps), len(weights), "maps")
    columns = min(8, len(weights))
    each = 1 if maps is None else 2
    figure, cells = _sheet(each * math.ceil(len(weights) / columns), columns, title=title)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        axes = cells[each * row][column]
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(f"filter {number}", **_SMALL)
        if maps is not None:
            reach = np.abs(maps[number]).max() or 1.0
            cells[each * row + 1][column].imshow(
                maps[number], cmap="RdGy_r", vmin=-reach, vmax=reach, interpolation="bilinear"
            )
    return figure


def kernel_pictures(weights: np.ndarray) -> np.ndarray:
    """Make first-layer kernels visible: grey is zero, each is scaled by its own largest weight.

    Parameters
    ----------
    weights
        (filters, rows, columns, 3), from `vidlab.explanation.first_kernels`.

    Returns
    -------
    numpy.ndarray
        Of the same shape, 0..1, RGB.

    Raises
    ------
    MetricError
        If `weights` has another shape.

    Examples
    --------
    >>> kernel_pictures(np.array([[[[0.0, 0.2, -0.1]]]])).tolist()
    [[[[0.5, 1.0, 0.25]]]]
    """
    weights = np.asarray(weights)
    if weights.ndim != 4 or weights.shape[-1] != 3:
        raise MetricError(
            f"Expected kernels (filters, rows, columns, 3). Received: {weights.shape}. "
            "Take them from vidlab.explanation.first_kernels."
        )
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * weights / np.where(largest > 0, largest, 1)


def filter_changes(
    table: pd.DataFrame, *, title: str = "How alike filters see before and after fine-tuning"
) -> Drawing:
    """Draw how much the filters of each layer have kept, a dot a filter, first layer on top.

    Parameters
    ----------
    table
        From `vidlab.explanation.filter_changes`.
    title
        Over the figure.
    """
    layers = list(dict.fromkeys(table["layer"]))
    figure = Drawing(figsize=(7.6, 0.55 * len(layers) + 1.3), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    axes = figure.subplots()
    rng = np.random.default_rng(0)  # spreads dots that would hide each other
    for place, layer in enumerate(layers):
        kept = table.loc[table["layer"] == layer, "correlation"].dropna().to_numpy()
        heights = place + rng.uniform(-0.22, 0.22, len(kept))
        axes.scatter(kept, heights, s=11, color=BLUE, alpha=0.35, linewidths=0)
        if len(kept):
            axes.plot([np.median(kept)] * 2, [place - 0.33, place + 0.33], color=ORANGE, lw=2.5)
            axes.annotate(
                f"{np.median(kept):.2f}",
                (1.02, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=INK,
                fontsize=9,
            )
    axes.set_yticks(range(len(layers)), [_short(layer) for layer in layers])
    axes.set_ylim(len(layers) - 0.5, -0.5)
    axes.set_xlim(right=1.01)
    axes.axvline(1, color=GREY, lw=0.8)
    axes.set_xlabel("correlation of a filter's maps (1: sees the same as before; bar: median)")
    axes.grid(visible=False, axis="y")
    return figure


_SMALL = {"fontsize": 7.5, "fontweight": "normal", "loc": "center", "pad": 2.5}


def _sheet(
    rows: int, columns: int, *, title: str, most: float = 1.35
) -> tuple[Drawing, np.ndarray]:
    """Begin a figure of square cells without axes."""
    side = min(most, (_WIDE - 1.6) / columns)
    size = (columns * side + 1.6, rows * (side + 0.18) + 0.5)
    figure = Drawing(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01)
    figure.suptitle(title, x=0.01, ha="left")
    cells = figure.subplots(rows, columns, squeeze=False)
    for axes in cells.ravel():
        axes.set_xticks([])
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure, cells


def _name(axes: Axes, text: str) -> None:
    """Write a row's name beside its first cell."""
    axes.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=8.5, labelpad=6)


def _lit(frame: np.ndarray, map_: np.ndarray) -> np.ndarray:
    """Darken a frame where a map of it is low."""
    height, width = frame.shape[:2]
    light = cv2.resize(map_.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    light = (light - light.min()) / (np.ptp(light) or 1.0)
    return np.rint(frame * (0.45 + 0.55 * light[..., None])).astype(np.uint8)


def _short(layer: str) -> str:
    """Leave the box out of a layer's name: all layers that are drawn lie in the same."""
    return layer.rsplit("/", 1)[-1]


def _check(count: int, wanted: int, what: str) -> None:
    if count != wanted:
        raise MetricError(
            f"Expected {wanted} {what}, one for each filter. Received: {count}. Give all of them."
        )
