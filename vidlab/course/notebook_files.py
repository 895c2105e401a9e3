"""Notebook files: what each declares about itself, and what it is given.

A notebook says in its own metadata which notebooks it follows:
``metadata.vidlab = {"after": ["08_frame_models"]}``. Cells tagged ``pantomime`` speak of what
only its videos have, reversed pairs and boxes; `read` leaves them out for other videos.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from pydantic import PydanticUserError, TypeAdapter, ValidationError

from vidlab.course import profiles
from vidlab.errors import NotebookError
from vidlab.files import write_text

__all__ = [
    "MADE_BY_PAPERMILL",
    "Notebook",
    "convert",
    "find",
    "fit",
    "folder",
    "read",
    "select",
    "write",
]

MADE_BY_PAPERMILL = {"injected-parameters", "papermill-error-cell-tag"}


@dataclass(frozen=True, eq=False)
class Notebook:
    """A notebook file and what it says about itself.

    Attributes
    ----------
    path : Path
        The file.
    number : int
        The number its name starts with.
    title : str
        Its first line, a heading.
    after : tuple of str
        Names of notebooks that must have run before it where they are run as well.
    parameters : dict
        Name to type, default and comment of each line of its ``parameters`` cell, as
        `papermill.inspect_notebook` gives them.
    """

    path: Path
    number: int
    title: str
    after: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        """The file's name without ``.ipynb``."""
        return self.path.stem


def folder() -> Path:
    """Return the folder with the course's notebooks: ``notebooks`` beside ``nbconfig``."""
    return profiles.folder().parent / "notebooks"


def read(path: str | Path, *, without: Iterable[str] = ()) -> nbformat.NotebookNode:
    """Read a notebook file as nbformat 4, without the cells that carry one of some tags.

    Raises
    ------
    NotebookError
        If there is no such file or it is not a notebook.
    """
    try:
        node = nbformat.read(path, as_version=4)
    except (FileNotFoundError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise NotebookError(
            f"Expected a notebook in JSON. Received: {path} ({error}). Check the path, or restore "
            "the file from git."
        ) from error
    node.cells = [c for c in node.cells if not {*without} & {*c.metadata.get("tags", ())}]
    return node


def write(node: nbformat.NotebookNode, path: str | Path) -> None:
    """Write a notebook file, whole or not at all."""
    write_text(path, nbformat.writes(node) + "\n")


def find(folder: str | Path) -> list[Notebook]:
    """Find the notebooks of a folder whose names start with a number, in order.

    Raises
    ------
    NotebookError
        If the folder holds no numbered notebook, or a file cannot be read.
    """
    paths = sorted(Path(folder).glob("[0-9]*.ipynb"))
    if not paths:
        raise NotebookError(
            f"Expected numbered notebooks such as 01_name.ipynb in {folder}. Received: none. "
            "Run vidlab from a clone of the repository, or name the folder that holds them."
        )
    return [_described(path.resolve()) for path in paths]


def select(notebooks: Sequence[Notebook], words: Iterable[int | str] | None) -> list[Notebook]:
    """Choose notebooks by number or range, in the order of `notebooks`.

    Parameters
    ----------
    notebooks
        What to choose from.
    words
        Such as ``4``, ``"04"`` or ``"2-4"``; none or empty means all.

    Raises
    ------
    NotebookError
        For a number that no notebook has; the message lists the ones there are.
    """
    wanted, known = set(), {notebook.number for notebook in notebooks}
    for word in map(str, words or []):
        ends = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        numbers = set(range(int(ends[1]), int(ends[2] or ends[1]) + 1)) if ends else {word}
        if not numbers or not numbers <= known:  # none in a range that runs backwards
            raise NotebookError(
                f"Expected the number of a notebook, or a range such as 2-4. Received: {word}. "
                f"There are: {', '.join(notebook.name for notebook in notebooks)}."
            )
        wanted |= numbers
    return [notebook for notebook in notebooks if not wanted or notebook.number in wanted]


def fit(
    notebooks: Sequence[Notebook], parameters: Mapping[str, object], *, profile: str
) -> dict[str, dict[str, object]]:
    """Give each notebook, by its name, those of the parameters that it declares, and the profile.

    papermill itself only logs an unknown parameter; here it is an error that lists the valid ones.

    Raises
    ------
    NotebookError
        For a parameter that none of the notebooks declares.
    """
    for name in parameters:
        if not any(name in notebook.parameters for notebook in notebooks):
            valid = "; ".join(f"{n.name}: {', '.join(n.parameters) or 'none'}" for n in notebooks)
            raise NotebookError(
                f"Expected a parameter that the notebooks declare. Received: {name!r}. "
                f"Valid parameters: {valid}."
            )
    given = {**parameters, "profile": profile}
    return {
        notebook.name: {
            name: convert(given[name], declared) if isinstance(given[name], str) else given[name]
            for name, declared in notebook.parameters.items()
            if name in given
        }
        for notebook in notebooks
    }


def convert(text: str, parameter: Mapping[str, str]) -> object:
    """Turn the text of a command line into the type that a parameter declares.

    Parameters
    ----------
    text
        The value as typed. Lists and dictionaries are written as JSON.
    parameter
        One of `Notebook.parameters`. Without a type the value is read as JSON, else as text.

    Raises
    ------
    NotebookError
        If the text does not fit the type.

    Examples
    --------
    >>> convert("8", {"name": "frames", "inferred_type_name": "int", "default": "16"})
    8
    >>> convert('["a", "b"]', {"name": "recipes", "inferred_type_name": "list[str]"})
    ['a', 'b']
    """
    kind = parameter["inferred_type_name"]
    try:
        declared = TypeAdapter("object" if kind in ("", "None") else kind)
    except (PydanticUserError, SyntaxError):  # a type of the notebook's own
        declared = TypeAdapter(object)
    if text.lower() == "none" and "None" in kind:
        return None
    for validate in (declared.validate_json, declared.validate_python):
        with suppress(ValidationError):
            return validate(text)
    raise NotebookError(
        f"Expected {kind} for the parameter {parameter['name']}. Received: {text!r}. Its default "
        f"is {parameter['default']}."
    )


def _described(path: Path) -> Notebook:
    node = read(path)
    lines = (line for cell in node.cells for line in cell.source.splitlines())
    return Notebook(
        path=path,
        number=int(re.match(r"\d+", path.stem)[0]),
        title=next(lines, path.stem).removeprefix("# "),
        after=tuple(node.metadata.get("vidlab", {}).get("after", ())),
        parameters=papermill.inspect_notebook(str(path)),
    )
