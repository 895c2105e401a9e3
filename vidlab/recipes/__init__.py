"""The systems of the literature as data: what was built, how it was trained, what it scored.

Takes samplers from `sampling` and builders from `models`; gives recipes to `training`, and what
was published to every table and plot that shows a result of ours beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vidlab.errors import RecipeError
from vidlab.recipes.literature import LITERATURE
from vidlab.recipes.records import Phase, Published, Recipe

if TYPE_CHECKING:
    import keras

__all__ = ["Phase", "Published", "Recipe", "build", "get", "names", "register", "table"]

_RECIPES = {recipe.name: recipe for recipe in LITERATURE}


def names() -> list[str]:
    """List the recipes there are, the user's own last.

    Returns
    -------
    list of str
        Their names.

    Examples
    --------
    >>> names()[:4]
    ['frame-scratch', 'frame-pretrained', 'frame-finetuned', 'frame-vote']
    """
    return list(_RECIPES)


def get(name: str) -> Recipe:
    """Find a recipe.

    Parameters
    ----------
    name
        One of `names`.

    Returns
    -------
    Recipe
        As published.

    Raises
    ------
    RecipeError
        If there is none of that name.

    Examples
    --------
    >>> print(get("frame-finetuned").phases[0])
    10 epochs sgd 0.001, batch 128, backbone learns: top
    """
    if name not in _RECIPES:
        raise RecipeError(
            f"Expected a recipe out of {', '.join(names())}. Received: {name!r}. "
            "Correct the name, or add your own with vidlab.recipes.register."
        )
    return _RECIPES[name]


def register(recipe: Recipe) -> Recipe:
    """Add a recipe of your own, from then on known to every command and plot of this process.

    Registering again under the same name replaces it, so that a notebook cell can be run twice;
    the recipes of the literature stay what they are.

    Parameters
    ----------
    recipe
        The recipe.

    Returns
    -------
    Recipe
        The same.

    Raises
    ------
    RecipeError
        If its name is that of a recipe of the literature.
    """
    if recipe.name in {built_in.name for built_in in LITERATURE}:
        raise RecipeError(
            f"Expected a name no recipe of the literature has. Received: {recipe.name!r}. "
            f"Name yours otherwise, such as my-{recipe.name}."
        )
    _RECIPES[recipe.name] = recipe
    return recipe


def build(name: str | Recipe, num_classes: int = 101, *, weights: str | None = None) -> keras.Model:
    """Build the model of a recipe.

    Parameters
    ----------
    name
        One of `names`, or a recipe, such as an adapted one.
    num_classes
        How many classes there are, at least 2; 101 in UCF-101.
    weights
        What the backbone starts from, as `vidlab.backbones.build` takes it. Random weights unless
        named: pass ``recipe.weights`` for the recipe's own.

    Returns
    -------
    keras.Model
        Uncompiled, of the recipe's size; what learns in its last phase is trainable.

    Raises
    ------
    RecipeError
        If there is no recipe of that name.
    ModelError
        If there are fewer than two classes, or the backbone does not fit the recipe.
    """
    from vidlab import backbones, models  # here, so that reading recipes loads no TensorFlow

    recipe = name if isinstance(name, Recipe) else get(name)
    backbone = backbones.build(recipe.backbone, size=recipe.size, weights=weights)
    heads = {"gap": models.frame_classifier, "flatten": models.frame_vote_classifier}
    model = heads[recipe.head](backbone, num_classes)
    backbones.set_trainable(model, recipe.phases[-1].trainable)
    return model


def table(recipes: Iterable[str | Recipe] | None = None) -> list[dict[str, object]]:
    """Tabulate recipes with what was published about them.

    Parameters
    ----------
    recipes
        Names or recipes; all when left out.

    Returns
    -------
    list of dict
        A row per recipe, all with the same keys, for ``pandas.DataFrame``. Results in percent.
    """
    chosen = names() if recipes is None else recipes
    return [_row(item if isinstance(item, Recipe) else get(item)) for item in chosen]


def _row(recipe: Recipe) -> dict[str, object]:
    height, width = recipe.size
    return {
        "recipe": recipe.name,
        "title": recipe.title,
        "backbone": recipe.backbone,
        "size": f"{height}×{width}",
        "weights": recipe.weights or "random",
        "training": "; then ".join(
            (*([recipe.starts_from] if recipe.starts_from else []), *map(str, recipe.phases))
        ),
        "frames learned from": str(recipe.train_sampling),
        "frames decided by": str(recipe.test_sampling),
        "aggregation": recipe.aggregation,
        "parameters": recipe.published.parameters,
        "published top-1 %": recipe.published.top1,
        "published top-5 %": recipe.published.top5,
        "source": recipe.source,
    }
