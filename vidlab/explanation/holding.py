"""One input of a model with several, while what the others showed is held."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from vidlab.models.graph import flatten, steps

__all__ = ["Held", "by_input", "one_input"]


def by_input(
    model: keras.Model, shown: Mapping[str, np.ndarray]
) -> dict[str, tuple[keras.Model, np.ndarray]]:
    """Give a model of each input alone and what it was shown, to be explained one by one.

    Parameters
    ----------
    model
        With one input or several, and one output.
    shown
        As for `one_input`.
    """
    if len(shown) == 1:
        return {name: (model, clip) for name, clip in shown.items()}
    return {name: (one_input(model, name, shown=shown), clip) for name, clip in shown.items()}


def one_input(model: keras.Model, name: str, *, shown: Mapping[str, np.ndarray]) -> keras.Model:
    """Make a model of one input of `model`, so that every method of this package explains it.

    Parameters
    ----------
    model
        With several inputs and one output.
    name
        Of the input that stays open.
    shown
        What each input showed, by name: clips (time, …), for a model of single frames the frames
        of one video, in their order.

    Returns
    -------
    keras.Model
        Takes what the input takes: clips, or all the frames in that order; shares all weights.
    """
    flat, found = steps(flatten(model))
    tensors = {tensor.name: tensor for tensor in flat.inputs}
    open_input = keras.Input(tensors[name].shape[1:], name=name)
    known = {id(tensors[name]): open_input}
    for other, tensor in tensors.items():
        if other != name:
            frames = np.asarray(shown[other], np.float32)
            clip = len(tensor.shape) == frames.ndim + 1
            known[id(tensor)] = Held(frames[None] if clip else frames)(open_input)
    for step in found:
        known[id(step.output)] = step.again(known)
    return keras.Model(open_input, known[id(flat.output)], name=model.name)


class Held(keras.layers.Layer):
    """Give the same examples again and again, as many as the open input has.

    Input shape: (batch, …). Output shape: (batch, …) of the held examples.
    """

    def __init__(self, examples: np.ndarray):
        super().__init__(trainable=False)
        self.examples = examples

    def call(self, beside):
        """Return a held example for each row of `beside`."""
        rows = ops.arange(ops.shape(beside)[0]) % len(self.examples)
        return ops.take(ops.convert_to_tensor(self.examples), rows, axis=0)

    def compute_output_shape(self, beside_shape):
        """Return (batch, …)."""
        return (beside_shape[0], *self.examples.shape[1:])
