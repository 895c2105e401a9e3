"""Grad-CAM through space and time: which places of which frames made the score what it is.

Takes models opened by `layers` and clips from `questions`; gives records of `records`, and the
gradients behind them to `methods` and `importance`.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighed by the mean gradient of the class score
with respect to it, added up; what is negative is dropped. In a model of clips the gradient is that
of the *clip's* score, so each frame has weights of its own, and a frame that the recurrent layer
has forgotten shows no heat.

The score that is differentiated is the one before the last softmax or sigmoid, where the last
layer is one: after it, a class gains also by what speaks against the others. Otherwise it is the
output itself.

One graph is compiled for a model and a layer, for clips of any number and length, and kept as
long as the model. The gradient is taken inside the graph and ends at the map: nothing before it is
gone through backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.layers import Anatomy, default_layer, laid_open
from vidlab.explanation.opening import made_once
from vidlab.explanation.questions import NOBODY, Question, ask
from vidlab.explanation.records import Explanation, explained

__all__ = ["Gradients", "grad_cam", "gradients"]


def grad_cam(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
) -> Explanation | list[Explanation]:
    """Show where in each frame a model found what speaks for a class.

    Parameters
    ----------
    model
        Of frames or clips, functional or sequential; models in it are entered.
    clip
        0..255, (time, height, width, 3): a clip, or for a model of frames the frames of one. With
        (clips, …) in front, several; clips of different lengths are put together by
        `vidlab.models.pad`.
    target
        The class to explain, or one for each clip; the model's answer when left out. The answer of
        a model of frames is the class with the highest mean probability.
    against
        A class to compare with, or one for each clip: shown is what speaks for the target more
        than for this one.
    layer
        One of `vidlab.explanation.layers`; `default_layer` when left out.

    Returns
    -------
    Explanation or list of Explanation
        A list where several clips were given.

    Raises
    ------
    ModelError
        If the model has no layer with a map or not this one, the layer's map does not lead to the
        score, or the clip or the class does not fit the model.
    """
    anatomy = laid_open(model)
    where = layer or default_layer(model)
    question = ask(anatomy, clip, target=target, against=against)

    def explain(part: Question) -> Iterator[Explanation]:
        for found in gradients(model, part, layer=where):
            yield explained(
                found.grad_cam,
                size=question.size,
                layer=where,
                score=found.score,
                target=found.target,
                method="grad_cam",
                against=found.against,
                fields=anatomy.fields(where),
            )

    return question.answered(explain)


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one pass through the model, forwards and back to a layer, tells about a clip.

    Attributes
    ----------
    grad_cam : numpy.ndarray
        ``float32``, (time, rows, columns), at least 0: the channels weighed by their mean
        gradients.
    layer_cam : numpy.ndarray
        The same, weighed by the positive part of the gradient at each position (Jiang et al. 2021).
    effects : numpy.ndarray
        ``float32``, (time,): gradient times map, added up over a frame. To first order, what the
        score would lose if nothing was seen in it; negative where it would gain.
    score, target, against
        As in `Explanation`.
    """

    grad_cam: np.ndarray
    layer_cam: np.ndarray
    effects: np.ndarray
    score: float
    target: int
    against: int | None


def gradients(model: keras.Model, question: Question, *, layer: str) -> Iterator[Gradients]:
    """Differentiate the scores of clips with respect to the map of a layer.

    Parameters
    ----------
    model
        As `grad_cam` takes it.
    question
        The clips and the classes, all passed through the model at once.
    layer
        One of `vidlab.explanation.layers`.

    Yields
    ------
    Gradients
        Of each clip.
    """
    compute = made_once(model, (gradients, layer), lambda: _compile(laid_open(model), layer))
    means, each, effects, scores, targets = keras.tree.map_structure(
        np.asarray, compute(question.clips, question.targets, question.against)
    )
    for place, against in enumerate(question.rather):
        yield Gradients(
            grad_cam=means[place],
            layer_cam=each[place],
            effects=effects[place],
            score=float(scores[place]),
            target=int(targets[place]),
            against=against,
        )


_Graph = tf.types.experimental.PolymorphicFunction


def _compile(anatomy: Anatomy, layer: str) -> _Graph:
    tapped = anatomy.tapped((layer,))
    times, size = (None, *tapped.input_shape)[-4], tapped.input_shape[-3:]

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, times, *size), tf.float32, name="clips"),
            tf.TensorSpec((None,), tf.int32, name="targets"),
            tf.TensorSpec((None,), tf.int32, name="against"),
        ]
    )
    def compute(clips, targets, against):
        count, time = tf.shape(clips)[0], tf.shape(clips)[1]
        frames = tf.reshape(clips, (-1, *_known(clips, 2, 3, 4)))
        maps, scores, said = tapped(frames if anatomy.per_frame else clips, training=False)
        classes = scores.shape[-1]
        # One row for a clip and, in a model of frames, one for each frame of it.
        scores = tf.reshape(tf.cast(scores, tf.float32), (count, -1, classes))
        said = tf.reduce_mean(tf.reshape(tf.cast(said, tf.float32), (count, -1, classes)), axis=1)
        answers = tf.argmax(said, axis=-1, output_type=tf.int32)
        targets = tf.where(targets == NOBODY, answers, targets)
        weights = tf.one_hot(targets, classes) - tf.one_hot(against, classes)  # 0 for NOBODY
        (slopes,) = tf.gradients(tf.einsum("btc,bc->", scores, weights), [maps])
        if slopes is None:
            raise _no_way(layer)
        maps, slopes = tf.cast(maps, tf.float32), tf.cast(slopes, tf.float32)
        by_clip = (count, time, *_known(maps, 1, 2))
        means = tf.einsum("nrck,nk->nrc", maps, tf.reduce_mean(slopes, axis=(1, 2)))
        each = tf.reduce_sum(maps * tf.nn.relu(slopes), axis=-1)
        effects = tf.reduce_sum(maps * slopes, axis=(1, 2, 3))
        return (
            tf.reshape(tf.nn.relu(means), by_clip),
            tf.reshape(tf.nn.relu(each), by_clip),
            tf.reshape(effects, (count, time)),
            tf.gather(said, targets, batch_dims=1),
            targets,
        )

    return compute


def _known(tensor: tf.Tensor, *axes: int) -> list:
    """Return lengths, as numbers where they are known before the graph runs."""
    return [tensor.shape[axis] or tf.shape(tensor)[axis] for axis in axes]


def _no_way(layer: str) -> ModelError:
    return ModelError(
        f"Expected a layer whose map leads to the score. Received: {layer!r}, on which no score "
        "depends. Choose another: vidlab.explanation.layers(model)."
    )
