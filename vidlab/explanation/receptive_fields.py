"""Receptive fields: which part of the picture the units of a map see.

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

__all__ = ["ReceptiveField", "field_after"]

_SLIDING = (
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
)


@dataclass(frozen=True)
class ReceptiveField:
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
    fields: Sequence[tuple[ReceptiveField, ReceptiveField]],
    *,
    input_shape: tuple[int | None, ...],
    output_shape: tuple[int | None, ...],
) -> tuple[ReceptiveField, ReceptiveField] | None:
    """Compute the receptive fields of a layer's units, down and across; None if it is unknown.

    Parameters
    ----------
    fields
        Of each input of the layer, down and across.
    input_shape, output_shape
        (batch, rows, columns, channels), of the first input.
    """
    if not fields:
        return None
    # Where branches meet, a unit sees what the widest of them shows.
    before = [max(side, key=lambda field: field.extent) for side in zip(*fields, strict=True)]
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return tuple(
            replace(field, first=field.first - padding[0] * field.step)
            for field, padding in zip(before, layer.padding, strict=True)
        )
    sizes, same_size = input_shape[1:3], input_shape[1:3] == output_shape[1:3]
    if isinstance(layer, _SLIDING):
        return None if None in sizes else tuple(map(_slide, [layer] * 2, (0, 1), before, sizes))
    return tuple(before) if same_size else None


def _slide(layer: keras.Layer, axis: int, field: ReceptiveField, size: int) -> ReceptiveField:
    """Compute the field after a window has slid over `size` units."""
    window = getattr(layer, "kernel_size", None) or layer.pool_size
    dilation = getattr(layer, "dilation_rate", (1, 1))[axis]
    reach, stride = (window[axis] - 1) * dilation, layer.strides[axis]
    padding = 0
    if layer.padding == "same":
        padding = max((math.ceil(size / stride) - 1) * stride + reach + 1 - size, 0) // 2
    return ReceptiveField(
        first=field.first + (reach / 2 - padding) * field.step,
        step=field.step * stride,
        extent=field.extent + reach * field.step,
    )
