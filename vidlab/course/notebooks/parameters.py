"""Notebook parameters: what the ``parameters`` cell declares, and values that fit it.

Takes a notebook's cell tagged ``parameters``; gives `Parameter` records to `files` and checked
values to `running`. papermill itself only logs an unknown parameter; here it is an error that
lists the valid ones.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from vidlab.errors import NotebookError

if TYPE_CHECKING:
    from vidlab.course.notebooks.files import Notebook

__all__ = ["Parameter", "convert", "declared", "fit", "tagged_cells"]


@dataclass(frozen=True)
class Parameter:
    """One line of a ``parameters`` cell: ``name: type = default  # comment``."""

    name: str
    type: str
    default: str
    comment: str


def tagged_cells(node: NotebookNode) -> list[int]:
    """Return the positions of the code cells tagged ``parameters``."""
    return [
        position
        for position, cell in enumerate(node.cells)
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]


def declared(node: NotebookNode, *, file: str | Path) -> tuple[Parameter, ...]:
    """Read the parameters a notebook declares.

    Parameters
    ----------
    node
        The notebook.
    file
        Its path, for the message.

    Raises
    ------
    NotebookError
        If the cell is not Python.
    """
    found = []
    for position in tagged_cells(node):
        source = node.cells[position].source
        try:
            statements = ast.parse(source).body
        except SyntaxError as error:
            raise NotebookError(
                f"Expected Python in the parameters cell of {file}. Received: line "
                f"{error.lineno}: {error.msg}. Correct that line."
            ) from error
        lines = source.splitlines()
        for statement in statements:
            if isinstance(statement, ast.AnnAssign):
                target, annotation = statement.target, ast.unparse(statement.annotation)
            elif isinstance(statement, ast.Assign):
                target, annotation = statement.targets[0], ""
            else:
                continue
            default = "" if statement.value is None else ast.unparse(statement.value)
            rest = lines[statement.end_lineno - 1][statement.end_col_offset :]
            comment = rest.partition("#")[2].strip()
            found.append(Parameter(ast.unparse(target), annotation, default, comment))
    return tuple(found)


def convert(text: str, parameter: Parameter) -> object:
    """Turn the text of a command line into the type a parameter declares.

    Parameters
    ----------
    text
        The value as typed. Lists and dictionaries are written as JSON.
    parameter
        The declaration; without a type the value is guessed (number, true/false, none, text).

    Raises
    ------
    NotebookError
        If the text does not fit the type.

    Examples
    --------
    >>> convert("8", Parameter("frames", "int", "16", ""))
    8
    >>> convert("101", Parameter("dataset", "str | None", "None", ""))
    '101'
    >>> convert('["a", "b"]', Parameter("recipes", "list[str]", "[]", ""))
    ['a', 'b']
    """
    kinds = [kind.strip().partition("[")[0] for kind in parameter.type.split("|")]
    if "None" in kinds and text.lower() in ("none", "null"):
        return None
    for kind in kinds:
        read = _READERS.get(kind)
        if read is not None:
            try:
                return read(text)
            except ValueError:
                continue
    if any(kind in _READERS for kind in kinds):
        raise NotebookError(
            f"Expected {parameter.type} for the parameter {parameter.name}. Received: {text!r}. "
            f"Its default is {parameter.default}."
        )
    return _guess(text)


def fit(
    notebooks: Sequence[Notebook], parameters: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """Give each notebook the parameters it declares.

    Parameters
    ----------
    notebooks
        The notebooks about to run.
    parameters
        Values by name; text is converted to the declared type.

    Returns
    -------
    dict
        Notebook name → its parameters.

    Raises
    ------
    NotebookError
        For a parameter that none of the notebooks declares; the message lists the valid ones.
    """
    for name in parameters:
        if not any(name == known.name for n in notebooks for known in n.parameters):
            valid = "; ".join(
                f"{n.name}: {', '.join(known.name for known in n.parameters) or 'none'}"
                for n in notebooks
            )
            raise NotebookError(
                f"Expected a parameter that the notebooks declare. Received: {name!r}. "
                f"Valid parameters: {valid}."
            )
    return {
        notebook.name: {
            known.name: convert(value, known) if isinstance(value, str) else value
            for known in notebook.parameters
            for value in [parameters.get(known.name)]
            if known.name in parameters
        }
        for notebook in notebooks
    }


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _json(kind: type):
    def read(text: str):
        value = json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(text)
        return value

    return read


_READERS = {
    "int": int,
    "float": float,
    "bool": _boolean,
    "str": str,
    "list": _json(list),
    "tuple": _json(list),
    "dict": _json(dict),
}


def _guess(text: str) -> object:
    if text.lower() == "none":
        return None
    for kind in ("int", "float", "bool", "list", "dict"):
        try:
            return _READERS[kind](text)
        except ValueError:
            continue
    return text
