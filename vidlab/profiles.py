"""Profiles: how big a run is, as checked data.

Takes YAML files: the shipped ones (smoke, quick, full, ucf101), those in the ``nbconfig`` folder of
`vidlab.datasets.home`, or any by its path; gives `Profile` records to `lab`. A profile chooses the
videos, the picture size, the frames per video and the backbone, and may change a recipe's epochs,
learning rate or batch size. It cannot change what a recipe *is*, and `adapt` keeps the literature's
values beside its own.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vidlab import datasets, sampling
from vidlab.errors import ProfileError, SamplingError

if TYPE_CHECKING:
    from vidlab.recipes import Recipe

__all__ = [
    "Filters",
    "Limits",
    "Profile",
    "RecipeChange",
    "adapt",
    "changes",
    "find",
    "folder",
    "load",
    "names",
    "replace",
    "run_name",
]

Positive = Annotated[int, Field(gt=0)]
Sampler = Annotated[
    str, Field(description="a sampler as written in Python, such as Uniform(16) or AllFrames()")
]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipeChange(_Record):
    """What a profile changes about one recipe; lists have one entry for each of its phases."""

    epochs: list[Positive] | None = None
    optimizer: list[Literal["adam", "sgd"]] | None = None
    learning_rate: list[Annotated[float, Field(gt=0)]] | None = None
    batch_size: list[Positive] | None = None
    units: Positive | None = None
    takes: Literal["clips", "features"] | None = None
    train_sampling: Sampler | None = None
    test_sampling: Sampler | None = None


class Limits(_Record):
    """How many seconds a headless notebook may give no sign of life, on the reference machine."""

    silence: Positive = 300


class Filters(_Record):
    """How long pictures of filters climb: so many steps, and at most so many seconds a layer."""

    steps: Positive = 64
    seconds: Positive = 120


class Profile(_Record):
    """One size of run. Every field is a line of the profile's YAML file.

    Attributes
    ----------
    name : str
        The file's name without ``.yaml``.
    about : str
        One sentence for people choosing a profile.
    dataset : str
        ``"pantomime"``, ``"ucf101"`` or a folder in UCF-101 layout.
    dataset_size : {"smoke", "quick", "full"}
        How much of Pantomime to draw.
    split, validation
        The split number, and the share of training videos held out, 0–1.
    backbone, weights, image_size
        Replace the recipe's own where given, and where it has a backbone. `weights` replaces only
        weights that are not random.
    train_sampling, test_sampling : str
        Samplers that replace those of recipes on single frames, e.g. ``"Segments(8)"``.
    clip_train_sampling, clip_test_sampling : str
        The same for recipes on whole clips; features are kept of the latter.
    keep_decoded : bool
        Keep every video decoded at `image_size` on disk, so that later epochs skip the decoder.
    precision : {"float32", "fast"}
        Of feature extraction; see `vidlab.features.extract`.
    patience : int
        Epochs without a better validation loss before training stops.
    recipes : dict[str, RecipeChange]
        Changes recipe by recipe.
    filters : Filters
        How long activation maximisation may climb.
    limits : Limits
        How long a headless notebook may be silent.
    """

    name: str
    about: str
    dataset: str = "pantomime"
    dataset_size: Literal["smoke", "quick", "full"] = "quick"
    data_seed: int = 0
    split: Literal[1, 2, 3] = 1
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.1
    backbone: str | None = None
    weights: str | None = None
    image_size: Positive | None = None
    train_sampling: Sampler | None = None
    test_sampling: Sampler | None = None
    clip_train_sampling: Sampler | None = None
    clip_test_sampling: Sampler | None = None
    keep_decoded: bool = False
    precision: Literal["float32", "fast"] = "float32"
    patience: Positive = 5
    recipes: dict[str, RecipeChange] = {}
    filters: Filters = Filters()
    limits: Limits = Limits()


def folder() -> Path:
    """Return the folder with the shipped profiles: of the checkout, else the package."""
    package = Path(__file__).resolve().parent
    beside = package.parent / "nbconfig"
    return beside if beside.is_dir() else package / "nbconfig"


def names() -> list[str]:
    """Return the names that `load` accepts, in alphabetical order."""
    return sorted(_files())


def find(name: str) -> Path:
    """Return the file of a profile.

    Parameters
    ----------
    name
        One of `names`, or the path of a file that ends in ``.yaml``.

    Raises
    ------
    ProfileError
        For an unknown name (the message lists the known ones) or a path without a file.
    """
    own = Path(name).expanduser()
    path = own if own.suffix == ".yaml" else _files().get(name)
    if path is None or not path.is_file():
        place = datasets.home() / "nbconfig" / f"{own.stem}.yaml"
        raise ProfileError(
            f"Expected one of the profiles {', '.join(names())}, or a YAML file. Received: "
            f"{name!r}. A profile of your own is a file {place}, or one named with its path."
        )
    return path


def load(name: str) -> Profile:
    """Read and check one profile.

    Parameters
    ----------
    name
        As for `find`; the profile of ``my/slow.yaml`` is called slow.

    Raises
    ------
    ProfileError
        For an unknown name or path, or an unknown or unfit setting (the message names the file and
        the line's key).
    """
    path = find(name)
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return _checked({**settings, "name": path.stem}, where=path)


def adapt(recipe: Recipe, profile: Profile) -> Recipe:
    """Return `recipe` as `profile` runs it; the recipe itself stays as it is.

    Raises
    ------
    ProfileError
        If the profile names a sampler that does not exist, or changes a number of phases that the
        recipe does not have.
    """
    change = profile.recipes.get(recipe.name, RecipeChange())
    changed: dict = {
        name: getattr(change, name)
        for name in ("units", "takes")
        if getattr(change, name) is not None
    }
    if recipe.backbone is not None:
        if profile.backbone is not None:
            changed["backbone"] = profile.backbone
        if profile.image_size is not None:
            changed["size"] = (profile.image_size, profile.image_size)
    if profile.weights is not None and recipe.weights is not None:
        changed["weights"] = profile.weights
    changed["phases"] = _phases(recipe, change, profile)
    adapted = recipe.adapted(**changed)
    return adapted.adapted(**_samplers(adapted, change, profile))


def changes(recipe: Recipe, profile: Profile) -> list[dict[str, str]]:
    """List what `profile` changes about `recipe`, the original beside it.

    Returns
    -------
    list of dict
        Rows with ``recipe``, ``setting``, ``original`` and ``here``, all text; empty when nothing
        differs.
    """
    before, after = _settings(recipe), _settings(adapt(recipe, profile))
    return [
        {"recipe": recipe.name, "setting": name, "original": value, "here": after[name]}
        for name, value in before.items()
        if value != after[name]
    ]


def _samplers(recipe: Recipe, change: RecipeChange, profile: Profile) -> dict:
    """Return the samplers of an adapted recipe that differ from the literature's."""
    of_clips = "clip_" if recipe.takes != "frames" else ""
    text = {
        name: getattr(change, name) or getattr(profile, of_clips + name)
        for name in ("train_sampling", "test_sampling")
    }
    if recipe.takes == "features":  # kept once, for training and testing alike
        text["train_sampling"] = text["test_sampling"]
    return {name: _sampler(value, profile) for name, value in text.items() if value is not None}


def _settings(recipe: Recipe) -> dict[str, str]:
    """Return what a profile may change, as text by setting."""
    settings = {
        "learns from": recipe.takes,
        "backbone": recipe.backbone or "none",
        "units": str(recipe.units),
        "weights": recipe.weights or "random",
        "frame size": "×".join(map(str, recipe.size)),
        "frames learned from": str(recipe.train_sampling),
        "frames decided by": str(recipe.test_sampling),
    }
    for number, phase in enumerate(recipe.phases, start=1):
        where = f", phase {number}" if len(recipe.phases) > 1 else ""
        settings[f"epochs{where}"] = str(phase.epochs)
        settings[f"optimizer{where}"] = phase.optimizer
        settings[f"learning rate{where}"] = f"{phase.learning_rate:g}"
        settings[f"batch size{where}"] = str(phase.batch_size)
    return settings


def replace(profile: Profile, **settings) -> Profile:
    """Return `profile` with some settings replaced, checked like those of a file.

    Raises
    ------
    ProfileError
        For an unknown or unfit setting.
    """
    return _checked(profile.model_dump() | settings, where="the parameters")


def run_name(own: Profile, used: Profile) -> str:
    """Name the folder in ``runs/`` that holds the results of a profile.

    Parameters
    ----------
    own
        The profile as its file has it.
    used
        The settings in force, where parameters may have chosen other videos.

    Returns
    -------
    str
        The profile's name; with other videos, ``<profile>-<name of their folder>``.
    """
    if used.dataset == own.dataset:
        return own.name
    return f"{own.name}-{Path(used.dataset).expanduser().resolve().name}"


def _files() -> dict[str, Path]:
    """Return the profiles known by name; the home's own come before shipped ones."""
    places = (folder(), datasets.home() / "nbconfig")
    return {path.stem: path for place in places for path in place.glob("*.yaml")}


def _phases(recipe: Recipe, change: RecipeChange, profile: Profile) -> tuple:
    phases = list(recipe.phases)
    for field in ("epochs", "optimizer", "learning_rate", "batch_size"):
        values = getattr(change, field)
        if values is None:
            continue
        if len(values) != len(phases):
            raise ProfileError(
                f"Expected {len(phases)} value(s) of {field} for {recipe.name}, one a phase, in "
                f"profile {profile.name}. Received: {values}. Add or remove values."
            )
        phases = [
            dataclasses.replace(phase, **{field: value})
            for phase, value in zip(phases, values, strict=True)
        ]
    return tuple(phases)


def _checked(settings: dict, *, where: object) -> Profile:
    try:
        return Profile(**settings)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ProfileError(
            f"Expected settings that vidlab knows in {where}. Received: {problems}. "
            f"Known settings: {', '.join(Profile.model_fields)}."
        ) from error


def _sampler(text: str, profile: Profile):
    try:
        return sampling.from_text(text)
    except SamplingError as error:
        raise ProfileError(f"In profile {profile.name}: {error}") from error
