"""Files of LiteRT in Keras: run here, as layers of models, by the package ``ai-edge-litert``."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from keras import layers

from vidlab.errors import ModelError
from vidlab.models.graph import flatten
from vidlab.progress import silent_stderr

__all__ = ["LiteRT", "embedding_of", "from_litert", "holds_litert"]

_SECONDS = 120  # that a file may take for one example


@keras.saving.register_keras_serializable("vidlab")
class LiteRT(layers.Layer):
    """A LiteRT file as a layer of Keras: it computes what a phone would, and cannot learn.

    The file is kept among the layer's weights, so that a saved model holds it. Pixels go in as they
    are, 0..255; integers that come out are turned into what they stand for, S · (q − z). There are
    no gradients through it.

    Parameters
    ----------
    size
        Bytes of the file.
    shape
        Of what it gives, without the batch axis.
    """

    supports_jit = False

    def __init__(self, size, shape, **options):
        super().__init__(trainable=False, **options)
        self.size, self.shape = size, tuple(shape)
        self._loaded = (None, None)

    def build(self, input_shape):
        """Make room for the file."""
        options = {"dtype": "uint8", "initializer": "zeros", "trainable": False}
        self.file = self.add_weight(shape=(self.size,), name="file", **options)

    def call(self, inputs):
        """Return what the file computes, ``float32``."""
        import tensorflow as tf

        outputs = tf.numpy_function(self._compute, [inputs], tf.float32, stateful=False)
        return tf.ensure_shape(outputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape):
        """Return (batch, …)."""
        return (input_shape[0], *self.shape)

    def get_config(self):
        """Return what `from_config` takes."""
        kept = {key: value for key, value in super().get_config().items() if key != "trainable"}
        return kept | {"size": self.size, "shape": self.shape}

    def _compute(self, inputs):
        data = self.file.numpy().tobytes()
        if self._loaded[0] != data:
            self._loaded = (data, _interpreter(data))
        return _run(self._loaded[1], inputs)


def from_litert(data: bytes, *, name: str = "model", inputs: str = "images") -> keras.Model:
    """Make a Keras model of a LiteRT file of one input and one output.

    Parameters
    ----------
    data
        The file, as `to_litert` gives it or as others published it.
    name, inputs
        Of the model, and of its input.

    Returns
    -------
    keras.Model
        Input ``float32`` (``uint8`` is cast), 0..255 for pictures; output ``float32``. Its only
        layer is a `LiteRT`.

    Raises
    ------
    ModelError
        If ``ai-edge-litert`` is not installed, or the file is none of LiteRT or takes other things.
    """
    interpreter = _interpreter(data)
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    taken = keras.Input(tuple(map(int, given["shape"][1:])), name=inputs)
    layer = LiteRT(len(data), tuple(map(int, made["shape"][1:])), name="litert")
    model = keras.Model(taken, layer(taken), name=name)
    layer.file.assign(np.frombuffer(data, np.uint8))
    return model


def embedding_of(data: bytes) -> bytes:
    """Cut a classifier of pictures in a LiteRT file after its last feature map.

    Parameters
    ----------
    data
        Such as the literature's quantised MobileNetV2, from pictures to 1,001 classes.

    Returns
    -------
    bytes
        A file that gives the map, (1, rows, columns, channels), and holds nothing behind it.

    Raises
    ------
    ModelError
        If there is no map of more than one row and column in it.
    """
    _interpreter(data)  # which refuses what is none
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    (graph,) = model.subgraphs
    for last in reversed(range(len(graph.operators))):
        (number, *_) = graph.operators[last].outputs
        shape = graph.tensors[number].shape
        if shape is not None and len(shape) == 4 and min(shape[1:3]) > 1:
            break
    else:
        raise ModelError(
            "Expected a network that turns pictures into maps. Received: a LiteRT file without a "
            "map of more than one row and column. Give one of an image classifier."
        )
    graph.operators, graph.outputs = graph.operators[: last + 1], [number]
    model.signatureDefs = None  # they name the old output
    for tensor in (graph.tensors[n] for n in (*graph.inputs, *graph.outputs)):
        tensor.shapeSignature = [-1, *tensor.shape[1:]]  # maps of several pictures at a time
    used = {n for operator in graph.operators for n in (*operator.inputs, *operator.outputs)}
    for n, tensor in enumerate(graph.tensors):
        if n not in used:
            model.buffers[tensor.buffer].data = None
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def holds_litert(model: keras.Model | None) -> bool:
    """Whether a LiteRT file computes in a model, so that no other engine can take it over."""
    return model is not None and any(isinstance(one, LiteRT) for one in flatten(model).layers)


@lru_cache(maxsize=2)
def _tried(data: bytes) -> str:
    """Run a file in another process; return what is wrong with it, or "" where it ran."""
    command = [sys.executable, Path(__file__).with_name("trial.py")]
    try:
        found = subprocess.run(command, input=data, capture_output=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it runs for more than {_SECONDS} seconds."
    told = found.stdout.decode(errors="replace").strip()
    ended = f"it ends the process that runs it (status {found.returncode})."
    return (told or ended) if found.returncode else ""


def _interpreter(data: bytes):
    if not find_spec("ai_edge_litert"):
        raise ModelError(
            "Expected the package ai-edge-litert, which runs LiteRT files. Received: it is not "
            "installed. Install it: pip install ai-edge-litert"
        )
    from ai_edge_litert.interpreter import Interpreter

    if problem := _tried(data):
        raise ModelError(
            f"Expected a LiteRT file (.tflite). Received: {len(data):,} bytes that are none: "
            f"{problem} Give the file whole; a download may have been cut off."
        )
    with silent_stderr():
        interpreter = Interpreter(model_content=data, num_threads=os.cpu_count())
        interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0]["dtype"] not in (np.uint8, np.float32):
        raise ModelError(
            "Expected a LiteRT file with one input, uint8 or float32, and one output. Received: "
            f"{[i['dtype'].__name__ for i in inputs]} to {len(outputs)} outputs. Convert it again "
            "with such an input."
        )
    return interpreter


def _run(interpreter, inputs: np.ndarray) -> np.ndarray:
    """Compute a batch, whole if the file can take it so, else one by one."""
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    batch = len(inputs) if given["shape_signature"][0] == -1 else int(given["shape"][0])
    found = []
    for first in range(0, len(inputs), batch):
        rows = inputs[first : first + batch]
        if len(rows) != interpreter.get_input_details()[0]["shape"][0]:
            interpreter.resize_tensor_input(given["index"], rows.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], rows.astype(given["dtype"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(made["index"]))
    numbers = np.concatenate(found).astype(np.float32)
    step, zero = made["quantization"]
    return (numbers - zero) * np.float32(step) if step else numbers
