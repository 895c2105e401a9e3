"""The name of a feature store: a digest of everything its content follows from.

Takes encoders from `backbones` and videos from `index`; gives digests to `extraction`. Where and
when files lie does not count, nor what Keras happens to call a layer; what they hold does. So a
store is found again after a move, and a stale one never.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import keras
import numpy as np

from vidlab.data import video
from vidlab.data.index import VideoIndex
from vidlab.progress import progress

__all__ = ["encoder_digest", "store_key"]

_NAMES_OF_LAYERS = ("name", "keras_history", "input_layers", "output_layers")
_WITHOUT_EFFECT = ("trainable", "build_config", "compile_config")


def encoder_digest(encoder: keras.Model) -> str:
    """Digest what an encoder computes: its layers, how they are joined, and its weights.

    Parameters
    ----------
    encoder
        A Keras model.

    Returns
    -------
    str
        64 hexadecimal digits; the same for two models built alike, whatever their layers are
        called and whichever of them learn.
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


def store_key(
    index: VideoIndex,
    frame_numbers: Sequence[np.ndarray],
    *,
    encoder: str,
    precision: str,
    version: str,
    inputs: Sequence[str],
    workers: int,
) -> str:
    """Digest everything the content of a store follows from.

    Parameters
    ----------
    index
        The videos, in their order.
    frame_numbers
        Which frames of each.
    encoder
        Its digest.
    precision
        What the engine computes in.
    version
        Of the store's form.
    inputs
        What is read of each frame.
    workers
        Videos read at a time.

    Returns
    -------
    str
        16 hexadecimal digits.

    Raises
    ------
    MissingVideoError
        If a video is no longer there.
    """
    facts = json.dumps([version, precision, encoder, *inputs, index.classes])
    digest = hashlib.sha256(facts.encode())
    with ThreadPoolExecutor(workers) as pool:
        contents = progress(
            pool.map(_content, index.paths), desc="checking videos", total=len(index), unit="video"
        )
        rows = zip(index.table.itertuples(), contents, frame_numbers, strict=True)
        for row, content, numbers in rows:
            digest.update(json.dumps([row.video_id, row.label, row.group, content]).encode())
            digest.update(numbers.astype("<i8").tobytes())
    return digest.hexdigest()[:16]


def _content(path: os.PathLike) -> str:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        video.probe(path)  # names the file and the remedy
        raise
    return _content_of(os.fspath(path), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _content_of(path: str, size: int, changed: int) -> str:
    """Digest a file; `size` and `changed` are there so that a file that changes is read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
