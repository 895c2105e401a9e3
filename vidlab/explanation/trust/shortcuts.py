"""Does the model look at the scene instead of the act? One half is hidden, and it is asked again.

Takes a model and clips of test videos, with `hiding` in between; gives a verdict on each class to
notebooks, `plots` and the benchmark of shortcuts. Maps show where a model looks; whether it *needs*
what is there only shows when it is gone. The test videos must not share groups with those learned
from, or a scene known by heart would pass for a shortcut.

How well a class is told is measured by pairs: how often a video of the class gets a higher score
for it than a video of another class (the area under the ROC curve; 0.5 is guessing). Probabilities
themselves would mislead: a clip without an act is none the model has seen, and often all of them
are taken for one class. The order of their scores still shows who is recognised; without a
shortcut it is chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.asking import answers
from vidlab.explanation.trust.hiding import what_moves, without_act, without_scene

__all__ = ["RECOGNISED", "TOLD_BY_SCENE", "Halves", "ask_halves", "shortcuts"]

RECOGNISED = 0.75
"""From here on a class is told from the others at all, and can be judged."""

TOLD_BY_SCENE = 0.85
"""A class that is told so well with the act hidden is told by its scene."""

_SURELY = 0.7  # and the lower end of the interval has to be above this
_FEWEST_GROUPS = 3
_LEVEL = 0.9
_REPEATS = 1000


@dataclass(frozen=True, eq=False)
class Halves:
    """What a model says of whole clips, and of each half of them.

    Attributes
    ----------
    whole, without_act, without_scene : numpy.ndarray
        float32, (clips, classes), probabilities.
    rests_on : str
        How the act was found: ``"boxes"`` or ``"motion"``.
    """

    whole: np.ndarray
    without_act: np.ndarray
    without_scene: np.ndarray
    rests_on: str


def ask_halves(
    model: keras.Model,
    clips: Iterable[np.ndarray],
    *,
    acts: Iterable[np.ndarray] | None = None,
) -> Halves:
    """Ask a model about clips, about their scenes alone, and about their acts alone.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clips
        Each (time, height, width, 3), 0–255, of the model's size. They are taken one after the
        other, so that they may be read on the way.
    acts
        For each clip where the act is, bool, (time, height, width), as `act_of_boxes` marks it;
        without them, the act is what moves.

    Returns
    -------
    Halves

    Raises
    ------
    MetricError
        If there are no clips, or not as many marks.
    """
    rows = []
    if acts is None:
        pairs = ((clip, what_moves(clip)) for clip in clips)
    else:
        pairs = zip(clips, acts, strict=True)
    for clip, act in pairs:
        halves = (clip, without_act(clip, act), without_scene(clip, act))
        rows.append(answers(model, halves))
    if not rows:
        raise MetricError(
            "Expected a clip or more. Received: none. Take the test videos of a split."
        )
    said = np.asarray(rows, np.float32)  # (clips, 3, classes)
    return Halves(*said.transpose(1, 0, 2), rests_on="motion" if acts is None else "boxes")


def shortcuts(
    halves: Halves,
    *,
    labels: Sequence[int],
    classes: Sequence[str],
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Judge for each class whether the model looks at the scene instead of the act.

    Parameters
    ----------
    halves
        From `ask_halves`.
    labels
        The class of each clip, int, (clips,).
    classes
        The names of the classes.
    groups
        The group of each clip: its clips are drawn together when the uncertainty is estimated.
        Each clip is its own group unless given.
    seed
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        By class: videos; told, without_act and without_scene (0–1, 0.5 is chance: how well it is
        told with everything in sight, and with one half hidden; NaN for a class without videos);
        low and high (90% interval of without_act over groups); looks_at ("act", "scene" or
        "unclear") and says, the verdict in a sentence.

    Raises
    ------
    MetricError
        If labels or groups are not as many as clips.
    """
    labels = np.asarray(labels)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    if not len(labels) == len(groups) == len(halves.whole):
        raise MetricError(
            f"Expected a label and a group for each of {len(halves.whole)} clips. Received: "
            f"{len(labels)} labels and {len(groups)} groups. Take both from the same index."
        )
    rng = np.random.default_rng(seed)
    rows = []
    for label, name in enumerate(classes):
        own = labels == label
        row = {"class_name": name, "videos": int(own.sum())}
        if own.all() or not own.any():
            empty = dict.fromkeys(("told", "without_act", "low", "high", "without_scene"), np.nan)
            rows.append(row | empty | _verdict(name, empty, groups=0, rests_on=halves.rests_on))
            continue
        whole, hidden, alone = (
            _above_others(said[:, label], own)
            for said in (halves.whole, halves.without_act, halves.without_scene)
        )
        drawn = hidden[_drawn(groups[own], rng)].mean(axis=1)
        low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        measured = {
            "told": whole.mean(),
            "without_act": hidden.mean(),
            "low": low,
            "high": high,
            "without_scene": alone.mean(),
        }
        count = len(np.unique(groups[own]))
        verdict = _verdict(name, measured, groups=count, rests_on=halves.rests_on)
        rows.append(row | measured | verdict)
    return pd.DataFrame(rows).set_index("class_name")


def _above_others(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return for each of a class's clips the share of other clips that score lower; ties half."""
    others, mine = np.sort(scores[~own]), scores[own]
    lower = np.searchsorted(others, mine, side="left")
    as_high = np.searchsorted(others, mine, side="right")
    return (lower + as_high) / (2 * len(others))


def _drawn(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw groups with replacement; return positions of clips, (repeats, about as many clips)."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    most = max(map(len, members))
    # Groups of fewer clips repeat theirs, so that all draws are of one length.
    table = np.stack([np.resize(part, most) for part in members])
    chosen = rng.integers(0, len(table), (_REPEATS, len(table)))
    return table[chosen].reshape(_REPEATS, -1)


def _verdict(
    name: str, measured: dict[str, float], *, groups: int, rests_on: str
) -> dict[str, str]:
    act = "the act (its boxes)" if rests_on == "boxes" else "everything that moves"
    left = measured["without_act"]
    if not measured["told"] >= RECOGNISED:
        looks_at = "unclear"
        says = f"{name} is not told from the other classes well enough to judge."
    elif groups < _FEWEST_GROUPS:
        looks_at = "unclear"
        says = f"{name} has videos of {groups} groups here, too few to judge."
    elif left >= TOLD_BY_SCENE and measured["low"] >= _SURELY:
        looks_at = "scene"
        says = (
            f"{name} is told by its scene: with {act} hidden, it still gets the higher score in "
            f"{left:.0%} of comparisons with other classes (chance: 50%)."
        )
    else:
        looks_at = "act"
        says = (
            f"{name} is told by the act: with {act} hidden, it gets the higher score in "
            f"{left:.0%} of comparisons with other classes (chance: 50%)."
        )
    return {"looks_at": looks_at, "says": says}
