"""The systems of the literature, one paper a file: model, inputs, training, published result.

``recipes/newman.py`` is a good one to read first. A recipe is the function that writes its model in
plain Keras, under the decorator `recipe`. Adding one touches one file (and, for a paper of this
folder, the test that counts its parameters). A file of your own is named where a recipe is,
``my_recipe.py`` or, where it holds several, ``my_recipe.py:my-model``.
"""

import importlib.util
import math
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

import keras
import pandas as pd

from vidlab.data.augment import VIEWS
from vidlab.errors import RecipeError
from vidlab.models import backbones
from vidlab.recipes.records import Phase, Published, Recipe, Task

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
    "published_beside",
    "recipe",
    "table",
]

_RECIPES: dict[str, Recipe] = {}
_FILES: dict[str, tuple[int, list[str]]] = {}  # path → (time of change, names of its recipes)
_reading = ""  # the file that is being read


def recipe(name: str, **fields) -> Callable[[Callable], Callable]:
    """Make the decorated function, which writes a model in Keras, a recipe.

    Parameters
    ----------
    name
        What commands, folders and tables call it.
    **fields
        Those of `Recipe`, at least `inputs` and `phases`.

    Returns
    -------
    callable
        A decorator that gives the function back as it is, so that several recipes can share it.

    Raises
    ------
    RecipeError
        If another function elsewhere has made a recipe of that name.
    """

    def register(build: Callable) -> Callable:
        frozen = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
        made = Recipe(name=name, build=build, file=_reading, **frozen)
        before = _RECIPES.get(name)
        origin = (build.__module__, _reading)
        if before is not None and (before.build.__module__, before.file) != origin:
            raise RecipeError(
                f"Expected a name that no other recipe has. Received: {name!r}, which is in "
                f"{before.file or before.build.__module__}. Choose another, such as my-{name}."
            )
        _RECIPES[name] = made
        return build

    return register


def names() -> list[str]:
    """List the recipes there are, in the order of the course, your own last.

    Examples
    --------
    >>> names()[:3]
    ['bag-of-words', 'bag-of-flow-words', 'cnn-svm']
    """
    _discover()
    return sorted(_RECIPES, key=_place)


def _place(name: str) -> tuple:
    """Sort by the notebook that trains a paper; those that none trains and your own come last."""
    module = _RECIPES[name].build.__module__
    if not module.startswith(f"{__name__}."):
        return math.inf, "~"
    return getattr(sys.modules[module], "NOTEBOOK", math.inf), module


def get(name: str | Recipe) -> Recipe:
    """Find a recipe.

    Parameters
    ----------
    name
        One of `names`, or ``FILE.py`` or ``FILE.py:NAME`` for one of your own.

    Returns
    -------
    Recipe
        As published.

    Raises
    ------
    RecipeError
        If there is none of that name, or the file cannot be read.

    Examples
    --------
    >>> print(get("frame-finetuned").phases[0])
    10 epochs sgd 0.001, batch 128, backbone learns: top
    """
    if isinstance(name, Recipe):
        return name
    _discover()
    file, colon, inside = name.partition(".py")
    if colon and (not inside or inside.startswith(":")):
        found = load(f"{file}.py")
        wanted = inside[1:] or (found[0] if len(found) == 1 else "")
        if wanted not in found:
            raise RecipeError(
                f"Expected one of the recipes in {file}.py: {', '.join(found)}. "
                f"Received: {name!r}. Write {file}.py:{found[0]}, for example."
            )
        name = wanted
    if name not in _RECIPES:
        raise RecipeError(
            f"Expected a recipe out of {', '.join(names())}. Received: {name!r}. "
            "Correct the name, or name the file of your own: my_recipe.py:my-model."
        )
    return _RECIPES[name]


def load(file: str | Path) -> list[str]:
    """Read a file of recipes; one that has changed is read again.

    Returns
    -------
    list of str
        The names of its recipes.

    Raises
    ------
    RecipeError
        If there is no such file, it fails, or it holds no recipe.
    """
    global _reading
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise RecipeError(f"Expected a Python file of recipes. Received: {path}, which is absent.")
    changed = path.stat().st_mtime_ns
    if _FILES.get(str(path), (None,))[0] == changed:
        return _FILES[str(path)][1]
    _discover()
    _forget(str(path))
    module_name = f"vidlab_recipes_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    before, _reading = _reading, str(path)
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except (Exception, SystemExit) as error:  # whatever a file of somebody's own may raise
        _forget(str(path))
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(
            f"Expected a file of recipes that Python can run. Received: {path}, which fails with "
            f"{type(error).__name__}: {error}. Correct it; python {path.name} shows the line."
        ) from error
    finally:
        _reading = before
    found = [name for name, known in _RECIPES.items() if known.file == str(path)]
    if not found:
        raise RecipeError(
            f"Expected at least one function decorated with @vidlab.recipes.recipe in {path}. "
            "Received: none. Decorate the function that writes the model."
        )
    _FILES[str(path)] = (changed, found)
    return found


def _forget(file: str) -> None:
    """Drop the recipes of a file."""
    for name in [name for name, known in _RECIPES.items() if known.file == file]:
        del _RECIPES[name]


@cache
def _discover() -> None:
    """Import the papers of this folder and what installed packages offer."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        import_module(f"vidlab.recipes.{module.name}")
    for point in metadata.entry_points(group="vidlab.recipes"):
        point.load()


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
        Indexed by run: top-1 %, top-5 %, by split %, precision / recall / F1, counts (videos or
        frames), note, and departures, which end with what the profile changed.
    """
    known = {name: made for name, record in records.items() if (made := of_run(record))}
    found = table(known.values()).set_axis(list(known)).rename_axis("recipe")
    changes = [records[name].get("changes", "") for name in known]
    found["departures"] = (found["departures"] + " " + changes).str.strip()
    return found.loc[:, "published top-1 %":]


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
