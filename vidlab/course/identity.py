"""Which run it is: the settings in force, and the folder that follows from them.

Videos, layout, groups, backbone, weights and image size make a run another one. Videos are told
apart by what they are, not by the path they were named with.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab import datasets
from vidlab.course import profiles
from vidlab.course.profiles import Profile

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex
    from vidlab.recipes import Recipe

__all__ = ["absolute", "dataset_name", "in_force", "load_index", "run_name", "weights_digest"]

_VIDEOS = ("dataset", "layout", "groups", "dataset_size")
_ENCODER = ("backbone", "weights", "image_size")


def in_force(profile: str, **given: object) -> tuple[Profile, Profile]:
    """Return a profile as it is written, and with the settings that replace its own.

    A folder of videos is run as the profile named in `Profile.folders` has it. Where its ImageNet
    weights are neither cached nor can be fetched, a warning says so and `Profile.offline` counts.

    Parameters
    ----------
    profile
        As for `vidlab.profiles.load`.
    **given
        Fields of the profile; an empty string, 0 or None keeps the profile's.

    Raises
    ------
    ProfileError
        For an unknown profile or an unfit setting.
    """
    own, given = profiles.load(profile), {name: value for name, value in given.items() if value}
    if own.folders and given.get("dataset", own.dataset) not in datasets.NAMES:
        about = {name: value for name, value in own.model_dump().items() if name in _VIDEOS}
        own = profiles.replace(profiles.load(own.folders), **about)
    used = profiles.replace(own, **given)
    if used.offline and used.weights == "imagenet" and "weights" not in given:
        from vidlab.models.backbones import weights  # imports Keras

        if problem := weights.imagenet_problem(used.backbone, used.image_size):
            warnings.warn(
                "vidlab: no ImageNet weights, so the small encoder that comes with vidlab looks at "
                f"these videos, far less accurately. {problem}",
                stacklevel=3,
            )
            used = profiles.replace(used, **{**used.offline, **given})
    paths = {
        name: absolute(value) for name in ("dataset", "weights") if (value := getattr(used, name))
    }
    return own, profiles.replace(used, **paths)


def run_name(own: Profile, used: Profile, *, fingerprint: Callable[[], str]) -> str:
    """Name the folder in ``runs/`` that holds the results of a profile.

    Parameters
    ----------
    own
        The profile as its file has it.
    used
        The settings in force, where parameters may have chosen other videos or weights.
    fingerprint
        Gives `VideoIndex.fingerprint` of the videos, where the name depends on it.

    Returns
    -------
    str
        The profile's name; for a folder of videos, or where layout, groups, backbone, weights or
        image size are not those of the file, ``<profile>-<name of the dataset>-<six digits>`` that
        follow from all of these.
    """
    same = all(getattr(used, name) == getattr(own, name) for name in _VIDEOS + _ENCODER)
    if same and used.dataset in datasets.NAMES:
        return own.name
    facts = [fingerprint(), *(str(getattr(used, name)) for name in _ENCODER)]
    digits = hashlib.sha256("|".join(facts).encode()).hexdigest()[:6]
    return f"{own.name}-{dataset_name(used)[:60]}-{digits}"


def dataset_name(profile: Profile) -> str:
    """Name the videos of a profile: a dataset, or a folder without the path to it."""
    return os.fsencode(Path(profile.dataset).name).decode(errors="replace")


def load_index(profile: Profile) -> VideoIndex:
    """Index the videos of a profile."""
    read = {name: value for name in ("layout", "groups") if (value := getattr(profile, name))}
    return datasets.load_index(profile.dataset, size=profile.dataset_size, **read)


def weights_digest(recipe: Recipe) -> str | None:
    """Identify a weights file by its content; names such as "imagenet" identify themselves."""
    from vidlab.models.backbones.specs import spec  # imports Keras

    weights = recipe.weights
    shipped = recipe.backbone and weights == "pantomime"
    path = spec(recipe.backbone).pantomime if shipped else Path(weights or "")
    known = path is not None and path.is_file()
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if known else weights


def absolute(text: str) -> str:
    """Return the path of a file or folder that is there, links resolved; anything else as it is."""
    path, is_name = Path(text).expanduser(), text in ("", "imagenet", *datasets.NAMES)
    return text if is_name or not path.exists() else str(path.resolve())
