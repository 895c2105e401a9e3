"""Frame encoders: image classifiers without their last layers, each with its own preprocessing.

Takes images, ``uint8`` or ``float32`` in 0..255, from `clips` or `augment`; gives feature maps to
`models` and `features`, and layers by name to `explanation`.

A backbone is one flat Keras model named ``"backbone"``: its input, a ``Rescaling`` layer that holds
the preprocessing, then every layer of the encoder. Classifiers nest it whole, so
``model.get_layer("backbone").get_layer("mixed10")`` finds any layer, before saving and after
loading alike. The input is declared ``float32``: Keras casts a ``uint8`` batch on entry, and the
``float32`` images that augmentation leaves pass through uncut.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from vidlab.errors import ModelError, WeightsError

__all__ = [
    "PANTOMIME_WEIGHTS",
    "build",
    "default_size",
    "names",
    "save_weights",
    "set_trainable",
    "top_modules",
]

PANTOMIME_WEIGHTS = Path(__file__).parent / "weights" / "pantomime-mobilenetv2-0.35.weights.h5"
"""The weights that come with the package; they fit ``"mobilenetv2-0.35"`` and nothing else."""

_MOBILENET_SIZES = (96, 128, 160, 192, 224)


@dataclass(frozen=True)
class _Family:
    """What vidlab has to know about one keras.applications encoder."""

    application: Callable[..., keras.Model]
    options: dict[str, float]
    size: int
    smallest: int
    modules: tuple[str, ...]
    batchnorm_momentum: float | None = None

    def imagenet_size(self, size: tuple[int, int]) -> int:
        """Give the image size whose published ImageNet weights serve images of `size`."""
        if not self.options:
            return self.size
        height, width = size
        return height if height == width and height in _MOBILENET_SIZES else 224

    def imagenet_file(self, size: tuple[int, int]) -> str:
        """Give the name under which Keras keeps the ImageNet weights for images of `size`."""
        if not self.options:
            return "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
        return (
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
            f"{self.options['alpha']}_{self.imagenet_size(size)}_no_top.h5"
        )


# The last layer of each module, first module first. Block 13 of MobileNetV2 halves the map and so
# has no addition. Its last block and the Conv_1 that follows count as one step from the top.
_INCEPTION_MODULES = tuple(f"mixed{i}" for i in range(11))
_MOBILENET_MODULES = (
    "block_10_project_BN",
    "block_11_add",
    "block_12_add",
    "block_13_project_BN",
    "block_14_add",
    "block_15_add",
    "out_relu",
)


def _mobilenet(alpha: float) -> _Family:
    return _Family(
        keras.applications.MobileNetV2,
        {"alpha": alpha},
        size=224,
        smallest=32,
        modules=_MOBILENET_MODULES,
        # Keras' own 0.999 leaves the inference statistics near their initial values after a short
        # training, and the model then predicts one class whatever it sees.
        batchnorm_momentum=0.9,
    )


_FAMILIES = {
    "inceptionv3": _Family(
        keras.applications.InceptionV3, {}, size=299, smallest=75, modules=_INCEPTION_MODULES
    ),
    "mobilenetv2": _mobilenet(1.0),
    "mobilenetv2-0.35": _mobilenet(0.35),
}


def names() -> list[str]:
    """List the backbones `build` knows.

    Returns
    -------
    list of str
        Their names.

    Examples
    --------
    >>> names()
    ['inceptionv3', 'mobilenetv2', 'mobilenetv2-0.35']
    """
    return list(_FAMILIES)


def default_size(name: str) -> tuple[int, int]:
    """Give the image size the backbone was designed for.

    Parameters
    ----------
    name
        One of `names`.

    Returns
    -------
    tuple of int
        Height and width in pixels.

    Examples
    --------
    >>> default_size("inceptionv3")
    (299, 299)
    """
    return (_family(name).size,) * 2


def build(
    name: str,
    *,
    size: tuple[int, int] | None = None,
    weights: str | os.PathLike | None = None,
    include_preprocessing: bool = True,
) -> keras.Model:
    """Build a frame encoder that turns images into a feature map.

    Parameters
    ----------
    name
        ``"inceptionv3"`` (Szegedy et al. 2016), ``"mobilenetv2"`` or ``"mobilenetv2-0.35"``
        (Sandler et al. 2018, all channels or 0.35 of them).
    size
        Height and width of the images in pixels; the size of `default_size` when left out.
    weights
        ``None`` for random weights; ``"imagenet"`` for those of keras.applications (from the Keras
        cache, else downloaded into it); ``"pantomime"`` for those the package ships; or the path
        of a ``.weights.h5`` or ``.h5`` file of this backbone, or of a ``.keras`` model that holds
        this backbone.
    include_preprocessing
        Whether the model itself scales 0..255 to −1..1. Without it, images have to come scaled.

    Returns
    -------
    keras.Model
        Named ``"backbone"``. Input ``float32`` (``uint8`` is cast), (batch, height, width, 3),
        0..255; output ``float32``, (batch, rows, columns, channels), at least 0.

    Raises
    ------
    ModelError
        If the name is unknown or the images are too small for it.
    WeightsError
        If the weights are absent, cannot be read or belong to another model.
    """
    family = _family(name)
    size = default_size(name) if size is None else (int(size[0]), int(size[1]))
    if min(size) < family.smallest:
        raise ModelError(
            f"Expected images of at least {family.smallest}×{family.smallest} pixels for {name}. "
            f"Received: size={size}. Choose a larger size or a MobileNetV2 backbone."
        )
    images = keras.Input((*size, 3), name="images")
    scaled = images
    if include_preprocessing:
        scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="preprocessing")(images)
    model = family.application(
        include_top=False, weights=None, input_tensor=scaled, name="backbone", **family.options
    )
    if family.batchnorm_momentum is not None:
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = family.batchnorm_momentum
    if weights is not None:
        _load(model, name, size, weights)
    return model


def save_weights(backbone: keras.Model, path: str | os.PathLike) -> Path:
    """Write the weights of `backbone` in half precision, to be shipped or shared.

    Half precision makes the file half as large; features change by about one part in a thousand.
    The file appears whole or not at all.

    Parameters
    ----------
    backbone
        As `build` gives it.
    path
        Where to; has to end in ``.weights.h5``.

    Returns
    -------
    Path
        The file written.
    """
    path = Path(path)
    if not path.name.endswith(".weights.h5"):
        raise WeightsError(
            f"Expected a file name that ends in .weights.h5. Received: {path}. Rename it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".weights-") as folder:
        full, half = Path(folder, "full.weights.h5"), Path(folder, "half.weights.h5")
        backbone.save_weights(full)
        with h5py.File(full) as source, h5py.File(half, "w", libver="latest") as target:

            def copy(key: str, item: h5py.Group | h5py.Dataset) -> None:
                if isinstance(item, h5py.Dataset):
                    single = item.dtype == "float32"
                    target[key] = item[()].astype("float16") if single else item[()]
                else:
                    target.require_group(key).attrs.update(item.attrs)

            source.visititems(copy)
        os.replace(half, path)
    return path


def top_modules(model: keras.Model, count: int = 2) -> list[str]:
    """Name the layers that "the top `count` modules" of a backbone means.

    A layer belongs to them if it lies downstream of the module below them, so the order in which
    Keras lists the layers does not matter. The top two are, for

    - InceptionV3: everything after ``mixed8``, that is the modules ``mixed9`` and ``mixed10``;
    - MobileNetV2: everything after ``block_14_add``, that is the inverted-residual blocks 15 and
      16, the last with the ``Conv_1`` that follows it.

    Parameters
    ----------
    model
        A backbone, or a classifier that holds one.
    count
        How many modules, at least 1.

    Returns
    -------
    list of str
        Names of layers of the backbone, inputs before outputs.

    Raises
    ------
    ModelError
        If the model holds no backbone vidlab knows, or it has fewer modules.
    """
    backbone = _backbone_of(model)
    here = {layer.name for layer in backbone.layers}
    modules = next(
        (f.modules for f in _FAMILIES.values() if set(f.modules) <= here),
        None,
    )
    if modules is None:
        raise ModelError(
            f"Expected a backbone of a known family ({', '.join(names())}). "
            f"Received: {backbone.name}, whose layers are of none. "
            "Name the layers to train yourself and set their `trainable`."
        )
    if not 1 <= count < len(modules):
        raise ModelError(
            f"Expected between 1 and {len(modules) - 1} modules. Received: count={count}. "
            'Use set_trainable(model, "all") to train the whole backbone.'
        )
    reached = {id(backbone.get_layer(modules[-1 - count]).output)}
    found = []
    for layer in backbone.layers:  # inputs before outputs: Keras sorts a functional model by depth
        if any(id(tensor) in reached for tensor in keras.tree.flatten(layer.input)):
            found.append(layer.name)
            reached.update(id(tensor) for tensor in keras.tree.flatten(layer.output))
    return found


def set_trainable(model: keras.Model, what: str) -> None:
    """Choose how much of the backbone learns; compile the model after it.

    Layers outside the backbone are left as they are. Batch normalisation in a frozen layer uses
    its stored statistics and does not update them, in training too.

    Parameters
    ----------
    model
        A backbone, or a classifier that holds one.
    what
        ``"none"`` freezes the backbone, ``"top"`` frees its top two modules (see `top_modules`),
        ``"all"`` frees it whole.

    Raises
    ------
    ModelError
        If `what` is none of the three, or the model holds no backbone.
    """
    backbone = _backbone_of(model)
    if what not in ("none", "top", "all"):
        raise ModelError(
            f'Expected "none", "top" or "all". Received: {what!r}. Choose how much learns.'
        )
    backbone.trainable = what != "none"
    if what == "top":
        top = set(top_modules(backbone))
        for layer in backbone.layers:
            layer.trainable = layer.name in top


def _family(name: str) -> _Family:
    if name not in _FAMILIES:
        raise ModelError(
            f"Expected a backbone out of {', '.join(names())}. Received: {name!r}. "
            "Correct the name."
        )
    return _FAMILIES[name]


def _backbone_of(model: keras.Model) -> keras.Model:
    if model.name == "backbone":
        return model
    for layer in model.layers:
        if layer.name == "backbone":
            return layer
    raise ModelError(
        f'Expected a model with a layer named "backbone". Received: {model.name}. '
        "Build it with vidlab.models on a backbone of vidlab.backbones."
    )


def _load(model: keras.Model, name: str, size: tuple[int, int], weights: str | os.PathLike) -> None:
    """Fill `model` with weights from where `weights` says."""
    if weights == "imagenet":
        model.set_weights(_imagenet(name, size).get_weights())
        return
    if weights == "pantomime" and name != "mobilenetv2-0.35":
        raise WeightsError(
            f"Expected the backbone mobilenetv2-0.35 for the weights 'pantomime'. "
            f'Received: {name}. Use weights="imagenet" or a file.'
        )
    path = PANTOMIME_WEIGHTS if weights == "pantomime" else Path(weights)
    if not path.is_file():
        raise WeightsError(
            f"Expected a weights file at {path}. Received: no such file. "
            "Give 'imagenet', 'pantomime', or a .weights.h5, .h5 or .keras file that exists."
        )
    try:
        if path.suffix == ".keras":
            trained = _backbone_of(keras.saving.load_model(path, compile=False))
            model.set_weights(trained.get_weights())
        else:
            model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(
            f"Expected weights of {name} in {path}. Received: {error} "
            "Give a file written for this backbone."
        ) from error


def _imagenet(name: str, size: tuple[int, int]) -> keras.Model:
    """Get the encoder with ImageNet weights from keras.applications, out of its cache if there.

    Weights exist for some sizes only; being convolutional they serve every size, so the encoder is
    asked for at a size that has them.
    """
    family = _family(name)
    file = family.imagenet_file(size)
    home = Path(os.environ.get("KERAS_HOME", Path("~", ".keras"))).expanduser()
    cached = home / "models" / file
    try:
        return family.application(
            include_top=False,
            # Keras looks past a cache it may not write to, such as a shared one; its file is as
            # good as any.
            weights=str(cached) if cached.is_file() else "imagenet",
            input_shape=(family.imagenet_size(size),) * 2 + (3,),
            **family.options,
        )
    except Exception as error:
        # Keras reports a failed download as a bare Exception, known by its first words only.
        failed_download = str(error).startswith("URL fetch failure on")
        if not failed_download and not isinstance(error, OSError):
            raise
        raise WeightsError(
            f"Expected the ImageNet weights {file}, from the folder {cached.parent} or the "
            f"network. Received: {error}. Put that file into that folder (the environment "
            "variable KERAS_HOME moves it), connect to the network, or use the profile quick, "
            "which needs neither."
        ) from error
