"""What vidlab has to know about each encoder of keras.applications.

Takes the builders from keras.applications; gives their options, sizes, modules and weights files
to the rest of `backbones`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras

from vidlab.errors import ModelError

__all__ = ["FAMILIES", "Family", "default_size", "family", "names"]

_MOBILENET_SIZES = (96, 128, 160, 192, 224)


@dataclass(frozen=True)
class Family:
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


def _mobilenet(alpha: float) -> Family:
    return Family(
        keras.applications.MobileNetV2,
        {"alpha": alpha},
        size=224,
        smallest=32,
        modules=_MOBILENET_MODULES,
        # Keras' own 0.999 leaves the inference statistics near their initial values after a short
        # training, and the model then predicts one class whatever it sees.
        batchnorm_momentum=0.9,
    )


FAMILIES = {
    "inceptionv3": Family(
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
    return list(FAMILIES)


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
    return (family(name).size,) * 2


def family(name: str) -> Family:
    """Find what there is to know about a backbone.

    Parameters
    ----------
    name
        One of `names`.

    Returns
    -------
    Family
        Its record.

    Raises
    ------
    ModelError
        If there is no backbone of that name.
    """
    if name not in FAMILIES:
        raise ModelError(
            f"Expected a backbone out of {', '.join(names())}. Received: {name!r}. "
            "Correct the name."
        )
    return FAMILIES[name]
