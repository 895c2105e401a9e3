"""The flat graph of a model that can be explained: one input, one output of class scores."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar
from weakref import WeakKeyDictionary

import keras

from vidlab.errors import ModelError
from vidlab.models.graph import flatten, is_box, paths

__all__ = ["flattened", "made_once"]

Made = TypeVar("Made")

_MADE: WeakKeyDictionary[keras.Model, dict[Hashable, object]] = WeakKeyDictionary()


def made_once(model: keras.Model, key: Hashable, make: Callable[[], Made]) -> Made:
    """Return ``make()`` of the first call for this model and key; kept as long as the model is.

    Opened, compiled and traced graphs take seconds to make.
    """
    made = _MADE.setdefault(model, {})
    if key not in made:
        made[key] = make()
    return made[key]


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
        Identity of a layer to its name, ``"backbone/block4_out"`` for one in a box.

    Raises
    ------
    ModelError
        If the model is not functional or sequential, has more than one input or output, or gives
        something else than one score a class.
    """
    if not is_box(model) or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            "Expected a functional or sequential model with one input and one output. Received: "
            f"{model.name}, a {type(model).__name__}. Give a Sequential model an Input first, "
            "write a subclassed one with keras.Model(inputs, outputs), and explain several inputs "
            "one by one with vidlab.explanation.by_input."
        )
    shapes = model.inputs[0].shape, model.outputs[0].shape
    if len(shapes[0]) not in (4, 5) or len(shapes[1]) != 2:
        raise ModelError(
            "Expected a model from frames (batch, height, width, 3), or from clips (batch, time, "
            "height, width, 3), to scores (batch, classes). Received: "
            f"{model.name} from {shapes[0]} to {shapes[1]}. Put a head on features and its encoder "
            "into one model."
        )
    return flatten(model), paths(model)
