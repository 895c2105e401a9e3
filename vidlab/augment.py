"""Random variations of pictures while training: the same draw for every frame of a clip.

Takes batches of frames or clips from `clips`; gives batches of the same shape to the backbones in
`training`. The literature's crop, rotation, brightness, shift, zoom and horizontal flip
(Newman 2020: the first frame's draw is applied to every frame).

All geometry is drawn first and composed into one affine map, so a picture is resampled once and
loses sharpness once. Pixels from beyond the border mirror the picture.
"""

from __future__ import annotations

import math

import keras
from keras import ops

from vidlab.errors import ModelError

__all__ = ["Augment"]

_DRAWS = 9


@keras.saving.register_keras_serializable(package="vidlab")
class Augment(keras.layers.Layer):
    """Vary pictures at random while training; leave them alone otherwise.

    Parameters
    ----------
    flip
        Whether half the pictures are mirrored left to right.
    rotation
        Largest turn to either side, in degrees.
    zoom
        Largest change of scale to either side, 0..1: 0.1 shows between 0.9 and 1.1 of the width.
    shift
        Largest move along either axis, as a share of the height or width, 0..1.
    crop
        Smallest share of height and width that is kept, 0..1 (0 excluded). The part kept lies
        anywhere in the picture and is enlarged to the full size. 1 keeps all.
    brightness
        Largest change of brightness to either side, 0..1: 0.2 multiplies by 0.8 to 1.2.
    seed
        Makes the draws repeatable. Left out, they follow ``keras.utils.set_random_seed``.

    Input shape
        ``uint8`` or ``float32``, 0..255: (batch, height, width, 3), each picture with a draw of
        its own, or (batch, time, height, width, 3), each clip with a draw of its own.
    Output shape
        The same, ``float32``, 0..255.

    Raises
    ------
    ModelError
        If an option is out of its range, or the input is neither frames nor clips.
    """

    def __init__(
        self,
        *,
        flip: bool = True,
        rotation: float = 10.0,
        zoom: float = 0.1,
        shift: float = 0.1,
        crop: float = 1.0,
        brightness: float = 0.2,
        seed: int | None = None,
        name: str | None = None,
        trainable: bool = True,
        dtype: object = None,
    ):
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        for option, value, top in (
            ("rotation", rotation, 180.0),
            ("zoom", zoom, 0.99),
            ("shift", shift, 1.0),
            ("brightness", brightness, 1.0),
        ):
            if not 0 <= value <= top:
                raise ModelError(
                    f"Expected {option} between 0 and {top:g}. Received: {value}. "
                    "0 switches it off."
                )
        if not 0 < crop <= 1:
            raise ModelError(
                f"Expected crop above 0 and at most 1. Received: {crop}. 1 switches it off."
            )
        self.flip = flip
        self.rotation = rotation
        self.zoom = zoom
        self.shift = shift
        self.crop = crop
        self.brightness = brightness
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        self.supports_jit = False  # as Keras' own layers on affine_transform, which XLA lacks

    def call(self, images, training=False):
        """Vary `images` when `training`, else only cast them."""
        rank = len(images.shape)
        if rank not in (4, 5):
            raise ModelError(
                "Expected frames (batch, height, width, 3) or clips (batch, time, height, width, "
                f"3). Received: shape {tuple(images.shape)}. Add the missing axis."
            )
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        shape = ops.shape(images)
        height, width, channels = shape[-3:]
        draws = keras.random.uniform((shape[0], _DRAWS), -1.0, 1.0, seed=self.generator)
        transforms = self._transforms(draws, height=height, width=width)  # (batch, 8)
        if rank == 5:
            transforms = ops.repeat(transforms, shape[1], axis=0)  # (batch · time, 8)
        varied = ops.image.affine_transform(
            ops.reshape(images, (-1, height, width, channels)),
            transforms,
            interpolation="bilinear",
            fill_mode="reflect",
            data_format="channels_last",
        )
        factor = ops.reshape(1.0 + self.brightness * draws[:, 8], (-1,) + (1,) * (rank - 1))
        return ops.clip(ops.reshape(varied, shape) * factor, 0.0, 255.0)

    def _transforms(self, draws, *, height, width):
        """Compose the geometry of each row of `draws`, −1..1, into a map (rows, 8).

        The map leads from a pixel of the result to the place in the picture it is taken from: both
        are measured from the centre, mirrored, turned, scaled and moved.
        """
        height, width = ops.cast(height, "float32"), ops.cast(width, "float32")
        centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
        mirror = ops.where(draws[:, 0] < 0, -1.0, 1.0) if self.flip else ops.ones_like(draws[:, 0])
        angle = draws[:, 1] * math.radians(self.rotation)
        kept = 1.0 - (1.0 - self.crop) * (draws[:, 2] + 1) / 2  # crop..1
        scale = kept * (1.0 + self.zoom * draws[:, 3])
        move_x = width * (self.shift * draws[:, 4] + (1.0 - kept) / 2 * draws[:, 6])
        move_y = height * (self.shift * draws[:, 5] + (1.0 - kept) / 2 * draws[:, 7])
        a, b = scale * mirror * ops.cos(angle), -scale * ops.sin(angle)
        c, d = scale * mirror * ops.sin(angle), scale * ops.cos(angle)
        zeros = ops.zeros_like(a)
        return ops.stack(
            [
                a,
                b,
                centre_x - a * centre_x - b * centre_y + move_x,
                c,
                d,
                centre_y - c * centre_x - d * centre_y + move_y,
                zeros,
                zeros,
            ],
            axis=1,
        )

    def compute_output_shape(self, input_shape):
        """Give the shape unchanged."""
        return input_shape

    def get_config(self):
        """Give the options, so that a saved model knows them."""
        return {
            **super().get_config(),
            "flip": self.flip,
            "rotation": self.rotation,
            "zoom": self.zoom,
            "shift": self.shift,
            "crop": self.crop,
            "brightness": self.brightness,
            "seed": self.seed,
        }
