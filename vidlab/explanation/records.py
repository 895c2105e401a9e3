"""What an explanation is: where a model looked, how much each frame counted, and for what.

Takes maps from the methods of this package; gives records to `plots`, notebooks and the command
line.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Explanation", "explained"]


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
        what = f"class {self.target}"
        if self.against is not None:
            what += f" rather than class {self.against}"
        where = (
            f"{self.method} at {self.layer}; the model gives class {self.target} {self.score:.1%}"
        )
        if not self.has_evidence:
            return (
                f"No positive evidence for {what}: nothing in these frames speaks for it ({where})."
            )
        rows, columns = self.maps.shape[1:]
        return f"Evidence for {what}, in {rows}×{columns} positions a frame ({where})."


def explained(
    maps: np.ndarray,
    *,
    size: tuple[int, int],
    layer: str,
    score: float,
    target: int,
    method: str,
    against: int | None = None,
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

    Returns
    -------
    Explanation
    """
    maps = np.nan_to_num(np.asarray(maps, np.float32), nan=0.0, posinf=0.0).clip(min=0.0)
    height, width = size
    heat = np.stack(
        [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps]
    )
    evidence = maps.sum(axis=(1, 2), dtype=np.float64)
    return Explanation(
        heat=_share(heat, heat.max(initial=0.0)),
        frame_importance=_share(evidence, evidence.sum()),
        layer=layer,
        score=float(score),
        target=int(target),
        method=method,
        maps=maps,
        against=None if against is None else int(against),
    )


def _share(values: np.ndarray, whole: float) -> np.ndarray:
    return (values / whole if whole > 0 else np.zeros_like(values)).astype(np.float32)
