"""One notebook, executed by papermill in a kernel of its own that is watched and may be ended.

A kernel that ends by itself is told apart from a failing cell, and one that gives no output and
makes no progress for too long is ended.
"""

from __future__ import annotations

import logging
import math
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbconvert.filters import strip_ansi
from papermill.exceptions import PapermillExecutionError
from traitlets import default

from vidlab.course import notebook_files
from vidlab.course.notebook_files import MADE_BY_PAPERMILL, Notebook
from vidlab.progress import HEARTBEAT

__all__ = ["Failure", "Job", "WatchedKernelManager", "environment", "execute"]

_START_SECONDS = 120  # for a kernel; more where more silence is allowed
_LARGE_OUTPUT_SECONDS = 600  # for outputs that trail their cell
_LONGEST_SOCKET = 90  # a Unix socket's path holds at most 104 bytes on macOS, 108 on Linux

# glibc keeps the large blocks that TensorFlow frees and takes again at every step.
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook ended early.

    Attributes
    ----------
    status : str
        ``"failed"``, ``"timed out"`` or ``"kernel died"``.
    error : str
        The exception's name and message, or a sentence.
    line : str
        The innermost line of code of the traceback; empty where there is none.
    cell, cells : int or None
        The cell's number counted from 1 over all cells of the notebook, and how many it has; None
        where no cell had begun.
    execution_count : int or None
        The number in ``In [n]`` of the executed notebook.
    """

    status: str
    error: str
    line: str = ""
    cell: int | None = None
    cells: int | None = None
    execution_count: int | None = None


@dataclass
class Job:
    """What a kernel's manager knows of the execution: its files, its limit, and how far it is."""

    part: Path
    scratch: Path
    profile: str
    silence: float
    cancelled: threading.Event
    has_begun: bool = False
    is_silent: bool = False

    @property
    def heartbeat(self) -> Path:
        """The file in which `vidlab.progress` keeps the line of a quiet bar."""
        return self.scratch / "progress"

    def must_end(self) -> bool:
        """Whether the run was interrupted, or this execution has been silent for too long.

        Signs of life are the executed notebook, which papermill writes at every cell and every
        second with new output, and the line of a quiet bar. A kernel that starts is silent.
        """
        if self.has_begun:
            signs = [file.stat().st_mtime for file in (self.part, self.heartbeat) if file.exists()]
            self.is_silent = self.is_silent or time.time() - max(signs) > self.silence
        return self.is_silent or self.cancelled.is_set()


class WatchedKernelManager(AsyncKernelManager):
    """Starts a kernel of this interpreter, without ports, and ends it when its job must end."""

    job: ClassVar[Job]

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
        return str(self.job.scratch / "kernel.json")

    @default("transport")
    def _default_transport(self) -> str:
        is_short = len(os.fsencode(self.connection_file)) < _LONGEST_SOCKET
        return "ipc" if os.name == "posix" and is_short else "tcp"

    async def start_kernel(self, **options) -> None:
        """Start the kernel, what it prints beside its notebook going to the log."""
        variables = environment(profile=self.job.profile) | {HEARTBEAT: str(self.job.heartbeat)}
        with (self.job.scratch / "log").open("wb") as log:
            await super().start_kernel(env=variables, stdout=log, stderr=log, **options)

    async def _async_is_alive(self) -> bool:
        """Whether the kernel runs; polled every second by nbclient, which ends the cell if not."""
        alive = await super()._async_is_alive()
        if alive and self.job.must_end():
            await self.provisioner.kill()  # with the processes it has started
            return False
        return alive


