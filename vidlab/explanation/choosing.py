"""Which layer to explain with, when none is named.

Takes models opened by `layers`; gives the layer to the methods of this package.

The last map knows best what is in the picture, and all positions of it are treated alike by what
follows. But it is coarse: 7×7 positions on pictures of 224 pixels, 4×4 on those of 112, and there
each unit sees the whole picture. It can then tell what speaks for a class, but hardly where that
is; an earlier layer has to say where.
"""

from __future__ import annotations

import keras

from vidlab.errors import ModelError
from vidlab.explanation.layers import Anatomy, Step, laid_open

__all__ = ["default_layer", "last_layer"]

_FINE = 7
_RECTIFIERS = (keras.activations.relu, keras.activations.relu6)
_KEEPING = (
    keras.layers.Add,
    keras.layers.AveragePooling2D,
    keras.layers.Concatenate,
    keras.layers.Dropout,
    keras.layers.MaxPooling2D,
)


def default_layer(model: keras.Model) -> str:
    """Name the layer that heatmaps are made at when none is named.

    It is one that everything passes through (a branch beside others would show a part of the
    reasons): the last, if its map has at least 7×7 positions. Where it has fewer, it is the last
    with 7×7 positions that holds amounts, as ReLUs leave them, and whose units see less than the
    whole picture.

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
    anatomy, last = laid_open(model), last_layer(model)
    sides = {name: _side(anatomy.maps[name]) for name in anatomy.bottlenecks}
    fine = [name for name, side in sides.items() if side >= min(_FINE, max(sides.values()))]
    if last in fine:
        return last
    local = [name for name in fine if anatomy.is_local(name)]
    amounts = _amounts(anatomy)
    rectified = [name for name in local if id(anatomy.maps[name].output) in amounts]
    return (rectified or local or fine)[-1]


def last_layer(model: keras.Model) -> str:
    """Name the last layer with a map that everything passes through.

    Raises
    ------
    ModelError
        If there is none.
    """
    anatomy = laid_open(model)
    if not anatomy.bottlenecks:
        raise ModelError(
            "Expected a model with a convolution that all it sees passes through. Received: "
            f'{anatomy.lack} Use explain(model, clip, method="saliency"), which needs no map.'
        )
    return anatomy.bottlenecks[-1]


def _side(step: Step) -> int:
    """Return how many positions the shorter side of a map has; unknown counts as fine."""
    return min(_FINE if side is None else side for side in step.output.shape[1:3])


def _amounts(anatomy: Anatomy) -> set[int]:
    """Find the tensors that hold amounts, nothing below 0: what ReLUs give, and what keeps it."""
    found = set()
    for step in anatomy.steps:
        rectifies = isinstance(step.layer, keras.layers.ReLU) or (
            getattr(step.layer, "activation", None) in _RECTIFIERS
        )
        keeps = isinstance(step.layer, _KEEPING) and all(id(x) in found for x in step.inputs)
        if rectifies or keeps:
            found.add(id(step.output))
    return found
