"""The systems of the literature, one paper a file: model, inputs, training, published result.

``recipes/newman.py`` is a good one to read first. A recipe is the function that writes its model in
plain Keras, under the decorator `recipe`; a file of your own makes another (see `get`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import pandas as pd

from vidlab.data.augment import VIEWS
from vidlab.errors import RecipeError
from vidlab.models import backbones
from vidlab.recipes.records import Phase, Published, Recipe, Task
from vidlab.recipes.registry import get, load, names, recipe

__all__ = [
    "Phase",
    "Published",
    "Recipe",
    "Task",
    "build",
    "get",
    "load",
    "names",
    "of_run",
    "prepare",
    "published",
    "published_beside",
    "recipe",
    "table",
]


def build(
    name: str | Recipe,
    num_classes: int = 101,
    *,
    weights: str | Path | None = None,
    start: keras.Model | Mapping[str, keras.Model] | None = None,
) -> keras.Model:
    """Build the model of a recipe, from its inputs to class probabilities.

    Parameters
    ----------
    name
        One of `names`, or a recipe, such as an adapted one.
    weights
        What the backbone starts from, as `vidlab.backbones.build` takes it. Random weights unless
        named: pass ``recipe.weights`` for the recipe's own.
    start
        The trained model of ``recipe.starts_from``, of several by their names; left out, with
        random weights.

    Returns
    -------
    keras.Model
        Uncompiled; what learns in its last phase is trainable. With a single input and output it
        takes and gives plain tensors, else dicts by the names of `inputs` and `tasks`. Inputs are
        declared ``float32`` (``uint8`` is cast), 0..255.

    Raises
    ------
    RecipeError
        If there is no recipe of that name, or its function gives other outputs than its tasks.
    ModelError
        If there are fewer than two classes, or the backbone does not fit the recipe.
    """
    recipe = get(name)
    if num_classes < 2:
        raise RecipeError(
            f"Expected at least 2 classes for {recipe.name}. Received: num_classes={num_classes}. "
            "Choose a dataset with more classes."
        )
    inputs = {key: keras.Input(stream.shape, name=key) for key, stream in recipe.inputs.items()}
    options = dict(recipe.options)
    if recipe.backbone is not None:
        options["backbone"] = backbones.build(recipe.backbone, size=recipe.size, weights=weights)
    takes_start = "start" in recipe.builder_options
    if takes_start:
        options["start"] = _untrained(recipe, num_classes) if start is None else start
    outputs = recipe.build(inputs, num_classes, **options)
    given = set(outputs) if isinstance(outputs, dict) else set(list(recipe.tasks)[:1])
    if given != set(recipe.tasks):
        raise RecipeError(
            f"Expected {recipe.build.__name__} to give {', '.join(recipe.tasks)}, the tasks of "
            f"{recipe.name}. Received: {', '.join(sorted(given))}. Give a dict of an output a task."
        )
    single = len(inputs) == 1
    model = keras.Model(
        next(iter(inputs.values())) if single else inputs, outputs, name=recipe.name
    )
    if start is not None and not takes_start:
        model.set_weights(start.get_weights())
    if recipe.phases:
        prepare(model, recipe, recipe.phases[-1])
    return model


def _untrained(recipe: Recipe, num_classes: int) -> keras.Model | dict[str, keras.Model]:
    """Build what a recipe starts from with random weights, its inputs as those of the recipe."""
    models = {}
    for name in recipe.starts:
        start = get(name)
        inputs = {
            key: replace(recipe.inputs.get(key, stream), clip=stream.clip)
            for key, stream in start.inputs.items()
        }
        models[name] = build(start.adapted(inputs=inputs), num_classes)
    return models[recipe.starts_from] if isinstance(recipe.starts_from, str) else models


def prepare(model: keras.Model, recipe: Recipe, phase: Phase) -> None:
    """Choose what of a recipe's model learns in a phase; compile it after that."""
    known = [layer.name for layer in model.layers]
    for name in {each.layer for each in recipe.phases if each.layer}:
        if name not in known:
            raise RecipeError(
                f"Expected a layer of {recipe.name}: {', '.join(known)}. Received: {name!r}. "
                "Correct `layer` of the phase, or name the layer in the model."
            )
        model.get_layer(name).trainable = name == phase.layer
    if phase.trainable is not None:
        kept = recipe.freeze_batchnorm and recipe.weights is not None
        backbones.set_trainable(model, phase.trainable, pretrained=kept)


def table(recipes: Iterable[str | Recipe] | None = None) -> pd.DataFrame:
    """Tabulate recipes (all when left out) with what was published about them, in percent."""
    rows = [_row(get(item)) for item in (names() if recipes is None else recipes)]
    columns = list(_row(get(names()[0])))  # also where there are no rows
    return pd.DataFrame(rows, columns=columns).set_index("recipe")


def published(recipes: Iterable[str | Recipe] | None = None) -> pd.DataFrame:
    """Tabulate what the sources report, to stand beside results of our own.

    Returns
    -------
    pandas.DataFrame
        Indexed by recipe: top-1 %, top-5 %, by split %, precision / recall / F1, counts (videos or
        frames), note, departures (where our recipe differs from the source, and why).
    """
    return table(recipes).loc[:, "published top-1 %":"departures"]


def of_run(record: Mapping[str, object]) -> Recipe | None:
    """Return the recipe of a run by its ``recipe.json``.

    None where no file has it: a notebook has made it for itself, or its file is gone.
    """
    file, name = record.get("file", ""), record["recipe"]
    try:
        return get(f"{file}:{name}" if file else name)
    except RecipeError:
        return None


def published_beside(records: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """Tabulate what was published about the recipes of runs, and every departure of the runs.

    Parameters
    ----------
    records
        Of each run, what its ``recipe.json`` holds. Runs of unknown recipes have no row.

    Returns
    -------
    pandas.DataFrame
        Indexed by run, with the columns of `published`; its *departures* end with
        what the profile changed.
    """
    known = {name: made for name, record in records.items() if (made := of_run(record))}
    table = published(known.values()).set_axis(list(known))
    table["departures"] = [
        f"{departures} {records[name].get('changes', '')}".strip()
        for name, departures in table["departures"].items()
    ]
    return table.rename_axis("recipe")


def _row(recipe: Recipe) -> dict[str, object]:
    departures = [*recipe.departures]
    if recipe.augment is not None and {"none", "top"} & {p.trainable for p in recipe.phases}:
        departures.append(
            f"What is frozen is computed once, for up to {VIEWS} varied views of each video, where "
            "that saves work; the sources vary every example anew."
        )
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "source": recipe.source,
        "inputs": ", ".join(recipe.inputs) + (" (frames)" if recipe.per_frame else " (clips)"),
        "backbone": recipe.backbone or "none",
        "size": "{}×{}".format(*recipe.size),
        "weights": recipe.weights or "random",
        "training": "; then ".join([*recipe.starts, *map(str, recipe.phases)]),
        "frames learned from": str(recipe.train_sampling),
        "frames decided by": str(recipe.test_sampling),
        "aggregation": recipe.aggregation if recipe.per_frame else "none",
        "parameters": recipe.published.parameters,
        "published top-1 %": recipe.published.top1,
        "published top-5 %": recipe.published.top5,
        "by split %": " / ".join(map(str, recipe.published.splits)),
        "precision / recall / F1": " / ".join(f"{x:.2f}" for x in recipe.published.report),
        "counts": recipe.published.unit,
        "note": recipe.published.note,
        "departures": " ".join(departures),
    }
