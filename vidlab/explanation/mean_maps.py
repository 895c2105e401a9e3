"""Mean maps: where a model looks for a class, over all its videos, and which videos shape them.

One heatmap tells of one video; a habit, such as looking at the corner where the same lamp always
stands, shows in the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.record import Explanation

__all__ = ["MeanMaps", "contributions", "mean_maps"]


@dataclass(frozen=True, eq=False)
class MeanMaps:
    """Mean heat by class.

    Attributes
    ----------
    heats : dict
        Class name to float64, (height, width); each sums to 1, or is zero without any evidence.
    table : pandas.DataFrame
        By class: videos, evidence (share of videos with any), centre and border: shares of the
        heat in the middle half of width and height, where an even heat has 25%, and in an eighth
        of them on each side, where it has 44%.
    """

    heats: dict[str, np.ndarray]
    table: pd.DataFrame


def mean_maps(
    explanations: Sequence[Explanation], *, labels: Sequence[int], classes: Sequence[str]
) -> MeanMaps:
    """Average heat over time and over the videos of each class, every video counting alike.

    Parameters
    ----------
    explanations
        One a video, all of one size.
    labels
        The class that each video is put with, int.
    classes
        The names of the classes; those without videos are left out.

    Raises
    ------
    MetricError
        If there are no explanations, or not as many labels.
    """
    means = _mean_heats(explanations, labels)
    heats, rows = {}, []
    for label in np.unique(labels):
        own, name = means[np.asarray(labels) == label], classes[label]
        heats[name] = _normalized(own.sum(axis=0))
        evidence = np.mean(own.sum(axis=(1, 2)) > 0)
        row = {"class_name": name, "videos": len(own), "evidence": evidence}
        rows.append(row | _shares(heats[name]))
    return MeanMaps(heats, pd.DataFrame(rows).set_index("class_name"))


def contributions(
    explanations: Sequence[Explanation],
    *,
    labels: Sequence[int],
    classes: Sequence[str],
    video_ids: Sequence[str],
    most: int = 3,
) -> pd.DataFrame:
    """List the videos that the evidence for each class comes from.

    Parameters
    ----------
    explanations, labels, classes
        As for `mean_maps`; of one model and method, for evidence to compare.
    video_ids
        The name of each video.
    most
        How many videos a class.

    Returns
    -------
    pandas.DataFrame
        class_name, video_id, share (of all evidence for the class, per frame, 0–1), score, centre,
        border; the largest share first.
    """
    means = _mean_heats(explanations, labels)
    rows = [
        {"label": label, "class_name": classes[label], "video_id": video_id}
        | {"share": float(one.maps.mean()), "score": one.score}
        | _shares(mean)
        for one, label, video_id, mean in zip(explanations, labels, video_ids, means, strict=True)
    ]
    table = pd.DataFrame(rows)
    whole = table.groupby("label")["share"].transform("sum")
    table["share"] = (table["share"] / whole.where(whole > 0)).fillna(0.0)
    table = table.sort_values(["label", "share"], ascending=[True, False], kind="stable")
    return table.groupby("label").head(most).drop(columns="label").reset_index(drop=True)


def _mean_heats(explanations: Sequence[Explanation], labels: Sequence[int]) -> np.ndarray:
    """Return the mean heat of each video: float64, (videos, height, width), summing to 1."""
    if not len(explanations) or len(labels) != len(explanations):
        raise MetricError(
            f"Expected explanations, and a label for each. Received: {len(explanations)} "
            f"explanations and {len(labels)} labels. Explain the videos of one index."
        )
    return np.stack([_normalized(one.heat.mean(axis=0, dtype=np.float64)) for one in explanations])


def _normalized(heat: np.ndarray) -> np.ndarray:
    total = heat.sum()
    return heat / total if total > 0 else heat


def _shares(heat: np.ndarray) -> dict[str, float]:
    """Return the shares of a heat that sums to 1 in the centre and at the border."""

    def inside(part: int) -> float:
        (rows, columns), (height, width) = (np.array(heat.shape) // part, heat.shape)
        return float(heat[rows : height - rows, columns : width - columns].sum())

    return {"centre": inside(4), "border": float(heat.sum()) - inside(8)}
