"""The systems of the literature as data: what was built, how it was trained, what it scored.

Takes samplers from `sampling` and builders from `models`; gives recipes to `training`, and what
was published to every table and plot that shows a result of ours beside it.

Where a source leaves a value open, the recipe's `note` says what stands there instead and why.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vidlab.errors import RecipeError
from vidlab.sampling import AllFrames, EverySecond

if TYPE_CHECKING:
    import keras

__all__ = [
    "Phase",
    "Published",
    "Recipe",
    "build",
    "get",
    "names",
    "register",
    "table",
]


@dataclass(frozen=True)
class Phase:
    """One stretch of training with the same settings.

    Parameters
    ----------
    epochs
        How often the training videos are gone through, at most (early stopping may end it before).
    optimizer
        ``"adam"`` or ``"sgd"``.
    learning_rate
        The step size.
    batch_size
        Frames (or clips) a step learns from.
    trainable
        How much of the backbone learns: ``"none"``, ``"top"`` (its top two modules) or ``"all"``.
    momentum
        Of SGD, 0..1; Adam has its own.
    """

    epochs: int
    optimizer: Literal["adam", "sgd"]
    learning_rate: float
    batch_size: int
    trainable: Literal["none", "top", "all"] = "none"
    momentum: float = 0.0

    def __str__(self) -> str:
        momentum = f", momentum {self.momentum:g}" if self.momentum else ""
        plural = "" if self.epochs == 1 else "s"
        return (
            f"{self.epochs} epoch{plural} {self.optimizer} {self.learning_rate:g}{momentum}, "
            f"batch {self.batch_size}, backbone learns: {self.trainable}"
        )


@dataclass(frozen=True)
class Published:
    """What the source reports for UCF-101, as quoted there.

    Parameters
    ----------
    source
        Where the numbers are from.
    top1, top5
        Share of test videos whose class is the first, or among the first five, in percent; None
        where the source has no number.
    parameters
        Size of the model as the source prints it.
    note
        What to know when comparing.
    splits
        Top-1 of official splits 1, 2 and 3 in percent, where the source gives them.
    """

    source: str
    top1: float | None
    top5: float | None
    parameters: str
    note: str = ""
    splits: tuple[float, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A system: its model, its training, how it labels a video, and what it scored.

    Parameters
    ----------
    name
        What commands, folders and tables call it.
    title
        A line for people.
    source
        Where it is from.
    backbone
        One of `vidlab.backbones.names`.
    size
        Height and width of the frames in pixels.
    weights
        What the backbone starts from, as `vidlab.backbones.build` takes it.
    phases
        The training, in order.
    train_sampling, test_sampling
        Samplers of `vidlab.sampling`: the frames of a video that are learned from, and those that
        decide its class.
    aggregation
        How frames decide: ``"mean"`` of their probabilities or ``"vote"``.
    published
        The source's result.
    starts_from
        The recipe whose trained model this one continues; None where `phases` are complete.
    head
        ``"gap"``: `vidlab.models.frame_classifier`; ``"flatten"``:
        `vidlab.models.frame_vote_classifier`.
    augment
        Whether training pictures are varied at random.
    """

    name: str
    title: str
    source: str
    backbone: str
    size: tuple[int, int]
    weights: str | None
    phases: tuple[Phase, ...]
    train_sampling: object
    test_sampling: object
    aggregation: Literal["mean", "vote"]
    published: Published
    starts_from: str | None = None
    head: Literal["gap", "flatten"] = "gap"
    augment: bool = True

    def adapted(self, **overrides: object) -> Recipe:
        """Give the recipe with some values changed.

        Parameters
        ----------
        **overrides
            New values for any fields of a recipe.

        Returns
        -------
        Recipe
            A new one.

        Raises
        ------
        RecipeError
            If a recipe has no field of such a name.

        Examples
        --------
        >>> get("frame-pretrained").adapted(size=(112, 112)).size
        (112, 112)
        """
        fields = [field.name for field in dataclasses.fields(self)]
        unknown = [name for name in overrides if name not in fields]
        if unknown:
            raise RecipeError(
                f"Expected changes to {', '.join(fields)}. "
                f"Received: {', '.join(unknown)} for {self.name}. Correct or remove them."
            )
        return dataclasses.replace(self, **overrides)

    def as_dict(self) -> dict[str, object]:
        """Give every value in a form JSON can hold, samplers as their text."""
        values = dataclasses.asdict(self)
        values["train_sampling"] = repr(self.train_sampling)
        values["test_sampling"] = repr(self.test_sampling)
        return values


