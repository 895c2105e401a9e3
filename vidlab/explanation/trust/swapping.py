"""Acts and scenes of two classes in all four combinations, and what a model says of them.

Takes a model and clips of test videos, with `hiding` in between; gives the pull of act and scene on
the probability of each class to `shortcuts`. A map shows where a model looks; whether it *needs*
what is there only shows when it is exchanged.

Two classes meet: an act of the one and an act of the other, each in a scene of the one and in a
scene of the other. How much does the scene move the probability of a class, and how much the act?
Where both are needed at once, or where one can stand in for the other, the answer depends on the
other half; so each is the mean over both other halves. These are the Shapley values of scene and
act (Shapley 1953, *A value for n-person games*), and add up to what both do together. Counted in
odds instead, a network that is sure of its acts would hide what its scenes do: there the way from
1% to 0.1% is as long as the one from 91% to 50%, and only one of them is ever noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from vidlab.errors import MetricError
from vidlab.explanation.asking import answers
from vidlab.explanation.trust.hiding import on_scene, what_moves, without_act

__all__ = ["PULLS", "Swaps", "swap_scenes"]

PULLS = ("by_act", "by_scene", "at_home", "elsewhere")
"""What is measured in each meeting."""


@dataclass(frozen=True, eq=False)
class Swaps:
    """What a model says of whole clips, and how acts and scenes move it when they are swapped.

    Attributes
    ----------
    whole : numpy.ndarray
        float32, (clips, classes), probabilities of the clips as they are.
    labels, groups : numpy.ndarray
        (clips,), the class of each, int, and its group.
    pulls : pandas.DataFrame
        Two rows a meeting, one for each of its classes: clip (whose scene it was, its position),
        by_act and by_scene (float32, how far each moves the probability of the clip's class, −1
        to 1), at_home and elsewhere (bool: an act of the class is named rightly in its scene, and
        in the other).
    rests_on : str
        How the act was found: ``"outlines"`` or ``"motion"``.
    """

    whole: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    pulls: pd.DataFrame
    rests_on: str


def swap_scenes(
    model: keras.Model,
    clips: Sequence[np.ndarray],
    *,
    labels: Sequence[int],
    groups: Sequence[str] | None = None,
    acts: Sequence[np.ndarray] | None = None,
    rounds: int = 6,
    seed: int = 0,
) -> Swaps:
    """Ask a model about clips, and about acts and scenes of two classes in all four combinations.

    No clip keeps its own act: those that are put into a scene come from other groups, so that all
    four are put together alike. The same places of the scenes are hidden in all four, so that the
    shape of what is hidden tells nothing.

    Parameters
    ----------
    model
        Of clips or frames, to class probabilities.
    clips
        Each (time, height, width, 3), 0–255, of the model's size; all of one length.
    labels
        The class of each clip, int, (clips,).
    groups
        The group of each clip; the same name in two classes is two groups. Each clip is its own
        group unless given.
    acts
        For each clip where the act is, (time, height, width), bool, or the share of each pixel
        that it covers, 0–1, as `vidlab.pantomime.outlines_of` draws it or a segmentation finds
        it. Boxes will not do: they hold a piece of their room, which then counts as act, and a
        shortcut may be missed. Without any, the act is what moves.
    rounds
        How many meetings each clip is in, at most. The model is asked 1 + 2 × rounds times a clip.
    seed
        Of the meetings.

    Returns
    -------
    Swaps

    Raises
    ------
    MetricError
        If there are no clips, not as many labels, groups or marks, clips of several lengths, or
        marks of another size or not from 0 to 1.
    """
    labels = np.asarray(labels)
    groups = np.arange(len(clips)) if groups is None else np.asarray(groups)
    lengths = sorted({len(clip) for clip in clips})
    if len(lengths) != 1:
        raise MetricError(
            f"Expected clips of one length. Received: {len(clips)} clips of {lengths} frames. "
            "Take as many frames of each test video: sampling.Uniform"
        )
    rests_on = "motion" if acts is None else "outlines"
    acts = [what_moves(clip) for clip in clips] if acts is None else acts
    if not len(clips) == len(labels) == len(groups) == len(acts):
        raise MetricError(
            f"Expected a label, a group and marks of the act for each of {len(clips)} clips. "
            f"Received: {len(labels)} labels, {len(groups)} groups and {len(acts)} marks. Take all "
            "from the same index."
        )
    whole = answers(model, clips)
    meetings = list(_meetings(labels, groups, rounds=rounds, rng=np.random.default_rng(seed)))
    if not meetings:
        return Swaps(whole, labels, groups, pd.DataFrame(columns=["clip", *PULLS]), rests_on)
    swapped = (clip for four in meetings for clip in _swapped(clips, acts, *four))
    said = answers(model, swapped).reshape(len(meetings), 2, 2, -1)  # by scene, by act
    one, other = np.transpose(meetings)[:2]
    turned = said[:, ::-1, ::-1]  # the same, as the second class sees it
    pulls = pd.concat([_pulls(said, one, labels), _pulls(turned, other, labels)], ignore_index=True)
    return Swaps(whole, labels, groups, pulls, rests_on)


def _meetings(
    labels: np.ndarray, groups: np.ndarray, *, rounds: int, rng: np.random.Generator
) -> Iterator[tuple[int, int, int, int]]:
    """Draw two clips of two classes, for their scenes, and one more of each class, for its act.

    Each group meets as many different classes as can be, so that groups differ in their scenes
    rather than in whom they happened to meet.
    """
    names = [f"{label} {group}" for label, group in zip(labels, groups, strict=True)]
    group = np.unique(names, return_inverse=True)[1]
    met = np.zeros((group.max() + 1, labels.max() + 1), int)
    for _ in range(rounds):
        waiting = rng.permutation(len(labels)).tolist()
        while waiting:
            own = waiting.pop()
            rest = [place for place in waiting if labels[place] != labels[own]]
            if not rest:
                continue
            often = met[group[own], labels[rest]] + met[group[rest], labels[own]]
            other = rest[int(np.argmin(often))]
            waiting.remove(other)
            met[group[own], labels[other]] += 1
            met[group[other], labels[own]] += 1
            yield own, other, *(_another(one, labels, groups, rng) for one in (own, other))


def _another(own: int, labels: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> int:
    """Draw a clip of the same class, of another group where there is one."""
    alike = labels == labels[own]
    foreign = alike & (groups != groups[own])
    return int(rng.choice(np.flatnonzero(foreign if foreign.any() else alike)))


def _swapped(
    clips: Sequence[np.ndarray], acts: Sequence[np.ndarray], *four: int
) -> Iterator[np.ndarray]:
    """Put both acts into the first scene, and then both into the second."""
    hidden = np.maximum(acts[four[0]], acts[four[1]])
    for scene in four[:2]:
        bare = without_act(clips[scene], hidden)
        for act in four[2:]:
            yield on_scene(clips[act], bare, act=acts[act])


def _pulls(said: np.ndarray, clips: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Return what acts and scenes of a class do to its probability.

    `said` is (meetings, scene, act, classes), and of two scenes and acts the first are its own.
    """
    label = labels[clips]
    score = said[np.arange(len(said)), :, :, label]  # (meetings, scene, act)
    right = said.argmax(axis=-1) == label[:, None, None]
    return pd.DataFrame(
        {
            "clip": clips,
            "by_act": (score[:, :, 0] - score[:, :, 1]).mean(axis=1),
            "by_scene": (score[:, 0] - score[:, 1]).mean(axis=1),
            "at_home": right[:, 0, 0],
            "elsewhere": right[:, 1, 0],
        }
    )
