"""What can be known of an action and its reverse when the order of the frames is not looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions

__all__ = ["ALL_PAIRS", "order_blind_ceiling", "pair_accuracy", "present_pairs", "within_pairs"]

ALL_PAIRS = "all pairs"
"""The row of `pair_accuracy` that pools the videos of all pairs."""


def order_blind_ceiling(
    y_true: np.ndarray, classes: Sequence[str], *, pairs: Sequence[tuple[str, str]]
) -> float:
    """Give the best accuracy that is open to a model blind to the order of the frames.

    Every video of a reversed pair has a twin with the same frames in the other class. Such a model
    says the same of both and is right about one of them: (others + reversed / 2) / all.

    Parameters
    ----------
    y_true
        int64, (videos,): the right classes.
    classes
        Their names.
    pairs
        Classes that are one another's reverse. A pair of which one class is absent limits nothing.

    Returns
    -------
    float
        0 to 1; not a number where there are no videos.

    Examples
    --------
    >>> order_blind_ceiling([0, 1, 2, 2], ["Open", "Close", "Jump"], pairs=[("Open", "Close")])
    0.75
    """
    y_true = np.asarray(y_true, dtype=np.int64)
    if not y_true.size:
        return float("nan")
    paired = [position for pair in present_pairs(classes, pairs) for position in pair]
    return 1 - float(np.isin(y_true, paired).mean()) / 2


def pair_accuracy(predictions: Predictions, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Give the accuracy inside pairs of classes.

    Parameters
    ----------
    predictions
        Of all videos; those outside the pairs are left out here.
    pairs
        Two class names each. A pair of which one class is absent is left out.

    Returns
    -------
    DataFrame
        Indexed by pair ("OpenDoor / CloseDoor") and `ALL_PAIRS`, which pools the videos: videos,
        among_all (share right among all classes), within_pair (share right when only the two
        classes of the pair are compared; chance is one half). No rows where there are no pairs.

    Raises
    ------
    MetricError
        If a pair is not two different classes.
    """
    rows, among_all, within_pair = {}, [], []
    for first, second in present_pairs(predictions.classes, pairs):
        videos = np.isin(predictions.y_true, (first, second))
        true = predictions.y_true[videos]
        both = predictions.probabilities[videos][:, [first, second]]
        among_all.append(predictions.y_pred[videos] == true)
        within_pair.append(np.array([first, second])[both.argmax(axis=1)] == true)
        name = f"{predictions.classes[first]} / {predictions.classes[second]}"
        rows[name] = (among_all[-1], within_pair[-1])
    if rows:
        rows[ALL_PAIRS] = (np.concatenate(among_all), np.concatenate(within_pair))
    return pd.DataFrame(
        [(len(every), _share(every), _share(within)) for every, within in rows.values()],
        index=pd.Index(list(rows), name="pair", dtype=object),
        columns=["videos", "among_all", "within_pair"],
    )


def within_pairs(predictions: Predictions, pairs: Sequence[tuple[str, str]]) -> str:
    """Say the accuracy between the two classes of a pair, all pairs pooled, or that there is none.

    Such as "50.0%" or "none (there are no pairs)", for a sentence.
    """
    table = pair_accuracy(predictions, pairs)
    if table.empty:
        return "none (there are no pairs)"
    return f"{table.loc[ALL_PAIRS, 'within_pair']:.1%}"


def present_pairs(
    classes: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> list[tuple[int, int]]:
    """Give the positions of the pairs of which both classes are there."""
    wrong = [pair for pair in pairs if len(set(pair)) != 2 or isinstance(pair, str)]
    if wrong:
        raise MetricError(
            f"Expected pairs of two different classes. Received: {wrong[0]!r}. "
            "Name the two classes of each pair."
        )
    known = {name: position for position, name in enumerate(classes)}
    return [(known[a], known[b]) for a, b in pairs if a in known and b in known]


def _share(right: np.ndarray) -> float:
    return float(right.mean()) if right.size else float("nan")
