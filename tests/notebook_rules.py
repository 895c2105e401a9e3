"""The rules of form that every notebook of the course keeps.

Short cells, prose between them, one place for parameters, nothing that ties a notebook to one
machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from vidlab.course import notebook_files

_LONGEST_CELL = 15
_LONGEST_RUN_OF_CODE = 2
_BULLETS = range(3, 6)
_INSTALL = re.compile(r"\b(?:pip|conda|mamba|uv)3?\s+(?:\w+\s+)?install\b")
_ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~])(?:/(?:home|Users|root|tmp|mnt|work|opt|var|etc|content|data)/|~/|[A-Z]:[\\/])"
)


def breaches(notebook: str | Path) -> list[str]:
    """List the rules a notebook breaks, each with the cell's number counted from 1."""
    node = notebook_files.read(notebook)
    return [
        *_stripped(node),
        *_opening(node),
        *_closing(node),
        *_parameters(node),
        *_lengths(node),
        *_runs_of_code(node),
        *_machine(node),
    ]


def _stripped(node: NotebookNode) -> Iterator[str]:
    executed = [n for n, cell in _code(node) if cell.outputs or cell.execution_count is not None]
    for number in executed:
        yield f"cell {number} carries outputs; remove them with: vidlab notebooks strip"
    if not executed and notebook_files.stripped(node) != node:
        yield "metadata or cell ids are not as git should see them; run: vidlab notebooks strip"


def _opening(node: NotebookNode) -> Iterator[str]:
    first = node.cells[0] if node.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "cell 1 is not a markdown cell that starts with the title (# ...)"
    opening = ""
    for cell in node.cells:
        if cell.cell_type == "code":
            break
        opening += cell.source + "\n"
    learn = re.search(r"you will learn\b.*", opening, flags=re.IGNORECASE)
    bullets = _list_after(opening[learn.end() :]) if learn else 0
    if bullets not in _BULLETS:
        yield (
            f'the opening has {bullets} points under "What you will learn", '
            f"not {_BULLETS.start} to {_BULLETS.stop - 1}"
        )
    if not re.search(r"\brun(?:ning)? time\b", opening, re.I):
        yield "the opening does not give the run time per profile"


def _list_after(text: str) -> int:
    """Count the points of the list that `text` begins with."""
    points = 0
    for line in text.splitlines():
        if re.match(r"[-*+] ", line):
            points += 1
        elif line.strip() and not (points and line.startswith("  ")):
            break
    return points


def _closing(node: NotebookNode) -> Iterator[str]:
    if node.cells and node.cells[-1].cell_type != "markdown":
        yield f"cell {len(node.cells)}, the last, is code: close with what was learned"


def _parameters(node: NotebookNode) -> Iterator[str]:
    code = [number for number, _ in _code(node)]
    tagged = [n for n, cell in _code(node) if "parameters" in cell.metadata.get("tags", [])]
    if not code or tagged != code[:1]:
        yield "the first code cell, and no other, must be tagged `parameters`"
        return
    for line in node.cells[tagged[0] - 1].source.splitlines():
        if not re.fullmatch(r"\w+: .+ = .+  # .+", line):
            yield f"cell {tagged[0]}, the parameters: not `name: type = value  # comment`: {line}"


def _lengths(node: NotebookNode) -> Iterator[str]:
    for number, cell in _code(node):
        lines = cell.source.rstrip().count("\n") + 1
        if lines > _LONGEST_CELL:
            yield f"cell {number} has {lines} lines of code; {_LONGEST_CELL} at most"


def _runs_of_code(node: NotebookNode) -> Iterator[str]:
    run = 0
    for number, cell in enumerate(node.cells, start=1):
        run = run + 1 if cell.cell_type == "code" else 0
        if run == _LONGEST_RUN_OF_CODE + 1:
            yield f"cell {number} is the third code cell in a row; say in words what is seen"


def _machine(node: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(node.cells, start=1):
        if cell.cell_type == "code" and _INSTALL.search(cell.source):
            yield f"cell {number} installs packages; that belongs in pyproject.toml"
        path = _ABSOLUTE_PATH.search(cell.source)
        if path:
            line = cell.source[: path.start()].count("\n") + 1
            yield f"cell {number}, line {line} holds a path of one machine ({path.group()}…)"


def _code(node: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    for number, cell in enumerate(node.cells, start=1):
        if cell.cell_type == "code":
            yield number, cell
