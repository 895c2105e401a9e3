"""Does the heat depend on what the model has learned? The weight-randomisation check.

Takes a model; gives the same model with random weights to whoever wants a baseline, and the
likeness of its heat to that of the trained one. After Adebayo et al. 2018, *Sanity checks for
saliency maps*: a method that draws the same picture for a model that has learned nothing shows
edges, not reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.grad_cam import grad_cam
from vidlab.explanation.records import Explanation

__all__ = ["randomise", "randomised_check", "rank_correlation"]


def randomise(model: keras.Model, *, seed: int, share: float = 1.0) -> keras.Model:
    """Return a copy of a model that has forgotten what its last layers, or all, have learned.

    Kernels are drawn from normal distributions that keep the scale of what passes (He et al.
    2015); biases, shifts and means become 0, scales and variances 1.

    Parameters
    ----------
    model
        Functional or sequential; it is not changed.
    seed
        Decides the weights.
    share
        Which share of the layers with weights forgets, 0–1, counted from the output.

    Returns
    -------
    keras.Model

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
    layers = [layer for layer in _leaves(copy) if layer.weights]
    kept = len(layers) - round(share * len(layers))
    for layer in layers[kept:]:
        for variable in layer.weights:
            if str(variable.dtype).startswith("float"):
                variable.assign(_fresh(variable, rng))
    return copy


def randomised_check(
    model: keras.Model,
    clips: Iterable[np.ndarray],
    *,
    explain: Callable[..., Explanation] = grad_cam,
    shares: Sequence[float] = (0.0, 0.05, 0.25, 0.5, 1.0),
    seed: int = 0,
) -> pd.DataFrame:
    """Randomise a model layer by layer from its output on, and compare its heat with before.

    The explained class is the one that the trained model answers.

    Parameters
    ----------
    model
        The trained model.
    clips
        Each (time, height, width, 3), 0–255, of the model's size.
    explain
        A method: called with a model, a clip and ``target=``, it gives an explanation.
    shares
        Which shares of the layers forget.
    seed
        Decides the random weights.

    Returns
    -------
    pandas.DataFrame
        A row for each share: share, similarity (mean rank correlation over the clips, −1–1; a heat
        without any evidence is like nothing, 0) and without_evidence (share of clips).
    """
    clips = [np.asarray(clip) for clip in clips]
    before = [explain(model, clip, target=None) for clip in clips]
    rows = []
    for share in shares:
        other = randomise(model, seed=seed, share=share)
        found = [
            explain(other, clip, target=record.target)
            for clip, record in zip(clips, before, strict=True)
        ]
        alike = [
            rank_correlation(a.maps, b.maps) if b.has_evidence else 0.0
            for a, b in zip(before, found, strict=True)
        ]
        silent = np.mean([not one.has_evidence for one in found])
        rows.append({"share": share, "similarity": np.mean(alike), "without_evidence": silent})
    return pd.DataFrame(rows)


def rank_correlation(heat: np.ndarray, other: np.ndarray) -> float:
    """Compare two heats by the order of their places (Spearman's rank correlation, −1–1).

    Returns 0 where one of them is the same everywhere.

    Examples
    --------
    >>> round(rank_correlation(np.array([1, 2, 3, 9]), np.array([2, 4, 6, 7])), 6)
    1.0
    """
    first, second = np.ravel(heat), np.ravel(other)
    if first.shape != second.shape:
        raise MetricError(
            f"Expected two heats of one shape. Received: {np.shape(heat)} and {np.shape(other)}. "
            "Compare maps of the same layer."
        )
    ranks = [pd.Series(values).rank().to_numpy() for values in (first, second)]
    if min(part.std() for part in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _leaves(model: keras.Layer) -> list[keras.Layer]:
    """List the layers that hold weights themselves, first to last, each once."""
    inner = model.layers if isinstance(model, keras.Model) else []
    if isinstance(model, keras.layers.TimeDistributed):
        inner = [model.layer]
    if not inner:
        return [model]
    found = [leaf for layer in inner for leaf in _leaves(layer)]
    return list({id(leaf): leaf for leaf in found}.values())


def _fresh(variable: keras.Variable, rng: np.random.Generator) -> np.ndarray:
    shape = tuple(variable.shape)
    if len(shape) >= 2:
        # A depthwise kernel (height, width, channels, 1) sees one channel at a time.
        seen = shape[:2] if "depthwise" in variable.path else shape[:-1]
        return rng.normal(0.0, np.sqrt(2 / np.prod(seen)), shape).astype(np.float32)
    starts_at_one = any(name in variable.path.split("/")[-1] for name in ("gamma", "variance"))
    return np.full(shape, 1.0 if starts_at_one else 0.0, np.float32)
