"""The record of an explanation: heat in space, importance in time, and the class explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

__all__ = ["PIXELS", "Explanation"]

PIXELS = "pixels"
"""In the place of a layer: the picture itself."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """Why a model gives a clip its score, in space and in time.

    Attributes
    ----------
    maps : numpy.ndarray
        ``float32``, (time, rows, columns): the evidence as it was found, at least 0.
    size : tuple of int
        Height and width of the frames in pixels.
    layer : str
        The layer the maps are of, such as ``"backbone/block_12_add"``; ``"pixels"`` for saliency.
    score : float
        The probability, 0..1, that the model gives the target; of a model of single frames, the
        mean over the frames.
    target : int
        The class that is explained.
    method : str
        The method, such as ``"grad_cam"``.
    against : int or None
        The class that the target is compared with; None where it is explained by itself.
    """

    maps: np.ndarray
    size: tuple[int, int]
    layer: str
    score: float
    target: int
    method: str
    against: int | None = None

    @cached_property
    def heat(self) -> np.ndarray:
        """``float32``, (time, height, width), 0..1: the maps at the size of the frames.

        Scaled by the largest value of the whole clip, so that frames compare; zero throughout
        without positive evidence.
        """
        heat = np.stack([cv2.resize(one, self.size[::-1]) for one in self.maps])
        return _divided(heat, heat.max(initial=0.0))

    @cached_property
    def frame_importance(self) -> np.ndarray:
        """``float32``, (time,), each frame's share of the positive evidence, or zeros."""
        evidence = self.maps.sum(axis=(1, 2), dtype=np.float64)
        return _divided(evidence, evidence.sum())

    @property
    def has_evidence(self) -> bool:
        """Whether anything in these frames speaks for the target."""
        return bool(self.maps.max(initial=0.0) > 0)

    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """Describe in one sentence what is explained, at which layer, and if there is evidence.

        Parameters
        ----------
        classes
            The names of all classes, in their order; without them they go by number.
        """

        def name_of(label: int) -> str:
            return f"class {label}" if classes is None else classes[label]

        name = what = name_of(self.target)
        if self.against is not None:
            what = f"{name} rather than {name_of(self.against)}"
        how = f"{self.method} at {self.layer}; the model gives {name} {self.score:.1%}"
        if not self.has_evidence:
            return (
                f"No positive evidence for {what}: nothing in these frames speaks for it ({how})."
            )
        if self.layer == PIXELS:
            return f"What the score of {what} reacts to, for it or against it ({how})."
        rows, columns = self.maps.shape[1:]
        return f"Evidence for {what} at {rows}×{columns} positions a frame ({how})."


def _divided(values: np.ndarray, whole: float) -> np.ndarray:
    return (values / whole if whole > 0 else np.zeros_like(values)).astype(np.float32)
