"""The recipes there are: those of this folder, of installed packages, and of files of your own.

Adding one touches one file (and, for a paper of this folder, the test that counts its parameters).
A file of your own is named where a recipe is, ``my_recipe.py`` or,
where it holds several, ``my_recipe.py:my-model``.
"""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from pathlib import Path

from vidlab.errors import RecipeError
from vidlab.recipes.records import Phase, Published, Recipe, Task

__all__ = ["Phase", "Published", "Recipe", "Task", "get", "load", "names", "recipe"]

_RECIPES: dict[str, Recipe] = {}
_FILES: dict[str, tuple[int, list[str]]] = {}  # path → (time of change, names of its recipes)
_NOT_PAPERS = ("records", "registry")
_LAST = 99  # in the order of the notebooks: recipes that none of them trains
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
        made = Recipe(name=name, build=build, file=_reading, **_frozen(fields))
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
    return list(_RECIPES)


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
    except RecipeError:
        _forget(str(path))
        raise
    except (Exception, SystemExit) as error:  # whatever a file of somebody's own may raise
        _forget(str(path))
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
    folder = [str(Path(__file__).parent)]
    modules = {module.name for module in pkgutil.iter_modules(folder)}.difference(_NOT_PAPERS)
    papers = [import_module(f"vidlab.recipes.{name}") for name in sorted(modules)]
    order = {p.__name__: (getattr(p, "NOTEBOOK", _LAST), place) for place, p in enumerate(papers)}
    others = (_LAST, len(papers))
    ordered = sorted(
        _RECIPES.items(), key=lambda known: order.get(known[1].build.__module__, others)
    )
    _RECIPES.clear()
    _RECIPES.update(ordered)
    for point in metadata.entry_points(group="vidlab.recipes"):
        point.load()


def _frozen(fields: dict) -> dict:
    """Turn lists into tuples, so that recipes cannot be changed by accident."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
