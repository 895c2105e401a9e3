"""The graph of a model without boxes: nested models and ``TimeDistributed`` layers opened.

Training looks for the part that cannot learn in it, explanation for layers with a map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras

from vidlab.models.layers import BlankPadding, FoldTime, UnfoldTime

__all__ = [
    "FRAME_BY_FRAME",
    "Step",
    "flatten",
    "input_names",
    "is_box",
    "is_sequence_after",
    "paths",
    "steps",
    "tensors",
]

# On clips these do to each frame what they do to a frame alone: layers, then operations, of which
# Keras puts in ConvertToTensor where a model is called in a model.
FRAME_BY_FRAME = {
    *("Activation", "Dense", "Identity", "LeakyReLU", "ReLU", "Rescaling", "TimeDistributed"),
    *("Add", "Cast", "ConvertToTensor", "Divide", "Multiply", "Subtract", "TrueDivide"),
}


@dataclass(frozen=True)
class Step:
    """One call of a layer in a flat graph: its arguments as given, tensors among them."""

    layer: keras.Operation
    args: tuple
    kwargs: dict
    output: object

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        """The tensors among the arguments."""
        return tensors((self.args, self.kwargs))

    def again(self, known: dict[int, keras.KerasTensor]):
        """Call the layer again with `known` (by identity) in place of its tensors."""
        args, kwargs = keras.tree.map_structure(
            lambda value: known.get(id(value), value), (self.args, self.kwargs)
        )
        return self.layer(*args, **kwargs)


def flatten(model: keras.Model) -> keras.Model:
    """Open all boxes of a model.

    Parameters
    ----------
    model
        Functional or sequential, with any inputs and outputs.

    Returns
    -------
    keras.Model
        The same computation by the same layers, none of which is a model.
    """
    flat = _functional(model)
    while any(_inner(layer) is not None for layer in flat.layers):
        flat = keras.models.clone_model(flat, clone_function=_same, call_function=_call_opened)
    return flat


def steps(
    model: keras.Model, *, inputs: Sequence[keras.KerasTensor] | None = None
) -> tuple[keras.Model, list[Step]]:
    """Run the layers of a model again, writing down every call.

    Parameters
    ----------
    inputs
        In place of the model's own, in their order.

    Returns
    -------
    again : keras.Model
        The tensors of the calls are those of this model.
    steps : list of Step
        Inputs before outputs.
    """
    found: list[Step] = []

    def call(layer, *args, **kwargs):
        found.append(Step(layer, args, kwargs, layer(*args, **kwargs)))
        return found[-1].output

    model = _functional(model)
    if inputs is not None:
        inputs = keras.tree.pack_sequence_as(model.input, list(inputs))
    again = keras.models.clone_model(
        model, input_tensors=inputs, clone_function=_same, call_function=call
    )
    return again, found


def tensors(values: object) -> list[keras.KerasTensor]:
    """List the tensors in nested arguments or results."""
    return [value for value in keras.tree.flatten(values) if isinstance(value, keras.KerasTensor)]


def is_sequence_after(
    layer: keras.Operation,
    inputs: set[bool | None],
    *,
    frame_by_frame: set[str] = FRAME_BY_FRAME,
) -> bool | None:
    """Return whether a layer's output is (batch, time, …), or else (batch · time, …).

    Parameters
    ----------
    layer
        Of a model of clips.
    inputs
        The same about the tensors that it takes.
    frame_by_frame
        Classes of layers that treat every frame of a clip alike.

    Returns
    -------
    bool or None
        None where the layer mixes frames, or takes something that is neither.
    """
    if None in inputs or not inputs:
        return None
    if isinstance(layer, FoldTime):
        return False
    if isinstance(layer, UnfoldTime | BlankPadding):
        return True
    if inputs == {False}:
        return False
    return True if inputs == {True} and type(layer).__name__ in frame_by_frame else None


def paths(model: keras.Model, prefix: str = "") -> dict[int, str]:
    """Name every layer by the boxes it lies in, ``"backbone/block4_out"``, by its identity."""
    found = {}
    for layer in model.layers:
        inner = _inner(layer)
        if isinstance(inner, keras.Model):
            found |= paths(inner, f"{prefix}{layer.name}/")
        else:
            found[id(layer if inner is None else inner)] = prefix + layer.name
    return found


def is_box(layer: keras.Operation) -> bool:
    """Whether a layer is a functional or sequential model."""
    return (
        isinstance(layer, keras.Model)
        and layer.built
        and getattr(layer, "inputs", None) is not None
    )


def input_names(model: keras.Model) -> list[str]:
    """Name the inputs of a functional model, in the order of ``model.inputs``."""
    return [tensor.name for tensor in model.inputs]


def _same(layer: keras.Operation) -> keras.Operation:
    """Return the layer itself: in place of a copy where Keras would make one."""
    return layer


def _functional(model: keras.Model) -> keras.Model:
    """Return a model as a functional one; a single input without the list Keras may put around."""
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.input
    outputs = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    return keras.Model(inputs, outputs, name=model.name)


def _inner(layer: keras.Operation) -> keras.Layer | None:
    """Return what a layer is a box around, or None."""
    if isinstance(layer, keras.layers.TimeDistributed):
        return layer.layer
    return layer if is_box(layer) else None


def _call_opened(layer: keras.Operation, *inputs: Sequence, **options):
    """Call a layer; one that is a box, by the layers in it."""
    inner = _inner(layer)
    if inner is None:
        return layer(*inputs, **options)
    x = inputs[0]
    apart = isinstance(layer, keras.layers.TimeDistributed)
    folded = FoldTime()(x) if apart else x
    # Called directly, a model runs its layers on the tensor; as a layer, it would be one step.
    run = _functional(inner).call if is_box(inner) else inner
    result = run(folded)
    return UnfoldTime()(x, result) if apart else result
