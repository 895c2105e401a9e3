"""Mean maps: where a model looks for a class, over all its videos.

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

__all__ = ["MeanMaps", "mean_maps"]


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
    if not len(explanations) or len(labels) != len(explanations):
        raise MetricError(
            f"Expected explanations, and a label for each. Received: {len(explanations)} "
            f"explanations and {len(labels)} labels. Explain the videos of one index."
        )
    means = np.stack([_normalized(one.heat.mean(axis=0, dtype=np.float64)) for one in explanations])
    heats, rows = {}, {}
    for label in np.unique(labels):
        own, name = means[np.asarray(labels) == label], classes[label]
        heats[name] = heat = _normalized(own.sum(axis=0))
        border = heat.sum() - _inside(heat, 8)
        rows[name] = len(own), own.any(axis=(1, 2)).mean(), _inside(heat, 4), border
    table = pd.DataFrame(rows, index=["videos", "evidence", "centre", "border"]).T
    return MeanMaps(heats, table.astype({"videos": int}).rename_axis("class_name"))


def _normalized(heat: np.ndarray) -> np.ndarray:
    total = heat.sum()
    return heat / total if total > 0 else heat


def _inside(heat: np.ndarray, part: int) -> float:
    """Return the heat that is further from every side than this part of height or width."""
    (height, width), (rows, columns) = heat.shape, np.array(heat.shape) // part
    return heat[rows : height - rows, columns : width - columns].sum()
