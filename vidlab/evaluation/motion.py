"""What the order of frames is worth: videos normal, reversed, shuffled and frozen to one frame.

Takes up to four `Predictions` of one model from `predictions`, and pairs of classes from
`pantomime`; gives a `MotionProbe` to `plots` and notebooks. Nothing is trained anew: only the order
of the frames that the model sees is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from vidlab.evaluation.accuracy import hits
from vidlab.evaluation.intervals import bootstrap, clusters_of
from vidlab.evaluation.paired import same_videos
from vidlab.evaluation.pairs import ALL_PAIRS, present_pairs
from vidlab.evaluation.predictions import Predictions

__all__ = ["MotionProbe", "motion_probe"]


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
        Of the pair videos that were right in normal order, what becomes of the answer when the
        video is reversed. Indexed by direction ("OpenDoor → CloseDoor") and `ALL_PAIRS`: videos,
        and the shares to_twin, unchanged and elsewhere, which sum to 1. No rows where there are no
        pairs or no reversed predictions.
    """

    overall: pd.DataFrame = field(repr=False)
    per_class: pd.DataFrame = field(repr=False)
    flips: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        costs = self.overall.drop(index="normal")["cost"]
        told = [f"{self.overall.loc['normal', 'accuracy']:.1%} in normal order"]
        told += [f"{order} costs {100 * cost:.1f} points" for order, cost in costs.items()]
        if len(self.flips):
            pooled = self.flips.loc[ALL_PAIRS]
            told.append(
                f"reversing turns {pooled['to_twin']:.1%} of {pooled['videos']:.0f} right answers "
                "inside the pairs into the twin"
            )
        return "; ".join(told)


def motion_probe(
    normal: Predictions,
    *,
    reversed: Predictions | None = None,
    shuffled: Predictions | None = None,
    frozen: Predictions | None = None,
    pairs: Sequence[tuple[str, str]] = (),
    repeats: int = 1000,
    seed: int = 0,
) -> MotionProbe:
    """Tell what the order of the frames is worth to a model.

    Parameters
    ----------
    normal
        What the model says of the videos as they are.
    reversed, shuffled, frozen
        What the same model says of the same videos with their frames in other orders.
    pairs
        Classes that are one another's reverse.
    repeats, seed
        Of the bootstrap, as for `interval`.

    Returns
    -------
    MotionProbe
        An order-blind model has costs of 0 for reversed and shuffled, and no flips.

    Raises
    ------
    MetricError
        If the predictions are not about the same videos, or a pair is not two different classes.
    """
    given = {"normal": normal, "reversed": reversed, "shuffled": shuffled, "frozen": frozen}
    said = same_videos({order: one for order, one in given.items() if one is not None})
    right = pd.DataFrame({order: hits(one) for order, one in said.items()}).astype("float64")
    costs = right.drop(columns="normal").rsub(right["normal"], axis=0)
    normal, clusters = said["normal"], clusters_of(said["normal"])
    overall = pd.DataFrame({"videos": len(right), "accuracy": right.mean()}).rename_axis("order")
    sure = {
        order: bootstrap(lost.to_numpy(), clusters, repeats=repeats, level=0.95, seed=seed)
        for order, lost in costs.items()
    }
    for column, bound in (("cost", "estimate"), ("low", "low"), ("high", "high")):
        overall[column] = pd.Series(
            {order: getattr(one, bound) for order, one in sure.items()}, dtype="float64"
        )
    classes = np.array(normal.classes, dtype=object)[normal.y_true]
    by_class = costs.assign(normal=right["normal"]).groupby(classes)
    present = [name for name in normal.classes if name in by_class.groups]
    per_class = by_class.mean().loc[present, ["normal", *costs.columns]].rename_axis("class")
    per_class.insert(0, "videos", by_class.size().loc[present])
    return MotionProbe(overall, per_class, _flips(said, pairs))


def _flips(said: dict[str, Predictions], pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Follow the right answers inside the pairs through the reversal."""
    normal, rows = said["normal"], {}
    directions = [
        direction
        for first, second in present_pairs(normal.classes, pairs)
        for direction in ((first, second), (second, first))
    ]
    if "reversed" in said:
        right, after = hits(normal), said["reversed"].y_pred
        for own, twin in directions:
            answers = after[right & (normal.y_true == own)]
            name = f"{normal.classes[own]} → {normal.classes[twin]}"
            rows[name] = [len(answers), (answers == twin).sum(), (answers == own).sum()]
    counts = pd.DataFrame.from_dict(rows, orient="index", columns=["videos", "twin", "own"])
    if len(counts):
        counts.loc[ALL_PAIRS] = counts.sum()
    elsewhere = counts["videos"] - counts["twin"] - counts["own"]
    return (
        counts[["videos"]]
        .assign(
            to_twin=counts["twin"] / counts["videos"],
            unchanged=counts["own"] / counts["videos"],
            elsewhere=elsewhere / counts["videos"],
        )
        .rename_axis("direction")
    )
