"""What computes features: OpenVINO, or Keras itself.

All engines take batches of one fixed size, ``uint8`` for frames: the encoder's own preprocessing
is compiled with it, and a shape that is known beforehand computes faster. In single precision they
agree to max|a − b| ≤ 1e-4 · max|b|.
"""

import hashlib
import json
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

import keras
import numpy as np

from vidlab.models import export, litert

__all__ = ["Engine", "choose", "compiled", "encoder_digest"]

# TensorFlow otherwise takes all memory of a GPU as it starts. It reads this when it first uses one.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

_NAMES_OF_LAYERS = ("name", "keras_history", "input_layers", "output_layers")
_WITHOUT_EFFECT = ("trainable", "build_config", "compile_config")

Batches = Iterable[tuple[Any, list[np.ndarray]]]
Results = Iterator[tuple[Any, np.ndarray]]
Engine = Callable[[Batches], Results]
"""Takes batches, each with a tag and an array (batch, …) for each input of the encoder, which must
not change before its result is there; gives, in their order, each tag and ``float32`` (batch,
features). The next batch may be taken while one is under way."""


def choose(engine: str, precision: str, encoder: keras.Model | None = None) -> tuple[str, str]:
    """Decide what will compute, and how exactly, on this machine.

    Parameters
    ----------
    engine
        ``"auto"`` takes Keras where there is a GPU, where Keras does not run on TensorFlow or where
        the encoder is a file of LiteRT or OpenVINO is not installed, else OpenVINO. Or the name
        of one of them.
    precision
        ``"float32"``, or ``"fast"`` for ``bfloat16`` where the engine and the CPU have it. Where
        they have not, a warning says so and it is ``float32``.

    Returns
    -------
    tuple of str
        ``"openvino"`` or ``"keras"``; and ``"float32"`` or ``"bfloat16"``.
    """
    if engine == "auto":
        keras_only = keras.backend.backend() != "tensorflow" or litert.holds_litert(encoder)
        engine = "openvino" if find_spec("openvino") and not (keras_only or _gpus()) else "keras"
    if precision == "fast" and not (engine == "openvino" and _has_bfloat16()):
        warnings.warn(
            f'vidlab: precision="fast" needs OpenVINO and a CPU with bfloat16; here it is {engine}'
            f"{' on a CPU without' if engine == 'openvino' else ''}, so it is float32 as usual.",
            stacklevel=3,  # the line that calls extract
        )
        precision = "float32"
    return engine, "bfloat16" if precision == "fast" else precision


def _gpus() -> list:
    import tensorflow as tf

    return tf.config.list_physical_devices("GPU")


def _has_bfloat16() -> bool:
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


_latest: dict[tuple, Engine] = {}  # one at most: a compiled encoder takes as much memory again


def compiled(
    encoder: keras.Model,
    digest: str,
    *,
    engine: str,
    precision: str,
    batch_size: int,
    dtypes: Sequence[str],
) -> Engine:
    """Make an encoder ready to compute; the latest one is kept for the next call.

    Parameters
    ----------
    encoder
        Frames to vectors.
    digest
        Tells encoders apart; see `encoder_digest`.
    engine, precision
        As `choose` gives them.
    batch_size
        Frames in every batch.
    dtypes
        Of the arrays of each input.
    """
    if engine == "keras":  # computes with whatever weights the encoder has
        return partial(_keras, encoder)
    key = (digest, precision, batch_size)
    if key not in _latest:
        _latest.clear()
        shapes = [(batch_size, *tensor.shape[1:]) for tensor in encoder.inputs]
        specs = list(zip(shapes, dtypes, strict=True))
        _latest[key] = _openvino(encoder, specs, precision)
    return _latest[key]


def _openvino(encoder: keras.Model, specs: list, precision: str) -> Engine:
    """Compile an encoder with OpenVINO for the CPU."""
    import openvino

    graph = export.to_openvino(encoder, specs)
    options = {
        "PERFORMANCE_HINT": "LATENCY",  # all cores on one batch
        "ENABLE_CPU_PINNING": False,  # cores are shared with the threads that decode
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
    }
    model = openvino.Core().compile_model(graph, "CPU", options)
    names = [port.get_any_name().split(":")[0] for port in model.inputs]
    ports = [model.inputs[names.index(f"input_{number}")] for number in range(len(specs))]

    def compute(batches: Batches) -> Results:
        # While one request runs the next is already queued, so that the cores never wait for us.
        free, running = [model.create_infer_request() for _ in range(2)], deque()

        def finished():
            tag, _, request = running.popleft()
            request.wait()
            free.append(request)
            return tag, request.get_output_tensor().data.copy()

        for tag, batch in batches:
            if not free:
                yield finished()
            request = free.pop()
            for port, array in zip(ports, batch, strict=True):
                request.set_tensor(port, openvino.Tensor(array, shared_memory=True))
            request.start_async()
            running.append((tag, batch, request))
        while running:
            yield finished()

    return compute


def _keras(encoder: keras.Model, batches: Batches) -> Results:
    """Compute with Keras on whatever it runs on."""
    with _whole_float32():
        for tag, batch in batches:
            features = encoder.predict_on_batch(export.as_input(encoder, batch))
            yield tag, np.asarray(features, np.float32)


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Keep TensorFlow from rounding ``float32`` to 10 bits on GPUs, as it does by default."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tensorflow.config import experimental

    before = experimental.tensor_float_32_execution_enabled()
    experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        experimental.enable_tensor_float_32_execution(before)


def encoder_digest(encoder: keras.Model) -> str:
    """Digest what an encoder computes: its layers, how they are joined, and its weights.

    It is the same for two models built alike, whatever their layers are called and whichever of
    them learn.
    """
    digest = hashlib.sha256()
    config = _without_names(keras.saving.serialize_keras_object(encoder), {})
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).data)
    return digest.hexdigest()


def _without_names(config, numbers: dict[str, int], *, names: bool = False):
    """Replace the names of layers by numbers, in the order in which they first appear."""
    if isinstance(config, dict):
        if str(config.get("class_name")).endswith("DTypePolicy"):
            return config  # its name says how it computes
        return {
            key: _without_names(value, numbers, names=names or key in _NAMES_OF_LAYERS)
            for key, value in config.items()
            if key not in _WITHOUT_EFFECT
        }
    if isinstance(config, list | tuple):
        return [_without_names(value, numbers, names=names) for value in config]
    if names and isinstance(config, str):
        return numbers.setdefault(config, len(numbers))
    return config
