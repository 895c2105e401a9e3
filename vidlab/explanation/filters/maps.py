"""What filters make of real frames: first kernels, feature maps, and the frames that excite most.

Takes models, read by `reading`, and frames; gives records to `plots` and notebooks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.filters.reading import checked_filters, read_means, reader
from vidlab.explanation.layers import laid_open

__all__ = [
    "FeatureMaps",
    "StrongestFrames",
    "feature_maps",
    "first_kernels",
    "strongest_frames",
]


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """Where some filters of a layer respond to one frame.

    Attributes
    ----------
    layer : str
        The layer.
    filters : numpy.ndarray
        ``int64``, (filters,): which filters.
    maps : numpy.ndarray
        ``float32``, (filters, rows, columns), as the layer gives them.
    """

    layer: str
    filters: np.ndarray
    maps: np.ndarray


@dataclass(frozen=True, eq=False)
class StrongestFrames:
    """The real frames that excite some filters of a layer most.

    Attributes
    ----------
    layer : str
        The layer.
    filters : numpy.ndarray
        ``int64``, (filters,): which filters.
    frames : numpy.ndarray
        ``int64``, (filters, count): positions of the frames, the strongest first.
    responses : numpy.ndarray
        ``float32``, (filters, count): mean of the filter's map.
    maps : numpy.ndarray
        ``float32``, (filters, count, rows, columns).
    """

    layer: str
    filters: np.ndarray
    frames: np.ndarray
    responses: np.ndarray
    maps: np.ndarray


def first_kernels(model: keras.Model) -> np.ndarray:
    """Give the kernels of the first convolution: the only filters that can be shown as they are.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.

    Returns
    -------
    numpy.ndarray
        ``float32``, (filters, rows, columns, 3): the weight of each pixel and colour.

    Raises
    ------
    ModelError
        If the model has no convolution over colours.
    """
    for step in laid_open(model).maps.values():
        if isinstance(step.layer, keras.layers.Conv2D) and step.layer.kernel.shape[2] == 3:
            kernels = step.layer.get_weights()[0]  # (rows, columns, 3, filters)
            return kernels.transpose(3, 0, 1, 2).astype(np.float32)
    raise ModelError(
        f"Expected a model that begins with a convolution over red, green and blue. Received: "
        f"{model.name}, which has none. Choose a recipe with a backbone."
    )


def feature_maps(
    model: keras.Model,
    frame: np.ndarray,
    *,
    layer: str,
    filters: Sequence[int] | int = 8,
) -> FeatureMaps:
    """Show one frame to a model and keep what one layer makes of it.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.
    frame
        0..255, (height, width, 3), of any size.
    layer
        One of `vidlab.explanation.layers`.
    filters
        Which filters, or how many: then those whose maps vary most over this frame, in their order.

    Returns
    -------
    FeatureMaps

    Raises
    ------
    ModelError
        If there is no such layer or filter, or `frame` is no picture.
    """
    frame = np.asarray(frame)
    if frame.ndim != 3 or frame.shape[-1] != 3:
        raise ModelError(
            f"Expected one frame (height, width, 3). Received: shape {frame.shape}. "
            "Take one frame of a clip: clip[0]."
        )
    maps = reader(model, layer, size=frame.shape[:2]).read(frame[None])[0]
    maps = maps.transpose(2, 0, 1)
    if np.ndim(filters) == 0:
        varied = np.argsort(-maps.std(axis=(1, 2)), kind="stable")[: int(filters)]
        chosen = np.sort(varied).astype(np.int64)
    else:
        chosen = checked_filters(filters, channels=len(maps), layer=layer)
    return FeatureMaps(layer=layer, filters=chosen, maps=maps[chosen])


def strongest_frames(
    model: keras.Model,
    frames: np.ndarray,
    *,
    layer: str,
    filters: Sequence[int],
    count: int = 4,
    one_of: Sequence | None = None,
    responses: np.ndarray | None = None,
) -> StrongestFrames:
    """Find the frames to which filters respond most: what they look for, in real pictures.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.
    frames
        0..255, (frames, height, width, 3).
    layer
        One of `vidlab.explanation.layers`.
    filters
        Which filters.
    count
        How many frames for each.
    one_of
        For each frame the video or group it is of; then only the strongest frame of each counts,
        since neighbours look alike.
    responses
        What `filter_responses` gave for this layer and these frames, (frames, all filters); read
        anew when left out.

    Returns
    -------
    StrongestFrames

    Raises
    ------
    ModelError
        If there is no such layer or filter, `frames` are no pictures, or `one_of` or `responses`
        are of other frames.
    """
    frames = np.asarray(frames)
    sees = reader(model, layer, size=frames.shape[1:3])
    chosen = checked_filters(filters, channels=sees.channels, layer=layer)
    origins = np.arange(len(frames)) if one_of is None else np.asarray(one_of)
    if len(origins) != len(frames):
        raise ModelError(
            f"Expected the origin of each of {len(frames)} frames. Received: {len(origins)} in "
            "one_of. Name all of them."
        )
    if responses is None:
        responses = read_means([sees], frames)[0]
    elif np.shape(responses) != (len(frames), sees.channels):
        raise ModelError(
            f"Expected responses ({len(frames)} frames, {sees.channels} filters) of {layer}. "
            f"Received: shape {np.shape(responses)}. Take them from filter_responses."
        )
    means = np.asarray(responses)[:, chosen].T  # (filters, frames)
    best = np.stack([_first_of_each(np.argsort(-row, kind="stable"), origins) for row in means])
    best = best[:, :count]
    maps = [
        sees.read(frames[places])[..., number] for places, number in zip(best, chosen, strict=True)
    ]
    return StrongestFrames(
        layer=layer,
        filters=chosen,
        frames=best,
        responses=np.take_along_axis(means, best, axis=1),
        maps=np.stack(maps),
    )


def _first_of_each(order: np.ndarray, origins: np.ndarray) -> np.ndarray:
    """Keep, of an order of frames, the first of each origin."""
    _, firsts = np.unique(origins[order], return_index=True)
    return order[np.sort(firsts)]
