"""Grad-CAM through space and time: which places of which frames made the score what it is.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighted by the mean gradient of the class score
with respect to it, are added up, so that channels with a negative weight subtract; ReLU drops what
is negative in the *sum*. In a model of clips the gradient is that of the *clip's* score, so each
frame has weights of its own, and a frame that the recurrent layer has forgotten shows no heat. Two
later methods only have other weights, and saliency is the gradient at the pixels themselves.

One graph is compiled for a model, a layer and a method, for clips of any number and length, and
kept as long as the model. The gradient is taken inside the graph and ends at the map: nothing
before it is gone through backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.batches import NO_CLASS, batches, checked_clips, class_indices
from vidlab.explanation.graph import LayerGraph, default_layer, layer_graph
from vidlab.explanation.record import PIXELS, Explanation

__all__ = ["METHODS", "explain", "grad_cam"]


def grad_cam(
    model: keras.Model,
    clip: np.ndarray,
    *,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
) -> Explanation | list[Explanation]:
    """Compute Grad-CAM: where in each frame a model found what speaks for a class.

    Parameters
    ----------
    model
        Of frames or clips, functional or sequential; models in it are entered.
    clip
        0..255, (time, height, width, 3): a clip, or for a model of frames the frames of one. With
        (clips, …) in front, several; clips of different lengths are put together by
        `vidlab.models.pad`.
    target
        The class to explain, or one for each clip; the predicted one when left out: in a model of
        frames, the class with the highest mean probability.
    against
        A class to contrast with, or one for each clip: the gradient is then that of the target's
        score less this one's.
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
    return explain(model, clip, method="grad_cam", target=target, against=against, layer=layer)


