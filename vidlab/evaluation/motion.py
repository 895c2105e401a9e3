"""What the order of frames is worth: reversed pairs of classes, and videos in other orders.

Nothing is trained anew: only the order of the frames that the model sees is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from vidlab.data.index import ReversedPair
from vidlab.evaluation.accuracy import hits
from vidlab.evaluation.comparison import same_videos
from vidlab.evaluation.intervals import bootstrap, clusters_of, strata_of
from vidlab.evaluation.predictions import Predictions

__all__ = [
    "CYCLIC",
    "END_STATE",
    "MotionProbe",
    "motion_probe",
    "order_blind_ceiling",
    "pair_accuracy",
    "pair_kinds",
    "within_pairs",
]

END_STATE = "end-state pairs"
"""The row that pools the videos of pairs that the last frame can tell apart."""
CYCLIC = "cyclic pair"
"""The row that pools the videos of pairs that only motion can tell apart."""


def order_blind_ceiling(
    y_true: np.ndarray, classes: Sequence[str], *, pairs: Sequence[tuple[str, str] | ReversedPair]
) -> float:
    """Best accuracy that is open to a model blind to the order of the frames, 0 to 1.

    Every video of a reversed pair has a twin with the same frames in the other class. Such a model
    predicts the same for both and is right about one of them: (others + reversed / 2) / all.

    Parameters
    ----------
    y_true
        int64, (videos,): indices into `classes`.
    pairs
        Classes that are one another's reverse. A pair of which one class is absent limits nothing.

    Examples
    --------
    >>> order_blind_ceiling([0, 1, 2, 2], ["Open", "Close", "Jump"], pairs=[("Open", "Close")])
    0.75
    """
    if not len(y_true):
        return float("nan")
    names = {name for some in pair_kinds(classes, pairs).values() for pair in some for name in pair}
    paired = [index for index, name in enumerate(classes) if name in names]
    return 1 - float(np.isin(y_true, paired).mean()) / 2


def pair_accuracy(
    predictions: Predictions, pairs: Sequence[tuple[str, str] | ReversedPair]
) -> pd.DataFrame:
    """Accuracy inside pairs of classes.

    Parameters
    ----------
    pairs
        Two class names each. A pair of which one class is absent is left out.

    Returns
    -------
    DataFrame
        Indexed by pair ("OpenDoor / CloseDoor"), then `END_STATE` and `CYCLIC`, which pool the
        videos, as far as there are such pairs: videos, among_all (share right among all classes),
        within_pair (share right when only the two classes of the pair are compared; chance is one
        half). No rows where there are no pairs.
    """
    parts = {}
    for kind, some in pair_kinds(predictions.classes, pairs).items():
        pooled = []
        for names in some:
            pair = [predictions.classes.index(name) for name in names]
            videos = np.isin(predictions.y_true, pair)
            true = predictions.y_true[videos]
            better = np.take(pair, predictions.probabilities[videos][:, pair].argmax(axis=1))
            right = {"among_all": predictions.y_pred[videos] == true, "within_pair": better == true}
            pooled.append(pd.DataFrame(right, dtype=float))
            parts[kind, " / ".join(names)] = pooled[-1]
        parts[kind, kind] = pd.concat(pooled)
    in_order = sorted(parts, key=lambda key: key[0] == key[1])  # single pairs first
    rows = [{"videos": len(parts[key]), **parts[key].mean()} for key in in_order]
    index = pd.Index([name for _, name in in_order], name="pair", dtype=object)
    types = {"videos": np.int64, "among_all": float, "within_pair": float}
    return pd.DataFrame(rows, index, list(types)).astype(types)


def within_pairs(predictions: Predictions, pairs: Sequence[tuple[str, str] | ReversedPair]) -> str:
    """The accuracy between the two classes of a pair, by kind of pair, for a sentence.

    Such as "86.9% (end-state pairs) and 50.0% (cyclic pair)" or "none (there are no pairs)".
    """
    within = pair_accuracy(predictions, pairs)["within_pair"]
    found = [f"{within[kind]:.1%} ({kind})" for kind in (END_STATE, CYCLIC) if kind in within]
    return " and ".join(found) or "none (there are no pairs)"


def pair_kinds(
    classes: Sequence[str], pairs: Sequence[tuple[str, str] | ReversedPair]
) -> dict[str, list[tuple[str, str]]]:
    """Sort the pairs of which both classes are there into `END_STATE` and `CYCLIC`.

    Two plain names are an end-state pair; kinds without pairs are left out.
    """
    kinds: dict[str, list[tuple[str, str]]] = {END_STATE: [], CYCLIC: []}
    for pair in pairs:
        names = tuple(pair)
        if set(names) <= set(classes):
            kinds[CYCLIC if getattr(pair, "cyclic", False) else END_STATE].append(names)
    return {kind: some for kind, some in kinds.items() if some}


@dataclass(frozen=True)
class MotionProbe:
    """What the order of the frames is worth to a model.

    Attributes
    ----------
    overall : DataFrame
        Indexed by order (normal, reversed, …, as far as given): videos, accuracy, cost (accuracy
        lost against normal), low and high (its 95% interval over paired clusters).
    per_class : DataFrame
        Indexed by class: videos, normal (accuracy), then for each other order the cost. A negative
        cost is a gain. Classes without videos are left out.
    flips : DataFrame
        Of the pair videos that were right in normal order, what is predicted when the video is
        reversed. Indexed by direction ("OpenDoor → CloseDoor"), `END_STATE` and `CYCLIC`, as far as
        there are such pairs: videos, and the shares to_twin, unchanged and elsewhere, which sum to
        1. No rows where there are no pairs or no reversed predictions.
    """

    overall: pd.DataFrame = field(repr=False)
    per_class: pd.DataFrame = field(repr=False)
    flips: pd.DataFrame = field(repr=False)


def motion_probe(
    normal: Predictions,
    *,
    reversed: Predictions | None = None,
    shuffled: Predictions | None = None,
    frozen: Predictions | None = None,
    pairs: Sequence[tuple[str, str] | ReversedPair] = (),
) -> MotionProbe:
    """Measure what the order of the frames is worth to a model.

    Parameters
    ----------
    normal
        Predictions for the videos as they are.
    reversed, shuffled, frozen
        Those of the same model for the same videos with their frames in other orders.
    pairs
        Classes that are one another's reverse.

    Returns
    -------
    MotionProbe
        An order-blind model has costs of 0 for reversed and shuffled, and no flips.

    Raises
    ------
    MetricError
        If the predictions are not about the same videos.
    """
    given = {"normal": normal, "reversed": reversed, "shuffled": shuffled, "frozen": frozen}
    orders = same_videos({order: each for order, each in given.items() if each is not None})
    right = pd.DataFrame({order: hits(each) for order, each in orders.items()}).astype("float64")
    costs = right.drop(columns="normal").rsub(right["normal"], axis=0)
    normal = orders["normal"]
    overall = pd.DataFrame({"videos": len(right), "accuracy": right.mean()}).rename_axis("order")
    clusters, strata = clusters_of(normal), strata_of(normal)
    found = [vars(bootstrap(lost.to_numpy(), clusters, strata=strata)) for _, lost in costs.items()]
    columns = {"estimate": "cost", "low": "low", "high": "high"}
    bounds = pd.DataFrame(found, index=costs.columns, columns=list(columns), dtype="float64")
    overall = overall.join(bounds.rename(columns=columns))
    by_class = costs.assign(normal=right["normal"]).groupby(
        np.array(normal.classes, dtype=object)[normal.y_true]
    )
    present = [name for name in normal.classes if name in by_class.groups]
    per_class = by_class.mean().loc[present, ["normal", *costs.columns]].rename_axis("class")
    per_class.insert(0, "videos", by_class.size().loc[present])
    return MotionProbe(overall, per_class, _flips(orders, pairs))


def _flips(
    orders: dict[str, Predictions], pairs: Sequence[tuple[str, str] | ReversedPair]
) -> pd.DataFrame:
    """Follow the right predictions inside the pairs through the reversal."""
    normal, rows, kinds = orders["normal"], {}, []
    right = hits(normal)
    present = pair_kinds(normal.classes, pairs) if "reversed" in orders else {}
    for kind, first, second in ((kind, *pair) for kind, some in present.items() for pair in some):
        for name, twin_name in ((first, second), (second, first)):
            true, twin = normal.classes.index(name), normal.classes.index(twin_name)
            after = orders["reversed"].y_pred[right & (normal.y_true == true)]
            unchanged, to_twin = (after == true).sum(), (after == twin).sum()
            elsewhere = len(after) - to_twin - unchanged
            rows[f"{name} → {twin_name}"] = [len(after), to_twin, unchanged, elsewhere]
            kinds.append(kind)
    columns = ["videos", "to_twin", "unchanged", "elsewhere"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    if len(table):
        table = pd.concat([table, table.groupby(kinds, sort=False).sum()])
    shares = table[columns[1:]].div(table["videos"], axis=0)
    return table[["videos"]].join(shares).rename_axis("direction")
