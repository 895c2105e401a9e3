"""The layers of a model that keep a map of the picture, and models that hand such a map out.

Takes flat models of `opening`; gives layer names, and models that return a layer's map besides what
they say, to the methods of this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
from keras import ops

from vidlab.errors import ModelError
from vidlab.explanation.geometry import Field, field_after
from vidlab.explanation.holding import Held
from vidlab.explanation.normalising import fused
from vidlab.explanation.opening import flattened, made_once
from vidlab.models import FoldTime
from vidlab.models.graph import same

__all__ = ["Anatomy", "Step", "default_layer", "laid_open", "layers"]

_NAMES_SHOWN = 12
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
)
# Their maps are no finer for being larger: what they add holds nothing of the picture.
_FILLED_UP = (keras.layers.ZeroPadding2D, keras.layers.UpSampling2D)


def layers(model: keras.Model) -> list[str]:
    """Name the layers that a heatmap can be made at, first to last.

    They are those that give a map (rows, columns, channels) of each picture, from the first
    convolution on.

    Parameters
    ----------
    model
        Functional or sequential, of frames or clips; its layers may be models themselves.

    Returns
    -------
    list of str
        Such as ``"backbone/block_12_add"``; empty for a network on bare pixels.

    Raises
    ------
    ModelError
        If the model's layers cannot be known.
    """
    return list(laid_open(model).maps)


def default_layer(model: keras.Model) -> str:
    """Name the layer that heatmaps are made at when none is named: the last with a map.

    A branch beside others would show a part of the reasons, so everything has to pass through it.

    Parameters
    ----------
    model
        As `layers` takes it.

    Returns
    -------
    str
        One of `layers`.

    Raises
    ------
    ModelError
        If there is no such layer.
    """
    anatomy = laid_open(model)
    if not anatomy.bottlenecks:
        raise ModelError(
            "Expected a model with a convolution that all it sees passes through. Received: "
            f'{anatomy.lack} Use explain(model, clip, method="saliency"), which needs no map.'
        )
    return anatomy.bottlenecks[-1]


def laid_open(model: keras.Model) -> Anatomy:
    """Open all boxes of a model; the result is kept as long as the model.

    Parameters
    ----------
    model
        As `layers` takes it.

    Returns
    -------
    Anatomy

    Raises
    ------
    ModelError
        If the model is not functional or sequential, has more than one input or output, or gives
        something else than one score a class.
    """
    return made_once(model, Anatomy, lambda: Anatomy(*flattened(model)))


@dataclass(frozen=True)
class Step:
    """One call of a layer in the flat graph."""

    layer: keras.Operation
    inputs: list[keras.KerasTensor]
    output: keras.KerasTensor


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A model whose layers are all within reach.

    Attributes
    ----------
    model : keras.Model
        The same computation without boxes; shares all layers.
    paths : dict
        The name of every layer, by its identity.
    """

    model: keras.Model
    paths: dict[int, str]

    @property
    def per_frame(self) -> bool:
        """Whether the model takes single frames, not clips."""
        return len(self.model.input_shape) == 4

    @cached_property
    def steps(self) -> list[Step]:
        """Every call of a layer, inputs before outputs, but for those on held inputs alone."""
        held: set[int] = set()
        for step in self._run[1]:
            alone = bool(step.inputs) and all(id(tensor) in held for tensor in step.inputs)
            if isinstance(step.layer, Held) or alone:
                held.add(id(step.output))
        return [step for step in self._run[1] if id(step.output) not in held]

    @cached_property
    def maps(self) -> dict[str, Step]:
        """The calls that give a map of each picture, by the layer's name, first to last."""
        found, convolved = {}, False
        for step in self.steps:
            convolved = convolved or isinstance(step.layer, _CONVOLUTIONS)
            shape = getattr(step.output, "shape", ())
            if convolved and len(shape) == 4 and id(step.layer) in self.paths:
                found[self.paths[id(step.layer)]] = step
        return found

    @cached_property
    def bottlenecks(self) -> list[str]:
        """The layers with a map that everything passes through, first to last."""
        last_use = {
            id(tensor): place for place, step in enumerate(self.steps) for tensor in step.inputs
        }
        names = {id(step): name for name, step in self.maps.items()}
        found, passes_by = [], -1
        for place, step in enumerate(self.steps):
            if id(step) in names and passes_by <= place and not isinstance(step.layer, _FILLED_UP):
                found.append(names[id(step)])
            # A clip (5-D) is passed on for its length and its padding, not for what it shows.
            if len(getattr(step.output, "shape", ())) < 5:
                passes_by = max(passes_by, last_use.get(id(step.output), -1))
        return found

    def tapped(self, names: Sequence[str]) -> keras.Model:
        """Build the model that gives, besides what it says, maps it makes on the way.

        Parameters
        ----------
        names
            Of `maps`.

        Returns
        -------
        keras.Model
            Gives each map, (pictures, rows, columns, channels); the scores before the last softmax
            or sigmoid, (batch, classes), or the output itself where there is none; and the output.
        """
        maps = [self.step(name).output for name in names]
        return keras.Model(self._start, [*maps, self._scores, self._end])

    def scoring(self) -> keras.Model:
        """Build the model that gives nothing but the scores before the last softmax."""
        return keras.Model([self._start], self._scores)  # tf-keras-vis passes inputs as a list

    def fields(self, layer: str) -> tuple[Field, Field] | None:
        """Tell what the units of a layer's map see of the picture, down and across.

        None where it cannot be told, or where they see all of it: such a unit is nowhere.
        """
        fields = self._fields.get(id(self.step(layer).output))
        sides = self.model.input_shape[-3:-1]
        is_local = fields is not None and all(
            side is not None and field.extent < side
            for field, side in zip(fields, sides, strict=True)
        )
        return fields if is_local else None

    def marked(self, layer: str) -> keras.Model:
        """Build the model of the scores with a layer ``"explained"`` put in after `layer`.

        It passes the map on as it is.

        Parameters
        ----------
        layer
            One of `maps`.

        Returns
        -------
        keras.Model
            Flat, for tools that look a layer up by its name.
        """
        again, steps = _recorded(self.model, mark=self.step(layer).layer)
        return keras.Model(again.inputs, _scores(again.outputs[0], steps))

    def step(self, layer: str) -> Step:
        """Find the call of a layer, or raise a ModelError that names those there are."""
        if layer in self.maps:
            return self.maps[layer]
        names = list(self.maps)
        if not names:
            raise ModelError(
                f"Expected a layer with a map of the picture. Received: {layer!r}, but "
                f'{self.lack} Use explain(model, clip, method="saliency").'
            )
        close = difflib.get_close_matches(layer, names, n=5, cutoff=0.5)
        inside = [name for name in names if name.split("/")[-1] == layer]
        shown = list(dict.fromkeys([*inside, *close, *reversed(names)]))[:_NAMES_SHOWN]
        more = len(names) - len(shown)
        raise ModelError(
            "Expected the name of a layer with a map (rows, columns, channels). Received: "
            f"{layer!r}. Choose one of: {', '.join(shown)}"
            + (f", and {more} more: vidlab.explanation.layers(model)." if more else ".")
        )

    @property
    def lack(self) -> str:
        """Say, for an error, what the model has in place of a layer with a map."""
        kinds = dict.fromkeys(type(layer).__name__ for layer in self.model.layers[1:])
        return f"{self.model.name} has none among its layers ({', '.join(kinds)})."

    @cached_property
    def _run(self) -> tuple[keras.Model, list[Step]]:
        return _recorded(self.model)

    @cached_property
    def _fields(self) -> dict[int, tuple[Field, Field]]:
        """What units see, by the identity of the tensor that holds them."""
        found: dict[int, tuple[Field, Field] | None] = {id(self._start): (Field(), Field())}
        for step in self.steps:
            known = [found.get(id(tensor)) for tensor in step.inputs]
            if isinstance(step.layer, FoldTime):
                found[id(step.output)] = known[0]
            elif len(getattr(step.output, "shape", ())) == 4 and None not in known:
                shapes = step.inputs[0].shape, step.output.shape
                found[id(step.output)] = field_after(step.layer, known, shapes=shapes)
        return {tensor: fields for tensor, fields in found.items() if fields is not None}

    @property
    def _start(self) -> keras.KerasTensor:
        return self._run[0].inputs[0]

    @property
    def _end(self) -> keras.KerasTensor:
        return self._run[0].outputs[0]

    @property
    def _scores(self) -> keras.KerasTensor:
        return _scores(self._end, self.steps)