_NEWMAN = "Newman 2020, Video classification using deep learning (MSc, Stellenbosch)"
_THESIS = "Video classification on UCF-101 with CNN and CNN+LSTM (thesis)"
_NEWMAN_NOTE = (
    "The source prints neither Adam's learning rate (Keras' own 0.001 stands here) nor the size of "
    "the new dense layer (512 units give its 23M parameters)."
)
_NEW_LAYERS = Phase(epochs=1, optimizer="adam", learning_rate=1e-3, batch_size=128)


def _newman(
    name: str,
    title: str,
    *,
    weights: str | None,
    phases: tuple[Phase, ...],
    top1: float,
    top5: float,
) -> Recipe:
    return Recipe(
        name=name,
        title=title,
        source=_NEWMAN,
        backbone="inceptionv3",
        size=(299, 299),
        weights=weights,
        phases=phases,
        train_sampling=AllFrames(),
        test_sampling=AllFrames(),
        aggregation="mean",
        published=Published(_NEWMAN, top1, top5, "23M", _NEWMAN_NOTE),
    )


_BUILT_IN = (
    _newman(
        "frame-scratch",
        "Frames, InceptionV3 from random weights",
        weights=None,
        phases=(Phase(100, "adam", 1e-3, 128, trainable="all"),),
        top1=23.4,
        top5=38.9,
    ),
    _newman(
        "frame-pretrained",
        "Frames, InceptionV3 from ImageNet, frozen",
        weights="imagenet",
        phases=(_NEW_LAYERS,),
        top1=47.0,
        top5=73.2,
    ),
    _newman(
        "frame-finetuned",
        "Frames, InceptionV3 from ImageNet, top two modules tuned",
        weights="imagenet",
        phases=(_NEW_LAYERS, Phase(10, "sgd", 1e-3, 128, trainable="top")),
        top1=68.2,
        top5=87.2,
    ),
    Recipe(
        name="frame-vote",
        title="Frames, InceptionV3 from ImageNet, frozen, flattened; majority vote",
        source=_THESIS,
        backbone="inceptionv3",
        size=(224, 224),
        weights="imagenet",
        phases=(Phase(225, "sgd", 1e-3, 32, momentum=0.6),),
        train_sampling=EverySecond(8),
        test_sampling=EverySecond(8),
        aggregation="vote",
        published=Published(
            _THESIS,
            57.41,
            None,
            "74,336,133 (52,533,349 trainable)",
            "223 to 226 epochs, by split; the batch size is not printed (Keras' own 32 stands "
            "here) and no augmentation is mentioned.",
            splits=(57.41, 56.08, 57.01),
        ),
        head="flatten",
        augment=False,
    ),
)

_RECIPES = {recipe.name: recipe for recipe in _BUILT_IN}


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
    >>> print(get("frame-finetuned").phases[1])
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
    if recipe.name in {built_in.name for built_in in _BUILT_IN}:
        raise RecipeError(
            f"Expected a name no recipe of the literature has. Received: {recipe.name!r}. "
            f"Name yours otherwise, such as my-{recipe.name}."
        )
    _RECIPES[recipe.name] = recipe
    return recipe


def build(
    recipe: str | Recipe, num_classes: int = 101, *, weights: str | None = None
) -> keras.Model:
    """Build the model of a recipe.

    Parameters
    ----------
    recipe
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
    """
    from vidlab import backbones, models  # here, so that reading recipes loads no TensorFlow

    if not isinstance(recipe, Recipe):
        recipe = get(recipe)
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
        "training": "; then ".join(map(str, recipe.phases)),
        "frames learned from": str(recipe.train_sampling),
        "frames decided by": str(recipe.test_sampling),
        "aggregation": recipe.aggregation,
        "parameters": recipe.published.parameters,
        "published top-1 %": recipe.published.top1,
        "published top-5 %": recipe.published.top5,
        "source": recipe.source,
    }
