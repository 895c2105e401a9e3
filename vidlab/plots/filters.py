"""What filters look for: activation maximization, and real frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vidlab.plots.pictures import as_pictures, picture_grid
from vidlab.plots.style import Drawing

if TYPE_CHECKING:
    from vidlab.explanation import FilterPictures, StrongestFrames

__all__ = [
    "filter_grid",
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


def shaded(frame: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Darken a frame, uint8 (height, width, 3), where a map of it, (rows, columns), is low."""
    height, width = frame.shape[:2]
    light = cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    light = (light - light.min()) / (np.ptp(light) or 1.0)
    return np.rint(frame * (0.45 + 0.55 * light[..., None])).astype(np.uint8)
