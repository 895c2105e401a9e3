"""Where in the picture the units of a map look: centre, distance and extent of their fields.

Takes the calls of layers that `layers` records; gives fields to it and to `records`, which puts
heat where the units look.

Padding moves a map against the picture. MobileNetV2 pads only at the right and the bottom before
each step of two pixels, so that on 112×112 pixels a unit of its 7×7 maps looks 7.5 pixels further
right and down than the square of the picture it stands for when the map is merely enlarged. The
arithmetic is that of Araujo et al. 2019, *Computing receptive fields of convolutional neural
networks*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras

__all__ = ["Field", "field_after"]

_SLIDING = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)


@dataclass(frozen=True)
class Field:
    """What the units of a map see along one side of the picture, in pixels.

    Attributes
    ----------
    first
        The centre of what the first unit sees; 0.5 is the middle of the first pixel.
    step
        From one unit's centre to the next one's.
    extent
        How much a unit sees.
    """

    first: float = 0.5
    step: float = 1.0
    extent: float = 1.0


def field_after(
    layer: keras.Operation,
    fields: Sequence[tuple[Field, Field]],
    *,
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]],
) -> tuple[Field, Field] | None:
    """Tell what the units of a layer see.

    Parameters
    ----------
    layer
        Any layer.
    fields
        Of each of its inputs, down and across.
    shapes
        Of its first input and of its output, (batch, rows, columns, channels).

    Returns
    -------
    tuple of Field, or None
        Down and across; None where it cannot be told.
    """
    if not fields:
        return None
    # Where branches meet, a unit sees what the widest of them shows.
    before = tuple(max(side, key=lambda field: field.extent) for side in zip(*fields, strict=True))
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return tuple(
            replace(field, first=field.first - padding[0] * field.step)
            for field, padding in zip(before, layer.padding, strict=True)
        )
    came, went = (shape[1:3] for shape in shapes)
    if isinstance(layer, _SLIDING):
        if None in came:
            return None
        return tuple(_slid(layer, axis, before[axis], length=came[axis]) for axis in (0, 1))
    return before if came == went else None


def _slid(layer: keras.Layer, axis: int, field: Field, *, length: int) -> Field:
    """Tell what a unit sees after a window has slid over `length` units."""
    window = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = getattr(layer, "dilation_rate", (1, 1))[axis]
    reach, stride = (window[axis] - 1) * dilation, layer.strides[axis]
    added = 0
    if layer.padding == "same":
        added = max((math.ceil(length / stride) - 1) * stride + reach + 1 - length, 0) // 2
    return Field(
        first=field.first + (reach / 2 - added) * field.step,
        step=field.step * stride,
        extent=field.extent + reach * field.step,
    )
