"""Act or scene? How far each moves the prediction, when acts and scenes are exchanged.

A map shows where a model looks; whether it *needs* what is there only shows when it is exchanged.
Clips of two classes meet: an act of the one and an act of the other, each in a scene of the one and
in a scene of the other. How much does the scene move the probability of a class, and how much the
act? Where both are needed at once, or where one can stand in for the other, the result depends on
the other half; so each is the mean over both other halves. These are the Shapley values of scene
and act (Shapley 1953, *A value for n-person games*), and add up to what both do together.

Read the share that the scene has in both by its interval over the groups, which is wide enough to
hold for all classes at once: scenes move a prediction by chance, too, since a class has a handful
of test rooms, and some of them happen to speak for it. A class leans on its scene where the whole
interval lies above a tenth, say. The test videos must not share groups with those learned from, or
a scene known by heart would pass for a shortcut. Without outlines the act is what moves, and a
person or a thing at rest stays behind in the scene: then a large share leaves open what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

from vidlab.errors import MetricError
from vidlab.explanation.act_and_scene import motion_mask, on_scene, without_act
from vidlab.explanation.batches import predict

__all__ = ["scene_reliance", "swap_means", "swap_scenes"]

_FEWEST_GROUPS = 3
_PULLS = ["by_act", "by_scene", "at_home", "elsewhere"]
_FALSE_ALARM = 0.05  # how likely the interval of some class lies wrong, of all there are


def scene_reliance(
    model: keras.Model,
    clips: Sequence[np.ndarray],
    *,
    labels: Sequence[int],
    classes: Sequence[str],
    groups: Sequence[str] | None = None,
    acts: Sequence[np.ndarray] | None = None,
    rounds: int = 6,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure for each class how far the scene moves the prediction, and how far the act.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clips
        Each (time, height, width, 3), 0–255, of the model's size; all of one length.
    labels
        The class of each clip, int, (clips,); `classes` names them.
    groups
        The group of each clip; the same name in two classes is two groups. Each clip is its own
        group unless given.
    acts
        For each clip where the act is, (time, height, width), bool, or the share of each pixel
        that it covers, 0–1, as `vidlab.pantomime.outlines_of` draws it or a segmentation finds
        it. Boxes will not do: they hold a piece of their room, which then counts as act, and a
        shortcut may be missed. Without any, the act is what moves.
    rounds
        How many meetings each clip is in, at most. It takes 1 + 2 × rounds predictions a clip.
    seed
        Of the meetings.

    Returns
    -------
    pandas.DataFrame
        By class: videos; auc (0–1: the area under the ROC curve of the class; 0.5 is chance);
        by_act and by_scene (how far each moves its probability, −1 to 1); at_home and elsewhere
        (0–1: its acts that are recognised in scenes of the class, and in scenes of others); share
        (of by_scene in both together; below 0 where its scenes happen to speak against it); low
        and high (the share's interval over groups, which holds for all classes at once:
        jackknife). What cannot be measured is NaN, as with fewer than three groups.

    Raises
    ------
    MetricError
        If there are no clips, not as many labels, groups or masks, clips of several lengths, or
        masks of another size or not from 0 to 1.
    """
    labels = np.asarray(labels)
    groups = np.arange(len(clips)) if groups is None else np.asarray(groups)
    acts = [motion_mask(clip) for clip in clips] if acts is None else acts
    lengths = sorted({len(clip) for clip in clips})
    if not len(clips) == len(labels) == len(groups) == len(acts) or len(lengths) != 1:
        raise MetricError(
            "Expected clips of one length, and a label, a group and a mask of the act for each. "
            f"Received: {len(clips)} clips of {lengths} frames, {len(labels)} labels, "
            f"{len(groups)} groups and {len(acts)} masks. Take all from the same index, and as "
            "many frames of each video: sampling.Uniform"
        )
    probabilities, own = predict(model, clips), labels[:, None] == np.arange(len(classes))
    swaps = swap_scenes(
        model, clips, labels=labels, groups=groups, acts=acts, rounds=rounds, seed=seed
    )
    auc = [
        roc_auc_score(mask, probabilities[:, label]) if mask.any() and not mask.all() else np.nan
        for label, mask in enumerate(own.T)
    ]
    rows = pd.DataFrame(
        [swap_means(swaps, label) for label in range(len(classes))],
        index=pd.Index(classes, name="class_name"),
        columns=[*_PULLS, "share", "low", "high"],
        dtype=float,
    )
    return pd.DataFrame({"videos": own.sum(axis=0), "auc": auc}, rows.index).join(rows)


