"""The layer graph of a model: every layer within reach, whatever it is nested in.

Models inside models, ``TimeDistributed`` layers and encoders in front of recurrent layers are
opened (`vidlab.models.graph`), so that a layer deep inside has a name, ``"backbone/conv2"``, and a
tensor that leads on to the class scores. The explanations of this package are computed on models
cut out of this graph; all of them share the layers, and so the weights, of the model.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np
from keras import ops

from vidlab.errors import ModelError
from vidlab.explanation.single_input import ConstantInput
from vidlab.models import as_classifier
from vidlab.models.classifier import BothClasses
from vidlab.models.graph import Step, flatten, is_box, paths, steps
from vidlab.models.inflation import PadTime
from vidlab.models.quantization import FakeQuantizedWeights

__all__ = ["LayerGraph", "default_layer", "layer_graph", "layers"]

Made = TypeVar("Made")

_NAMES_SHOWN = 12
_CONVOLUTIONS = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3D,
    keras.layers.ConvLSTM2D,
)
# Their maps are no finer for being larger: what they add holds nothing of the picture.
_PADDED = (
    *(keras.layers.ZeroPadding2D, keras.layers.UpSampling2D, keras.layers.ZeroPadding3D),
    PadTime,
)


def layers(model: keras.Model) -> list[str]:
    """List the layers that a heatmap can be made at, first to last.

    They are those that give a map (rows, columns, channels) of each picture, or of several that
    have met in time, from the first convolution on, such as ``"backbone/block_12_add"``; there is
    none in a network on bare pixels.

    Parameters
    ----------
    model
        Functional or sequential, of frames or clips; its layers may be models themselves.

    Raises
    ------
    ModelError
        If the model's layers cannot be known.
    """
    return list(layer_graph(model).maps)


def default_layer(model: keras.Model) -> str:
    """Return the layer that heatmaps are made at when none is named: the last with a map.

    A branch beside others would show a part of the reasons, so everything has to pass through it.

    Raises
    ------
    ModelError
        If there is no such layer.
    """
    graph = layer_graph(model)
    if not graph.bottlenecks:
        raise graph.no_map()
    return graph.bottlenecks[-1]


_GRAPHS: WeakKeyDictionary[keras.Model, LayerGraph] = WeakKeyDictionary()


def layer_graph(model: keras.Model) -> LayerGraph:
    """Return the layer graph of a model; it is kept as long as the model.

    Raises
    ------
    ModelError
        If the model is not functional or sequential, has more than one input or output, or gives
        something else than one score a class.
    """
    model = as_classifier(model)
    if model not in _GRAPHS:
        _check(model)
        flat, calls = steps(flatten(model))
        _GRAPHS[model] = LayerGraph(flat, _without_constants(calls), paths(model))
    return _GRAPHS[model]


def _check(model: keras.Model) -> None:
    """Raise a ModelError, with the remedy that fits, for what cannot be explained."""
    expected = (
        "Expected a functional or sequential model with one input of frames (batch, height, width, "
        "3) or clips (batch, time, height, width, 3), and one output of scores (batch, classes). "
        f"Received: {model.name}, a {type(model).__name__}"
    )
    if isinstance(model, keras.Sequential) and not is_box(model):
        raise ModelError(f"{expected} that knows no input. Put a keras.Input first.")
    if not is_box(model):
        raise ModelError(
            f"{expected}. It is subclassed, so that its layers are known to its own code alone. "
            "Write it as keras.Model(inputs, outputs), often with what it has: inputs = "
            "keras.Input((height, width, 3)); outputs = model.call(inputs)."
        )
    shapes = [tuple(x.shape) for x in model.inputs], [tuple(x.shape) for x in model.outputs]
    (first, *inputs), (output, *outputs) = shapes
    received = (
        f"{expected} from {', '.join(map(str, shapes[0]))} to {', '.join(map(str, shapes[1]))}"
    )
    if any(len(shape) not in (4, 5) for shape in (first, *inputs)):
        raise ModelError(f"{received}. Put the encoder that makes its features into the model.")
    if inputs:
        raise ModelError(f"{received}. Explain one by one: vidlab.explanation.by_input.")
    if outputs:
        raise ModelError(f"{received}. Choose one: keras.Model(model.inputs, model.outputs[0]).")
    if len(output) == 3:
        raise ModelError(
            f"{received}: scores for every step. Choose one, t, and explain what it rests on: "
            "keras.Model(model.inputs, model.outputs[0][:, t])."
        )
    if len(output) != 2:
        raise ModelError(f"{received}. End it in one row of scores, such as by Flatten and Dense.")


def _without_constants(calls: Sequence[Step]) -> list[Step]:
    """Leave out the steps that depend on constant inputs alone."""
    constant: set[int] = set()
    for step in calls:
        inputs = {id(tensor) for tensor in step.inputs}
        if isinstance(step.layer, ConstantInput) or (inputs and inputs <= constant):
            constant.add(id(step.output))
    return [step for step in calls if id(step.output) not in constant]


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """A model whose layers are all within reach.

    Attributes
    ----------
    model : keras.Model
        The same computation by the same layers, none of which is a model.
    steps : list of Step
        Every call of a layer, inputs before outputs.
    names : dict
        The name of every layer, by its identity.
    """

    model: keras.Model
    steps: list[Step]
    names: dict[int, str]
    _made: dict[Hashable, object] = field(default_factory=dict)

    def made_once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return ``make()`` of the first call with this key: compiled graphs take seconds."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def input(self) -> keras.KerasTensor:
        """Frames, (batch, height, width, 3), or clips, (batch, time, height, width, 3)."""
        return self.model.inputs[0]

    @property
    def per_frame(self) -> bool:
        """Whether the model takes single frames, not clips."""
        return len(self.input.shape) == 4

    @property
    def frame_size(self) -> tuple[int | None, int | None]:
        """Height and width of the frames."""
        return self.input.shape[-3:-1]

    @property
    def num_classes(self) -> int:
        """How many classes the model tells apart."""
        return self.model.output_shape[-1]

    def as_input(self, clips: np.ndarray) -> np.ndarray:
        """Reshape clips, (clips, time, height, width, 3), to what the model takes."""
        return clips.reshape(-1, *clips.shape[2:]) if self.per_frame else clips

    @cached_property
    def maps(self) -> dict[str, Step]:
        """The steps that give a map of each picture, by the layer's name, first to last."""
        found, convolved = {}, False
        for step in self.steps:
            convolved = convolved or isinstance(_whole(step.layer), _CONVOLUTIONS)
            if convolved and _rank(step.output) in (4, 5) and id(step.layer) in self.names:
                found[self.names[id(step.layer)]] = step
        return found

    @cached_property
    def bottlenecks(self) -> list[str]:
        """The layers with a map that everything passes through, first to last."""
        last_use = {
            id(tensor): index for index, step in enumerate(self.steps) for tensor in step.inputs
        }
        names = {id(step): name for name, step in self.maps.items()}
        found, bypassed_until = [], -1
        for index, step in enumerate(self.steps):
            is_map = id(step) in names and not isinstance(step.layer, _PADDED)
            if is_map and bypassed_until <= index:
                found.append(names[id(step)])
            # A clip (5-D) is passed on for its length and its padding, not for what it shows.
            if _rank(step.output) < 5 or id(step) in names:
                bypassed_until = max(bypassed_until, last_use.get(id(step.output), -1))
        return found

    @cached_property
    def scores(self) -> keras.KerasTensor:
        """The class scores before the last softmax or sigmoid, or the output where there is none.

        After a softmax a class gains also by what speaks against the others.
        """
        return self._before_squashing(self.model.outputs[0])

    def _before_squashing(self, output: keras.KerasTensor) -> keras.KerasTensor:
        (last,) = [step for step in self.steps if step.output is output]
        if isinstance(last.layer, BothClasses):
            # What speaks for one class speaks against the other.
            second = self._before_squashing(last.inputs[0])
            return ops.concatenate([-second, second], axis=-1)
        activation = getattr(_whole(last.layer), "activation", None)
        is_squashed = activation in (keras.activations.softmax, keras.activations.sigmoid)
        if isinstance(_whole(last.layer), keras.layers.Dense) and is_squashed:
            return _Linear(last.layer)(last.inputs[0])
        is_activation = isinstance(last.layer, keras.layers.Activation) and is_squashed
        if is_activation or isinstance(last.layer, keras.layers.Softmax):
            return last.inputs[0]
        return output

    def submodel(self, outputs: object) -> keras.Model:
        """Cut out a model from the input to some tensors of the graph."""
        return keras.Model(self.input, outputs)

    def frame_model(self, outputs: object, *, size: tuple[int, int]) -> keras.Model:
        """Cut out a model from single frames of any size to maps, also of a model of clips."""
        frames = keras.Input((*size, 3), name="frames")
        inputs = frames if self.per_frame else keras.Input((None, *size, 3), name="clips")
        model, _ = steps(keras.Model(self.input, outputs), inputs=[inputs])
        return model if self.per_frame else keras.Model(frames, model(ops.expand_dims(frames, 0)))

    def map_step(self, layer: str) -> Step:
        """Return the call of a layer, or raise a ModelError that names those there are."""
        if layer in self.maps:
            return self.maps[layer]
        names = list(self.maps)
        if not names:
            raise self.no_map()
        shown = difflib.get_close_matches(layer, names, n=_NAMES_SHOWN, cutoff=0.0)
        raise ModelError(
            "Expected the name of a layer with a map (rows, columns, channels). Received: "
            f"{layer!r}. Choose one of: {', '.join(shown)}, or one more of the {len(names)} of "
            "vidlab.explanation.layers(model)."
        )

    def no_map(self) -> ModelError:
        """Return the error for a model without a layer that heat can be made at."""
        kinds = dict.fromkeys(type(layer).__name__ for layer in self.model.layers[1:])
        return ModelError(
            "Expected a model with a convolution that all it sees passes through. Received: "
            f"{self.model.name} has none among its layers ({', '.join(kinds)}). Use "
            'explain(model, clip, method="saliency"), which needs no map, or '
            "vidlab.explanation.by_occlusion, which needs no gradient either."
        )


def _whole(layer: keras.Operation) -> keras.Operation:
    """Return the layer, or that whose weights it rounds."""
    return layer.layer if isinstance(layer, FakeQuantizedWeights) else layer


def _rank(output: object) -> int:
    return len(getattr(output, "shape", ()))


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
