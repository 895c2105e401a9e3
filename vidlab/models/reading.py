"""Saved models and weights, read so that a file costs little more memory than it holds.

A header of a few bytes may promise arrays of any size, and a configuration layers of any width:
what a file promises is added up before anything of that size is made.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import keras

from vidlab.errors import ModelError

__all__ = ["check_arrays", "load"]

_WEIGHTS = "model.weights.h5"
_EXPANSION = 8  # bytes in memory for each in a file: some are compressed
_SLACK = 64_000_000  # bytes


def load(path: str | os.PathLike[str]) -> keras.Model:
    """Read a ``.keras`` file, not compiled, and in safe mode alone: no code in it is run.

    Raises
    ------
    ModelError
        It holds Python code, in a Lambda layer, or promises more than it holds. Whatever else is
        wrong, Keras raises.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _check(sum(one.file_size for one in archive.infolist()), path)
                if _WEIGHTS in archive.namelist():
                    check_arrays(io.BytesIO(archive.read(_WEIGHTS)), path)
        with _weights_checked(path):
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except ValueError as error:
        if "safe_mode" not in str(error):
            raise
        raise ModelError(
            f"Expected a model that is data alone. Received: {path}, which holds Python code in a "
            "Lambda layer. Make that layer a class of its own, and save the model again."
        ) from error


def check_arrays(file: str | os.PathLike[str] | BinaryIO, path: str | os.PathLike[str]) -> None:
    """Raise a ModelError if the arrays of an HDF5 file are larger than the file at `path` allows.

    Parameters
    ----------
    file
        The HDF5 file, which may lie in another one.
    """
    sizes = []
    with h5py.File(file) as opened:
        opened.visititems(lambda _, item: sizes.append(getattr(item, "nbytes", 0)))
    _check(sum(sizes), path)


def _check(promised: int, path: str | os.PathLike[str]) -> None:
    """Raise a ModelError if a file promises, in bytes, far more than it holds."""
    size = Path(path).stat().st_size
    if promised > _EXPANSION * size + _SLACK:
        raise ModelError(
            f"Expected weights that are in the file. Received: {path}, of {size:,} bytes, which "
            f"promises {promised:,}. It is damaged, or made to fill the memory: get it again."
        )


@contextmanager
def _weights_checked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Check the size of layers' weights while a model is built.

    Keras makes them, random, before it looks at those in the file.
    """
    add_weight, promised = keras.layers.Layer.add_weight, 0

    def checked(layer, shape=None, *args, **options):
        nonlocal promised
        promised += 4 * math.prod(shape or ())
        _check(promised, path)
        return add_weight(layer, shape, *args, **options)

    keras.layers.Layer.add_weight = checked
    try:
        yield
    finally:
        keras.layers.Layer.add_weight = add_weight
