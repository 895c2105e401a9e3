"""Does the model look at the scene instead of the act? A verdict on each class.

Takes what `swapping` measured; gives a table to notebooks, `plots` and the benchmark of shortcuts.
The test videos must not share groups with those learned from, or a scene known by heart would pass
for a shortcut.

The verdict rests on the share that the scene has in all that tells a class. Scenes pull by chance,
too: a class has a handful of test rooms, and some of them happen to speak for it. So the verdict
wants more than a share that differs from none: an interval over the groups, wide enough to hold for
all classes at once, has to lie above a tenth. And a class is cleared only where that interval lies
below a fifth.

Hiding the act and asking what is left would be simpler, but it says little: the model has never
seen such a clip, a score that rises with the scene need not matter beside an act, and a class whose
rooms happen to speak for it keeps far more than half of all comparisons.

Without outlines the act is what moves, and a person or a thing at rest stays behind in the scene.
Then a class can be cleared, but a large share leaves open what it was: the verdict is "unclear".
Even an act cut out along its outline brings something along from its own room: the light, a thin
rim, and of a door its place in the picture. That counts as act. And something of the act stays in
the scene: the ends of shadows, and the wall around a door that stands outdoors.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from vidlab.explanation.trust.swapping import PULLS, Swaps

__all__ = ["RECOGNISED", "SCENE_SHARE", "shortcuts"]

RECOGNISED = 0.75
"""From here on a class is told from the others at all, and can be judged."""

SCENE_SHARE = (0.1, 0.2)
"""A class leans on its scene if that surely has more than the first share in what tells it, and is
told by its act if it surely has less than the second; where both hold, it leans on its scene."""

_FEWEST_GROUPS = 3
_FALSE_ALARM = 0.05  # how likely some class may be called wrongly, of all that are judged
_MEASURED = ("told", *PULLS, "share", "low", "high")


def shortcuts(swaps: Swaps, *, classes: Sequence[str]) -> pd.DataFrame:
    """Judge for each class whether the model looks at the scene instead of the act.

    Parameters
    ----------
    swaps
        From `swap_scenes`.
    classes
        The names of the classes.

    Returns
    -------
    pandas.DataFrame
        By class: videos; told (0–1: how often a video of the class gets a higher score for it than
        one of another class; 0.5 is chance); by_act and by_scene (how far each moves its
        probability, −1 to 1); at_home and elsewhere (0–1: its acts that are named rightly in
        scenes of the class, and in scenes of others); share (of by_scene in both together; below 0
        where its scenes happen to speak against it); low and high (the share's interval over
        groups, which holds for all classes at once: jackknife); looks_at ("act", "scene" or
        "unclear") and says, the verdict in a sentence. What cannot be measured is NaN.
    """
    places = swaps.pulls["clip"].to_numpy(int)
    found = swaps.pulls.assign(label=swaps.labels[places], group=swaps.groups[places])
    by_class = dict(list(found.groupby("label")))
    level = 1 - _FALSE_ALARM / max(1, len(by_class))
    rows = []
    for label, name in enumerate(classes):
        own = swaps.labels == label
        measured = dict.fromkeys(_MEASURED, np.nan)
        if label in by_class:
            told = _told(swaps.whole[:, label], own)
            measured |= {"told": told} | _measured(by_class[label], level=level)
        groups = len(np.unique(swaps.groups[own]))
        verdict = _verdict(name, measured, groups=groups, rests_on=swaps.rests_on)
        rows.append({"class_name": name, "videos": int(own.sum())} | measured | verdict)
    return pd.DataFrame(rows).set_index("class_name")


def _told(scores: np.ndarray, own: np.ndarray) -> float:
    """Return how often a clip of a class scores higher than one of another; ties count half."""
    others, mine = np.sort(scores[~own]), scores[own]
    lower = np.searchsorted(others, mine, side="left")
    as_high = np.searchsorted(others, mine, side="right")
    return float(np.mean(lower + as_high) / (2 * len(others)))


def _measured(found: pd.DataFrame, *, level: float) -> dict[str, float]:
    """Return the pulls of a class, and the scene's share in them with its interval."""
    by_clip = found.groupby(["group", "clip"])[list(PULLS)].mean()
    by_group = by_clip.groupby("group").mean()
    measured = by_group.mean().to_dict()
    pulls = by_group[["by_act", "by_scene"]].to_numpy(float)
    count, total = len(pulls), pulls.sum(axis=0)
    without = total - pulls  # the sums over all other groups
    if count < _FEWEST_GROUPS or total.sum() <= 0 or without.sum(axis=1).min() <= 0:
        return measured
    share, others = total[1] / total.sum(), without[:, 1] / without.sum(axis=1)
    error = np.sqrt((count - 1) / count * np.sum((others - others.mean()) ** 2))
    reach = float(stats.t.ppf(level, count - 1) * error)
    return measured | {"share": float(share), "low": share - reach, "high": share + reach}


def _verdict(
    name: str, measured: dict[str, float], *, groups: int, rests_on: str
) -> dict[str, str]:
    outlined = rests_on == "outlines"
    scene = "its scene" if outlined else "what does not move"
    share = f"of what tells it, {max(measured['share'], 0):.0%} lies in {scene}"
    leans, cleared = SCENE_SHARE
    looks_at = "unclear"
    if not measured["told"] >= RECOGNISED:
        says = f"{name} is not told from the other classes well enough to judge."
    elif groups < _FEWEST_GROUPS:
        says = f"{name} has videos of {groups} groups here, too few to judge."
    elif np.isnan(measured["share"]):
        says = f"{name} is told neither by its act alone nor by its scene alone."
    elif measured["low"] > leans and outlined:
        looks_at = "scene"
        says = (
            f"{name} leans on its scene: {share}, surely more than {leans:.0%}. In scenes of its "
            f"own class {measured['at_home']:.0%} of its acts are named rightly, in others "
            f"{measured['elsewhere']:.0%}."
        )
    elif measured["low"] > leans:
        says = (
            f"{name} may lean on its scene: {share}, which can be a person or a thing at rest, "
            "too. Look at its mean map."
        )
    elif measured["high"] < cleared:
        looks_at = "act"
        says = f"{name} is told by its act: {share}, surely less than {cleared:.0%}."
    else:
        low, high = (min(max(measured[end], 0), 1) for end in ("low", "high"))
        says = f"{name} cannot be judged: {share}, or anything from {low:.0%} to {high:.0%}."
    return {"looks_at": looks_at, "says": says}
