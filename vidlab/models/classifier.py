"""Classifiers of others, as everything here takes them: one probability a class.

A model for two classes may have one unit, whose sigmoid is the probability of the second class; a
model may end in logits.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import keras
from keras import ops

from vidlab.models.graph import is_box

__all__ = ["BothClasses", "as_classifier"]

_MADE: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()


@keras.saving.register_keras_serializable("vidlab")
class BothClasses(keras.layers.Layer):
    """The probabilities of both classes from that of the second one.

    Input shape: (batch, 1). Output shape: (batch, 2).
    """

    def call(self, second):
        """Return what is left to 1 in front."""
        return ops.concatenate([1 - second, second], axis=-1)


def as_classifier(model: keras.Model) -> keras.Model:
    """Return a model with a probability for each of its classes: itself, or with a layer more.

    A single unit becomes two classes, of which it was the second; a dense layer without an
    activation gives logits, which get a sigmoid or a softmax.

    Parameters
    ----------
    model
        Of any kind; what is not functional or sequential with one output stays as it is.
    """
    if not is_box(model) or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return model
    if model not in _MADE:
        (output,), last = model.outputs, model.layers[-1]
        while is_box(last):
            last = last.layers[-1]
        is_single = output.shape[-1] == 1
        if isinstance(last, keras.layers.Dense) and last.activation is keras.activations.linear:
            name = "sigmoid" if is_single else "softmax"
            output = keras.layers.Activation(name, dtype="float32")(output)
        if is_single:
            output = BothClasses(dtype="float32")(output)
        if output is model.outputs[0]:
            return model
        _MADE[model] = keras.Model(model.inputs, output, name=model.name)
    return _MADE[model]
