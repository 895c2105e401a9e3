"""Encoders of pictures as encoders of other inputs: what pretraining has taught is kept."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from vidlab.errors import ModelError
from vidlab.models.graph import flatten, steps
from vidlab.models.layers import pad_space

__all__ = ["FLOW_RANGE", "PadTime", "inflated", "widened"]

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


def inflated(backbone: keras.Model, *, prefix: str = "") -> keras.Model:
    """Make an encoder of clips of an encoder of pictures (Carreira & Zisserman 2017, *Quo vadis*).

    A kernel of N×M is repeated min(N, M) times along time and divided by that, and time is padded
    by repeating the edge frames: so a clip of one picture repeated gives, at every time step, what
    the encoder gives for the picture. Time keeps its length.

    Parameters
    ----------
    backbone
        As `vidlab.backbones.build` or `widened` gives it, without depthwise convolutions, for which
        Keras has no 3-D kind; it stays as it is.
    prefix
        Before the names of the layers and ``"backbone"``, the name of the encoder.

    Returns
    -------
    keras.Model
        From (batch, time, height, width, channels) to (batch, time, rows, columns, features).

    Raises
    ------
    ModelError
        If a layer has no 3-D kind here.
    """
    flat, calls = steps(flatten(backbone))
    clips = keras.Input((None, *backbone.input_shape[1:]), name=f"{prefix}clips")
    known = {id(flat.inputs[0]): clips}
    for step in calls:
        args = [known[id(tensor)] for tensor in step.inputs]
        known[id(step.output)] = _in_time(step.layer, args, prefix)
    return keras.Model(clips, known[id(flat.output)], name=f"{prefix}backbone")


def _in_time(layer: keras.Layer, args: list, prefix: str) -> keras.KerasTensor:
    """Call the 3-D kind of a layer."""
    config = layer.get_config() | {"name": f"{prefix}{layer.name}"}
    x = args[0] if len(args) == 1 else args
    if isinstance(layer, layers.Conv2D) and not isinstance(layer, layers.DepthwiseConv2D):
        time = min(layer.kernel_size)
        config |= {"kernel_size": (time, *layer.kernel_size), "strides": (1, *layer.strides)}
        config |= {"dilation_rate": (1, *layer.dilation_rate), "padding": "valid"}
        config.pop("data_format")
        if time > 1:
            x = PadTime(time - 1)(x)
        if layer.padding == "same":
            x = pad_space(x, layer.kernel_size, layer.strides)
        made = layers.Conv3D.from_config(config)
        result = made(x)
        kernel, *bias = layer.get_weights()
        made.set_weights([np.repeat(kernel[None], time, axis=0) / time, *bias])
        return result
    if isinstance(layer, layers.MaxPooling2D | layers.AveragePooling2D):
        kind = getattr(layers, type(layer).__name__.replace("2D", "3D"))
        config |= {"pool_size": (1, *layer.pool_size), "strides": (1, *layer.strides)}
        config.pop("data_format")
        return kind.from_config(config)(x)
    if not isinstance(layer, _SAME_IN_3D):
        raise ModelError(
            f"Expected an encoder of plain convolutions and poolings. Received: {layer.name}, a "
            f"{type(layer).__name__}, which has no 3-D kind. Choose residual or inceptionv3."
        )
    if isinstance(layer, layers.BatchNormalization | layers.Concatenate):
        config["axis"] = -1
    made = type(layer).from_config(config)
    result = made(x)
    made.set_weights(layer.get_weights())
    return result


_SAME_IN_3D = (
    *(layers.Activation, layers.Add, layers.BatchNormalization, layers.Concatenate),
    *(layers.ReLU, layers.Rescaling),
)


@keras.saving.register_keras_serializable("vidlab")
class PadTime(layers.Layer):
    """Repeat the first and the last frame of clips.

    Input shape: (batch, time, …). Output shape: (batch, time + frames, …).

    Parameters
    ----------
    frames
        How many are added, half of them (rounded down) in front.
    """

    def __init__(self, frames: int, **options):
        super().__init__(**options)
        self.frames = frames

    def call(self, clips):
        """Return the longer clips."""
        before = self.frames // 2
        ends = [clips[:, :1]] * before, [clips[:, -1:]] * (self.frames - before)
        return ops.concatenate([*ends[0], clips, *ends[1]], axis=1)

    def compute_output_shape(self, clips_shape):
        """Return (batch, time + frames, …)."""
        batch, time, *rest = clips_shape
        return (batch, None if time is None else time + self.frames, *rest)

    def get_config(self):
        """Return the options."""
        return super().get_config() | {"frames": self.frames}
