"""Encoders of pictures as encoders of other inputs: what pretraining has taught is kept."""

from __future__ import annotations

import keras
from keras import layers

__all__ = ["FLOW_RANGE", "widened"]

FLOW_RANGE = (1 / 127, -128 / 127)
"""Scale and offset that make -1..1 of the ``uint8`` of `vidlab.flow`, 0 where nothing moves."""


def widened(backbone: keras.Model, channels: int) -> keras.Model:
    """Make an encoder of stacked optical flow of an encoder of pictures.

    The weights of the first convolution are averaged over red, green and blue, and repeated for
    every channel (Wang et al. 2016, *Temporal segment networks*, section 3.2); the preprocessing is
    that of flow. All other weights are as they were.

    Parameters
    ----------
    backbone
        As `vidlab.backbones.build` gives it; it stays as it is.
    channels
        Two for each pair of frames.

    Returns
    -------
    keras.Model
        Named ``"flow_backbone"``, and so are its layers, that a model can hold both encoders. Input
        ``float32`` (``uint8`` is cast), (batch, height, width, channels), 0..255, 128 for rest.
    """
    scale, offset = FLOW_RANGE

    def renamed(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config() | {"name": f"flow_{layer.name}"}
        if isinstance(layer, layers.Rescaling):
            config |= {"scale": scale, "offset": offset}
        return type(layer).from_config(config)

    fields = keras.Input((*backbone.input_shape[1:3], channels), name="fields")
    copy = keras.models.clone_model(backbone, input_tensors=fields, clone_function=renamed)
    for layer in backbone.layers:
        if layer.weights:
            weights = layer.get_weights()
            wide = copy.get_layer(f"flow_{layer.name}")
            if weights[0].shape != wide.weights[0].shape:  # the first convolution
                weights[0] = weights[0].mean(axis=2, keepdims=True).repeat(channels, axis=2)
            wide.set_weights(weights)
    return keras.Model(fields, copy.output, name="flow_backbone")
