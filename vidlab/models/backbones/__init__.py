"""Frame encoders: image classifiers without their last layers, each with its own preprocessing.

A backbone is one flat Keras model named ``"backbone"``: its input, a ``Rescaling`` layer that holds
the preprocessing, then every layer of the encoder. Classifiers nest it whole, so
``model.get_layer("backbone").get_layer("mixed10")`` finds any layer, before saving and after
loading alike. The input is declared ``float32``: Keras casts a ``uint8`` batch, 0..255, on entry.
"""

from __future__ import annotations

import os

import keras

from vidlab.errors import ModelError
from vidlab.models.backbones.specs import names, spec
from vidlab.models.backbones.trainable import backbone_of, set_trainable, top_modules
from vidlab.models.backbones.weights import save_weights, with_weights

__all__ = [
    "backbone_of",
    "build",
    "names",
    "save_weights",
    "set_trainable",
    "top_modules",
]


def build(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    weights: str | os.PathLike | None = None,
) -> keras.Model:
    """Build a frame encoder that turns images into a feature map.

    Parameters
    ----------
    name
        ``"residual"`` or ``"residual-0.25"`` (the built-in one, all channels or a quarter of them,
        see `vidlab.backbones.residual`), ``"inceptionv3"``
        (Szegedy et al. 2016), ``"mobilenetv2"`` or ``"mobilenetv2-0.35"`` (Sandler et al. 2018,
        all channels or 0.35 of them).
    size
        Height and width of the images in pixels; those it was designed for when left out: 112 for
        the built-in one, 299 for InceptionV3, 224 for MobileNetV2.
    weights
        ``None`` for random weights; ``"imagenet"`` for those of keras.applications (from the Keras
        cache, else downloaded into it); ``"pantomime"`` for those the package ships, for
        these two only; or the path of a ``.weights.h5`` or ``.h5`` file of this backbone, or
        of a ``.keras`` model that holds this backbone. One of other layers, such as a narrower or
        rounded copy of it, is taken whole; so is a ``.tflite`` file (LiteRT), up to its last map.

    Returns
    -------
    keras.Model
        Named ``"backbone"``. Input ``float32`` (``uint8`` is cast), (batch, height, width, 3),
        0..255; output ``float32``, (batch, rows, columns, channels), at least 0.

    Raises
    ------
    ModelError
        If the name is unknown or the images are too small for it.
    WeightsError
        If the weights are absent, cannot be read or belong to another model.
    """
    known = spec(name)
    size = (known.size, known.size) if size is None else (int(size[0]), int(size[1]))
    if min(size) < known.smallest:
        raise ModelError(
            f"Expected images of at least {known.smallest}×{known.smallest} pixels for {name}. "
            f"Received: size={size}. Choose a larger size or another backbone."
        )
    scale, offset = known.preprocessing
    images = keras.Input((*size, 3), name="images")
    scaled = keras.layers.Rescaling(scale, offset=offset, name="preprocessing")(images)
    model = keras.Model(images, known.layers(scaled), name="backbone")
    return model if weights is None else with_weights(model, weights, name=name, size=size)
