"""Where a model looks for a class, over all its videos: mean maps, and who shapes them.

Takes explanations of many videos; gives one map a class, the shares of its heat in the middle and
at the border, and the videos that contribute most, to `plots` and notebooks. One heatmap tells of
one video; a habit, such as looking at the corner where the same lamp always stands, shows in the
mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.records import Explanation

__all__ = ["BORDER", "CENTRE", "MeanMaps", "contributions", "mean_maps"]

CENTRE = 0.25
"""The share of the picture that counts as its centre: the middle half of its width and height."""

BORDER = 1 - 0.75**2
"""The share that counts as its border: an eighth of width and height on each side."""


@dataclass(frozen=True, eq=False)
class MeanMaps:
    """Mean heat by class.

    Attributes
    ----------
    heats : dict
        Class name to float64, (height, width); each sums to 1, or is zero without any evidence.
    table : pandas.DataFrame
        By class: videos, evidence (share of videos with any), centre and border (shares of the
        heat; an even heat has `CENTRE` and `BORDER`).
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
        The names of the classes.

    Returns
    -------
    MeanMaps
        Classes without videos are left out.

    Raises
    ------
    MetricError
        If there are no explanations, or not as many labels.
    """
    labels = _checked(explanations, labels)
    flat = [_of_clip(one.heat) for one in explanations]
    heats, rows = {}, []
    for label, name in enumerate(classes):
        own = [heat for heat, of in zip(flat, labels, strict=True) if of == label]
        if not own:
            continue
        total = np.sum(own, axis=0)
        heats[name] = total / total.sum() if total.sum() > 0 else total
        centre, border = _masses(heats[name])
        seen = np.mean([heat.sum() > 0 for heat in own])
        rows.append(
            {"class_name": name, "videos": len(own), "evidence": seen}
            | {"centre": centre, "border": border}
        )
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
    labels = _checked(explanations, labels)
    table = pd.DataFrame(
        {
            "class_name": [classes[label] for label in labels],
            "video_id": list(video_ids),
            "share": [float(one.maps.mean()) for one in explanations],
            "score": [one.score for one in explanations],
        }
    )
    masses = [_masses(_of_clip(one.heat)) for one in explanations]
    table[["centre", "border"]] = np.asarray(masses).reshape(-1, 2)
    whole = table.groupby("class_name")["share"].transform("sum")
    table["share"] = (table["share"] / whole.where(whole > 0)).fillna(0.0)
    order = table.assign(place=table["class_name"].map(list(classes).index))
    order = order.sort_values(["place", "share"], ascending=[True, False], kind="stable")
    return order.groupby("place").head(most).drop(columns="place").reset_index(drop=True)


def _of_clip(heat: np.ndarray) -> np.ndarray:
    """Return the mean over time, scaled to sum to 1."""
    mean = heat.mean(axis=0, dtype=np.float64)
    total = mean.sum()
    return mean / total if total > 0 else mean


def _masses(heat: np.ndarray) -> tuple[float, float]:
    """Return the shares of a heat that sums to 1 in the centre and at the border."""
    height, width = heat.shape
    inner = heat[height // 4 : height - height // 4, width // 4 : width - width // 4].sum()
    middle = heat[height // 8 : height - height // 8, width // 8 : width - width // 8].sum()
    return float(inner), float(heat.sum() - middle)


def _checked(explanations: Sequence[Explanation], labels: Sequence[int]) -> np.ndarray:
    labels = np.asarray(labels)
    if not len(explanations) or len(labels) != len(explanations):
        raise MetricError(
            f"Expected explanations, and a label for each. Received: {len(explanations)} "
            f"explanations and {len(labels)} labels. Explain the videos of one index."
        )
    return labels
