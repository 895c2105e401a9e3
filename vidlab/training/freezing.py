"""What cannot learn in a phase: the part of a model that is computed once.

*Frozen* is what has no trainable weights, no state updated in training and no randomness: batch
normalisation only where it is not trainable; a layer with a seed or a ``training`` argument
(dropout, augmentation, recurrent layers) ends the frozen part even without weights. Nested models,
``TimeDistributed``, shared towers and several inputs are opened. The frozen part has to treat each
frame by itself, so that a sampler may draw other frames in every epoch.
"""

import inspect
import math
from dataclasses import dataclass

import keras
from keras import layers

from vidlab.data.streams import PADDING
from vidlab.models import BlankPadding, FoldTime, UnfoldTime
from vidlab.models.graph import (
    FRAME_BY_FRAME,
    Step,
    flatten,
    input_names,
    is_sequence_after,
    paths,
    steps,
    tensors,
)
from vidlab.models.quantization import FakeQuantizedActivations

__all__ = ["KEPT", "Split", "is_frozen", "split"]

KEPT = "kept"
"""The name of the input of `Split.rest` that takes what was computed once."""


# They have a ``training`` argument, and compute the same with it and without.
_SAME_IN_TRAINING = (layers.CenterCrop, layers.Dense, layers.EinsumDense, layers.Resizing)


@dataclass(frozen=True)
class Split:
    """A model cut in two.

    Attributes
    ----------
    frozen : keras.Model
        From one frame of each input it needs, by name, to vectors, ``float32``, (batch, `size`).
    rest : keras.Model
        From these vectors (`KEPT`), and inputs still needed, to the model's outputs; it shares its
        weights with the model, so that training it trains the model.
    size : int
        Numbers a frame.
    live : list of str
        Names of the inputs that `rest` takes besides.
    padding : float or None
        What fills up shorter clips of vectors; None where the model cannot recognise padding.
    where : str
        The last layers that are computed once, for people.
    """

    frozen: keras.Model
    rest: keras.Model
    size: int
    live: list[str]
    padding: float | None
    where: str


def split(model: keras.Model, *, clips: bool, most: float = math.inf) -> Split | None:
    """Cut a model after what cannot learn.

    Parameters
    ----------
    model
        Functional; `trainable` of its layers says what learns.
    clips
        Whether its inputs are clips (batch, time, …) rather than frames (batch, …).
    most
        Numbers a frame that may be kept; where the cut has more, it moves earlier.

    Returns
    -------
    Split or None
        None where nothing with weights is frozen, no cut is small enough, or two layers in nested
        models have one name.
    """
    names = list(paths(model).values())
    if len({name.rpartition("/")[2] for name in names}) < len(names):
        return None
    flat, found = steps(flatten(model))
    graph = _Graph(flat, found, clips)
    prefix = graph.frozen()
    while any(map(_has_weights, prefix)):
        size = graph.size(prefix)
        if size <= most:
            while not _has_weights(prefix[-1]) and graph.size(prefix[:-1]) <= size:
                prefix = prefix[:-1]  # what costs nothing is left to the rest, to keep fewer stores
            return graph.cut(prefix)
        prefix = prefix[:-1]
    return None


def is_frozen(layer: keras.Operation) -> bool:
    """Whether a layer computes the same in every step of a training, whatever else learns."""
    if not isinstance(layer, keras.Layer):
        return type(layer).__name__ in FRAME_BY_FRAME
    if layer.trainable_variables:
        return False
    if isinstance(layer, layers.BatchNormalization | FakeQuantizedActivations):
        return not layer.trainable
    if isinstance(layer, _SAME_IN_TRAINING):
        return True
    random = len(layer.variables) > len(layer.weights) or getattr(layer, "seed", None) is not None
    if random or "training" in inspect.signature(layer.call).parameters:
        return False
    if isinstance(layer, BlankPadding):  # left to the rest, which alone sees what is padding
        return False
    updated = layer.trainable and layer.non_trainable_variables
    return not updated or isinstance(layer, layers.Normalization)


