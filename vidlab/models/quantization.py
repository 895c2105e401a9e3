"""Numbers of few bits, simulated: what a network computes when its numbers are rounded.

A number r of a range is kept as an integer q of B bits, r = S · (q − z), with the step
S = (r_max − r_min) / (2^B − 1) and an integer z that stands for zero exactly (Jacob et al. 2018,
*Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference*).
*Fake* quantisation rounds to what q can hold and goes on in floating point: it shows what a file of
integers would predict, for any number of bits, and lets a network learn under its rounding, for the
gradient passes as if nothing were rounded (and is zero outside the range).
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops
from keras.quantizers import fake_quant_with_min_max_vars as rounded

from vidlab.errors import ModelError
from vidlab.models.graph import flatten, is_box, steps

__all__ = ["FakeQuantizedActivations", "FakeQuantizedWeights", "fake_quantized", "learn_ranges"]

FEWEST, MOST = 2, 8
_WITH_KERNEL = (layers.Dense, layers.Conv2D, layers.DepthwiseConv2D, layers.Conv3D, layers.Conv1D)
_STORED = (*_WITH_KERNEL, layers.BatchNormalization, layers.ReLU, layers.Activation, layers.Add)
_FUSED = (layers.BatchNormalization, layers.ReLU, layers.Activation)  # computed before rounding


@keras.saving.register_keras_serializable("vidlab")
class FakeQuantizedWeights(layers.Wrapper):
    """A dense or convolutional layer whose kernel is rounded, each output channel in its own range.

    The range reaches as far up as down, so that z is 0. A batch normalisation behind it is as good
    as folded into the kernel: it multiplies whole channels. The bias stays as it is, for files keep
    it in 32 bits.
    """

    def __init__(self, layer, bits, **options):
        super().__init__(layer, **options)
        self.bits = bits

    @property
    def kernel(self):
        """That of the layer, rounded."""
        kernel = self.layer.kernel
        axis = -2 if isinstance(self.layer, layers.DepthwiseConv2D) else -1
        others = [n for n in range(len(kernel.shape)) if n != len(kernel.shape) + axis]
        most = ops.maximum(ops.max(ops.abs(kernel), axis=others), keras.config.epsilon())
        return rounded(kernel, -most, most, num_bits=self.bits, narrow_range=True, axis=axis)

    @property
    def bias(self):
        """That of the layer."""
        return self.layer.bias

    def call(self, inputs):
        """Call the layer with its kernel rounded."""
        with keras.StatelessScope(state_mapping=[(self.layer.kernel, self.kernel)]):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        """Return that of the layer."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        """Return what `from_config` takes."""
        return super().get_config() | {"bits": self.bits}


@keras.saving.register_keras_serializable("vidlab")
class FakeQuantizedActivations(layers.Layer):
    """Round activations to integers of a range, which training follows by a moving average.

    The range always holds zero, which is kept exactly. Where the layer is frozen, the range stays.
    """

    def __init__(self, bits, momentum=0.99, **options):
        super().__init__(**options)
        self.bits, self.momentum = bits, momentum
        self.watching = False

    def build(self, shape):
        """Make the two ends of the range."""
        options = {"shape": (), "trainable": False}
        self.low = self.add_weight(name="low", initializer="zeros", **options)
        self.high = self.add_weight(name="high", initializer="ones", **options)

    def call(self, inputs, training=False):
        """Round; in training, move the range a little; while watching, only widen it."""
        if self.watching:
            self._move(lambda own, seen, wider: wider(own, seen), inputs)
            return inputs
        if training and self.trainable:
            self._move(lambda own, seen, _: own + (1 - self.momentum) * (seen - own), inputs)
        return rounded(inputs, self.low, self.high, num_bits=self.bits)

    def _move(self, to, inputs):
        self.low.assign(to(self.low, ops.minimum(ops.min(inputs), 0.0), ops.minimum))
        self.high.assign(to(self.high, ops.maximum(ops.max(inputs), 0.0), ops.maximum))

    def compute_output_shape(self, input_shape):
        """Return the shape as it is."""
        return input_shape

    def get_config(self):
        """Return what `from_config` takes."""
        return super().get_config() | {"bits": self.bits, "momentum": self.momentum}


def fake_quantized(
    model: keras.Model, bits: int, images: np.ndarray, *, activation_bits: int | None = None
) -> keras.Model:
    """Copy a model with its weights and activations rounded: post-training quantisation.

    Training the copy is quantisation-aware training.

    Parameters
    ----------
    model
        Functional, also nested, of Keras' dense and convolutional layers.
    bits
        Of a weight, 2 to 8.
    images
        What the model takes, (number, …): the ranges of activations are those met here. A hundred
        training pictures are plenty.
    activation_bits
        Of an activation; as many as for weights when left out.

    Returns
    -------
    keras.Model
        Layers keep their names. Inputs, biases, recurrent layers and a softmax are not rounded.
    """
    activation_bits = bits if activation_bits is None else activation_bits
    for given in (bits, activation_bits):
        if given not in range(FEWEST, MOST + 1):
            raise ModelError(
                f"Expected {FEWEST} to {MOST} bits. Received: {given}. One bit holds no zero "
                "between its two values, and more than 8 are as good as none."
            )
    stored = _stored(model)
    behind: dict[int, FakeQuantizedActivations] = {}

    def copy(layer):
        made = type(layer).from_config(layer.get_config())
        if isinstance(layer, _WITH_KERNEL):
            made = FakeQuantizedWeights(made, bits, name=layer.name)
        if id(layer) in stored:
            name = f"{layer.name}_range"
            behind[id(made)] = FakeQuantizedActivations(activation_bits, name=name)
        return made

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        return behind[id(layer)](outputs) if id(layer) in behind else outputs

    made = keras.models.clone_model(model, clone_function=copy, call_function=call, recursive=True)
    _copy_weights(model, made)
    learn_ranges(made, images)
    return made


def learn_ranges(model: keras.Model, images: np.ndarray, *, batch_size: int = 32) -> None:
    """Set the range of each rounded activation to what it meets without rounding.

    Parameters
    ----------
    model
        As `fake_quantized` makes it, or with such a model inside.
    images
        What the model takes, (number, …).
    """
    watching = [one for one in flatten(model).layers if isinstance(one, FakeQuantizedActivations)]
    for layer in watching:
        layer.low.assign(0.0)
        layer.high.assign(0.0)
        layer.watching = True
    for first in range(0, len(images), batch_size):
        model(images[first : first + batch_size], training=False)
    for layer in watching:
        layer.watching = False
        layer.high.assign(max(float(layer.high), float(layer.low) + 1e-3))


def _stored(model: keras.Model) -> set[int]:
    """Find the layers, by identity, whose outputs a file of integers has to keep."""
    found, (_, calls) = set(), steps(model)
    readers: dict[int, list] = {}
    for call in calls:
        for tensor in call.inputs:
            readers.setdefault(id(tensor), []).append(call.layer)
    for call in calls:
        layer, after = call.layer, readers.get(id(call.output), [])
        is_fused = after and all(isinstance(reader, _FUSED) for reader in after)
        if is_box(layer):
            found |= _stored(layer)
        elif isinstance(layer, _STORED) and not is_fused and not _is_softmax(layer):
            found.add(id(layer))
    return found


def _is_softmax(layer: keras.Layer) -> bool:
    return getattr(layer, "activation", None) is keras.activations.softmax


def _copy_weights(model: keras.Model, made: keras.Model) -> None:
    for layer in (one for one in model.layers if one.weights):
        copy = made.get_layer(layer.name)
        if isinstance(layer, keras.Model):
            _copy_weights(layer, copy)
        else:
            inner = copy.layer if isinstance(copy, FakeQuantizedWeights) else copy
            inner.set_weights(layer.get_weights())
            inner.trainable = layer.trainable
