"""Boxes opened: a model whose layers are models becomes one flat graph of the same layers.

Takes models of `models`, or any functional or sequential Keras model; gives the flat model and the
names of its layers to `layers`.

A model may hold others as layers (a backbone in a classifier), or show one frame after the other to
them (``TimeDistributed``). What lies inside cannot be reached from outside: tools that look for a
layer find none, or find a graph that is disconnected. Here the same layers are run once more, on
symbolic tensors, box by box. No weight is copied.
"""

from __future__ import annotations

import keras
from keras import ops

from vidlab.errors import ModelError
from vidlab.models import FoldTime

__all__ = ["flattened", "same"]


def flattened(model: keras.Model) -> tuple[keras.Model, dict[int, str]]:
    """Open all boxes of a model.

    Parameters
    ----------
    model
        Functional or sequential, from frames or clips to one score a class.

    Returns
    -------
    flat : keras.Model
        The same computation by the same layers, none of which is a model.
    paths : dict
        Identity of a layer to its name, ``"backbone/block_12_add"`` for one in a box.

    Raises
    ------
    ModelError
        If the model is not functional or sequential, has more than one input or output, or gives
        something else than one score a class.
    """
    if not _is_box(model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            "Expected a functional or sequential model with one input and one output. Received: "
            f"{model.name}, a {type(model).__name__}. Give a Sequential model an Input first, and "
            "write a subclassed one with keras.Model(inputs, outputs)."
        )
    flat = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    if len(flat.input_shape) not in (4, 5) or len(flat.output_shape) != 2:
        raise ModelError(
            "Expected a model from frames (batch, height, width, 3), or from clips (batch, time, "
            "height, width, 3), to scores (batch, classes). Received: "
            f"{model.name} from {flat.input_shape} to {flat.output_shape}. Join a head on features "
            "with its encoder: vidlab.recipes.assemble."
        )
    while any(_inner(layer) is not None for layer in flat.layers):
        flat = keras.models.clone_model(flat, clone_function=same, call_function=_call_opened)
    return flat, _paths(model)


def _paths(model: keras.Model, prefix: str = "") -> dict[int, str]:
    """Name every layer by the boxes it lies in."""
    found = {}
    for layer in model.layers:
        inner = _inner(layer)
        if isinstance(inner, keras.Model):
            found |= _paths(inner, f"{prefix}{layer.name}/")
        else:
            found[id(layer if inner is None else inner)] = prefix + layer.name
    return found


def _inner(layer: keras.Operation) -> keras.Layer | None:
    """Return what a layer is a box around, or None."""
    if isinstance(layer, keras.layers.TimeDistributed):
        return layer.layer
    return layer if _is_box(layer) else None


def _is_box(layer: keras.Operation) -> bool:
    return (
        isinstance(layer, keras.Model)
        and layer.built
        and getattr(layer, "inputs", None) is not None
    )


def same(layer: keras.Operation) -> keras.Operation:
    """Return the layer itself: in place of a copy where Keras would make one."""
    return layer


def _call_opened(layer: keras.Operation, *inputs, **options):
    """Call a layer; one that is a box, by the layers in it."""
    inner = _inner(layer)
    if inner is None:
        return layer(*inputs, **options)
    x = inputs[0]
    folded = FoldTime()(x) if isinstance(layer, keras.layers.TimeDistributed) else x
    if _is_box(inner):
        # Called directly, a model runs its layers on the tensor; as a layer, it would be one step.
        said = keras.Model(inner.inputs[0], inner.outputs[0]).call(folded)
    else:
        said = inner(folded)
    return _Apart()(x, said) if isinstance(layer, keras.layers.TimeDistributed) else said


class _Apart(keras.layers.Layer):
    """Take apart again what `FoldTime` laid end to end, whatever its rank.

    Input shape: the sequences that were folded, (batch, time, …), and a tensor (batch · time, …).
    Output shape: (batch, time, …), with the mask of the sequences.
    """

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, sequences, folded):
        """Return the steps by sequence and time."""
        return ops.reshape(folded, (-1, ops.shape(sequences)[1], *folded.shape[1:]))

    def compute_mask(self, sequences, previous_mask=None):
        """Return the mask of the sequences."""
        return previous_mask

    def compute_output_shape(self, sequences_shape, folded_shape):
        """Return (batch, time, …)."""
        return (*sequences_shape[:2], *folded_shape[1:])
