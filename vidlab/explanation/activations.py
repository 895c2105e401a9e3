"""Activations: what the filters of a layer make of frames.

A layer can be read on pictures of any size. Also in a model of clips each frame is read by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from vidlab.errors import ModelError
from vidlab.explanation.batches import batches
from vidlab.explanation.graph import layer_graph

__all__ = [
    "StrongestFrames",
    "activations",
    "checked_filters",
    "first_kernels",
    "strongest_frames",
]

_FRAMES_AT_ONCE = 32


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
        ``int64``, (filters, count): indices of the frames, the strongest first.
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


def activations(
    model: keras.Model, frames: np.ndarray, *, layers: Sequence[str], pool: bool = False
) -> dict[str, np.ndarray]:
    """Compute what some layers make of frames, in one pass.

    Parameters
    ----------
    model
        Of frames or clips, to class scores.
    frames
        0..255, (frames, height, width, 3), of any size.
    layers
        Out of `vidlab.explanation.layers`.
    pool
        Whether to average over the positions of each map: how strongly each filter responds.

    Returns
    -------
    dict
        Layer to ``float32``, (frames, rows, columns, filters), or (frames, filters) if pooled.

    Raises
    ------
    ModelError
        If there is no such layer, or `frames` are no pictures.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ModelError(
            f"Expected pictures (pictures, height, width, 3). Received: shape {frames.shape}. "
            "A single one is picture[None]."
        )
    graph, size = layer_graph(model), frames.shape[1:3]

    def cut_out() -> keras.Model:
        outputs = [graph.map_step(layer).output for layer in layers]
        if pool:
            outputs = [keras.layers.GlobalAveragePooling2D()(output) for output in outputs]
        return graph.frame_model(outputs, size=size)

    frame_model = graph.made_once(("activations", *layers, pool, size), cut_out)
    found = [
        map(ops.convert_to_numpy, keras.tree.flatten(frame_model(batch[:, 0], training=False)))
        for batch in batches(frames[:, None], frames=_FRAMES_AT_ONCE)
    ]
    return dict(zip(layers, map(np.concatenate, zip(*found, strict=True)), strict=True))


def first_kernels(model: keras.Model) -> np.ndarray:
    """Return the kernels of the first convolution: the only filters that can be shown as they are.

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
    for step in layer_graph(model).maps.values():
        if isinstance(step.layer, keras.layers.Conv2D) and step.layer.kernel.shape[2] == 3:
            kernels = step.layer.get_weights()[0]  # (rows, columns, 3, filters)
            return kernels.transpose(3, 0, 1, 2).astype(np.float32)
    raise ModelError(
        f"Expected a model that begins with a convolution over red, green and blue. Received: "
        f"{model.name}, which has none. Choose a recipe with a backbone."
    )


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
        What `activations`, pooled, gave for this layer and these frames, (frames, all filters);
        computed when left out.

    Raises
    ------
    ModelError
        If there is no such layer or filter, or `frames` are no pictures.
    """
    frames = np.asarray(frames)
    channels = layer_graph(model).map_step(layer).output.shape[-1]
    chosen = checked_filters(filters, channels=channels, layer=layer)
    origins = np.arange(len(frames)) if one_of is None else np.asarray(one_of)
    if responses is None:
        responses = activations(model, frames, layers=[layer], pool=True)[layer]
    means, best = np.asarray(responses)[:, chosen].T, []  # (filters, frames)
    for row in means:
        order = np.argsort(-row, kind="stable")
        _, first_of_each = np.unique(origins[order], return_index=True)
        best.append(order[np.sort(first_of_each)][:count])
    shown = np.unique(best)
    maps = activations(model, frames[shown], layers=[layer])[layer]
    where = np.searchsorted(shown, best)  # (filters, count)
    return StrongestFrames(
        layer=layer,
        filters=chosen,
        frames=np.stack(best),
        responses=np.take_along_axis(means, np.stack(best), axis=1),
        maps=maps[where, :, :, chosen[:, None]],
    )


def checked_filters(filters: Sequence[int], *, channels: int, layer: str) -> np.ndarray:
    """Check indices in a layer's last axis: ``int64``, (filters,), or a ModelError."""
    chosen = np.asarray(filters)
    whole = chosen.dtype.kind in "iu" and chosen.ndim == 1 and chosen.size > 0
    if not whole or chosen.min() < 0 or chosen.max() >= channels:
        raise ModelError(
            f"Expected filters from 0 to {channels - 1}, those of {layer}. "
            f"Received: {filters!r}. Give whole numbers in this range."
        )
    return chosen.astype(np.int64)
