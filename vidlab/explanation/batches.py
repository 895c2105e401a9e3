"""Clips in batches, the classes to explain for them, and predictions.

Models of single frames take the frames of all clips of a batch at once; what they predict for a
clip is the mean over its frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.graph import LayerGraph
from vidlab.models import as_classifier

__all__ = ["NO_CLASS", "batches", "checked_clips", "class_indices", "predict"]

NO_CLASS = -1
"""In the place of a class: the predicted one for a target, none to compare with."""


def batches(clips: Iterable[np.ndarray], *, frames: int = 64) -> Iterator[np.ndarray]:
    """Stack clips of one length, as many as have about `frames` frames: ``float32``."""
    clips = iter(clips)
    for first in clips:
        more = islice(clips, max(0, frames // len(first) - 1))
        yield np.stack([first, *more]).astype(np.float32)


def predict(model: keras.Model, clips: Iterable[np.ndarray]) -> np.ndarray:
    """Predict class probabilities of clips of one length: ``float32``, (clips, classes).

    Parameters
    ----------
    model
        Of clips, (batch, time, height, width, 3), or of single frames, (batch, height, width, 3).
    clips
        (time, height, width, 3) each, 0..255, of the model's size.

    Raises
    ------
    ModelError
        If the model takes neither.
    """
    model = as_classifier(model)
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) not in (4, 5):
        raise ModelError(
            "Expected a model of frames (batch, height, width, 3) or clips (batch, time, height, "
            f"width, 3). Received: {model.name} with input shape {shape}. Put a head and its "
            "encoder into one model."
        )
    found = []
    for batch in batches(clips):
        inputs = batch if len(shape) == 5 else batch.reshape(-1, *batch.shape[2:])
        rows = model.predict_on_batch(inputs)
        found.append(np.reshape(rows, (len(batch), -1, rows.shape[-1])).mean(axis=1))
    return np.concatenate(found)


def checked_clips(graph: LayerGraph, clip: np.ndarray) -> np.ndarray:
    """Return a clip, or several, as ``float32``, (clips, time, height, width, 3).

    Raises
    ------
    ModelError
        If the model does not take such frames.
    """
    clips = np.asarray(clip, np.float32)
    wanted = (None if graph.per_frame else graph.input.shape[1], *graph.input.shape[-3:])
    fits = clips.ndim in (4, 5) and clips.size > 0
    if not fits or any(b not in (a, None) for a, b in zip(clips.shape[-4:], wanted, strict=True)):
        names = [
            str(side or name) for side, name in zip(wanted, ("time", *["any"] * 3), strict=True)
        ]
        raise ModelError(
            f"Expected a clip ({', '.join(names)}), or a batch of such clips. Received: shape "
            f"{clips.shape} for {graph.model.name}. Read the frames at the model's size; a single "
            "picture is a clip of one frame, picture[None]."
        )
    return clips if clips.ndim == 5 else clips[None]


def class_indices(
    graph: LayerGraph, given: int | Sequence[int] | None, *, count: int, name: str
) -> np.ndarray:
    """Return the class named for each clip: ``int32``, (count,); `NO_CLASS` for None.

    Raises
    ------
    ModelError
        If the model has no such class.
    """
    numbers, classes = np.asarray(NO_CLASS if given is None else given), graph.num_classes
    fits = numbers.dtype.kind in "iu" and numbers.shape in ((), (count,))
    if given is not None and (not fits or numbers.min() < 0 or numbers.max() >= classes):
        raise ModelError(
            f"Expected {name}= a class from 0 to {classes - 1}, or one for each of {count} clips. "
            f"Received: {given!r}. Give the number of the class: index.classes.index(name)."
        )
    return np.broadcast_to(numbers, count).astype(np.int32)
