"""Weights of encoders: from Keras, from the package, from a file, and into one."""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path

import h5py
import keras

from vidlab.errors import WeightsError
from vidlab.files import replacing
from vidlab.models.backbones.specs import BACKBONES, spec
from vidlab.models.backbones.trainable import backbone_of
from vidlab.models.litert import embedding_of, from_litert
from vidlab.models.reading import check_arrays, load

__all__ = ["imagenet_problem", "save_weights", "with_weights"]


def with_weights(
    model: keras.Model, weights: str | os.PathLike, *, name: str, size: tuple[int, int]
) -> keras.Model:
    """Fill a backbone with weights, which `vidlab.backbones.build` describes, and return it.

    Raises
    ------
    WeightsError
        If the weights are absent, cannot be read or belong to another model.
    """
    if weights == "imagenet":
        model.set_weights(_imagenet(name, size).get_weights())
        return model
    shipped = spec(name).pantomime
    if weights == "pantomime" and shipped is None:
        raise WeightsError(
            f"Expected the backbone {_having('pantomime')} for the weights 'pantomime'. "
            f'Received: {name}. Use weights="imagenet" or a file.'
        )
    path = shipped if weights == "pantomime" else Path(weights)
    if not path.is_file():
        raise WeightsError(
            f"Expected a weights file at {path}. Received: no such file. Give 'imagenet', "
            "'pantomime', or a .weights.h5, .h5, .keras or .tflite file that exists."
        )
    try:
        if path.suffix == ".tflite":
            return _fitting(from_litert(embedding_of(path.read_bytes()), name="backbone"), model)
        if path.suffix == ".keras":
            trained = backbone_of(load(path))
            if [one.shape for one in trained.weights] != [one.shape for one in model.weights]:
                return _fitting(trained, model)
            model.set_weights(trained.get_weights())
        else:
            check_arrays(path, path)
            with warnings.catch_warnings():
                # Keras only warns of layers the file has nothing for, and leaves them random.
                warnings.filterwarnings("error", message="Skipping nested container")
                model.load_weights(path)
    except Exception as error:  # damaged files make their readers raise nearly anything
        raise WeightsError(
            f"Expected weights of {name} in {path}. Received: {error} "
            "Give a file written for this backbone."
        ) from error
    return model


def _fitting(found: keras.Model, model: keras.Model) -> keras.Model:
    """Return the backbone of a file if it takes and gives what `model` does."""
    shapes = [(one.input_shape, one.output_shape[:3]) for one in (found, model)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"a backbone from {found.input_shape} to {found.output_shape}, not from "
            f"{model.input_shape} to {model.output_shape}."
        )
    return found


def save_weights(backbone: keras.Model, path: str | os.PathLike) -> Path:
    """Write the weights of `backbone` in half precision, to be shipped or shared.

    Half precision makes the file half as large; features change by about one part in a thousand.
    The file appears whole or not at all, and its name has to end in ``.weights.h5``.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder, replacing(path) as half:
        full = Path(folder, "full.weights.h5")
        backbone.save_weights(full)
        with h5py.File(full) as source, h5py.File(half, "w", libver="latest") as target:

            def copy(key: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    single = item.dtype == "float32"
                    target[key] = item[()].astype("float16") if single else item[()]
                else:
                    target.require_group(key).attrs.update(item.attrs)

            source.visititems(copy)
    return path


def imagenet_problem(name: str, size: int) -> str:
    """Say why a backbone cannot have its ImageNet weights, cached or fetched; "" if it can."""
    try:
        if not _imagenet_file(name, (size, size)).is_file():
            _imagenet(name, (size, size))  # Keras fetches them
    except WeightsError as error:
        return str(error)
    return ""


def _imagenet_file(name: str, size: tuple[int, int]) -> Path:
    """Return where Keras keeps a backbone's ImageNet weights for images of a size."""
    published = spec(name).imagenet
    if published is None:
        raise WeightsError(
            f"Expected the backbone {_having('imagenet')} for the weights 'imagenet'. "
            f'Received: {name}. Use weights="pantomime" or a file.'
        )
    home = Path(os.environ.get("KERAS_HOME", Path("~", ".keras"))).expanduser()
    return home / "models" / published.file.format(size=published.size_for(size))


def _imagenet(name: str, size: tuple[int, int]) -> keras.Model:
    """Get the encoder with ImageNet weights from keras.applications, out of its cache if there.

    Weights exist for some sizes only; being convolutional they serve every size, so the encoder is
    asked for at a size that has them.
    """
    cached, published = _imagenet_file(name, size), spec(name).imagenet
    side = published.size_for(size)
    try:
        return published.application(
            # Keras looks past a cache it may not write to, such as a shared one; its file is as
            # good as any.
            weights=str(cached) if cached.is_file() else "imagenet",
            input_shape=(side, side, 3),
        )
    except Exception as error:
        # Keras reports a failed download as a bare Exception, known by its first words only.
        failed_download = str(error).startswith("URL fetch failure on")
        if not failed_download and not isinstance(error, OSError):
            raise
        raise WeightsError(
            f"Expected the ImageNet weights {cached.name}, from the folder {cached.parent} or the "
            f"network. Received: {error}. Put that file into that folder (the environment "
            "variable KERAS_HOME moves it), connect to the network, or use the profile quick, "
            "which needs neither."
        ) from error


def _having(weights: str) -> str:
    """Name the backbones for which there are such weights."""
    return " or ".join(name for name, known in BACKBONES.items() if getattr(known, weights))