def execute(
    notebook: Notebook,
    parameters: Mapping[str, object],
    *,
    profile: str,
    pages: Path,
    silence: float,
    cancelled: threading.Event,
    left_out: Iterable[str] = (),
) -> Failure | None:
    """Execute a notebook; put it into `pages`, as ``<name>.failed.ipynb`` where it ended early.

    Parameters
    ----------
    silence
        Seconds without a sign of life after which it is ended.
    cancelled
        Once set, the kernel is ended within seconds and nothing is left.
    left_out
        Cells with one of these tags are not in the executed notebook.
    """
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # its errors are in the failure
    part = pages / f".{notebook.name}.part.ipynb"
    part.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="vidlab-", ignore_cleanup_errors=True) as scratch:
        job = Job(part, Path(scratch), profile, silence, cancelled)
        source = job.scratch / notebook.path.name
        notebook_files.write(notebook_files.read(notebook.path, without=left_out), source)
        failure = None
        try:
            papermill.execute_notebook(
                source,
                part,
                parameters,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                autosave_cell_every=1,
                start_timeout=max(_START_SECONDS, math.ceil(silence)),
                iopub_timeout=_LARGE_OUTPUT_SECONDS,
                kernel_manager_class=type("Manager", (WatchedKernelManager,), {"job": job}),
                resources={"metadata": {"path": str(notebook.path.parent)}},
                on_cell_start=lambda **_: setattr(job, "has_begun", True),
            )
        except PapermillExecutionError:
            failure = _failure("failed", part)
        except RuntimeError:  # of nbclient, where the kernel has ended or does not start
            status = "timed out" if job.is_silent else "kernel died"
            if not job.has_begun:
                failure = Failure(status, error=_reason(job))
            else:
                failure = _failure(status, part, reason=_reason(job))
    if cancelled.is_set():
        part.unlink(missing_ok=True)
    failed = pages / f"{notebook.name}.failed.ipynb"
    if failure is None:
        for old in (failed, failed.with_suffix(".html")):
            old.unlink(missing_ok=True)
    if part.is_file():
        part.replace(failed if failure else pages / notebook.path.name)
    return failure


def _reason(job: Job) -> str:
    if job.is_silent:
        progress = job.heartbeat.read_text(encoding="utf-8") if job.heartbeat.exists() else "none"
        return (
            f"TimeoutError: No output and no progress for {job.silence:g} seconds. Last "
            f"progress: {progress}. Finished epochs and videos are kept: vidlab run --resume "
            "goes on from there, and --silence SECONDS allows more time."
        )
    what = "did not start"
    if job.has_begun:
        what = (
            "ended by itself in this cell. Most often the machine ran out of memory; vidlab "
            "doctor shows how much there is"
        )
    return f"DeadKernelError: The kernel {what}. Last printed: {_last_words(job)}"


def _last_words(job: Job) -> str:
    """Return the last line that the kernel printed beside its notebook."""
    text = (job.scratch / "log").read_text(encoding="utf-8", errors="replace")
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def environment(*, profile: str) -> dict[str, str]:
    """Return the environment variables of a notebook's kernel."""
    inside = ("JPY_SESSION_NAME", "JPY_PARENT_PID", "VSCODE_PID")  # of an open notebook
    outer = {name: value for name, value in os.environ.items() if name not in inside}
    return {
        **_ALLOCATOR,
        **outer,
        "VIDLAB_QUIET": "1",
        "VIDLAB_WIDGETS": "static",
        "VIDLAB_PROFILE": profile,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def _failure(status: str, path: Path, *, reason: str = "") -> Failure:
    """Describe where an executed notebook ended, its cells counted as the student sees them.

    A reason that the kernel could not give any more becomes the last output of the cell that ran.
    """
    node = notebook_files.read(path)
    *_, last = (cell for cell in node.cells if cell.metadata.get("papermill", {}).get("start_time"))
    if reason:
        name, _, text = reason.partition(": ")
        last.outputs.append(
            nbformat.v4.new_output("error", ename=name, evalue=text, traceback=[reason])
        )
        notebook_files.write(node, path)
    own = [c for c in node.cells if not {*c.metadata.get("tags", [])} & MADE_BY_PAPERMILL]
    error = next(output for output in last.outputs if output.output_type == "error")
    message = strip_ansi(error.evalue).strip()
    traceback = strip_ansi("\n".join(error.traceback))
    arrows = re.findall(r"^-+>\s*(\d+)\s(.*)$", traceback, flags=re.MULTILINE)
    return Failure(
        status=status,
        cell=own.index(last) + 1 if last in own else None,
        cells=len(own),
        execution_count=last.get("execution_count"),
        error=f"{error.ename}: {message}" if message else error.ename,
        line=f"line {arrows[-1][0]}: {arrows[-1][1].strip()}" if arrows else "",
    )
