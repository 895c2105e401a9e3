"""One input of a model with several, while the others keep what they were shown."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from vidlab.models.graph import flatten, steps

__all__ = ["ConstantInput", "by_input"]


def by_input(
    model: keras.Model, shown: Mapping[str, np.ndarray]
) -> dict[str, tuple[keras.Model, np.ndarray]]:
    """Return, for each input, a model of this input alone and its clip, to be explained by itself.

    Parameters
    ----------
    model
        With one input or several, and one output.
    shown
        What each input showed, by name: clips (time, …), for a model of single frames the frames
        of one video, in their order.

    Returns
    -------
    dict
        The models share all weights. They take clips, or all the frames in that order.
    """
    if len(shown) == 1:
        return {name: (model, clip) for name, clip in shown.items()}
    return {name: (_single_input(model, name, shown), clip) for name, clip in shown.items()}


def _single_input(model: keras.Model, name: str, shown: Mapping[str, np.ndarray]) -> keras.Model:
    flat, calls = steps(flatten(model))
    tensors = {tensor.name: tensor for tensor in flat.inputs}
    single = keras.Input(tensors[name].shape[1:], name=name)
    known = {id(tensors[name]): single}
    for other in tensors.keys() - {name}:
        frames = np.asarray(shown[other], np.float32)
        is_clip = len(tensors[other].shape) == frames.ndim + 1
        known[id(tensors[other])] = ConstantInput(frames[None] if is_clip else frames)(single)
    for step in calls:
        known[id(step.output)] = step.again(known)
    return keras.Model(single, known[id(flat.output)], name=model.name)


class ConstantInput(keras.layers.Layer):
    """Give the same examples again and again, as many as the other input has.

    Input shape: (batch, …). Output shape: (batch, …) of the examples.
    """

    def __init__(self, examples: np.ndarray):
        super().__init__(trainable=False)
        self.examples = examples

    def call(self, beside):
        """Return an example for each row of `beside`."""
        rows = ops.arange(ops.shape(beside)[0]) % len(self.examples)
        return ops.take(ops.convert_to_tensor(self.examples), rows, axis=0)

    def compute_output_shape(self, beside_shape):
        """Return (batch, …)."""
        return (beside_shape[0], *self.examples.shape[1:])
