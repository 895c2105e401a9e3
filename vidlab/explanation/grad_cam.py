"""Grad-CAM through space and time: which places of which frames made the score what it is.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighted by the mean gradient of the class score
with respect to it, are added up, so that channels with a negative weight subtract; ReLU drops what
is negative in the *sum*. In a model of clips the gradient is that of the *clip's* score, so each
frame has weights of its own, and a frame that the recurrent layer has forgotten shows no heat. Two
later methods only have other weights.

One graph is compiled for a model, a layer and a method, for clips of any number and length, and
kept as long as the model. The gradient is taken inside the graph and ends at the map: nothing
before it is gone through backwards.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from vidlab.errors import ModelError
from vidlab.explanation.batches import NO_CLASS
from vidlab.explanation.graph import LayerGraph

__all__ = ["WEIGHTS", "class_activation_maps"]


def class_activation_maps(graph: LayerGraph, layer: str, method: str) -> Callable:
    """Return the function that takes the weighted sum of a layer's feature maps.

    Parameters
    ----------
    method
        One of `WEIGHTS`.

    Returns
    -------
    callable
        From clips, targets and classes to contrast them with (`NO_CLASS` where none is named; else
        the gradient is that of the difference of the two scores) to maps, (clips, time, rows,
        columns), the targets' probabilities, and the targets. Where frames have met in time before
        the layer, its maps are those nearest in time.
    """
    compiled = graph.made_once((method, layer), lambda: _compile(graph, layer, method))

    def compute(clips: np.ndarray, targets: np.ndarray, others: np.ndarray) -> tuple:
        maps, probabilities, targets = compiled(graph.as_input(clips), targets, others)
        maps = np.reshape(maps, (len(clips), -1, *maps.shape[-2:]))
        nearest = np.arange(clips.shape[1]) * maps.shape[1] // clips.shape[1]
        return maps[:, nearest], probabilities, targets

    return compute


def _compile(graph: LayerGraph, layer: str, method: str) -> Callable:
    outputs = [graph.map_step(layer).output, graph.scores, graph.model.outputs[0]]
    model, classes = graph.submodel(outputs), graph.num_classes
    labels = tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=[tf.TensorSpec(model.input_shape, tf.float32), labels, labels])
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
                f"Expected a layer whose map leads to the score. Received: {layer!r}, on which no "
                "score depends. Choose another: vidlab.explanation.layers(model)."
            )
        maps, gradients = tf.cast(maps, tf.float32), tf.cast(gradients, tf.float32)
        shape = tf.shape(maps)[:-1]
        if len(maps.shape) == 5:  # (batch, time, …): a channel has one weight in all of a clip
            merged = (shape[0], -1, *maps.shape[3:])
            maps, gradients = tf.reshape(maps, merged), tf.reshape(gradients, merged)
        weighted = maps * WEIGHTS[method](maps, gradients)
        evidence = tf.reshape(tf.nn.relu(tf.reduce_sum(weighted, axis=-1)), shape)
        return evidence, tf.gather(probabilities, targets, batch_dims=1), targets

    return compute


def _grad_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a channel: the mean gradient."""
    return tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)


def _layer_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a place of a channel: its gradient, where positive (Jiang et al. 2021)."""
    return tf.nn.relu(gradients)


def _grad_cam_plus_plus(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """One weight a channel: its positive gradients, weighted by alpha (Chattopadhay et al. 2018).

    As in the authors' code, alpha adds up to 1 in each channel. The paper also multiplies by the
    exponential of the score, which is infinite for a score of 90; it is the same for a whole frame,
    and left out.
    """
    total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
    alpha = tf.math.divide_no_nan(gradients**2, 2 * gradients**2 + gradients**3 * total)
    alpha = tf.math.divide_no_nan(alpha, tf.reduce_sum(alpha, axis=(1, 2), keepdims=True))
    return tf.reduce_sum(alpha * tf.nn.relu(gradients), axis=(1, 2), keepdims=True)


WEIGHTS = {
    "grad_cam": _grad_cam,
    "grad_cam++": _grad_cam_plus_plus,
    "layer_cam": _layer_cam,
}
"""The weights of feature maps, by maps and gradients (frames, rows, columns, channels)."""
