"""The built-in encoder: a small plain residual network.

Four blocks of two 3×3 convolutions with a shortcut around them (He et al. 2016, *Deep residual
learning for image recognition*), small enough to be trained on a CPU, where the depthwise
convolutions of MobileNetV2 have no fast gradient. The last map has 7×7 positions at 112×112 pixels.
Maps are halved by pooling: a convolution with a stride of 2 is padded at the right and the bottom
only, and after three of them heat would lie some 6 pixels off.
"""

from __future__ import annotations

import keras
from keras import layers

__all__ = ["residual"]


def residual(images: keras.KerasTensor, width: float = 1.0) -> keras.KerasTensor:
    """Turn images into a feature map, with 338,964 parameters at full width.

    At 112×112 pixels it takes 30 million multiply-adds.

    Parameters
    ----------
    images
        ``float32``, (batch, height, width, 3), -1..1.
    width
        The share of the channels of every layer, as MobileNet's α.

    Returns
    -------
    keras.KerasTensor
        ``float32``, (batch, height / 16, width / 16, 96 · width), at least 0.
    """
    first, second, third, fourth = (round(width * channels) for channels in (12, 24, 48, 96))
    x = _convolution(images, first, 5, strides=2, name="stem")
    x = layers.ReLU(name="stem_relu")(x)  # (batch, height / 2, width / 2, 12 · width)
    x = layers.MaxPooling2D(2, padding="same", name="stem_pool")(x)
    x = _block(x, second, name="block1")  # (batch, height / 4, width / 4, 24 · width)
    x = layers.MaxPooling2D(2, padding="same", name="block2_pool")(x)
    x = _block(x, third, name="block2")  # (batch, height / 8, width / 8, 48 · width)
    x = layers.MaxPooling2D(2, padding="same", name="block3_pool")(x)
    x = _block(x, fourth, name="block3")  # (batch, height / 16, width / 16, 96 · width)
    return _block(x, fourth, name="block4")


def _block(x, channels: int, *, name: str):
    """Add two convolutions to what goes around them, projected where the channels change."""
    shortcut = x
    if x.shape[-1] != channels:
        shortcut = _convolution(x, channels, 1, name=f"{name}_shortcut")
    x = _convolution(x, channels, 3, name=f"{name}_conv1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolution(x, channels, 3, name=f"{name}_conv2")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_out")(x)


def _convolution(x, channels: int, size: int, *, strides: int = 1, name: str):
    x = layers.Conv2D(channels, size, strides=strides, padding="same", use_bias=False, name=name)(x)
    # Keras' own momentum, 0.99, follows a training of a few hundred steps too slowly.
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
