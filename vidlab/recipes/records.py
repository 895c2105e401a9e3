"""What a recipe is: its model, inputs, training, and what was published about it.

A recipe is made by the decorator `recipe`, around the function that writes its model in plain
Keras. The file of a paper in this folder holds one or more of them.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from vidlab.data.augment import Augment
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Flow, Rgb, is_per_frame
from vidlab.errors import RecipeError
from vidlab.recipes import code

__all__ = ["Phase", "Published", "Recipe", "Solver", "Task", "class_labels"]

Solver = Callable[[np.ndarray, np.ndarray, int], Sequence[np.ndarray]]
"""Takes features, class numbers and the layer's number of units; gives the layer's weights."""


@dataclass(frozen=True)
class Phase:
    """One stretch of training with the same settings: by gradient descent, or by a solver.

    Parameters
    ----------
    epochs
        At most; early stopping may end it before.
    optimizer
        ``"adam"`` or ``"sgd"``.
    learning_rate
        The step size.
    batch_size
        Frames (or clips) a step learns from.
    trainable
        How much of the backbone learns: ``"none"``, ``"top"`` (its top two modules) or ``"all"``;
        None leaves the model as its function made it.
    momentum
        Of SGD, 0..1; Adam has its own.
    decay
        Step n uses the learning rate divided by ``1 + decay · n``; 0 keeps it constant.
    drops
        Shares of the epochs, 0..1, after each of which the learning rate is divided by ten.
    solver
        Finds the weights of one layer from all examples at once, as a classifier of scikit-learn
        does; no optimizer then takes a step. It is given what the layer takes, (examples,
        features), the class numbers, (examples,), and how many units the layer has; it returns the
        layer's weights, of a `keras.layers.Dense` a kernel, (features, units), and a bias.
        Of a layer that takes maps it is given up to 100,000 of their vectors, drawn at random, each
        with the class number of its example.
    layer
        The name of that layer; the model's last one when left out.
    """

    epochs: int = 1
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 1e-3
    batch_size: int = 32
    trainable: Literal["none", "top", "all"] | None = None
    momentum: float = 0.0
    decay: float = 0.0
    drops: tuple[float, ...] = ()
    solver: Solver | None = None
    layer: str | None = None

    def rate_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0, apart from `decay`.

        Examples
        --------
        >>> phase = Phase(epochs=4, learning_rate=1, drops=(0.5, 0.75))
        >>> [phase.rate_at(epoch) for epoch in range(4)]
        [1.0, 1.0, 0.1, 0.01]
        """
        passed = sum(epoch >= share * self.epochs for share in self.drops)
        return self.learning_rate / 10**passed

    def __str__(self) -> str:
        if self.solver is not None:
            where = f" for {self.layer}" if self.layer else ""
            return f"{self.solver.__name__.replace('_', ' ')}{where}, all examples at once"
        plural = "" if self.epochs == 1 else "s"
        shares = " and ".join(f"{share:.0%}" for share in self.drops)
        parts = {
            f"{self.epochs} epoch{plural} {self.optimizer} {self.learning_rate:g}": True,
            f"momentum {self.momentum:g}": self.momentum,
            f"decay {self.decay:g}": self.decay,
            f"a tenth of the rate after {shares} of the epochs": shares,
            f"batch {self.batch_size}": True,
            f"backbone learns: {self.trainable}": self.trainable,
        }
        return ", ".join(part for part, applies in parts.items() if applies)

    def as_dict(self) -> dict[str, object]:
        """Give every setting as JSON can hold it; a solver by its name."""
        values = {**vars(self), "solver": getattr(self.solver, "__qualname__", None)}
        later = ("drops", "solver", "layer")  # runs made before there were any have none of them
        return {name: value for name, value in values.items() if name not in later or value}


