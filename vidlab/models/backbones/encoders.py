"""Frame encoders: one vector for a picture, a backbone with its map averaged.

An encoder is a Keras model named ``"encoder"``: input ``float32`` (``uint8`` is cast), (batch,
height, width, 3), 0..255; output ``float32``, (batch, features). It shares its layers with the
backbone, and holds it as its layer ``"backbone"``.
"""

from __future__ import annotations

import keras

from vidlab.errors import ModelError

__all__ = ["pooled"]


def pooled(backbone: keras.Model) -> keras.Model:
    """Average a backbone's feature map over the picture: what was seen, not where.

    Parameters
    ----------
    backbone
        As `vidlab.backbones.build` gives it.

    Returns
    -------
    keras.Model
        An encoder with as many features as the map has channels: 2,048 for InceptionV3, 1,280 for
        MobileNetV2.

    Raises
    ------
    ModelError
        If the model is no backbone, or gives no feature map.
    """
    if backbone.name != "backbone" or len(backbone.output_shape) != 4:
        raise ModelError(
            'Expected a model named "backbone" that gives (batch, rows, columns, channels). '
            f"Received: {backbone.name} with output shape {backbone.output_shape}. Build it with "
            "vidlab.backbones."
        )
    frames = keras.Input(backbone.input_shape[1:], name="frames")
    x = backbone(frames)  # (batch, rows, columns, channels)
    vectors = keras.layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, channels)
    return keras.Model(frames, vectors, name="encoder")
