"""Models for other machines: files of LiteRT, in 32 or 8 bits, and graphs of OpenVINO.

LiteRT (TensorFlow Lite, as it was called) is what phones run. TensorFlow converts;
`vidlab.models.litert` runs the files here.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from keras import layers

from vidlab.errors import ModelError
from vidlab.models.graph import input_names
from vidlab.progress import silent_stderr

__all__ = ["as_input", "frozen", "to_litert", "to_openvino"]


def to_litert(
    model: keras.Model,
    examples: Sequence[Sequence[np.ndarray]] | None = None,
    *,
    shapes: Sequence[tuple[int, ...]] | None = None,
    dtype: str = "uint8",
) -> bytes:
    """Convert a model to a LiteRT file.

    Parameters
    ----------
    model
        Functional, with one output. Recurrent layers are unrolled to the length of the input.
    examples
        Inputs the model will meet, each a sequence of one array for each input, without a batch
        axis: with them weights and activations become integers of 8 bits, in ranges met by these
        examples. None keeps everything in 32 bits.
    shapes
        Of each input without the batch axis, where the model leaves some of it open.
    dtype
        Of the inputs: ``"uint8"`` for pictures.

    Returns
    -------
    bytes
        A file from (batch, …) to ``float32``, (batch, …); the batch is 1 until it is resized, and
        for recurrent layers always.

    Raises
    ------
    ModelError
        If it holds something LiteRT has no operation for.
    """
    import tensorflow as tf

    shapes = [tensor.shape[1:] for tensor in model.inputs] if shapes is None else shapes
    unrolled = _unrolled(model, shapes)
    batch = None if unrolled is model else 1  # written out, steps know their batch
    graph = frozen(unrolled, [((batch, *shape), dtype) for shape in shapes])
    with _without_remarks():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
    if examples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [np.asarray(array, dtype)[None] for array in arrays] for arrays in examples
        )
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
            tf.lite.OpsSet.TFLITE_BUILTINS,  # the cast of pixels
        ]
    try:
        with silent_stderr(), _without_remarks():
            return converter.convert()
    except Exception as error:  # the converter has errors of its own, of several families
        raise ModelError(
            f"Expected a model of operations that LiteRT has. Received: {model.name}, of which it "
            f"says: {str(error).splitlines()[0]} Replace that layer, or export to OpenVINO."
        ) from error


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep out of notebooks what the converter remarks on the way it is called."""
    logger, refuse = logging.getLogger("absl"), lambda record: record.levelno > logging.WARNING
    logger.addFilter(refuse)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Statistics for quantized inputs")
            yield
    finally:
        logger.removeFilter(refuse)


def frozen(model: keras.Model, specs: Sequence[tuple[tuple[int, ...], str]]) -> Callable:
    """Trace a model for batches of one size, its variables turned into constants.

    Parameters
    ----------
    model
        Functional.
    specs
        Of each input, shape with the batch and dtype.

    Returns
    -------
    callable
        A concrete function of TensorFlow; it gives a list of one tensor. Its inputs are called
        ``input_0``, ``input_1`` …
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [
        tf.TensorSpec(shape, dtype, name=f"input_{i}") for i, (shape, dtype) in enumerate(specs)
    ]

    @tf.function(input_signature=signature, autograph=False)
    def compute(*batch):
        floats = [tf.cast(array, tf.float32) for array in batch]
        return model(as_input(model, floats), training=False)

    with silent_stderr():  # TensorFlow remarks on what it simplifies
        return convert_variables_to_constants_v2(compute.get_concrete_function())


def as_input(model: keras.Model, batch: list):
    """Pass the arrays of a batch as a model takes them: by name, or the only one as it is."""
    by_name = isinstance(model.input, dict)
    return dict(zip(input_names(model), batch, strict=True)) if by_name else batch[0]


def to_openvino(model: keras.Model | bytes, specs: Sequence[tuple[tuple[int, ...], str]] = ()):
    """Make a graph of OpenVINO, for ``openvino.compile_model`` or ``openvino.save_model``.

    Parameters
    ----------
    model
        Functional; or a LiteRT file, whose integers stay integers.
    specs
        For a model: of each input, shape with the batch and dtype.

    Returns
    -------
    openvino.Model
        Of a model, its inputs are called ``input_0``, ``input_1`` …

    Raises
    ------
    ModelError
        If OpenVINO is not installed.
    """
    if not find_spec("openvino"):
        raise ModelError(
            "Expected the package openvino. Received: it is not installed. Install it, where there "
            "is one for this machine: pip install openvino"
        )
    import openvino

    # Read from a file: openvino.convert_model would do without, but reports its use to the makers
    # of OpenVINO.
    is_file = isinstance(model, bytes)
    with tempfile.TemporaryDirectory(prefix="vidlab-") as folder:
        file = Path(folder, "model.tflite" if is_file else "model.pb")
        content = model if is_file else frozen(model, specs).graph.as_graph_def()
        file.write_bytes(content if is_file else content.SerializeToString())
        return openvino.Core().read_model(file)


def _unrolled(model: keras.Model, shapes: Sequence[tuple[int, ...]]) -> keras.Model:
    """Copy a model for clips of one length, its recurrent layers written out step by step."""

    def copy(layer):
        if not isinstance(layer, _RECURRENT):
            return layer
        made = type(layer).from_config(_for_inference(layer.get_config()))
        made.build(layer.input.shape)
        kept = [weight for weight in layer.weights if "seed" not in weight.path]
        for weight, own in zip(made.weights, kept, strict=True):
            weight.assign(own)
        return made

    if not any(isinstance(layer, _RECURRENT) for layer in model.layers):
        return model
    inputs = [
        keras.Input(shape, name=tensor.name)
        for shape, tensor in zip(shapes, model.inputs, strict=True)
    ]
    inputs = keras.tree.pack_sequence_as(model.input, inputs)
    return keras.models.clone_model(model, input_tensors=inputs, clone_function=copy)


def _for_inference(config):
    """Write a recurrent layer out, and without dropout, whose random states no file can hold."""
    changes = {"unroll": True, "dropout": 0.0, "recurrent_dropout": 0.0}
    if isinstance(config, dict):
        return {k: changes[k] if k in changes else _for_inference(v) for k, v in config.items()}
    return config


_RECURRENT = (layers.RNN, layers.Bidirectional)
