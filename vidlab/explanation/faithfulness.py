"""Faithfulness: whether a heatmap shows what the prediction rests on.

Three checks need no annotations. *Deletion* and *insertion* (Petsiuk, Das and Saenko 2018,
*RISE*) follow the score while pixels are removed in the order of the heat, hottest first, or a
blurred clip is sharpened in that order: a good explanation makes the score fall quickly, and rise
quickly. As in RISE, what is removed becomes one colour (here the clip's mean), since a network can
guess what a small blurred patch was, and insertion starts from a blur, since sharp pieces on a
plain ground have edges that look like evidence. *Randomised weights* (Adebayo et al. 2018, *Sanity
checks for saliency maps*): a method that draws the same picture for a model that has learned
nothing shows edges, not reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import keras
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from vidlab.errors import MetricError
from vidlab.explanation.act_and_scene import blurred
from vidlab.explanation.batches import predict
from vidlab.explanation.record import Explanation
from vidlab.models.graph import flatten

__all__ = [
    "Agreement",
    "agrees_with_deletion",
    "deletion_curve",
    "insertion_curve",
    "random_heat",
    "randomise",
    "similarity",
]

_BLUR = 1 / 4  # of the picture's shorter side: what is left is light and shade


def deletion_curve(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    steps: int = 10,
    heat: np.ndarray | None = None,
) -> pd.DataFrame:
    """Compute the deletion curve: the score while pixels are removed, hottest places first.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clip
        (time, height, width, 3), 0–255, of the model's size.
    explanation
        Of this clip by this model; its heat gives the order over all frames together.
    steps
        In how many equal parts the clip is changed.
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
    clip = np.asarray(clip, np.float32)
    removed = np.broadcast_to(clip.mean(axis=(0, 1, 2)), clip.shape)
    return _curve(model, explanation, before=clip, after=removed, heat=heat, steps=steps)


def insertion_curve(
    model: keras.Model,
    clip: np.ndarray,
    explanation: Explanation,
    *,
    steps: int = 10,
    heat: np.ndarray | None = None,
) -> pd.DataFrame:
    """Compute the insertion curve: the score while a blurred clip is sharpened, hottest first.

    Parameters, result and errors are those of `deletion_curve`.
    """
    clip = np.asarray(clip, np.float32)
    blur = np.stack([blurred(frame, min(clip.shape[1:3]) * _BLUR) for frame in clip])
    return _curve(model, explanation, before=blur, after=clip, heat=heat, steps=steps)


def _curve(model, explanation, *, before, after, heat, steps) -> pd.DataFrame:
    """Change a clip, hottest places first, and follow the score."""
    heat = explanation.heat if heat is None else heat
    if heat.shape != before.shape[:3]:
        raise MetricError(
            f"Expected heat for each place of a clip {before.shape}. Received: {heat.shape}. Pass "
            "the clip that was explained."
        )
    rank = np.argsort(np.argsort(-heat, axis=None, kind="stable")).reshape(heat.shape)
    shares = np.linspace(0, 1, steps + 1)
    changed = (rank < round(share * rank.size) for share in shares)
    found = predict(model, (np.where(mask[..., None], after, before) for mask in changed))
    scores = found[:, explanation.target].astype(np.float64)
    if explanation.against is not None:
        scores -= found[:, explanation.against]
    return pd.DataFrame({"share": shares, "score": scores})


@dataclass(frozen=True)
class Agreement:
    """Whether removing what a heat marks lowers the score more than removing places at random.

    Attributes
    ----------
    agrees : bool
        The area under the curve is smaller than under every random order.
    area : float
        Mean score while the places are removed, hottest first.
    random : tuple of float
        The same for places in random orders.
    """

    agrees: bool
    area: float
    random: tuple[float, ...]

    def in_words(self) -> str:
        """Return the verdict as two sentences."""
        verdict = "yes" if self.agrees else "no"
        return (
            f"Agrees with deletion: {verdict}. With the hottest places removed first the score is "
            f"{self.area:.2f} on average; in random order {np.mean(self.random):.2f}."
        )


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

    The random orders remove patches as large as the places of the explanation's maps. A heat that
    knows nothing comes first among them once in `orders` + 1 times.

    Parameters
    ----------
    model, clip, explanation, steps
        As for `deletion_curve`.
    orders
        How many random orders; `seed` decides them.
    """
    heats = [random_heat(explanation, seed=(seed, order)) for order in range(orders)]
    areas = []
    for heat in [explanation.heat, *heats]:
        curve = deletion_curve(model, clip, explanation, steps=steps, heat=heat)
        areas.append(float(np.trapezoid(curve["score"], curve["share"])))
    area, *random = areas
    return Agreement(
        explanation.has_evidence and area < min(random, default=np.inf), area, tuple(random)
    )


def random_heat(explanation: Explanation, *, seed: int | tuple[int, ...]) -> np.ndarray:
    """Draw heat that knows nothing, in patches as large as the places of the explanation's maps.

    Returns
    -------
    numpy.ndarray
        float32, of the shape of the explanation's heat, 0–1.
    """
    maps = np.random.default_rng(seed).random(explanation.maps.shape, np.float32)
    return replace(explanation, maps=maps).heat


def randomise(model: keras.Model, *, seed: int, share: float = 1.0) -> keras.Model:
    """Return a copy of a model with randomised weights in its last layers, or all.

    Kernels are drawn from normal distributions that keep the scale of what passes (He et al.
    2015); biases, shifts and means become 0, scales and variances 1.

    Parameters
    ----------
    model
        Functional or sequential; it is not changed.
    share
        Which share of the layers with weights is randomised, 0–1, counted from the output.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> same = randomise(model, seed=0, share=0.0)
    >>> bool(np.array_equal(same.get_weights()[0], model.get_weights()[0]))
    True
    """
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    rng = np.random.default_rng(seed)
    leaves = [layer for layer in flatten(copy).layers if layer.weights]
    for layer in leaves[len(leaves) - round(share * len(leaves)) :]:
        for variable in layer.weights:
            if str(variable.dtype).startswith("float"):
                variable.assign(_random_values(variable, rng))
    return copy


def _random_values(variable: keras.Variable, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(variable.shape)
    if len(shape) >= 2:
        # A depthwise kernel (height, width, channels, 1) sees one channel at a time.
        seen = shape[:2] if "depthwise" in variable.path else shape[:-1]
        return rng.normal(0.0, np.sqrt(2 / np.prod(seen)), shape).astype(np.float32)
    name = variable.path.split("/")[-1]
    return np.full(shape, float("gamma" in name or "variance" in name), np.float32)


def similarity(one: Explanation, other: Explanation) -> float:
    """Compute Spearman's rank correlation of two explanations' maps, place by place.

    Returns
    -------
    float
        1 where the places come in the same order, about 0 where the orders have nothing to do with
        each other; 0 also if one of the maps is the same everywhere.
    """
    if min(np.ptp(one.maps), np.ptp(other.maps)) == 0:
        return 0.0
    return float(spearmanr(one.maps, other.maps, axis=None).statistic)
