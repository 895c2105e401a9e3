"""The layers of a model that keep a map of the picture, and models that hand such a map out.

Takes flat models of `opening`; gives layer names, and models that return a layer's map besides what
they say, to the methods of this package.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import keras
from keras import ops

from vidlab.errors import ModelError
from vidlab.explanation.opening import flattened, same

__all__ = ["Anatomy", "default_layer", "laid_open", "layers"]

_FINE_ENOUGH = 7
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
    """Name the layer that heatmaps are made at when none is named.

    It is the last one whose map has at least 7×7 positions and that everything passes through: a
    branch beside others would show a part of the reasons. Where no map is that fine, the finest is
    taken.

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
    sides = {
        name: min(side or _FINE_ENOUGH for side in anatomy.maps[name].output.shape[1:3])
        for name in anatomy.bottlenecks
    }
    if not sides:
        raise ModelError(
            f"Expected a model with a convolution that all it sees passes through. Received: "
            f"{model.name}, {_what_there_is(anatomy)} "
            'Use explain(model, clip, method="saliency"), which needs no map.'
        )
    fine = min(_FINE_ENOUGH, max(sides.values()))
    return [name for name, side in sides.items() if side >= fine][-1]


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
    if model not in _ANATOMIES:
        _ANATOMIES[model] = Anatomy(*flattened(model))
    return _ANATOMIES[model]


_ANATOMIES: WeakKeyDictionary[keras.Model, Anatomy] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Step:
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
    def maps(self) -> dict[str, _Step]:
        """The calls that give a map of each picture, by the layer's name, first to last."""
        found, convolved = {}, False
        for step in self._steps:
            convolved = convolved or isinstance(step.layer, _CONVOLUTIONS)
            shape = getattr(step.output, "shape", ())
            if convolved and len(shape) == 4 and id(step.layer) in self.paths:
                found[self.paths[id(step.layer)]] = step
        return found

    @cached_property
    def bottlenecks(self) -> list[str]:
        """The layers with a map that everything passes through, first to last."""
        last_use = {
            id(tensor): place for place, step in enumerate(self._steps) for tensor in step.inputs
        }
        names = {id(step): name for name, step in self.maps.items()}
        found, passes_by = [], -1
        for place, step in enumerate(self._steps):
            if id(step) in names and passes_by <= place and not isinstance(step.layer, _FILLED_UP):
                found.append(names[id(step)])
            # A clip (5-D) is passed on for its length and its padding, not for what it shows.
            if len(getattr(step.output, "shape", ())) < 5:
                passes_by = max(passes_by, last_use.get(id(step.output), -1))
        return found

    def tapped(self, layer: str) -> keras.Model:
        """Build the model that gives, besides what it says, the map it makes on the way.

        Parameters
        ----------
        layer
            One of `maps`.

        Returns
        -------
        keras.Model
            Gives the map, (pictures, rows, columns, channels); the scores before the last softmax
            or sigmoid, (batch, classes), or the output itself where there is none; and the output.
        """
        return keras.Model(self._start, [self.step(layer).output, self._scores, self._end])

    def scoring(self) -> keras.Model:
        """Build the model that gives the scores before the last softmax, and the output."""
        return keras.Model(self._start, [self._scores, self._end])

    def marked(self, layer: str, *, probabilities: bool = False) -> keras.Model:
        """Build the model with a layer ``"explained"`` put in after `layer`, which passes it on.

        Parameters
        ----------
        layer
            One of `maps`.
        probabilities
            Whether the model gives its output, not the scores before the last softmax.

        Returns
        -------
        keras.Model
            Flat, for tools that look a layer up by its name.
        """
        wanted = self.step(layer).layer

        def call(operation, *inputs, **options):
            output = operation(*inputs, **options)
            if operation is not wanted:
                return output
            return keras.layers.Identity(name="explained")(output)

        marked = keras.models.clone_model(self.model, clone_function=same, call_function=call)
        return marked if probabilities else Anatomy(marked, self.paths).scoring_alone()

    def scoring_alone(self) -> keras.Model:
        """Build the model that gives nothing but the scores before the last softmax."""
        return keras.Model(self._start, self._scores)

    def step(self, layer: str) -> _Step:
        """Find the call of a layer, or raise a ModelError that names those there are."""
        if layer in self.maps:
            return self.maps[layer]
        names = list(self.maps)
        if not names:
            raise ModelError(
                f"Expected a layer with a map of the picture. Received: {layer!r}, but "
                f'{_what_there_is(self)} Use explain(model, clip, method="saliency").'
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

    @cached_property
    def _recorded(self) -> tuple[keras.Model, list[_Step]]:
        steps: list[_Step] = []

        def call(operation, *inputs, **options):
            output = operation(*inputs, **options)
            tensors = [x for x in keras.tree.flatten((inputs, options)) if _is_symbolic(x)]
            steps.append(_Step(operation, tensors, output))
            return output

        again = keras.models.clone_model(self.model, clone_function=same, call_function=call)
        return again, steps

    @property
    def _steps(self) -> list[_Step]:
        return self._recorded[1]

    @property
    def _start(self) -> keras.KerasTensor:
        return self._recorded[0].inputs[0]

    @property
    def _end(self) -> keras.KerasTensor:
        return self._recorded[0].outputs[0]

    @cached_property
    def _scores(self) -> keras.KerasTensor:
        """The scores before the last softmax or sigmoid, where they can be had."""
        (last,) = [step for step in self._steps if step.output is self._end]
        activation = getattr(last.layer, "activation", None)
        flattened = activation in (keras.activations.softmax, keras.activations.sigmoid)
        if isinstance(last.layer, keras.layers.Dense) and flattened:
            return _Linear(last.layer)(last.inputs[0])
        if isinstance(last.layer, keras.layers.Softmax) or (
            isinstance(last.layer, keras.layers.Activation) and flattened
        ):
            return last.inputs[0]
        return self._end


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


def _is_symbolic(value: object) -> bool:
    return isinstance(value, keras.KerasTensor)


def _what_there_is(anatomy: Anatomy) -> str:
    kinds = dict.fromkeys(type(layer).__name__ for layer in anatomy.model.layers[1:])
    return f"which has none among its layers ({', '.join(kinds)})."
