"""Grad-CAM through space and time: which places of which frames made the score what it is.

Takes models opened by `layers` and clips from `questions`; gives records of `records`, and the
gradients behind them to `methods` and `importance`.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighed by the mean gradient of the class score
with respect to it, added up; what is negative is dropped. In a model of clips the gradient is that
of the *clip's* score, so each frame has weights of its own, and a frame that the recurrent layer
has forgotten shows no heat.

On small pictures the last map is too coarse to point with (see `choosing`), and at an earlier layer
the mean gradient says little: the same feature counts here and not there. Jiang et al. 2021,
*LayerCAM: exploring hierarchical class activation maps for localization*, keep the gradient of
every position there, as far as it is positive. That is sharp, but much the same for all classes. So
both are multiplied: heat is where the earlier layer found something that counts, and the last map
says that it counts for this class.

The score that is differentiated is the one before the last softmax or sigmoid, where the last
layer is one: after it, a class gains also by what speaks against the others. Otherwise it is the
output itself.

One graph is compiled for a model and its layers, for clips of any number and length, and kept as
long as the model. The gradient is taken inside the graph and ends at the map: nothing before it is
gone through backwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.choosing import default_layer, last_layer
from vidlab.explanation.layers import Anatomy, laid_open
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
        One of `vidlab.explanation.layers`: Grad-CAM as published is made there. When left out, it
        is made at the last layer with a map; where that is coarser than 7×7 positions, it is
        sharpened by `default_layer`.

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
    where, joined = layer or default_layer(model), None
    if layer is None and where != last_layer(model):
        joined = last_layer(model)
    question = ask(anatomy, clip, target=target, against=against)

    def explain(part: Question) -> Iterator[Explanation]:
        for found in gradients(model, part, layers=(where,) if joined is None else (where, joined)):
            yield explained(
                found.means[0] if joined is None else found.each[0],
                size=question.size,
                layer=where,
                score=found.score,
                target=found.target,
                method="grad_cam",
                against=found.against,
                fields=anatomy.fields(where),
                coarse=None if joined is None else found.means[1],
                joined=joined,
            )

    return question.answered(explain)


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one pass through the model, forwards and back to some layers, tells about a clip.

    Attributes
    ----------
    means : list of numpy.ndarray
        Of each layer, ``float32``, (time, rows, columns), at least 0: its channels weighed by their
        mean gradients (Grad-CAM).
    each : list of numpy.ndarray
        The same, weighed by the positive part of the gradient at each position (LayerCAM).
    effects : numpy.ndarray
        ``float32``, (time,): gradient times map, added up over a frame of the first layer. To first
        order, what the score would lose if nothing was seen in it; negative where it would gain.
    score, target, against
        As in `Explanation`.
    """

    means: list[np.ndarray]
    each: list[np.ndarray]
    effects: np.ndarray
    score: float
    target: int
    against: int | None


def gradients(
    model: keras.Model, question: Question, *, layers: tuple[str, ...]
) -> Iterator[Gradients]:
    """Differentiate the scores of clips with respect to the maps of layers.

    Parameters
    ----------
    model
        As `grad_cam` takes it.
    question
        The clips and the classes, all passed through the model at once.
    layers
        Of `vidlab.explanation.layers`.

    Yields
    ------
    Gradients
        Of each clip.
    """
    graphs = _COMPILED.setdefault(model, {})
    if layers not in graphs:
        graphs[layers] = _compile(laid_open(model), layers)
    compute = graphs[layers]
    means, each, effects, scores, targets = keras.tree.map_structure(
        np.asarray, compute(question.clips, question.targets, question.against)
    )
    for place, against in enumerate(question.rather):
        yield Gradients(
            means=[maps[place] for maps in means],
            each=[maps[place] for maps in each],
            effects=effects[place],
            score=float(scores[place]),
            target=int(targets[place]),
            against=against,
        )


_Graph = tf.types.experimental.PolymorphicFunction
_COMPILED: WeakKeyDictionary[keras.Model, dict[tuple[str, ...], _Graph]] = WeakKeyDictionary()


def _compile(anatomy: Anatomy, layers: tuple[str, ...]) -> _Graph:
    tapped = anatomy.tapped(layers)
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
        *maps, scores, said = tapped(frames if anatomy.per_frame else clips, training=False)
        classes = scores.shape[-1]
        # One row for a clip and, in a model of frames, one for each frame of it.
        scores = tf.reshape(tf.cast(scores, tf.float32), (count, -1, classes))
        said = tf.reduce_mean(tf.reshape(tf.cast(said, tf.float32), (count, -1, classes)), axis=1)
        answers = tf.argmax(said, axis=-1, output_type=tf.int32)
        targets = tf.where(targets == NOBODY, answers, targets)
        weights = tf.one_hot(targets, classes) - tf.one_hot(against, classes)  # 0 for NOBODY
        slopes = tf.gradients(tf.einsum("btc,bc->", scores, weights), maps)
        means, each, effects = [], [], []
        for name, of, by in zip(layers, maps, slopes, strict=True):
            if by is None:
                raise _no_way(name)
            of, by = tf.cast(of, tf.float32), tf.cast(by, tf.float32)
            by_clip = (count, time, *_known(of, 1, 2))
            mean = tf.einsum("nrck,nk->nrc", of, tf.reduce_mean(by, axis=(1, 2)))
            positive = tf.reduce_sum(of * tf.nn.relu(by), axis=-1)
            means.append(tf.reshape(tf.nn.relu(mean), by_clip))
            each.append(tf.reshape(tf.nn.relu(positive), by_clip))
            effects.append(tf.reshape(tf.reduce_sum(of * by, axis=(1, 2, 3)), (count, time)))
        return means, each, effects[0], tf.gather(said, targets, batch_dims=1), targets

    return compute


def _known(tensor: tf.Tensor, *axes: int) -> list:
    """Return lengths, as numbers where they are known before the graph runs."""
    return [tensor.shape[axis] or tf.shape(tensor)[axis] for axis in axes]


def _no_way(layer: str) -> ModelError:
    return ModelError(
        f"Expected a layer whose map leads to the score. Received: {layer!r}, on which no score "
        "depends. Choose another: vidlab.explanation.layers(model)."
    )