class _Graph:
    """The calls of a flat model, and what is known about the tensors between them."""

    def __init__(self, flat: keras.Model, found: list[Step], clips: bool):
        self.flat, self.steps, self.clips = flat, found, clips
        self.inputs = {tensor.name: tensor for tensor in flat.inputs}
        # Of frozen tensors, by identity: whether they are (batch, time, …), and the inputs needed.
        self.sequence = {id(tensor): clips for tensor in flat.inputs}
        self.needs = {id(tensor): {name} for name, tensor in self.inputs.items()}
        self.costly: set[int] = set()  # frozen tensors that weights are needed for

    def frozen(self) -> list[Step]:
        """Return the calls, inputs before outputs, that cannot learn and go frame by frame."""
        kept = []
        for step in self.steps:
            if not is_frozen(step.layer) or not isinstance(step.output, keras.KerasTensor):
                continue
            kinds = {self.sequence.get(id(tensor)) for tensor in step.inputs}
            kind = is_sequence_after(step.layer, kinds)
            if kind is not None:
                self.sequence[id(step.output)] = kind
                self.needs[id(step.output)] = set().union(
                    *(self.needs[id(tensor)] for tensor in step.inputs)
                )
                if _has_weights(step) or any(id(tensor) in self.costly for tensor in step.inputs):
                    self.costly.add(id(step.output))
                kept.append(step)
        return kept

    def border(self, prefix: list[Step]) -> list[keras.KerasTensor]:
        """List what the rest after `prefix` needs of it."""
        used = [tensor for step in self.after(prefix) for tensor in self.values_of(step)]
        used += tensors(self.flat.output)
        made = {id(step.output): step.output for step in prefix if id(step.output) in self.costly}
        return [made[i] for i in dict.fromkeys(id(tensor) for tensor in used) if i in made]

    def after(self, prefix: list[Step]) -> list[Step]:
        """Return the calls behind `prefix`, and those of it that cost nothing and are needed."""
        early = {id(step) for step in prefix if id(step.output) in self.costly}
        needed = {id(tensor) for tensor in tensors(self.flat.output)}
        found = []
        for step in reversed(self.steps):
            if id(step) not in early and needed & {id(tensor) for tensor in tensors(step.output)}:
                needed |= {id(tensor) for tensor in self.values_of(step)}
                found.append(step)
        return found[::-1]

    def values_of(self, step: Step) -> list[keras.KerasTensor]:
        """List the tensors whose values a call needs, not only their length or padding."""
        if isinstance(step.layer, UnfoldTime) and self.sequence.get(id(step.args[0])):
            return [step.args[1]]
        return [step.args[0]] if self.padded_input(step) else step.inputs

    def padded_input(self, step: Step) -> str | None:
        """Return the name of the input whose padding a call makes zeros of."""
        if not isinstance(step.layer, BlankPadding):
            return None
        found = [name for name, tensor in self.inputs.items() if tensor is step.args[1]]
        return found[0] if found else None

    def size(self, prefix: list[Step]) -> float:
        """Count the numbers a frame has after `prefix`; infinite where there is nothing to keep."""
        return sum(math.prod(self.shape(t)) for t in self.border(prefix)) or math.inf

    def shape(self, tensor: keras.KerasTensor) -> tuple[float, ...]:
        """Return the shape of what a frame has of a tensor; infinite where it is not known."""
        shape = tensor.shape[2 if self.sequence[id(tensor)] else 1 :]
        return tuple(math.inf if length is None else length for length in shape)

    def cut(self, prefix: list[Step]) -> Split:
        """Build the two models."""
        rest, border = self.after(prefix), self.border(prefix)
        used = {id(tensor) for step in rest for tensor in self.values_of(step)}
        live = [name for name, tensor in self.inputs.items() if id(tensor) in used]
        size, frozen = self.size(prefix), self._frozen_model(prefix, border)
        blanked = {self.padded_input(step) for step in rest}
        padding = PADDING if set(input_names(frozen)) <= blanked else None
        names = [step.layer.name for step in prefix if any(step.output is t for t in border)]
        rest_model = self._rest_model(rest, border, live=live, size=size)
        return Split(frozen, rest_model, size, live, padding, ", ".join(names))

    def _frozen_model(self, prefix, border) -> keras.Model:
        needed = sorted(set().union(*(self.needs[id(tensor)] for tensor in border)))
        frames = {
            name: keras.Input(self.inputs[name].shape[2 if self.clips else 1 :], name=name)
            for name in needed
        }
        known = {id(self.inputs[name]): frame for name, frame in frames.items()}
        for step in prefix:
            if not all(id(tensor) in known for tensor in step.inputs):
                continue  # of an input that is not needed
            if isinstance(step.layer, FoldTime):
                known[id(step.output)] = known[id(step.args[0])]
            elif isinstance(step.layer, UnfoldTime):
                known[id(step.output)] = known[id(step.args[1])]
            else:
                known[id(step.output)] = step.again(known)
        vectors = [
            layers.Flatten(name=f"{KEPT}_vector_{number}")(known[id(tensor)])
            for number, tensor in enumerate(border)
        ]
        if len(vectors) > 1:
            vectors = [layers.Concatenate(name=f"{KEPT}_vectors")(vectors)]
        return keras.Model(frames, vectors[0], name="frozen")

    def _rest_model(self, rest, border, *, live, size) -> keras.Model:
        kept = keras.Input((None, size) if self.clips else (size,), name=KEPT)
        inputs = {KEPT: kept}
        for name in live:
            inputs[name] = keras.Input(self.inputs[name].shape[1:], name=name)
        # Where only the length of a clip or its padding is asked for, what is kept has both.
        known = {
            i: next((inputs[name] for name in self.needs[i] if name in live), kept)
            for i, sequence in self.sequence.items()
            if sequence or i in map(id, self.inputs.values())
        }
        first = 0
        for number, tensor in enumerate(border):
            shape = self.shape(tensor)
            sequence = self.sequence[id(tensor)]
            last = first + math.prod(shape)
            piece = kept
            if self.clips and not sequence:
                piece = FoldTime(name=f"{KEPT}_fold_{number}")(kept)
            piece = piece if len(border) == 1 else piece[..., first:last]
            if len(shape) > 1:
                shape = (-1, *shape) if sequence else shape
                piece = layers.Reshape(shape, name=f"{KEPT}_map_{number}")(piece)
            known[id(tensor)], first = piece, last
        for step in rest:
            again = tensors(step.again(known))
            known |= {id(t): new for t, new in zip(tensors(step.output), again, strict=True)}
        outputs = keras.tree.map_structure(lambda tensor: known[id(tensor)], self.flat.output)
        return keras.Model(inputs, outputs, name="rest")


def _has_weights(step: Step) -> bool:
    return bool(getattr(step.layer, "weights", ()))
