"""What a recipe is: phases of training, and what was published about it.

Takes samplers from `sampling`; gives the forms that `newman`, `thesis` and `chiche` fill in.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from vidlab.errors import RecipeError
from vidlab.sampling import Sampler

__all__ = ["Phase", "Published", "Recipe"]


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
        How much of the backbone learns: ``"none"``, ``"top"`` (its top two modules) or ``"all"``;
        None where there is no backbone.
    momentum
        Of SGD, 0..1; Adam has its own.
    decay
        Step n uses the learning rate divided by ``1 + decay · n``; 0 keeps it constant.
    """

    epochs: int
    optimizer: Literal["adam", "sgd"]
    learning_rate: float
    batch_size: int
    trainable: Literal["none", "top", "all"] | None = "none"
    momentum: float = 0.0
    decay: float = 0.0

    def __str__(self) -> str:
        plural = "" if self.epochs == 1 else "s"
        parts = [f"{self.epochs} epoch{plural} {self.optimizer} {self.learning_rate:g}"]
        if self.momentum:
            parts.append(f"momentum {self.momentum:g}")
        if self.decay:
            parts.append(f"decay {self.decay:g}")
        parts.append(f"batch {self.batch_size}")
        if self.trainable is not None:
            parts.append(f"backbone learns: {self.trainable}")
        return ", ".join(parts)


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
        Size of the model as the source prints it; empty where it does not.
    note
        What to know when comparing.
    splits
        Top-1 of official splits 1, 2 and 3 in percent, where the source gives them.
    report
        Precision, recall and F1 averaged over the classes, 0..1, where the source gives them.
    """

    source: str
    top1: float | None
    top5: float | None
    parameters: str
    note: str = ""
    splits: tuple[float, ...] = ()
    report: tuple[float, ...] = ()


_HEADS = {
    "frames": ("gap", "flatten", "single"),
    "clips": ("pixels", "convgru", "lstm", "recurrent"),
    "features": ("convgru", "lstm", "recurrent", "single"),
}


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
        One of `vidlab.backbones.names`; None for a network on bare pixels.
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
        The recipe whose trained model this one continues, or takes its features from; None where
        `phases` are complete.
    head
        The builder in `vidlab.models`: ``"gap"`` `frame_classifier`, ``"flatten"``
        `frame_vote_classifier`, ``"pixels"`` `pixel_rnn_classifier`, ``"convgru"`` `convgru_head`,
        ``"lstm"`` `lstm_head`, ``"recurrent"`` `recurrent_head`, ``"single"`` `single_head`.
    augment
        Whether training pictures are varied at random.
    takes
        What the model is trained on: single ``"frames"``, whole ``"clips"``, or ``"features"`` of
        the frames, extracted once by a frozen encoder.
    cell
        ``"gru"`` or ``"lstm"``; None without a recurrent layer.
    units
        Units of the recurrent layer, or of the dense layer where there is none; None for as many
        as there are features.
    cut
        The layer of the trained `starts_from` model whose output is the features; None where they
        are the backbone's, averaged over the picture.

    Raises
    ------
    RecipeError
        If the head does not fit what the recipe takes, or lacks the backbone it needs.
    """

    name: str
    title: str
    source: str
    backbone: str | None
    size: tuple[int, int]
    weights: str | None
    phases: tuple[Phase, ...]
    train_sampling: Sampler
    test_sampling: Sampler
    aggregation: Literal["mean", "vote"]
    published: Published
    starts_from: str | None = None
    head: Literal["gap", "flatten", "pixels", "convgru", "lstm", "recurrent", "single"] = "gap"
    augment: bool = True
    takes: Literal["frames", "clips", "features"] = "frames"
    cell: Literal["gru", "lstm"] | None = None
    units: int | None = None
    cut: str | None = None

    def __post_init__(self):
        fitting = _HEADS.get(self.takes, ())
        if self.head not in fitting:
            raise RecipeError(
                f"Expected a head for {', '.join(_HEADS)}. Received: takes={self.takes!r} and "
                f"head={self.head!r} in {self.name}. Heads for {self.takes}: {', '.join(fitting)}."
            )
        if (self.backbone is None) != (self.head == "pixels"):
            raise RecipeError(
                'Expected a backbone, or none with the head "pixels". Received: '
                f"backbone={self.backbone!r} and head={self.head!r} in {self.name}. "
                "Change one of them."
            )

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
        >>> from vidlab import recipes
        >>> recipes.get("frame-pretrained").adapted(size=(112, 112)).size
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
