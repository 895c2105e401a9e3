"""Classifiers of single frames.

Takes a backbone from `vidlab.backbones`; gives models to `recipes`.
"""

from __future__ import annotations

import keras
from keras import layers

from vidlab.errors import ModelError

__all__ = ["frame_classifier", "frame_vote_classifier"]


def frame_classifier(backbone: keras.Model, num_classes: int, *, dense: int = 512) -> keras.Model:
    """Classify single frames: average the feature map, one dense layer, softmax.

    With InceptionV3 and 101 classes it has 22,903,685 parameters, the "23M" of Newman 2020,
    *Video classification using deep learning* (MSc, Stellenbosch).

    Parameters
    ----------
    backbone
        As `vidlab.backbones.build` gives it: images to a feature map.
    num_classes
        How many classes there are, at least 2.
    dense
        Units of the new dense layer.

    Returns
    -------
    keras.Model
        Input ``float32`` (``uint8`` is cast), (batch, height, width, 3), 0..255; output
        ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the backbone gives no feature map.
    """
    _check(backbone, num_classes)
    frames = keras.Input(backbone.input_shape[1:], name="frames")
    x = backbone(frames)  # (batch, rows, columns, channels)
    x = layers.GlobalAveragePooling2D(name="pool")(x)  # (batch, channels)
    x = layers.Dense(dense, activation="relu", name="dense")(x)  # (batch, dense)
    probabilities = layers.Dense(num_classes, activation="softmax", name="predictions")(x)
    return keras.Model(frames, probabilities, name="frame_classifier")


def frame_vote_classifier(
    backbone: keras.Model, num_classes: int, *, dense: int = 1024, dropout: float = 0.5
) -> keras.Model:
    """Classify single frames from the whole feature map, for videos decided by vote.

    Flattening keeps where in the picture a feature was, at the price of most of the parameters:
    with InceptionV3 on 224×224 images and 101 classes 52,533,349 of 74,336,133 are in the head.
    From the thesis *Video classification on UCF-101 with CNN and CNN+LSTM*.

    Parameters
    ----------
    backbone
        As `vidlab.backbones.build` gives it: images to a feature map.
    num_classes
        How many classes there are, at least 2.
    dense
        Units of the new dense layer.
    dropout
        The share of values dropped before and after the dense layer while training, 0..1.

    Returns
    -------
    keras.Model
        Input ``float32`` (``uint8`` is cast), (batch, height, width, 3), 0..255; output
        ``float32``, (batch, num_classes), probabilities.

    Raises
    ------
    ModelError
        If there are fewer than two classes or the backbone gives no feature map.
    """
    _check(backbone, num_classes)
    frames = keras.Input(backbone.input_shape[1:], name="frames")
    x = backbone(frames)  # (batch, rows, columns, channels)
    x = layers.Flatten(name="flatten")(x)  # (batch, rows · columns · channels)
    x = layers.Dropout(dropout, name="dropout_map")(x)
    x = layers.Dense(dense, activation="relu", name="dense")(x)  # (batch, dense)
    x = layers.Dropout(dropout, name="dropout_dense")(x)
    probabilities = layers.Dense(num_classes, activation="softmax", name="predictions")(x)
    return keras.Model(frames, probabilities, name="frame_vote_classifier")


def _check(backbone: keras.Model, num_classes: int) -> None:
    if num_classes < 2:
        raise ModelError(
            f"Expected at least 2 classes. Received: num_classes={num_classes}. "
            "Choose a dataset with more classes."
        )
    if len(backbone.output_shape) != 4:
        raise ModelError(
            "Expected a backbone that gives a feature map (batch, rows, columns, channels). "
            f"Received: output shape {backbone.output_shape}. Build it with vidlab.backbones."
        )
