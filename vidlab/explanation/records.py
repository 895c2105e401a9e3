"""What an explanation is: where a model looked, how much each frame counted, and for what.

Takes maps from the methods of this package; gives records to `plots`, notebooks and the command
line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from vidlab.explanation.geometry import Field

__all__ = ["PIXELS", "Explanation", "explained"]

PIXELS = "pixels"
"""In the place of a layer: the picture itself."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model gives a clip its score, in space and in time.

    Attributes
    ----------
    heat : numpy.ndarray
        ``float32``, (time, height, width), 0..1, of the size of the frames. Scaled by the largest
        value of the whole clip, so that frames compare; zero throughout without positive evidence.
    frame_importance : numpy.ndarray
        ``float32``, (time,), each frame's share of the positive evidence; sums to 1, or is zero
        throughout.
    layer : str
        The layer the maps are of, such as ``"backbone/block_12_add"``; ``"pixels"`` for saliency.
    score : float
        The probability, 0..1, that the model gives the target; of a model of single frames, the
        mean over the frames.
    target : int
        The class that is explained.
    method : str
        The method, such as ``"grad_cam"``.
    maps : numpy.ndarray
        ``float32``, (time, rows, columns): the evidence as it was found, at least 0, before
        resizing and scaling.
    against : int or None
        The class that the target is compared with; None where it is explained by itself.
    """

    heat: np.ndarray
    frame_importance: np.ndarray
    layer: str
    score: float
    target: int
    method: str
    maps: np.ndarray
    against: int | None = None

    @property
    def has_evidence(self) -> bool:
        """Whether anything in these frames speaks for the target."""
        return bool(self.maps.max(initial=0.0) > 0)

    @property
    def says(self) -> str:
        """One sentence: what is explained, by which layer, and whether there is any evidence."""
        return self.in_words()

    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """Say what `says` says, with the names of the classes.

        Parameters
        ----------
        classes
            All of them, in their order; without it they go by number.

        Returns
        -------
        str
        """
        name = what = _name(self.target, classes)
        if self.against is not None:
            what = f"{name} rather than {_name(self.against, classes)}"
        how = f"{self.method} at {self.layer}; the model gives {name} {self.score:.1%}"
        if not self.has_evidence:
            return (
                f"No positive evidence for {what}: nothing in these frames speaks for it ({how})."
            )
        if self.layer == PIXELS:
            return f"What the score of {what} reacts to, for it or against it ({how})."
        rows, columns = self.maps.shape[1:]
        return f"Evidence for {what} at {rows}×{columns} positions a frame ({how})."


def explained(
    maps: np.ndarray,
    *,
    size: tuple[int, int],
    layer: str,
    score: float,
    target: int,
    method: str,
    against: int | None = None,
    fields: tuple[Field, Field] | None = None,
) -> Explanation:
    """Make the record of a clip from its maps.

    Parameters
    ----------
    maps
        (time, rows, columns); what is negative, or no number, counts as no evidence.
    size
        Height and width of the frames in pixels.
    layer, score, target, method, against
        As in `Explanation`.
    fields
        What the units of the maps see, down and across; without it, each unit stands for its share
        of the picture.

    Returns
    -------
    Explanation
    """
    maps = _evidence(maps)
    heat = _enlarged(maps, size, fields)
    evidence = maps.sum(axis=(1, 2), dtype=np.float64)
    return Explanation(
        heat=_share(heat, heat.max(initial=0.0)),
        frame_importance=_share(evidence, evidence.sum()),
        layer=layer,
        score=float(score),
        target=int(target),
        method=method,
        maps=maps,
        against=against,
    )


def _name(label: int, classes: Sequence[str] | None) -> str:
    return f"class {label}" if classes is None else classes[label]


def _evidence(maps: np.ndarray) -> np.ndarray:
    return np.nan_to_num(np.asarray(maps, np.float32), nan=0.0, posinf=0.0).clip(min=0.0)


def _enlarged(
    maps: np.ndarray, size: tuple[int, int], fields: tuple[Field, Field] | None = None
) -> np.ndarray:
    """Bring maps to another size; with fields, each value to the centre of what its unit sees."""
    height, width = size
    if fields is None:
        return np.stack(
            [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps]
        )
    down, across = fields
    places = np.array([[across.step, 0, across.first - 0.5], [0, down.step, down.first - 0.5]])
    options = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    return np.stack([cv2.warpAffine(one, places, (width, height), **options) for one in maps])


def _share(values: np.ndarray, whole: float) -> np.ndarray:
    return (values / whole if whole > 0 else np.zeros_like(values)).astype(np.float32)
