"""Profiles: how big a run is, as checked data.

A profile is a YAML file: a shipped one (smoke, quick, full, ucf101, own), one in the folder
``nbconfig`` of `vidlab.datasets.home`, or any by its path. It chooses the videos, the picture size,
the frames per video and the backbone, and may change a recipe's epochs, learning rate or batch
size. It cannot change what a recipe *is*; `adapting.changes` lists all it changes, the
literature's values beside its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from vidlab import datasets
from vidlab.data import sampling
from vidlab.errors import ProfileError

__all__ = [
    "Filters",
    "Profile",
    "RecipeChange",
    "find",
    "folder",
    "load",
    "names",
    "replace",
]


def _named_sampler(text: str) -> str:
    """Check that a text names a sampler as written in Python, such as ``Uniform(16)``."""
    sampling.from_text(text)
    return text


Positive = Annotated[int, Field(gt=0)]
Sampler = Annotated[str, AfterValidator(_named_sampler)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Changes(_Record):
    """What may be changed about one recipe or about all."""

    patience: Positive | None = None
    options: dict[str, int | float | str | bool] = {}
    flow: dict[str, int | str | bool] = {}
    sampling: Sampler | None = None
    test: Sampler | None = None
    backbone: str | None = None
    weights: str | None = None


class RecipeChange(_Changes):
    """What a profile changes about one recipe; lists have one entry for each of its phases."""

    epochs: list[Positive] | None = None
    optimizer: list[Literal["adam", "sgd"]] | None = None
    learning_rate: list[Annotated[float, Field(gt=0)]] | None = None
    batch_size: list[Positive] | None = None
    size: Positive | None = None
    augment: bool | None = None


class Filters(_Record):
    """Gradient ascent for filters: so many steps, and at most so many seconds a layer."""

    steps: Positive = 64
    seconds: Positive = 120


class Profile(_Changes):
    """One size of run. Every field is a line of the profile's YAML file.

    Attributes
    ----------
    name : str
        The file's name without ``.yaml``.
    base : str
        Another profile, whose settings hold where this one has none; recipe by recipe.
    about : str
        One sentence for people choosing a profile.
    dataset : str
        ``"pantomime"``, ``"ucf101"`` or a folder of videos; a relative path begins at the profile's
        folder.
    layout, groups : str
        How that folder is read, where it does not tell by itself; see `vidlab.load_index`.
    dataset_size : {"smoke", "quick", "full"}
        How much of Pantomime to draw.
    split
        The split number.
    seed : int
        The training seed of runs that name none of their own.
    validation : float
        The share of training videos held out, 0–1; the recipe's own where not given, 0.1 in
        notebooks.
    backbone, weights, image_size
        Replace the recipe's own where given, and where it starts from a backbone. `weights`
        replaces only weights that are not random.
    freeze_batchnorm : bool
        Whether batch normalisation keeps the statistics of a pretrained backbone.
    sampling, test : str
        Samplers that replace those of recipes on single frames, e.g. ``"Segments(8)"``.
    clip_sampling, clip_test : str
        The same for recipes on whole clips.
    keep_decoded : bool
        Keep every video decoded at `image_size` on disk, so that later epochs skip the decoder.
    precision : {"float32", "fast"}
        Of what is computed once; see `vidlab.features.extract`.
    most_gigabytes : float
        Disk that a training may take for what is computed once.
    patience : int
        Epochs without a better validation loss before training stops; the recipe's own where not
        given.
    recipe_files : list of str
        Files with recipes of your own, which are then known by their names; relative paths begin
        at the profile's folder.
    options : dict
        Values for every recipe that has options of these names.
    flow : dict
        Values for the options of every `Flow`, such as ``stack``, ``variant`` or ``method``.
    recipes : dict[str, RecipeChange]
        Changes recipe by recipe.
    left_out : dict[str, str]
        Recipes that make no sense at this size, and why.
    refit : bool
        Whether a recipe is trained again on all training videos, validation ones included, for as
        many epochs as the validation loss was lowest after.
    line : str
        The recipe that every other is measured by, run before it; "" for none.
    folders : str
        The profile that takes the place of this one for a folder of one's own; "" for none.
    offline : dict
        Settings that replace those of this profile where its ImageNet weights cannot be had.
    filters : Filters
        Steps and seconds of activation maximization.
    silence : int
        Seconds that a headless notebook may give no sign of life.
    """

    name: str
    about: str
    base: str = ""
    dataset: str = "pantomime"
    layout: str = ""
    groups: str = ""
    dataset_size: Literal["smoke", "quick", "full"] = "quick"
    split: Literal[1, 2, 3] = 1
    seed: Annotated[int, Field(ge=0)] = 0
    validation: Annotated[float, Field(ge=0, lt=1)] | None = None
    image_size: Positive | None = None
    freeze_batchnorm: bool | None = None
    clip_sampling: Sampler | None = None
    clip_test: Sampler | None = None
    keep_decoded: bool = False
    precision: Literal["float32", "fast"] = "float32"
    most_gigabytes: Annotated[float, Field(gt=0)] = 20.0
    recipe_files: list[str] = []
    recipes: dict[str, RecipeChange] = {}
    left_out: dict[str, str] = {}
    refit: bool | None = None
    line: str = ""
    folders: str = ""
    offline: dict[str, int | str] = {}
    filters: Filters = Filters()
    silence: Positive = 900


def folder() -> Path:
    """Return the folder with the shipped profiles: of the checkout, else the package."""
    package = Path(__file__).resolve().parents[1]
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
        path = datasets.home() / "nbconfig" / f"{own.stem}.yaml"
        raise ProfileError(
            f"Expected one of the profiles {', '.join(names())}, or a YAML file. Received: "
            f"{name!r}. A profile of your own is a file {path}, or one named with its path."
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
        For an unknown name or path, a file that cannot be read, or an unfit setting.
    """
    path = find(name)
    settings = _settings_in(path)
    if base := settings.get("base"):
        known = _settings_in(find(str(base)))
        merged = {
            key: known.get(key, {}) | settings[key]
            for key in ("recipes", "left_out")
            if isinstance(settings.get(key), dict)
        }
        settings = {**known, "folders": "", **settings, **merged}
    own = _checked({**settings, "name": path.stem}, where=path)
    files = [str(path.parent / file) for file in own.recipe_files]
    given = Path(own.dataset).expanduser()
    dataset = own.dataset if own.dataset in datasets.NAMES else str(path.parent / given)
    return own.model_copy(update={"recipe_files": files, "dataset": dataset})


def _settings_in(path: Path) -> dict[str, object]:
    try:
        if path.stat().st_size > 100_000:
            raise ValueError("it is longer than 100,000 bytes")
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {str(name): value for name, value in settings.items()}
    except OSError:
        raise
    except Exception as error:  # what YAML raises where it is none is nearly anything
        raise ProfileError(
            f"Expected a file of settings, such as seed: 0 on a line. Received: {path}, which "
            f"cannot be read: {str(error)[:500]}. Compare it with {find('quick')}."
        ) from error


def replace(profile: Profile, **settings) -> Profile:
    """Return `profile` with some settings replaced, checked like those of a file."""
    return _checked(profile.model_dump() | settings, where="the parameters")


def _files() -> dict[str, Path]:
    """Return the profiles known by name; the home's own come before shipped ones."""
    places = (folder(), datasets.home() / "nbconfig")
    return {path.stem: path for place in places for path in place.glob("*.yaml")}


def _checked(settings: dict, *, where: object) -> Profile:
    try:
        return Profile(**settings)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise ProfileError(
            f"Expected settings that vidlab knows in {where}. Received: {problems[:1000]}. "
            f"Known settings: {', '.join(Profile.model_fields)}."
        ) from error
