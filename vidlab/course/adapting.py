"""A recipe as a profile runs it, and everything that this changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from vidlab.course.profiles import Profile, RecipeChange
from vidlab.data import sampling
from vidlab.errors import ProfileError, RecipeError

if TYPE_CHECKING:
    from vidlab.recipes import Recipe

__all__ = ["adapt", "changes", "differences"]


def adapt(recipe: Recipe, profile: Profile) -> Recipe:
    """Return `recipe` as `profile` runs it; the recipe itself stays as it is.

    Raises
    ------
    ProfileError
        If the profile leaves the recipe out, names an option that does not exist, or changes a
        number of phases that the recipe does not have.
    """
    if reason := profile.left_out.get(recipe.name):
        raise ProfileError(
            f"Expected a recipe that the profile {profile.name} runs. Received: {recipe.name}: "
            f"{reason}. Choose another recipe, or the profile ucf101."
        )
    change = profile.recipes.get(recipe.name, RecipeChange())
    known = recipe.builder_options
    backbone = change.backbone or (recipe.backbone and (profile.backbone or recipe.backbone))
    kind = "" if recipe.per_frame else "clip_"
    samplers = {n: getattr(change, n) or getattr(profile, kind + n) for n in ("sampling", "test")}
    changed: dict = {
        "phases": _phases(recipe, change, profile),
        "options": {n: v for n, v in profile.options.items() if n in known} | change.options,
        "validation": profile.validation,
        "refit": profile.refit,
        "patience": change.patience or profile.patience,
        "freeze_batchnorm": profile.freeze_batchnorm,
        "backbone": backbone,
        "size": change.size or (profile.image_size if backbone or recipe.starts else None),
        "flow": profile.flow | change.flow,
        "weights": change.weights or (profile.weights if recipe.weights else None),
        **{name: sampling.from_text(text) for name, text in samplers.items() if text},
    }
    changed = {name: value for name, value in changed.items() if value is not None}
    if change.augment is False:
        changed["augment"] = None
    try:
        return recipe.adapted(**changed)
    except RecipeError as error:
        raise ProfileError(f"In profile {profile.name}: {error}") from error


def changes(recipes: Iterable[Recipe], profile: Profile) -> pd.DataFrame:
    """Tabulate what `profile` changes about recipes, the literature's values beside its own.

    Returns
    -------
    pandas.DataFrame
        Columns *recipe*, *setting*, *original* and *here*, all text; no row where nothing differs.
    """
    rows = []
    for recipe in recipes:
        before, after = _settings(recipe), _settings(adapt(recipe, profile))
        for name, value in after.items():
            if before.get(name) != value:
                rows.append((recipe.name, name, before.get(name, "–"), value))
    return pd.DataFrame(rows, columns=["recipe", "setting", "original", "here"])


def differences(recipes: Iterable[Recipe]) -> pd.DataFrame:
    """Tabulate the settings in which recipes differ: indexed by setting, a column a recipe."""
    table = pd.DataFrame({recipe.name: _settings(recipe) for recipe in recipes}).fillna("–")
    return table[table.nunique(axis=1) > 1].rename_axis("setting")


def _settings(recipe: Recipe) -> dict[str, str]:
    """Return what decides a result beside the videos and the seed, as text by setting."""
    settings = {
        "model": recipe.build.__name__,
        "starts from": ", ".join(recipe.starts) or "–",
        "backbone": recipe.backbone or "none",
        "weights": recipe.weights or "random",
        "batch normalisation": "frozen" if recipe.freeze_batchnorm else "learns with its layers",
        "frame size": "×".join(map(str, recipe.size)),
        "frames learned from": str(recipe.train_sampling),
        "frames decided by": str(recipe.test_sampling),
        **{name: stream.kind for name, stream in recipe.inputs.items() if name != "rgb"},
        "augmentation": str(recipe.augment or "none"),
        "validation": f"{recipe.validation:.0%} of the training videos"
        + ", then trained again on all of them" * recipe.refit,
        "patience": f"{recipe.patience} epoch(s)",
    }
    defaults = {name: value for name, value in recipe.builder_options.items() if name not in _GIVEN}
    settings |= {name: str(value) for name, value in (defaults | dict(recipe.options)).items()}
    for number, phase in enumerate(recipe.phases, start=1):
        where = f", phase {number}" if len(recipe.phases) > 1 else ""
        settings[f"epochs{where}"] = str(phase.epochs)
        settings[f"optimizer{where}"] = phase.optimizer
        settings[f"learning rate{where}"] = f"{phase.learning_rate:g}"
        settings[f"batch size{where}"] = str(phase.batch_size)
        settings[f"backbone learns{where}"] = phase.trainable or "–"
    return settings


_GIVEN = ("backbone", "start")  # options that hold models


def _phases(recipe: Recipe, change: RecipeChange, profile: Profile) -> tuple:
    fields = ("epochs", "optimizer", "learning_rate", "batch_size")
    given = {name: values for name in fields if (values := getattr(change, name)) is not None}
    for name, values in given.items():
        if len(values) != len(recipe.phases):
            raise ProfileError(
                f"Expected {len(recipe.phases)} value(s) of {name} for {recipe.name}, one a phase, "
                f"in profile {profile.name}. Received: {values}. Add or remove values."
            )
    return tuple(
        dataclasses.replace(phase, **{name: values[number] for name, values in given.items()})
        for number, phase in enumerate(recipe.phases)
    )
