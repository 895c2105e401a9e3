"""One record for each backbone: its layers, sizes, modules and weights files.

A backbone is added by adding its record to `BACKBONES`; nothing else knows the backbones by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras

from vidlab.errors import ModelError
from vidlab.models.backbones.residual import residual

__all__ = [
    "BACKBONES",
    "BackboneSpec",
    "ImageNetWeights",
    "names",
    "spec",
]

_WEIGHTS = Path(__file__).parents[2] / "weights"


@dataclass(frozen=True)
class ImageNetWeights:
    """ImageNet weights as keras.applications publishes them.

    Attributes
    ----------
    application
        The builder of keras.applications that loads them.
    file
        The name Keras keeps them under, ``{size}`` standing for the image size.
    sizes
        The image sizes there are weights for, in pixels, the default last.
    """

    application: Callable[..., keras.Model]
    file: str
    sizes: tuple[int, ...]

    def size_for(self, size: tuple[int, int]) -> int:
        """Give the published image size whose weights serve images of `size`."""
        height, width = size
        return height if height == width and height in self.sizes else self.sizes[-1]


@dataclass(frozen=True)
class BackboneSpec:
    """All that vidlab has to know about one backbone.

    Attributes
    ----------
    layers
        Builds it: from the tensor of preprocessed images to that of the feature map.
    size
        Height and width it was designed for, in pixels.
    smallest
        The smallest height and width it takes.
    below_top
        The last layer below the top two modules.
    preprocessing
        Scale and offset that images of 0..255 are brought to its range with.
    imagenet
        Its ImageNet weights, where there are any.
    pantomime
        Its file of weights that comes with the package, where there is one.
    """

    layers: Callable[[keras.KerasTensor], keras.KerasTensor]
    size: int
    smallest: int
    below_top: str
    preprocessing: tuple[float, float] = (1 / 127.5, -1.0)
    imagenet: ImageNetWeights | None = None
    pantomime: Path | None = None


def _residual(width: float, name: str) -> BackboneSpec:
    return BackboneSpec(
        partial(residual, width=width),
        size=112,
        smallest=32,
        below_top="block2_out",
        pantomime=_WEIGHTS / f"pantomime-{name}.weights.h5",
    )


def _inception() -> BackboneSpec:
    application = partial(keras.applications.InceptionV3, include_top=False)
    return BackboneSpec(
        lambda images: application(weights=None, input_tensor=images).output,
        size=299,
        smallest=75,
        below_top="mixed8",
        imagenet=ImageNetWeights(
            application, "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", sizes=(299,)
        ),
    )


def _mobilenet(alpha: float) -> BackboneSpec:
    application = partial(keras.applications.MobileNetV2, include_top=False, alpha=alpha)

    def layers(images: keras.KerasTensor) -> keras.KerasTensor:
        model = application(weights=None, input_tensor=images)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                # Keras' own 0.999 leaves the inference statistics near their initial values after
                # a short training, and the model then predicts one class whatever it sees.
                layer.momentum = 0.9
        return model.output

    return BackboneSpec(
        layers,
        size=224,
        smallest=32,
        below_top="block_14_add",
        imagenet=ImageNetWeights(
            application,
            f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{{size}}_no_top.h5",
            sizes=(96, 128, 160, 192, 224),
        ),
    )


BACKBONES = {
    "residual": _residual(1.0, "residual"),
    "residual-0.25": _residual(0.25, "residual-0.25"),
    "inceptionv3": _inception(),
    "mobilenetv2": _mobilenet(1.0),
    "mobilenetv2-0.35": _mobilenet(0.35),
}


def names() -> list[str]:
    """List the backbones `build` knows.

    Examples
    --------
    >>> names()
    ['residual', 'residual-0.25', 'inceptionv3', 'mobilenetv2', 'mobilenetv2-0.35']
    """
    return list(BACKBONES)


def spec(name: str) -> BackboneSpec:
    """Find the record of a backbone.

    Raises
    ------
    ModelError
        If there is no backbone of that name.
    """
    if name not in BACKBONES:
        raise ModelError(
            f"Expected a backbone out of {', '.join(names())}. Received: {name!r}. "
            "Correct the name."
        )
    return BACKBONES[name]
