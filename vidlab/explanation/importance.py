"""Importance over time: which frames of a clip made the score what it is.

Takes models and clips as `grad_cam` does; gives one number a frame to `plots` and notebooks.

Two questions, two answers. *Gradient*: how much does the score before the softmax gain, to first
order, by what the layer found in this frame? One pass, for all frames at once. *Occlusion* (Zeiler
and Fergus 2014, *Visualizing and understanding convolutional networks*, here in time): how much
probability is lost when this frame is left out? A pass for every frame, but nothing is assumed: a
frame that others can stand in for costs nothing, whatever its gradient.
"""

from __future__ import annotations

import keras
import numpy as np

from vidlab.errors import ModelError
from vidlab.explanation.asking import answers
from vidlab.explanation.grad_cam import gradients
from vidlab.explanation.layers import default_layer, laid_open
from vidlab.explanation.questions import NOBODY, Question, ask
from vidlab.explanation.scores import settled

__all__ = ["by_gradient", "by_occlusion"]


def by_gradient(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | None = None,
    against: int | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Tell how much each frame adds to the score before the softmax, to first order.

    Parameters
    ----------
    model, clip, target, against, layer
        As in `vidlab.explanation.grad_cam`, for a single clip.

    Returns
    -------
    numpy.ndarray
        ``float32``, (time,); negative where a frame speaks against the target. For a model of
        frames, what each adds to its own score.

    Raises
    ------
    ModelError
        As `grad_cam` raises it, or if several clips are given.
    """
    question = _one(model, clip, target=target, against=against)
    (found,) = gradients(model, question, layer=layer or default_layer(model))
    return found.effects


def by_occlusion(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | None = None,
    against: int | None = None,
) -> np.ndarray:
    """Tell how much probability is lost when a frame is left out.

    A model that takes clips of one length only is shown the frame before in its place, or in place
    of the first frame the one after it.

    Parameters
    ----------
    model, clip, target, against
        As in `vidlab.explanation.grad_cam`, for a single clip; also a network on bare pixels.

    Returns
    -------
    numpy.ndarray
        ``float32``, (time,), in probability, −1..1: of the target, or with `against`, of the
        target less that of the other class. Negative where the model is surer without the frame.

    Raises
    ------
    ModelError
        If the model does not take such a clip, several are given, or it has a single frame.
    """
    anatomy = laid_open(model)
    question = _one(model, clip, target=target, against=against)
    (frames,) = question.clips
    time = len(frames)
    if time < 2:
        raise ModelError(
            "Expected a clip of two frames or more, one of which is left out. Received: shape "
            f"{np.shape(clip)}. Read more frames of the video."
        )
    question, _ = settled(model, question)
    if anatomy.per_frame:
        said = np.asarray(answers(model, frames[:, None]))
        whole, without = said.mean(axis=0), (said.sum(axis=0) - said) / (time - 1)
    else:
        kept = [_without(place, time, anatomy.model.input_shape[1]) for place in range(time)]
        whole = answers(model, frames[None])[0]
        without = answers(model, (frames[places] for places in kept))
    lost = whole - without  # (time, classes)
    (target,), (rather,) = question.targets, question.against
    return lost[:, target] if rather == NOBODY else lost[:, target] - lost[:, rather]


def _without(place: int, time: int, length: int | None) -> list[int]:
    """List the frames of a clip but one; where the length is fixed, its neighbour instead."""
    if length is None:
        return [other for other in range(time) if other != place]
    return [(place - 1 if place else 1) if other == place else other for other in range(time)]


def _one(model: keras.Model, clip: np.ndarray, *, target, against) -> Question:
    question = ask(laid_open(model), clip, target=target, against=against)
    if question.batched:
        raise ModelError(
            f"Expected a single clip. Received: shape {np.shape(clip)}. Go through the clips one "
            "by one."
        )
    return question