def explain(
    model: keras.Model,
    clip: np.ndarray,
    *,
    method: str | None = None,
    target: int | Sequence[int] | None = None,
    against: int | Sequence[int] | None = None,
    layer: str | None = None,
) -> Explanation | list[Explanation]:
    """Explain what a model predicts for a clip.

    Parameters
    ----------
    model, clip, target, against
        As in `vidlab.explanation.grad_cam`.
    method
        One of `METHODS`. When left out, ``"grad_cam"``, or ``"saliency"`` for a network on bare
        pixels, which keeps no map of the picture; the record's `method` tells.

        - ``"grad_cam"``: Selvaraju et al. 2017.
        - ``"grad_cam++"``: Chattopadhay et al. 2018, *Grad-CAM++: improved visual explanations for
          deep convolutional networks*. Positive gradients, weighted by alpha.
        - ``"layer_cam"``: Jiang et al. 2021, *LayerCAM: exploring hierarchical class activation
          maps for localization*. The positive gradient of every position.
        - ``"saliency"``: Simonyan et al. 2014, *Deep inside convolutional networks*. The absolute
          gradient at every pixel, the largest of its three colours. For any model, but without a
          sign: a pixel that speaks against the class is as hot as one that speaks for it.
    layer
        For the methods with a map; one of `vidlab.explanation.layers`, else `default_layer`.

    Returns
    -------
    Explanation or list of Explanation
        A list where several clips were given.

    Raises
    ------
    ModelError
        If the method is unknown or cannot explain such a model, or as `grad_cam` raises it.
    """
    graph = layer_graph(model)
    method = method or ("grad_cam" if graph.maps else "saliency")
    if method not in METHODS:
        raise ModelError(
            f"Expected a method out of {', '.join(METHODS)}. Received: {method!r}. "
            "Correct the name."
        )
    layer = PIXELS if method == "saliency" else layer or default_layer(model)
    compiled = graph.made_once((method, layer), lambda: _compile(graph, layer, method))
    clips = checked_clips(graph, clip)
    targets = class_indices(graph, target, count=len(clips), name="target")
    others = class_indices(graph, against, count=len(clips), name="against")
    records = []
    for batch in batches(clips):
        part = slice(len(records), len(records) + len(batch))
        found = compiled(graph.as_input(batch), targets[part], others[part])
        maps, scores, labels = map(np.asarray, found)
        maps = np.nan_to_num(maps, nan=0.0, posinf=0.0).reshape(len(batch), -1, *maps.shape[-2:])
        # Where frames have met in time before the layer, its maps are those nearest in time.
        maps = maps[:, np.arange(batch.shape[1]) * maps.shape[1] // batch.shape[1]]
        for evidence, score, label, other in zip(maps, scores, labels, others[part], strict=True):
            records.append(
                Explanation(
                    maps=evidence,
                    size=clips.shape[2:4],
                    layer=layer,
                    score=float(score),
                    target=int(label),
                    method=method,
                    against=None if other == NO_CLASS else int(other),
                )
            )
    return records if np.ndim(clip) == 5 else records[0]


def _compile(graph: LayerGraph, layer: str, method: str) -> Callable:
    """Return the function from clips, targets and classes to contrast them with to the evidence.

    It also gives the targets' probabilities, and the targets: predicted ones for `NO_CLASS`. With a
    contrast the gradient is that of the difference of the two scores.
    """
    maps = graph.input if layer == PIXELS else graph.map_step(layer).output
    model = graph.submodel([maps, graph.scores, graph.model.outputs[0]])
    classes, labels = graph.num_classes, tf.TensorSpec((None,), tf.int32)
    given = [tf.TensorSpec(model.input_shape, tf.float32), labels, labels]

    @tf.function(input_signature=given, autograph=False)  # which would wrap the error below
    def compute(inputs, targets, others):
        maps, scores, probabilities = model(inputs, training=False)
        # One row for a clip and, in a model of frames, one for each frame of it.
        by_clip = (tf.shape(targets)[0], -1, classes)
        scores = tf.reshape(tf.cast(scores, tf.float32), by_clip)
        probabilities = tf.reshape(tf.cast(probabilities, tf.float32), by_clip)
        probabilities = tf.reduce_mean(probabilities, axis=1)
        predicted = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        targets = tf.where(targets == NO_CLASS, predicted, targets)
        contrast = tf.one_hot(targets, classes) - tf.one_hot(others, classes)  # 0 for NO_CLASS
        (gradients,) = tf.gradients(tf.einsum("btc,bc->", scores, contrast), [maps])
        if gradients is None:
            raise ModelError(
                f"Expected a gradient from the scores to {layer}. Received: {graph.model.name}, in "
                "which none leads there, as through a vocabulary of words. Choose another of "
                "vidlab.explanation.layers(model), or leave out frames: "
                "vidlab.explanation.by_occlusion."
            )
        maps, gradients = tf.cast(maps, tf.float32), tf.cast(gradients, tf.float32)
        shape = tf.shape(maps)[:-1]
        if len(maps.shape) == 5:  # (batch, time, …): a channel has one weight in all of a clip
            merged = (shape[0], -1, *maps.shape[3:])
            maps, gradients = tf.reshape(maps, merged), tf.reshape(gradients, merged)
        evidence = tf.reshape(METHODS[method](maps, gradients), shape)
        return evidence, tf.gather(probabilities, targets, batch_dims=1), targets

    return compute


def _grad_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a channel: the mean gradient."""
    return _weighted(maps, tf.reduce_mean(gradients, axis=(1, 2), keepdims=True))


def _layer_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a place of a channel: its gradient, where positive (Jiang et al. 2021)."""
    return _weighted(maps, tf.nn.relu(gradients))


def _grad_cam_plus_plus(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a channel: its positive gradients, weighted by alpha (Chattopadhay et al. 2018).

    As in the authors' code, alpha adds up to 1 in each channel. The paper also multiplies by the
    exponential of the score, which is infinite for a score of 90; it is the same for a whole frame,
    and left out.
    """
    total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
    alpha = tf.math.divide_no_nan(gradients**2, 2 * gradients**2 + gradients**3 * total)
    alpha = tf.math.divide_no_nan(alpha, tf.reduce_sum(alpha, axis=(1, 2), keepdims=True))
    weights = tf.reduce_sum(alpha * tf.nn.relu(gradients), axis=(1, 2), keepdims=True)
    return _weighted(maps, weights)


def _saliency(pixels: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Return the largest absolute gradient of the colours (Simonyan et al. 2014)."""
    return tf.reduce_max(tf.abs(gradients), axis=-1)


def _weighted(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))


METHODS = {
    "grad_cam": _grad_cam,
    "grad_cam++": _grad_cam_plus_plus,
    "layer_cam": _layer_cam,
    "saliency": _saliency,
}
"""Evidence by maps and gradients (frames, rows, columns, channels): three at a layer, one at the
pixels."""
