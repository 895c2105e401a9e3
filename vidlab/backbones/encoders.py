"""Frame encoders: one vector for a picture, from a backbone or from a trained classifier.

Takes backbones from `vidlab.backbones` and frame classifiers of `models`; gives encoders to
`features`, which stores what they say of every frame, and to `models`, which joins them with heads.

An encoder is a Keras model named ``"encoder"``: input ``float32`` (``uint8`` is cast), (batch,
height, width, 3), 0..255; output ``float32``, (batch, features). It shares its layers with the
model it is made from, and holds the backbone as its layer ``"backbone"``.
"""

from __future__ import annotations

import keras

from vidlab.backbones.trainable import backbone_of
from vidlab.errors import ModelError

__all__ = ["cut", "pooled"]


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
            "vidlab.backbones, or cut a classifier with vidlab.backbones.cut."
        )
    frames = keras.Input(backbone.input_shape[1:], name="frames")
    x = backbone(frames)  # (batch, rows, columns, channels)
    vectors = keras.layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, channels)
    return keras.Model(frames, vectors, name="encoder")


def cut(model: keras.Model, layer: str) -> keras.Model:
    """Cut a trained frame classifier after one of its layers.

    Dropout layers are left out, so that a frame has the same vector in training too.

    Parameters
    ----------
    model
        A frame classifier, as in `vidlab.models`.
    layer
        The last layer to keep; its output has to be (batch, features). After ``"dense"`` the
        ``frame-vote`` classifier gives 1,024 features.

    Returns
    -------
    keras.Model
        An encoder.

    Raises
    ------
    ModelError
        If the model holds no backbone, or has no such layer that gives vectors.
    """
    backbone_of(model)
    vectors = [
        found.name
        for found in model.layers
        if len(found.output.shape) == 2 and not isinstance(found, keras.layers.Dropout)
    ]
    if layer not in vectors:
        raise ModelError(
            f"Expected a layer of {model.name} that gives vectors: {', '.join(vectors)}. "
            f"Received: {layer!r}. Cut after one of these."
        )
    kept = keras.Model(model.input, model.get_layer(layer).output, name="encoder")
    return keras.models.clone_model(kept, clone_function=_same, call_function=_call_but_dropout)


def _same(layer: keras.Layer) -> keras.Layer:
    return layer


def _call_but_dropout(layer: keras.Layer, *inputs, **options):
    return inputs[0] if isinstance(layer, keras.layers.Dropout) else layer(*inputs, **options)
