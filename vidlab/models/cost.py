"""What a model costs to run: multiply-adds, counted from the shapes in its graph."""

from __future__ import annotations

import math

import keras
from keras import layers

from vidlab.errors import ModelError
from vidlab.models.graph import flatten, steps
from vidlab.models.layers import FoldTime, UnfoldTime

__all__ = ["multiply_adds"]

_RECURRENT = (layers.RNN, layers.Bidirectional)
_COUNTED = (
    *(layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.Dense, *_RECURRENT),
    *(layers.DepthwiseConv1D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D),
)


def multiply_adds(model: keras.Model, *, frames: int | None = None) -> int:
    """Count the multiplications, each with an addition, that one example takes.

    Those of convolutions (depthwise ones too), dense and recurrent layers, which are nearly all;
    biases, activations, pooling and normalisation are left out, as in most papers. Many call the
    number FLOPs; some papers count a multiplication and an addition as two.

    Parameters
    ----------
    model
        Functional or sequential; nested models and ``TimeDistributed`` are opened. A layer called
        twice counts twice.
    frames
        Of a clip, where the model takes clips of any length.

    Raises
    ------
    ModelError
        If `frames` is missing and needed, or a layer has a kernel but is of no kind counted here.

    Examples
    --------
    >>> from keras import layers
    >>> multiply_adds(keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(5, 3)]))
    4860
    """
    flat = flatten(model)
    inputs = [_of_length(tensor, frames) for tensor in flat.inputs]
    again, calls = steps(flat, inputs=inputs)
    rows = {id(tensor): 1 for tensor in again.inputs}  # of the batch, that one example takes
    total = 0
    for call in calls:
        first = call.inputs[0]
        if isinstance(call.layer, FoldTime):
            rows[id(call.output)] = rows[id(first)] * first.shape[1]
            continue
        read = [first] if isinstance(call.layer, UnfoldTime) else call.inputs
        own = max(rows[id(tensor)] for tensor in read)
        outputs = keras.tree.flatten(call.output)
        rows |= {id(tensor): own for tensor in outputs}
        total += own * _positions(call.layer, first, outputs[0]) * _kernel_size(call.layer)
    return total


def _of_length(tensor: keras.KerasTensor, frames: int | None) -> keras.KerasTensor:
    """Return an input like another, its time `frames` long where it has no length."""
    shape = tuple(frames if length is None else length for length in tensor.shape[1:])
    if None in shape:
        raise ModelError(
            "Expected the number of frames of a clip, for the model takes any. Received: "
            f"frames=None for {tensor.name} {tensor.shape}. Pass frames=16, for example."
        )
    return keras.Input(shape, name=tensor.name)


def _positions(layer: keras.Operation, first, output) -> int:
    """Count at how many places and steps a layer applies its kernels."""
    if not isinstance(layer, _RECURRENT):
        return math.prod(output.shape[1:-1])
    return first.shape[1] * math.prod(output.shape[2 if layer.return_sequences else 1 : -1])


def _kernel_size(layer: keras.Operation) -> int:
    """Count the numbers in the kernels of a layer, 0 where it has none."""
    kernels = [w.shape for w in getattr(layer, "weights", ()) if w.name.endswith("kernel")]
    if kernels and not isinstance(layer, _COUNTED):
        raise ModelError(
            "Expected convolutions, dense and recurrent layers. Received: "
            f"{layer.name}, a {type(layer).__name__}, whose multiply-adds are not known here. "
            "Count them by hand."
        )
    return sum(map(math.prod, kernels))
