"""Grad-CAM through space and time: which places of which frames made the score what it is.

Takes models opened by `layers` and clips from `questions`; gives records of `records`, and the
gradients behind them to `importance`.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighed by the mean gradient of the class score
with respect to it, added up; what is negative is dropped. In a model of clips the gradient is that
of the *clip's* score, so each frame has weights of its own, and a frame that the recurrent layer
has forgotten shows no heat.

The score that is differentiated is the one before the last softmax or sigmoid, where the last
layer is one: after it, a class gains also by what speaks against the others. Otherwise it is the
output itself.

One graph is compiled for a model and a layer, for clips of any number and length, and kept as long
as the model. The gradient is taken inside the graph and ends at the map: nothing before it is gone
through backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.layers import Anatomy, default_layer, laid_open
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
    layer = default_layer(model) if layer is None else layer
    question = ask(anatomy, clip, target=target, against=against)

    def explain(part: Question) -> Iterator[Explanation]:
        for found in gradients(model, part, layer=layer):
            yield explained(
                found.cams,
                size=question.size,
                layer=layer,
                score=found.score,
                target=found.target,
                method="grad_cam",
                against=found.against,
            )

    return question.answered(explain)


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one pass through the model tells about a clip.

    Attributes
    ----------
    cams : numpy.ndarray
        ``float32``, (time, rows, columns), at least 0.
    effects : numpy.ndarray
        ``float32``, (time,): gradient times map, added up over a frame. To first order, what the
        score would lose if nothing was seen in it; negative where it would gain.
    score, target, against
        As in `Explanation`.
    """

    cams: np.ndarray
    effects: np.ndarray
    score: float
    target: int
    against: int | None


def gradients(model: keras.Model, question: Question, *, layer: str) -> Iterator[Gradients]:
    """Differentiate the scores of clips with respect to a layer's maps.

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
    found = _compiled(model, layer)(question.clips, question.targets, question.against)
    for cams, effects, score, target, against in zip(
        *(part.numpy() for part in found), question.against, strict=True
    ):
        rather = None if against == NOBODY else int(against)
        yield Gradients(cams, effects, float(score), int(target), rather)


_COMPILED: WeakKeyDictionary[keras.Model, dict[str, tf.types.experimental.PolymorphicFunction]] = (
    WeakKeyDictionary()
)


def _compiled(model: keras.Model, layer: str) -> tf.types.experimental.PolymorphicFunction:
    graphs = _COMPILED.setdefault(model, {})
    if layer not in graphs:
        graphs[layer] = _compile(laid_open(model), layer)
    return graphs[layer]


def _compile(anatomy: Anatomy, layer: str) -> tf.types.experimental.PolymorphicFunction:
    tapped = anatomy.tapped(layer)
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
        height, width, channels = (clips.shape[axis] or tf.shape(clips)[axis] for axis in (2, 3, 4))
        pictures = tf.reshape(clips, (-1, height, width, channels))
        maps, scores, said = tapped(pictures if anatomy.per_frame else clips, training=False)
        classes = scores.shape[-1]
        # One row for a clip and, in a model of frames, one for each frame of it.
        scores = tf.reshape(tf.cast(scores, tf.float32), (count, -1, classes))
        said = tf.reduce_mean(tf.reshape(tf.cast(said, tf.float32), (count, -1, classes)), axis=1)
        targets = tf.where(
            targets == NOBODY, tf.argmax(said, axis=-1, output_type=tf.int32), targets
        )
        weights = tf.one_hot(targets, classes) - tf.one_hot(against, classes)  # none for NOBODY
        (slopes,) = tf.gradients(tf.einsum("btc,bc->", scores, weights), maps)
        if slopes is None:
            raise ModelError(
                f"Expected a layer whose map leads to the score. Received: {layer!r}, on which no "
                f"score depends. Choose another: vidlab.explanation.layers(model)."
            )
        maps, slopes = tf.cast(maps, tf.float32), tf.cast(slopes, tf.float32)
        cams = tf.einsum("nrck,nk->nrc", maps, tf.reduce_mean(slopes, axis=(1, 2)))
        cams = tf.reshape(tf.nn.relu(cams), (count, time, *_sides(cams)))
        effects = tf.reshape(tf.reduce_sum(maps * slopes, axis=(1, 2, 3)), (count, time))
        return cams, effects, tf.gather(said, targets, batch_dims=1), targets

    return compute


def _sides(cams: tf.Tensor) -> tuple:
    """Return rows and columns, as numbers where they are known before the graph runs."""
    return tuple(cams.shape[axis] or tf.shape(cams)[axis] for axis in (1, 2))
