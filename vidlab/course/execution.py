"""One notebook in a process of its own: papermill executes it, a `Job` watches and may end it.

``python -m vidlab.course.execution NOTEBOOK OUTPUT PARAMETERS SECONDS`` ends with status 0, 1 where
a cell raised an error, and 2 where the kernel died. Whatever cells print and show is printed, too:
a sign of life. The kernel's sockets are beside the file named by ``VIDLAB_HEARTBEAT``.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import papermill
import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets import default

from vidlab.course import notebook_files
from vidlab.course.notebook_files import Notebook
from vidlab.progress import HEARTBEAT

__all__ = ["Failure", "InterpreterKernelManager", "Job", "environment", "main"]

_FAILED, _DEAD = 1, 2
_PAPERMILLS_OWN = re.compile(r"(Executing|Ending) (Cell|notebook)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_START_SECONDS = 120  # for a kernel; more where more silence is allowed
_END_SECONDS = 5
_LARGE_OUTPUT_SECONDS = 600  # for outputs that trail their cell
_LONGEST_SOCKET = 90  # a Unix socket's path holds at most 104 bytes on macOS, 108 on Linux

# glibc keeps the large blocks that TensorFlow frees and takes again at every step.
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}


class InterpreterKernelManager(AsyncKernelManager):
    """Starts kernels of this interpreter, without ports, so that two runs cannot clash."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """The interpreter that runs vidlab, whatever kernels are registered on the machine.

        What libraries print from C++ (TensorFlow: some lines at each import) goes to the log
        instead of into the notebook.
        """
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(
            argv=[*command, "--IPKernelApp.capture_fd_output=False"],
            display_name="Python 3",
            language="python",
        )

    @default("connection_file")
    def _default_file(self) -> str:
        return os.path.splitext(os.environ[HEARTBEAT])[0] + ".json"

    @default("transport")
    def _default_transport(self) -> str:
        is_short = len(os.fsencode(self.connection_file)) < _LONGEST_SOCKET
        return "ipc" if os.name == "posix" and is_short else "tcp"


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook ended early.

    Attributes
    ----------
    cell, cells : int or None
        The cell's number counted from 1 over all cells of the notebook, and how many it has; None
        where no cell had begun.
    execution_count : int or None
        The number in ``In [n]`` of the executed notebook.
    error : str
        The exception's name and message, or a sentence.
    line : str
        The innermost line of code of the traceback; empty where there is none.
    """

    cell: int | None
    cells: int | None
    execution_count: int | None
    error: str
    line: str


