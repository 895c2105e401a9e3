"""Deletion and insertion: the answer, followed while what the heat marks is hidden or shown.

Takes a model, a clip and its explanation; gives curves to `plots` and a short verdict to whoever
shows the heatmap. After Petsiuk, Das and Saenko 2018, *RISE*: the places of the clip are hidden in
the order of the heat, hottest first (*deletion*), or a hidden clip is uncovered in that order
(*insertion*). A good explanation makes the score fall quickly, and rise quickly. Hidden places are
blurred, so that no edges or colours appear that the model has never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import keras
import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.asking import answers
from vidlab.explanation.trust.hiding import softened

if TYPE_CHECKING:
    from vidlab.explanation.records import Explanation

__all__ = [
    "Agreement",
    "agrees_with_deletion",
    "area_under",
    "blurred",
    "deletion_curve",
    "insertion_curve",
    "random_heat",
]

_BLUR = 1 / 4  # of the picture's shorter side: what is left is light and shade


@dataclass(frozen=True)
class Agreement:
    """Whether hiding what a heat marks lowers the score more than hiding places at random.

    Attributes
    ----------
    agrees : bool
        The area under the curve is smaller than under every random order.
    area : float
        Mean score while the places are hidden, hottest first.
    random : tuple of float
        The same for places in random orders.
    """

    agrees: bool
    area: float
    random: tuple[float, ...]

    @property
    def says(self) -> str:
        """The verdict in one sentence."""
        verdict = "yes" if self.agrees else "no"
        return (
            f"Agrees with deletion: {verdict}. While the hottest places are hidden first the score "
            f"is {self.area:.2f} on average; in random order {np.mean(self.random):.2f}."
        )


def deletion_curve(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    steps: int = 10,
    heat: np.ndarray | None = None,
) -> pd.DataFrame:
    """Hide the clip, hottest places first, and follow the score.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clip
        (time, height, width, 3), 0–255, of the model's size.
    explanation
        Of this clip by this model; its heat gives the order over all frames together.
    steps
        In how many equal parts the clip is hidden.
    heat
        Gives the order in place of the explanation's own, such as `random_heat`; its shape.

    Returns
    -------
    pandas.DataFrame
        share (0–1 of the places changed) and score, steps + 1 rows: the probability of the
        explained class (of a difference, that of the one less that of the other).

    Raises
    ------
    MetricError
        If heat and clip are not of one size.
    """
    return _curve(model, clip, explanation, heat=heat, steps=steps, insert=False)


def insertion_curve(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    steps: int = 10,
    heat: np.ndarray | None = None,
) -> pd.DataFrame:
    """Uncover a wholly hidden clip, hottest places first, and follow the score.

    Parameters, result and errors are those of `deletion_curve`.
    """
    return _curve(model, clip, explanation, heat=heat, steps=steps, insert=True)


def agrees_with_deletion(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    steps: int = 8,
    orders: int = 4,
    seed: int = 0,
) -> Agreement:
    """Compare deletion in the order of the heat with deletion in random orders.

    The random orders hide patches as large as the places of the explanation's maps. A heat that
    knows nothing comes first among them once in `orders` + 1 times.

    Parameters
    ----------
    model, clip, explanation, steps
        As for `deletion_curve`.
    orders
        How many random orders.
    seed
        Decides them.
    """
    area = area_under(deletion_curve(model, clip, explanation, steps=steps))
    others = [
        area_under(
            deletion_curve(
                model, clip, explanation, steps=steps, heat=random_heat(explanation, seed=(seed, k))
            )
        )
        for k in range(orders)
    ]
    agrees = explanation.has_evidence and all(area < other for other in others)
    return Agreement(bool(agrees), area, tuple(others))


def area_under(curve: pd.DataFrame) -> float:
    """Return the mean score of a curve over the share of places changed, by trapezoids.

    Examples
    --------
    >>> area_under(pd.DataFrame({"share": [0.0, 0.5, 1.0], "score": [1.0, 0.0, 0.0]}))
    0.25
    """
    return float(np.trapezoid(curve["score"], curve["share"]))


def random_heat(explanation: Explanation, *, seed: int | tuple[int, ...]) -> np.ndarray:
    """Draw heat that knows nothing, in patches as large as the places of the explanation's maps.

    Returns
    -------
    numpy.ndarray
        float32, of the shape of the explanation's heat, 0–1.
    """
    small = np.random.default_rng(seed).random(explanation.maps.shape, np.float32)
    height, width = explanation.heat.shape[1:]
    return np.stack(
        [cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in small]
    )


def blurred(clip: np.ndarray) -> np.ndarray:
    """Return a clip of which only light and shade are left: float32, its shape, 0–255."""
    spread = min(clip.shape[1:3]) * _BLUR
    return np.stack([softened(frame, spread) for frame in np.asarray(clip, np.float32)])


def _curve(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    heat: np.ndarray | None,
    steps: int,
    insert: bool,
) -> pd.DataFrame:
    clip = np.asarray(clip, np.float32)
    heat = explanation.heat if heat is None else heat
    if heat.shape != clip.shape[:3] or steps < 1:
        raise MetricError(
            f"Expected heat for each place of a clip {clip.shape}, and a step or more. Received: "
            f"heat {heat.shape}, steps={steps}. Pass the clip that was explained."
        )
    hidden = blurred(clip)
    order = np.argsort(-heat, axis=None, kind="stable")
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    rank = rank.reshape(heat.shape)
    shares = np.linspace(0, 1, steps + 1)
    before, after = (hidden, clip) if insert else (clip, hidden)
    edges = [round(share * order.size) for share in shares]
    said = answers(model, (np.where((rank < edge)[..., None], after, before) for edge in edges))
    scores = said[:, explanation.target].astype(np.float64)
    if explanation.against is not None:
        scores -= said[:, explanation.against]
    return pd.DataFrame({"share": shares, "score": scores})
