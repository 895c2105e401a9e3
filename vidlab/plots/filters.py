"""What filters look for: activation maximization, real frames, kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vidlab.errors import MetricError
from vidlab.plots.pictures import as_pictures, picture_grid
from vidlab.plots.style import Drawing

if TYPE_CHECKING:
    from vidlab.explanation import FilterPictures, StrongestFrames

__all__ = [
    "filter_grid",
    "first_kernels",
    "kernel_pictures",
    "shaded",
    "strongest_frames",
]


def filter_grid(
    rows: Sequence[FilterPictures] | Mapping[str, FilterPictures],
    *,
    names: Sequence[str] | None = None,
    correlations: Sequence[float] | None = None,
    title: str = "What filters look for, first layers on top",
) -> Drawing:
    """Draw pictures made by activation maximization, one row a layer or a model.

    Parameters
    ----------
    rows
        From `vidlab.explanation.activation_maximization`: of several layers in their order, or of
        the same filters of several models by the models' names.
    names
        Of all filters, by their number, such as the classes of ``"scores"``; numbers when left out.
    correlations
        One for each filter: how alike what two models see in real frames is, −1..1.
    """
    by_model = isinstance(rows, Mapping)
    pictures = list(rows.values() if by_model else rows)
    heads = [[str(n) if names is None else names[n] for n in row.filters] for row in pictures]
    heads = heads[:1] if by_model else heads
    if correlations is not None:
        heads = [[f"{n}:  r = {r:.2f}" for n, r in zip(heads[0], correlations, strict=True)]]
    return picture_grid(
        [row.images for row in pictures],
        titles=heads,
        names=list(rows) if by_model else [row.layer.rsplit("/", 1)[-1] for row in pictures],
        title=title,
    )


def strongest_frames(
    pictures: FilterPictures,
    strongest: StrongestFrames,
    frames: np.ndarray,
    *,
    names: Sequence[str],
    title: str = "Made pictures, and the real frames that excite the same filter most",
) -> Drawing:
    """Draw, filter by filter, the made picture and the strongest real frames.

    The frames are dark where the filter is silent. Above each picture stands the mean response.

    Parameters
    ----------
    pictures, strongest
        From `activation_maximization` and `strongest_frames` of `vidlab.explanation`, of the same
        filters.
    frames
        (frames, height, width, 3), 0 to 255: those that `strongest` was found among.
    names
        One for each frame, such as its class.
    """
    frames = as_pictures(frames, dimensions=4)
    rows, titles = [], []
    for row, numbers in enumerate(strongest.frames):
        maps = zip(numbers, strongest.maps[row], strict=True)
        lit = [shaded(frames[number], heat) for number, heat in maps]
        rows.append([pictures.images[row], *lit])
        heads = zip(numbers, strongest.responses[row], strict=True)
        made = f"made: {pictures.responses[row]:.2f}"
        titles.append([made, *(f"{names[n]}: {response:.2f}" for n, response in heads)])
    labels = [f"filter {number}" for number in pictures.filters]
    return picture_grid(rows, titles=titles, names=labels, title=title, inches=1.7)


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
    """
    pictures, rows, titles = kernel_pictures(weights), [], []
    for start in range(0, len(pictures), 8):
        some = range(start, min(start + 8, len(pictures)))
        rows.append([pictures[number] for number in some])
        titles.append([f"filter {number}" for number in some])
        if maps is not None:
            rows.append([maps[number] / (np.abs(maps[number]).max() or 1) for number in some])
            titles.append([])
    return picture_grid(rows, titles=titles, title=title, cmap="RdGy_r", vmin=-1, vmax=1)


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


def shaded(frame: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Darken a frame, uint8 (height, width, 3), where a map of it, (rows, columns), is low."""
    height, width = frame.shape[:2]
    light = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    light = (light - light.min()) / (np.ptp(light) or 1.0)
    return np.rint(frame * (0.45 + 0.55 * light[..., None])).astype(np.uint8)
