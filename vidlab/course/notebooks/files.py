"""Notebook files: find them, read what they declare, and strip them for git.

Takes the ``.ipynb`` files of a folder; gives `Notebook` records to `execution` and `running`, and
stripped files back to the folder. A notebook says in its own metadata what it needs:
``metadata.vidlab = {"needs": ["dataset"], "after": [4]}``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from vidlab.errors import NotebookError
from vidlab.course.notebooks.parameters import Parameter, declared
from vidlab.files import replacing

__all__ = ["Notebook", "find", "read", "select", "strip", "stripped", "write"]

_KEPT_METADATA = ("kernelspec", "language_info", "vidlab")
_KEPT_CELL_METADATA = ("tags", "jupyter", "slideshow")
_MADE_BY_PAPERMILL = ("injected-parameters", "papermill-error-cell-tag")
_VALID_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


@dataclass(frozen=True)
class Notebook:
    """A notebook file and what it says about itself.

    Attributes
    ----------
    path : Path
        The file.
    number : int or None
        The number its name starts with.
    title : str
        Its first heading, else its name.
    needs : tuple of str
        What must be on disk before it starts, such as ``"dataset"``.
    after : tuple of str
        Notebooks (numbers or names) that must have run before it where they are run as well.
    parameters : tuple of Parameter
        The lines of its ``parameters`` cell.
    """

    path: Path
    number: int | None
    title: str
    needs: tuple[str, ...]
    after: tuple[str, ...]
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        """The file's name without ``.ipynb``."""
        return self.path.stem

    def answers_to(self, word: str) -> bool:
        """Tell whether `word` means this notebook: its number, its name or its file name."""
        return word in (self.name, self.path.name) or (
            word.isdigit() and self.number is not None and int(word) == self.number
        )


def read(path: str | Path) -> NotebookNode:
    """Read a notebook file as nbformat 4.

    Raises
    ------
    NotebookError
        If there is no such file or it is not a notebook.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotebookError(
            f"Expected a notebook. Received: {path}, which does not exist. Check the path."
        ) from error
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or "nbformat" not in document:
            raise ValueError("JSON, but not a notebook's")
        return nbformat.reads(text, as_version=4)
    except ValueError as error:
        raise NotebookError(
            f"Expected a notebook in JSON. Received: {path} ({error}). Restore the file from git."
        ) from error


def write(node: NotebookNode, path: str | Path) -> None:
    """Write a notebook file whole or not at all (a temporary name, then a rename)."""
    with replacing(path) as temporary:
        temporary.write_text(nbformat.writes(node) + "\n", encoding="utf-8", newline="\n")


def find(folder: str | Path) -> list[Notebook]:
    """Find the numbered notebooks of a folder, in order.

    Parameters
    ----------
    folder
        Where to look; files whose name starts with a digit and ends in ``.ipynb`` are taken.

    Raises
    ------
    NotebookError
        If the folder holds no numbered notebook, or a file cannot be read.
    """
    folder = Path(folder)
    paths = sorted(folder.glob("[0-9]*.ipynb"))
    if not paths:
        raise NotebookError(
            f"Expected numbered notebooks such as 01_name.ipynb in {folder}. Received: none. "
            "Run vidlab from a clone of the repository, or name the folder that holds them."
        )
    return [_describe(path) for path in paths]


def select(notebooks: Sequence[Notebook], words: Iterable[int | str] | None) -> list[Notebook]:
    """Choose notebooks by number, name or range, in the order of `notebooks`.

    Parameters
    ----------
    notebooks
        What to choose from.
    words
        Such as ``4``, ``"04"``, ``"2-4"`` or ``"04_frame_models"``; none or empty means all.

    Raises
    ------
    NotebookError
        For a word that means no notebook; the message lists the ones there are.
    """
    wanted = [word for given in words or [] for word in _spread(str(given))]
    for word in wanted:
        if not any(notebook.answers_to(word) for notebook in notebooks):
            known = ", ".join(notebook.name for notebook in notebooks)
            raise NotebookError(
                f"Expected the number or name of a notebook. Received: {word}. There are: {known}."
            )
    return [n for n in notebooks if not wanted or any(n.answers_to(word) for word in wanted)]


def stripped(node: NotebookNode) -> NotebookNode:
    """Return a copy of `node` as git should see it.

    Outputs, execution counts, cells added by papermill and metadata that change from run to run
    are gone. Cell ids stay; a missing or repeated one is replaced by one computed from the cell's
    place and text, so that stripping twice changes nothing.
    """
    clean = nbformat.from_dict(node)
    clean.nbformat, clean.nbformat_minor = 4, 5
    clean.metadata = NotebookNode(
        {k: node.metadata[k] for k in _KEPT_METADATA if k in node.metadata}
    )
    clean.metadata.language_info = NotebookNode(name="python")
    clean.metadata.kernelspec = NotebookNode(
        display_name="Python 3", language="python", name="python3"
    )
    clean.cells, seen = [], set()
    for place, cell in enumerate(node.cells):
        tags = cell.metadata.get("tags", [])
        if any(tag in _MADE_BY_PAPERMILL for tag in tags):
            continue
        cell = nbformat.from_dict(cell)
        cell.metadata = NotebookNode(
            {k: cell.metadata[k] for k in _KEPT_CELL_METADATA if cell.metadata.get(k)}
        )
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        identity = cell.get("id", "")
        if not _VALID_ID.match(identity) or identity in seen:
            text = f"{place}:{cell.cell_type}:{cell.source}"
            identity = hashlib.sha256(text.encode()).hexdigest()[:8]
        cell.id = identity
        seen.add(identity)
        clean.cells.append(cell)
    return clean


def strip(path: str | Path) -> bool:
    """Strip a notebook file in place (see `stripped`).

    Returns
    -------
    bool
        True if the file changed.
    """
    path = Path(path)
    node = stripped(read(path))
    if path.read_text(encoding="utf-8") == nbformat.writes(node) + "\n":
        return False
    write(node, path)
    return True


def _describe(path: Path) -> Notebook:
    node = read(path)
    number = re.match(r"\d+", path.stem)
    said = node.metadata.get("vidlab", {})
    return Notebook(
        path=path.resolve(),
        number=int(number.group()) if number else None,
        title=_title(node) or path.stem,
        needs=tuple(map(str, said.get("needs", []))),
        after=tuple(map(str, said.get("after", []))),
        parameters=declared(node, file=path),
    )


def _title(node: NotebookNode) -> str | None:
    for cell in node.cells:
        if cell.cell_type == "markdown":
            heading = re.search(r"^#\s+(.+?)\s*$", cell.source, flags=re.MULTILINE)
            if heading:
                return heading.group(1)
    return None


def _spread(word: str) -> list[str]:
    ends = re.fullmatch(r"(\d+)-(\d+)", word)
    if ends is None:
        return [word]
    first, last = map(int, ends.groups())
    return [str(number) for number in range(first, last + 1)]