class _Linear(keras.layers.Layer):
    """A dense layer without its activation, sharing its weights.

    Input shape: (batch, features). Output shape: (batch, units).
    """

    def __init__(self, dense: keras.layers.Dense):
        super().__init__(dtype=dense.dtype_policy)
        self.dense = dense

    def call(self, features):
        """Return what the layer gives to its activation."""
        scores = ops.matmul(features, self.dense.kernel)
        return scores if self.dense.bias is None else scores + self.dense.bias


def _recorded(
    model: keras.Model, *, mark: keras.Operation | None = None
) -> tuple[keras.Model, list[Step]]:
    """Run the layers of a flat model again, writing down every call.

    What the layer `mark` gives passes through one named ``"explained"`` on its way.
    """
    steps: list[Step] = []

    def call(operation, *inputs, **options):
        tensors = [x for x in keras.tree.flatten((inputs, options)) if _is_symbolic(x)]
        quick = fused(operation, tensors[0])
        output = operation(*inputs, **options) if quick is operation else quick(tensors[0])
        steps.append(Step(operation, tensors, output))
        return keras.layers.Identity(name="explained")(output) if operation is mark else output

    return keras.models.clone_model(model, clone_function=same, call_function=call), steps


def _scores(end: keras.KerasTensor, steps: Sequence[Step]) -> keras.KerasTensor:
    """Find the scores before the last softmax or sigmoid, where they can be had."""
    (last,) = [step for step in steps if step.output is end]
    activation = getattr(last.layer, "activation", None)
    flattened = activation in (keras.activations.softmax, keras.activations.sigmoid)
    if isinstance(last.layer, keras.layers.Dense) and flattened:
        return _Linear(last.layer)(last.inputs[0])
    if isinstance(last.layer, keras.layers.Softmax) or (
        isinstance(last.layer, keras.layers.Activation) and flattened
    ):
        return last.inputs[0]
    return end


def _is_symbolic(value: object) -> bool:
    return isinstance(value, keras.KerasTensor)
