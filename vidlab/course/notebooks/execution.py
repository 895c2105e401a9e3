"""Execute one notebook: papermill runs it, the outcome says how it ended.

Takes a `Notebook` and its parameters from `running`; gives an `Outcome` and the executed notebook,
which appears under its final name only when it is whole. A cell's error, a silent kernel, a dead
one and an interruption are told apart.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from vidlab.course.notebooks import files
from vidlab.course.notebooks.files import Notebook
from vidlab.course.notebooks.kernels import ENGINE, Session
from vidlab.course.notebooks.records import Failure

__all__ = ["Outcome", "execute"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_INJECTED = "injected-parameters"
_MARKERS = "papermill-error-cell-tag"


@dataclass(frozen=True)
class Outcome:
    """How an execution ended.

    Attributes
    ----------
    status : str
        ``"done"``, ``"failed"``, ``"timed out"``, ``"kernel died"`` or ``"interrupted"``.
    seconds : float
        Wall-clock time.
    output : Path or None
        The executed notebook, ``<name>.ipynb`` or ``<name>.failed.ipynb``.
    failure : Failure or None
        Where and why, unless done or interrupted.
    """

    status: str
    seconds: float
    output: Path | None
    failure: Failure | None = None


def execute(
    notebook: Notebook,
    folder: Path,
    *,
    parameters: dict[str, object],
    session: Session,
) -> Outcome:
    """Run a notebook from its first cell to its last.

    Parameters
    ----------
    notebook
        What to run.
    folder
        Where the executed notebook goes.
    parameters
        Values for its ``parameters`` cell.
    session
        The kernel's environment and how long it may be silent.

    Returns
    -------
    Outcome
        Errors of the notebook are in it, not raised.
    """
    started = time.monotonic()
    part = folder / f".{notebook.name}.part.ipynb"
    failed = folder / f"{notebook.name}.failed.ipynb"
    status, failure, output = "done", None, folder / f"{notebook.name}.ipynb"
    try:
        papermill.execute_notebook(
            notebook.path,
            part,
            parameters,
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            autosave_cell_every=0,
            session=session,
        )
    except PapermillExecutionError as error:
        status = "failed"
        failure = _failure(part, error.cell_index, error=_said(error.ename, error.evalue))
    except RuntimeError as error:  # the kernel is gone
        if session.silent:
            status, reason, line = "timed out", session.reason(), ""
        else:
            status, reason, line = "kernel died", _death(error, session), session.last_words()
        failure = _failure(part, session.position, error=reason, line=line)
    except Exception:
        if not session.kernels.stopping.is_set():
            raise
        status = "interrupted"  # a kernel that is killed while it starts fails in many ways
    finally:
        stopped = status != "done" and session.kernels.stopping.is_set()
        if stopped:
            part.unlink(missing_ok=True)
    seconds = time.monotonic() - started
    if stopped:
        return Outcome("interrupted", seconds, None)
    _tidy(part, notebook, output if status == "done" else failed)
    if status == "done":
        failed.unlink(missing_ok=True)
        return Outcome(status, seconds, output)
    return Outcome(status, seconds, failed, failure)


def _tidy(part: Path, notebook: Notebook, target: Path) -> None:
    node = files.read(part)
    node.metadata.papermill.update(input_path=notebook.path.name, output_path=target.name)
    files.write(node, part)
    part.replace(target)


def _said(name: str, value: str) -> str:
    value = _COLOURS.sub("", value).strip()
    return f"{name}: {value}" if value else name


def _death(error: Exception, session: Session) -> str:
    if session.position is None:
        return f"The kernel did not start: {error}"
    return (
        "The kernel ended by itself in this cell. Most often the machine ran out of memory; "
        "vidlab doctor shows how much there is."
    )


def _failure(part: Path, position: int | None, *, error: str, line: str = "") -> Failure:
    """Describe a failure by the cell's number in the notebook as the student sees it."""
    if position is None:
        return Failure(
            cell=None, cells=None, execution_count=None, source="", error=error, line=line
        )
    node = files.read(part)
    cells = [c for c in node.cells if _MARKERS not in c.metadata.get("tags", [])]
    before = sum(_INJECTED in c.metadata.get("tags", []) for c in cells[: position + 1])
    total = sum(_INJECTED not in c.metadata.get("tags", []) for c in cells)
    return Failure(
        cell=position + 1 - before,
        cells=total,
        execution_count=cells[position].get("execution_count"),
        source=cells[position].source,
        error=error,
        line=line or _last_line(cells[position]),
    )


def _last_line(cell: NotebookNode) -> str:
    """Return the line of code the error came from: the innermost arrow of the traceback."""
    arrows = [
        line
        for output in cell.get("outputs", [])
        if output.output_type == "error"
        for line in _COLOURS.sub("", "\n".join(output.traceback)).splitlines()
        if re.match(r"^-+>", line)
    ]
    if not arrows:
        return ""
    number, _, code = re.sub(r"^-+>\s*", "", arrows[-1]).partition(" ")
    return f"line {number}: {code.strip()}"
