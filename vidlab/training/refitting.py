"""Validation without loss: epochs are chosen on validation videos, which are then learned from.

Of few videos none can be spared. A recipe with `refit` is trained twice: first without the
validation videos, to see after how many epochs their loss is lowest; then from the start on all
videos together, for as long.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import keras
import pandas as pd

from vidlab.data.index import VideoIndex
from vidlab.evaluation import kept_epoch
from vidlab.recipes import Phase, Recipe
from vidlab.training.fitting import Fitted, Settings, fit_once
from vidlab.training.learners import together

__all__ = ["fit"]


def fit(
    recipe: Recipe,
    parts: tuple[VideoIndex, VideoIndex],
    *,
    settings: Settings | None = None,
    start: keras.Model | Mapping[str, keras.Model] | None = None,
    validated_start: keras.Model | Mapping[str, keras.Model] | None = None,
) -> Fitted:
    """Train `recipe`, or go on where an interrupted training of it stopped.

    The model is left with the best weights of its last phase; of a recipe with `refit`, with the
    last weights of a second training on all videos.

    Parameters
    ----------
    recipe
        Already adapted to the profile.
    parts
        Training and validation videos. Without validation videos nothing stops early, and the last
        weights are kept.
    start
        For a recipe that starts from another: the other's trained model; of several by name.
    validated_start
        The same before it learned from the validation videos: what the first of two trainings
        starts from, or its validation loss would be that of videos it knows.

    Raises
    ------
    RecipeError
        If the recipe starts from another and `start` is missing, or the reverse.
    """
    settings = settings or Settings()
    twice = recipe.refit and len(parts[1]) > 0
    first = validated_start if twice and validated_start is not None else start
    fitted = fit_once(recipe, parts, settings=settings, start=first)
    if twice:
        file = settings.checkpoint and settings.checkpoint.with_stem("refit")
        again = fit_once(
            recipe.adapted(phases=_as_long(recipe, fitted.history)),
            (together(parts), parts[1].select([])),
            settings=dataclasses.replace(settings, checkpoint=file, callbacks=()),
            start=start,
        )
        fitted = Fitted(again.model, fitted.history, again.learner, fitted.model, again.seconds)
    return fitted


def _as_long(recipe: Recipe, history: pd.DataFrame) -> tuple[Phase, ...]:
    """Give each phase as many epochs as its validation loss was lowest after."""
    phases = []
    for number, phase in enumerate(recipe.phases, start=1):
        kept = kept_epoch(history[history["phase"] == number])
        phases.append(phase if kept is None else dataclasses.replace(phase, epochs=kept + 1))
    return tuple(phases)