@dataclass(frozen=True)
class Published:
    """What the source reports for UCF-101, as quoted there.

    Parameters
    ----------
    top1, top5
        Top-k accuracy in percent; None where the source has no number.
    unit
        What the accuracy counts: ``"video"``, ``"frame"``, or ``"not stated"``.
    parameters
        Size of the model as the source prints it; empty where it does not.
    note
        What to know when comparing.
    splits
        Top-1 of official splits 1, 2 and 3 in percent, where the source gives them.
    report
        Precision, recall and F1 averaged over the classes, 0..1, where the source gives them.
    """

    top1: float | None = None
    top5: float | None = None
    unit: str = "video"
    parameters: str = ""
    note: str = ""
    splits: tuple[float, ...] = ()
    report: tuple[float, ...] = ()


def class_labels(table: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """Return the class numbers of the videos in an index table."""
    return table["label"].to_numpy(np.int64)


@dataclass(frozen=True)
class Task:
    """What one output of a model learns.

    Parameters
    ----------
    labels
        Takes an index table and the class names; gives one label a video, (videos,). Of a masked
        array, videos that are masked have none, and pay nothing of this loss.
    loss
        As `keras.Model.compile` takes it.
    weight
        Of this loss among the others.
    metric
        A Keras metric class; its results stand in the history under ``accuracy``.
    """

    labels: Callable[[pd.DataFrame, Sequence[str]], np.ndarray] = class_labels
    loss: str = "sparse_categorical_crossentropy"
    weight: float = 1.0
    metric: str = "SparseCategoricalAccuracy"


@dataclass(frozen=True)
class Recipe:
    """A system: its model, its training, how it labels a video, and what it scored.

    Parameters
    ----------
    name
        What commands, folders and tables call it.
    build
        Writes the model: takes the inputs by name (`keras.KerasTensor`) and the number of classes;
        gives class probabilities, or a dict with one tensor for each of `tasks`. An option
        ``backbone`` is given the encoder (one whose default is None, where there is an encoder),
        ``start`` the trained model of `starts_from` (of several, a dict of them by the recipes'
        names); other options are those of `options`.
    inputs
        Streams by the names the model knows them under.
    phases
        The training, in order; none where a model only joins those it starts from.
    source, title
        Where it is from; a line for people.
    backbone
        One of `vidlab.backbones.names`; None for a model without one.
    weights
        What the backbone starts from, as `vidlab.backbones.build` takes it.
    freeze_batchnorm
        Whether batch normalisation keeps the backbone's statistics where other layers learn.
    aggregation
        How frames decide about their video: ``"mean"`` of their probabilities or ``"vote"``.
    augment
        How training examples are varied; None leaves them as they are.
    validation
        Share of the training videos held out, 0..1.
    patience
        Epochs without a better validation loss before a phase stops.
    refit
        Whether the training is repeated with the validation videos among the training videos, for
        as many epochs as the validation loss was lowest after.
    starts_from
        The recipe, or several, whose trained weights this one starts from. Where `build` has an
        option ``start``, it is given that model; else the weights of the same model are copied.
    beside
        Another dataset, as `vidlab.load_index` takes it (of Pantomime another seed), whose videos
        are learned from besides: their ``label`` is -1, and the tasks' labels tell them apart.
    tasks
        What each output learns. The first is the one that names the class.
    options
        Values of `build`'s options, such as ``{"units": 512}``.
    published, departures
        What the source reports, and where this recipe differs from it and why.
    file
        The file it was read from, where that is not part of vidlab.
    """

    name: str
    build: Callable[..., Any]
    inputs: Mapping[str, Rgb]
    phases: tuple[Phase, ...]
    source: str = "own recipe"
    title: str = ""
    backbone: str | None = None
    weights: str | None = None
    freeze_batchnorm: bool = False
    aggregation: Literal["mean", "vote"] = "mean"
    augment: Augment | None = None
    validation: float = 0.1
    patience: int = 5
    refit: bool = False
    starts_from: str | tuple[str, ...] | None = None
    beside: str = ""
    tasks: Mapping[str, Task] = field(default_factory=lambda: {"class": Task()})
    options: Mapping[str, object] = field(default_factory=dict)
    published: Published = Published()
    departures: tuple[str, ...] = ()
    file: str = ""

    def __post_init__(self) -> None:
        is_per_frame(self.inputs)
        known = self.builder_options
        unknown = [name for name in self.options if name not in known]
        # An encoder is given where the function takes one, and has to be where it has no default.
        fits = known.get("backbone", "") is None or (self.backbone is None) != ("backbone" in known)
        if unknown or not fits:
            wrong = f"options {', '.join(unknown)}" if unknown else f"backbone={self.backbone!r}"
            raise RecipeError(
                f"Expected options of {self.build.__name__}: {', '.join(known) or 'none'}. "
                f"Received: {wrong} in {self.name}. Correct the recipe or the function."
            )

    @property
    def builder_options(self) -> dict[str, object]:
        """The keyword-only parameters of `build` and their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    @property
    def starts(self) -> tuple[str, ...]:
        """The recipes it starts from."""
        named = self.starts_from
        return (named,) if isinstance(named, str) else tuple(named or ())

    @property
    def per_frame(self) -> bool:
        """Whether examples are single frames rather than clips."""
        return is_per_frame(self.inputs)

    @property
    def streams(self) -> Mapping[str, Rgb] | Rgb:
        """The inputs as `Clips` reads them for the model: a single one by itself, without name."""
        return self.inputs if len(self.inputs) > 1 else self._first

    @property
    def _first(self) -> Rgb:
        return next(iter(self.inputs.values()))

    @property
    def train_sampling(self) -> Sampler:
        """The sampler of the first input, in training."""
        return self._first.sampling

    @property
    def test_sampling(self) -> Sampler:
        """The sampler of the first input, in prediction."""
        return self._first.at_test

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the first input, in pixels."""
        return self._first.size

    def adapted(self, *, options: Mapping[str, object] | None = None, **changes) -> Self:
        """Return the recipe with some values changed.

        Parameters
        ----------
        options
            New values of single options; the others stay.
        **changes
            New values of fields; ``size``, ``sampling`` and ``test`` are those of every input, and
            ``flow``, a dict, holds options of every `Flow`, also a size of its own.

        Raises
        ------
        RecipeError
            If a recipe has no such field or option.

        Examples
        --------
        >>> from vidlab import recipes
        >>> recipes.get("frame-pretrained").adapted(size=112).size
        (112, 112)
        """
        flow = changes.pop("flow", {})
        streams = {key: changes.pop(key) for key in ("sampling", "test", "size") if key in changes}
        fields = [known.name for known in dataclasses.fields(self)]
        unknown = [name for name in changes if name not in fields]
        if unknown:
            raise RecipeError(
                f"Expected changes to {', '.join([*fields, 'sampling', 'test', 'size', 'flow'])}. "
                f"Received: {', '.join(unknown)} for {self.name}. Correct or remove them."
            )
        inputs = changes.pop("inputs", self.inputs)
        if streams or flow:
            inputs = {
                name: stream.changed(**streams | (flow if isinstance(stream, Flow) else {}))
                for name, stream in inputs.items()
            }
        merged = {**self.options, **(options or {})}
        return dataclasses.replace(self, **changes, inputs=inputs, options=merged)

    def as_dict(self) -> dict[str, object]:
        """All that decides a result, as JSON can hold it."""
        values = vars(self) | {
            "inputs": {name: stream.as_dict() for name, stream in self.inputs.items()},
            "phases": [phase.as_dict() for phase in self.phases],
            "augment": None if self.augment is None else dataclasses.asdict(self.augment),
            "tasks": [[n, t.loss, t.weight, t.labels.__qualname__] for n, t in self.tasks.items()],
            "code": self.code_digest,
        }
        later = [name for name in ("beside", "refit") if not values[name]]  # as in `Phase.as_dict`
        decides_nothing = {"build", "source", "title", "published", "departures", "file", *later}
        return {name: value for name, value in values.items() if name not in decides_nothing}

    @property
    def code_digest(self) -> str:
        """Digest of the functions, classes and numbers of the file, and of papers it borrows from.

        Of what a notebook defines, that of the model's function and of solvers. Comments,
        docstrings and decorators do not count.
        """
        solvers = [phase.solver for phase in self.phases if phase.solver]
        return code.digest(self.file, [self.build, *solvers])