def swap_scenes(
    model: keras.Model,
    clips: Sequence[np.ndarray],
    *,
    labels: np.ndarray,
    groups: np.ndarray,
    acts: Sequence[np.ndarray],
    rounds: int,
    seed: int,
) -> pd.DataFrame:
    """Put acts and scenes of two classes together in all four combinations, and predict them.

    No clip keeps its own act: those that are put into a scene come from other groups, so that all
    four are put together alike. The same places of the scenes are hidden in all four, so that the
    shape of what is hidden tells nothing.

    Returns
    -------
    pandas.DataFrame
        Two rows a meeting, one for each of its classes: clip (the index of the scene's clip),
        label, group, by_act and by_scene (how far each moves the probability of the clip's class,
        −1 to 1), at_home and elsewhere (bool: an act of the class is recognised in its scene, and
        in the other).
    """
    meetings = list(_meetings(labels, groups, rounds=rounds, seed=seed))

    def swapped() -> Iterator[np.ndarray]:
        for scenes, acted in meetings:
            hidden = np.maximum(*(acts[clip] for clip in scenes))
            for scene in scenes:
                bare = without_act(clips[scene], hidden)
                yield from (on_scene(clips[act], bare, act=acts[act]) for act in acted)

    rows = []
    found = predict(model, swapped()).reshape(len(meetings), 2, 2, -1) if meetings else []
    for (scenes, _), four in zip(meetings, found, strict=True):  # by scene, by act
        # The second class sees the same four the other way round.
        for clip, view in zip(scenes, (four, four[::-1, ::-1]), strict=True):
            label = labels[clip]
            score, right = view[..., label], view.argmax(axis=-1) == label
            row = {"clip": clip, "label": label, "group": groups[clip]}
            row["by_act"] = (score[:, 0] - score[:, 1]).mean()
            row["by_scene"] = (score[0] - score[1]).mean()
            rows.append(row | {"at_home": right[0, 0], "elsewhere": right[1, 0]})
    return pd.DataFrame(rows, columns=["clip", "label", "group", *_PULLS])


def _meetings(
    labels: np.ndarray, groups: np.ndarray, *, rounds: int, seed: int
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Draw two clips of two classes, for their scenes, and one more of each class, for its act.

    Each group meets as many different classes as can be, so that groups differ in their scenes
    rather than in whom they happened to meet.
    """
    rng = np.random.default_rng(seed)
    names = [f"{label} {group}" for label, group in zip(labels, groups, strict=True)]
    group = np.unique(names, return_inverse=True)[1]
    met = np.zeros((group.max() + 1, labels.max() + 1), int)

    def another(own: int) -> int:
        """Draw a clip of the same class, of another group where there is one."""
        same = labels == labels[own]
        foreign = same & (groups != groups[own])
        return int(rng.choice(np.flatnonzero(foreign if foreign.any() else same)))

    for _ in range(rounds):
        waiting = rng.permutation(len(labels)).tolist()
        while waiting:
            own = waiting.pop()
            rest = [clip for clip in waiting if labels[clip] != labels[own]]
            if rest:
                often = met[group[own], labels[rest]] + met[group[rest], labels[own]]
                other = rest[int(np.argmin(often))]
                waiting.remove(other)
                met[group[own], labels[other]] += 1
                met[group[other], labels[own]] += 1
                yield (own, other), (another(own), another(other))


def swap_means(swaps: pd.DataFrame, label: int) -> dict[str, float]:
    """Average the swaps of one class, and compute the scene's share with its jackknife interval."""
    level = 1 - _FALSE_ALARM / max(1, swaps["label"].nunique())
    swaps = swaps[swaps["label"] == label]
    if swaps.empty:
        return {}
    by_group = swaps.groupby(["group", "clip"])[_PULLS].mean().groupby("group").mean()
    count, total = len(by_group), by_group.sum()
    without = total - by_group  # the sums over all other groups
    means, both = by_group.mean().to_dict(), without["by_act"] + without["by_scene"]
    moved = total["by_act"] + total["by_scene"]
    if count < _FEWEST_GROUPS or moved <= 0 or both.min() <= 0:
        return means
    share, others = total["by_scene"] / moved, without["by_scene"] / both
    error = np.sqrt((count - 1) * others.var(ddof=0))
    reach = stats.t.ppf(level, count - 1) * error
    return means | {"share": share, "low": share - reach, "high": share + reach}
