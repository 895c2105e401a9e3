"""Occlusion over time: how much probability is lost when a frame is left out.

Zeiler and Fergus 2014, *Visualizing and understanding convolutional networks*, here in time. It
takes a prediction for every frame, but assumes nothing: a frame that others can stand in for costs
nothing, whatever its gradient.
"""

from __future__ import annotations

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.batches import checked_clips, class_indices, predict
from vidlab.explanation.graph import layer_graph

__all__ = ["by_occlusion"]


def by_occlusion(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | None = None,
) -> np.ndarray:
    """Measure how much probability is lost when each frame is left out.

    A model that takes clips of one length only is shown the frame before in its place, or in place
    of the first frame the one after it.

    Parameters
    ----------
    model, clip, target
        As in `vidlab.explanation.grad_cam`, for a single clip; also a network on bare pixels.

    Returns
    -------
    numpy.ndarray
        ``float32``, (time,), in probability of the target, −1..1. Negative where it is higher
        without the frame.

    Raises
    ------
    ModelError
        If the model does not take such a clip, several are given, or it has a single frame.
    """
    graph = layer_graph(model)
    (frames, *others), shape = checked_clips(graph, clip), np.shape(clip)
    if others or len(shape) == 5 or len(frames) < 2:
        raise ModelError(
            "Expected a single clip of two frames or more, one of which is left out. Received: "
            f"shape {shape}. Read more frames of the video, and go through clips one by one."
        )
    time, every = len(frames), np.arange(len(frames))
    if graph.per_frame:
        each = predict(model, frames[:, None])
        whole, without = each.mean(axis=0), (each.sum(axis=0) - each) / (time - 1)
    else:
        if graph.input.shape[1] is None:
            kept = [np.delete(every, left_out) for left_out in every]
        else:
            kept = [np.where(every == left_out, abs(every - 1), every) for left_out in every]
        whole = predict(model, frames[None])[0]
        without = predict(model, (frames[indices] for indices in kept))
    label = whole.argmax() if target is None else target
    (label,) = class_indices(graph, label, count=1, name="target")
    return (whole - without)[:, label]
