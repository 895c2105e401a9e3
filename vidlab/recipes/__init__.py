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

__all__ = [
    "Phase",
    "Published",
    "Recipe",
    "assemble",
    "build",
    "encoder",
    "get",
    "names",
    "register",
    "table",
]

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


def build(
    name: str | Recipe,
    num_classes: int = 101,
    *,
    weights: str | None = None,
    features: int | None = None,
) -> keras.Model:
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
    features
        For a recipe that takes features: their number, where it is known from a store. Left out,
        the number its encoder gives.

    Returns
    -------
    keras.Model
        Uncompiled, of the recipe's size; what learns in its last phase is trainable. A recipe that
        takes frames or clips gives the whole model, one that takes features the head, with input
        (batch, time, features), or (batch, features) for single frames.

    Raises
    ------
    RecipeError
        If there is no recipe of that name, or the number of its features cannot be known.
    ModelError
        If there are fewer than two classes, or the backbone does not fit the recipe.
    """
    from vidlab import backbones, models  # here, so that reading recipes loads no TensorFlow

    recipe = name if isinstance(name, Recipe) else get(name)
    options = {"cell": recipe.cell, "units" if recipe.cell else "dense": recipe.units}
    options = {option: value for option, value in options.items() if value is not None}
    if recipe.head == "pixels":
        return models.pixel_rnn_classifier(num_classes, size=recipe.size, **options)
    heads = {
        "gap": models.frame_classifier,
        "flatten": models.frame_vote_classifier,
        "convgru": models.convgru_head,
        "lstm": models.lstm_head,
        "recurrent": models.recurrent_head,
        "single": models.single_head,
    }
    head = heads[recipe.head]
    if recipe.takes == "features":
        return head(features or _features(recipe), num_classes, **options)
    backbone = backbones.build(recipe.backbone, size=recipe.size, weights=weights)
    if recipe.head in ("gap", "flatten"):
        model = head(backbone, num_classes, **options)
    else:
        pooled = backbones.pooled(backbone)
        model = models.assemble(pooled, head(pooled.output_shape[-1], num_classes, **options))
    backbones.set_trainable(
        model, recipe.phases[-1].trainable, pretrained=recipe.weights is not None
    )
    return model


def encoder(
    name: str | Recipe, *, weights: str | None = None, start: keras.Model | None = None
) -> keras.Model:
    """Build the frozen encoder that a recipe takes its features from.

    Parameters
    ----------
    name
        One of `names`, or a recipe, such as an adapted one.
    weights
        What the backbone starts from, as `vidlab.backbones.build` takes it. Random weights unless
        named: pass ``recipe.weights`` for the recipe's own.
    start
        For a recipe with `cut`: the trained model of its `starts_from`, which is frozen by it.

    Returns
    -------
    keras.Model
        Frames to feature vectors, none of its layers trainable.

    Raises
    ------
    RecipeError
        If there is no recipe of that name, `start` is missing, or the recipe has no backbone.
    ModelError
        If the model to start from has no such layer as the recipe's `cut`.
    """
    from vidlab import backbones

    recipe = name if isinstance(name, Recipe) else get(name)
    if recipe.backbone is None or (recipe.cut is not None and start is None):
        wanted = "a backbone" if recipe.backbone is None else f"the trained {recipe.starts_from}"
        raise RecipeError(
            f"Expected {wanted} to take the features of {recipe.name} from. Received: none. "
            "Choose a recipe with a backbone, and pass start= where it has a cut."
        )
    if recipe.cut is not None:
        model = backbones.cut(start, recipe.cut)
    else:
        model = backbones.pooled(
            backbones.build(recipe.backbone, size=recipe.size, weights=weights)
        )
    model.trainable = False
    return model


def assemble(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Join an encoder, such as that of `encoder`, and a head into one model from clips to classes.

    Parameters
    ----------
    backbone
        An encoder, or a bare backbone, whose feature map is then averaged.
    head
        As `build` gives it for a recipe that takes features.

    Returns
    -------
    keras.Model
        As `vidlab.models.assemble` describes it.

    Raises
    ------
    ModelError
        If the head expects vectors of another length than the encoder gives.
    """
    from vidlab import models

    return models.assemble(backbone, head)


def _features(recipe: Recipe) -> int:
    """Count the features a recipe's encoder gives."""
    from vidlab import backbones

    if recipe.cut is None:
        return backbones.build(recipe.backbone, size=recipe.size).output_shape[-1]
    if recipe.cut != "dense":
        raise RecipeError(
            f"Expected the number of features after the layer {recipe.cut!r} of "
            f"{recipe.starts_from}. Received: none. Pass features= to build."
        )
    return get(recipe.starts_from).units


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
        "takes": recipe.takes,
        "backbone": recipe.backbone or "none",
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
