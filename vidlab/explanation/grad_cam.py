"""Grad-CAM through space and time: which places of which frames made the score what it is.

Selvaraju et al. 2017, *Grad-CAM: visual explanations from deep networks via gradient-based
localization*: the channels of a layer's map, each weighed by the mean gradient of the class score
with respect to it, added up; what is negative is dropped. In a model of clips the gradient is that
of the *clip's* score, so each frame has weights of its own, and a frame that the recurrent layer
has forgotten shows no heat. Two later methods only weigh the channels in another way.

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
from vidlab.explanation.batches import NO_CLASS, explain_each
from vidlab.explanation.graph import LayerGraph, default_layer, layer_graph
from vidlab.explanation.record import Explanation

__all__ = ["CHANNEL_WEIGHTS", "class_activation_map", "grad_cam"]


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
    options = {"target": target, "against": against, "layer": layer}
    return class_activation_map(model, clip, method="grad_cam", **options)


def class_activation_map(
    model: keras.Model,
    clip: np.ndarray,
    *,
    method: str,
    target: int | Sequence[int] | None,
    against: int | Sequence[int] | None,
    layer: str | None,
) -> Explanation | list[Explanation]:
    """Add up the channels of a layer's map, weighed by one of `CHANNEL_WEIGHTS`.

    Parameters, result and errors are those of `grad_cam`.
    """
    graph, layer = layer_graph(model), layer or default_layer(model)
    compiled = graph.made_once((method, layer), lambda: _compile(graph, layer, method))

    def compute(clips: np.ndarray, targets: np.ndarray, others: np.ndarray) -> tuple:
        maps, scores, targets = compiled(graph.as_input(clips), targets, others)
        return np.reshape(maps, (*clips.shape[:2], *maps.shape[1:])), scores, targets

    options = {"target": target, "against": against, "layer": layer, "method": method}
    return explain_each(graph, clip, compute, **options)


def _compile(graph: LayerGraph, layer: str, method: str) -> Callable:
    outputs = [graph.map_step(layer).output, graph.scores, graph.model.outputs[0]]
    model, classes = graph.submodel(outputs), graph.num_classes
    labels = tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=[tf.TensorSpec(model.input_shape, tf.float32), labels, labels])
    def compute(inputs, targets, others):
        maps, scores, probabilities = (
            tf.cast(x, tf.float32) for x in model(inputs, training=False)
        )
        # One row for a clip and, in a model of frames, one for each frame of it.
        by_clip = (tf.shape(targets)[0], -1, classes)
        probabilities = tf.reduce_mean(tf.reshape(probabilities, by_clip), axis=1)
        predicted = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
        targets = tf.where(targets == NO_CLASS, predicted, targets)
        contrast = tf.one_hot(targets, classes) - tf.one_hot(others, classes)  # 0 for NO_CLASS
        score = tf.einsum("btc,bc->", tf.reshape(scores, by_clip), contrast)
        (gradients,) = tf.gradients(score, [maps])
        if gradients is None:
            raise ModelError(
                f"Expected a layer whose map leads to the score. Received: {layer!r}, on which no "
                "score depends. Choose another: vidlab.explanation.layers(model)."
            )
        weighed = maps * CHANNEL_WEIGHTS[method](maps, gradients)
        evidence = tf.nn.relu(tf.reduce_sum(weighed, axis=-1))
        return evidence, tf.gather(probabilities, targets, batch_dims=1), targets

    return compute


def _grad_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)


def _layer_cam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(gradients)


def _grad_cam_plus_plus(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    # The paper also weighs by the exponential of the score, which is infinite for a score of 90;
    # it is the same for a whole frame, and left out.
    total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
    alone = tf.math.divide_no_nan(gradients**2, 2 * gradients**2 + gradients**3 * total)
    share = tf.math.divide_no_nan(alone, tf.reduce_sum(alone, axis=(1, 2), keepdims=True))
    return tf.reduce_sum(share * tf.nn.relu(gradients), axis=(1, 2), keepdims=True)


CHANNEL_WEIGHTS = {
    "grad_cam": _grad_cam,
    "grad_cam++": _grad_cam_plus_plus,
    "layer_cam": _layer_cam,
}
"""How much each channel counts, by map and gradients (frames, rows, columns, channels)."""