@dataclass
class Job:
    """A notebook's execution, seen from the runner.

    Attributes
    ----------
    notebook : Notebook
        What is executed.
    pages, scratch : Path
        Folders for the executed notebook, and for what lasts as long as the run.
    silence : float
        Seconds without a sign of life after which it is ended.
    status : str
        ``"running"``, then ``"done"``, ``"failed"``, ``"timed out"`` or ``"kernel died"``.
    failure : Failure or None
        Where and why it ended early.
    output : Path or None
        The executed notebook; None where the kernel did not start.
    seconds : float
        Wall-clock time.
    """

    notebook: Notebook
    pages: Path
    scratch: Path
    silence: float
    status: str = "running"
    failure: Failure | None = None
    output: Path | None = None
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    _begun: bool = False

    def start(self, parameters: Mapping[str, object], *, profile: str) -> None:
        """Start the process."""
        self.part.unlink(missing_ok=True)
        self.heartbeat.touch()
        seconds = str(max(_START_SECONDS, math.ceil(self.silence)))
        words = [self.notebook.path, self.part, json.dumps(parameters), seconds]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "vidlab.course.execution", *map(str, words)],
                env={**environment(profile=profile), HEARTBEAT: str(self.heartbeat)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the runner, which ends its notebooks
            )

    @property
    def part(self) -> Path:
        """The notebook as it is being executed; papermill writes it at every cell."""
        return self.pages / f".{self.notebook.name}.part.ipynb"

    @property
    def heartbeat(self) -> Path:
        """Where `vidlab.progress` keeps the line of a quiet bar."""
        return self.scratch / f"{self.notebook.name}.progress"

    @property
    def log(self) -> Path:
        """What the notebook shows, and what its kernel prints beside it."""
        return self.scratch / f"{self.notebook.name}.log"

    def is_over(self) -> bool:
        """Whether the execution has ended, or has been silent for too long and is ended now."""
        if self.process.poll() is not None:
            return True
        if not self._begun:  # a kernel that starts is silent
            text = self.part.read_text(encoding="utf-8") if self.part.is_file() else ""
            self._begun = '"status": "running"' in text or '"status": "completed"' in text
            return False
        signs = [p.stat().st_mtime for p in (self.part, self.heartbeat, self.log) if p.is_file()]
        if time.time() - max(signs) <= self.silence:
            return False
        self.end()
        self.status = "timed out"
        return True

    def end(self) -> None:
        """Kill the execution, its kernel and whatever that has started."""
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            execution = psutil.Process(self.process.pid)
            execution.suspend()  # so that it starts no kernel in the meantime
            family = [*execution.children(recursive=True), execution]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family[:-1], timeout=_END_SECONDS)
        self.process.wait()

    def close(self) -> None:
        """Put the executed notebook where it belongs, and find out how it ended."""
        self.seconds = time.monotonic() - self.started
        if self.status == "running":
            statuses = {0: "done", _FAILED: "failed"}
            self.status = statuses.get(self.process.returncode, "kernel died")
        if self.status in ("timed out", "kernel died") and self.part.is_file():
            _end_running_cell(self.part, error=self._reason())
        failed = self.pages / f"{self.notebook.name}.failed.ipynb"
        target = self.pages / f"{self.notebook.name}.ipynb" if self.status == "done" else failed
        if self.status != "done":
            none = Failure(None, None, None, self._reason(), self._last_words())
            self.failure = _failure(self.part) or none
        else:
            for old in (failed, failed.with_suffix(".html")):
                old.unlink(missing_ok=True)
        if self.part.is_file():
            self.output = self.part.replace(target)

    def _reason(self) -> str:
        if self.status == "timed out":
            is_new = self.heartbeat.stat().st_mtime >= self.part.stat().st_mtime
            progress = (self.heartbeat.read_text(encoding="utf-8") if is_new else "") or "none"
            return (
                f"TimeoutError: No output and no progress for {self.silence:g} seconds. Last "
                f"progress: {progress}. Finished epochs and videos are kept: vidlab run --resume "
                "goes on from there, and --silence SECONDS allows more time."
            )
        if self.process.returncode == _DEAD and self._begun:
            return (
                "DeadKernelError: The kernel ended by itself in this cell. Most often the machine "
                "ran out of memory; vidlab doctor shows how much there is. Last printed: "
                f"{self._last_words()}"
            )
        return f"DeadKernelError: The kernel did not start: {self._last_words()}"

    def _last_words(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.split("\n") if not _PAPERMILLS_OWN.match(line)]
        return next((line for line in reversed(lines) if line), "")


def environment(*, profile: str) -> dict[str, str]:
    """Return the environment variables of a notebook's kernel."""
    variables = {**_ALLOCATOR, **os.environ}
    for name in ("JPY_SESSION_NAME", "JPY_PARENT_PID", "VSCODE_PID"):
        variables.pop(name, None)
    return variables | {
        "VIDLAB_QUIET": "1",
        "VIDLAB_WIDGETS": "static",
        "VIDLAB_PROFILE": profile,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def main(notebook: str, output: str, parameters: str, start_seconds: str) -> int:
    """Execute a notebook; see the module for what is returned."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        papermill.execute_notebook(
            notebook,
            output,
            json.loads(parameters),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=True,
            autosave_cell_every=0,
            start_timeout=int(start_seconds),
            iopub_timeout=_LARGE_OUTPUT_SECONDS,
            kernel_manager_class=InterpreterKernelManager,
            cwd=str(Path(notebook).parent),
        )
    except PapermillExecutionError:
        return _FAILED
    except DeadKernelError:
        return _DEAD
    return 0


def _end_running_cell(path: Path, *, error: str) -> None:
    """Add an error to the cell that was running when the kernel ended, as its last output."""
    node = notebook_files.read(path)
    begun = [
        cell
        for cell in node.cells
        if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time")
    ]
    if begun:
        name, _, text = error.partition(": ")
        begun[-1].outputs.append(
            nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[error])
        )
        notebook_files.write(node, path)


def _failure(path: Path) -> Failure | None:
    """Describe the error in an executed notebook, its cells counted as the student sees them."""
    if not path.is_file():
        return None
    cells = notebook_files.read(path).cells
    own = [c for c in cells if not {*c.metadata.get("tags", [])} & notebook_files.MADE_BY_PAPERMILL]
    for number, cell in enumerate(own, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                message = _COLOURS.sub("", output.evalue).strip()
                error = f"{output.ename}: {message}" if message else output.ename
                line = _last_line(_COLOURS.sub("", "\n".join(output.traceback)))
                return Failure(number, len(own), cell.get("execution_count"), error, line)
    return None


def _last_line(traceback: str) -> str:
    """Return the innermost line of code that a traceback's arrows point to."""
    arrows = re.findall(r"^-+>\s*(\d+)\s(.*)$", traceback, flags=re.MULTILINE)
    return f"line {arrows[-1][0]}: {arrows[-1][1].strip()}" if arrows else ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
