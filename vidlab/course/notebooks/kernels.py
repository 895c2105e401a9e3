"""Kernels for headless runs: this interpreter, no ports, signs of life, and a handle to stop them.

Takes what papermill is about to execute; gives it a kernel of ``sys.executable`` (whatever kernels
are registered on the machine), connected by IPC sockets where the platform has them, so that
notebooks running side by side cannot clash on ports. `Kernels` keeps the running ones in sight, to
stop them at Ctrl-C and where they have fallen silent: no message and no progress for too long.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from vidlab.progress import HEARTBEAT

__all__ = ["ENGINE", "Kernels", "Session", "environment"]

ENGINE = "vidlab"
_LONGEST_SOCKET = 90  # a Unix socket's path holds at most 104 bytes on macOS, 108 on Linux
# What libraries print from C++ (TensorFlow: some lines at each import, whatever its log level) goes
# to the kernel's log instead of into the notebook.
_QUIET = ("--IPKernelApp.capture_fd_output=False",)
_START_SECONDS = 120
_UNLIMITED = 10**9  # seconds nbclient waits for a large output that trails its cell
# glibc keeps the large blocks that TensorFlow frees and takes again at every step.
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(4 * 2**30),
    "MALLOC_MMAP_THRESHOLD_": str(4 * 2**30),
    "MALLOC_TOP_PAD_": str(256 * 2**20),
}

_log = logging.getLogger("vidlab.notebooks")
_log.addHandler(logging.NullHandler())
_log.propagate = False  # what these would print, the runner says better


def environment(*, profile: str) -> dict[str, str]:
    """Return the environment variables a notebook's kernel is started with."""
    variables = {**_ALLOCATOR, **os.environ}
    for name in ("JPY_SESSION_NAME", "JPY_PARENT_PID", "VSCODE_PID"):
        variables.pop(name, None)
    variables.update(
        VIDLAB_QUIET="1",
        VIDLAB_WIDGETS="static",
        VIDLAB_PROFILE=profile,
        PYTHONHASHSEED="0",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
        TF_CPP_MIN_LOG_LEVEL="3",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
    )
    return variables


class Kernels:
    """The kernels of one run, and the switch that stops them.

    Use it as a context manager: it owns the folder of the kernels' sockets.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._running: set[AsyncKernelManager] = set()
        self._busy: dict[AsyncKernelManager, Session] = {}
        self._lock = threading.Lock()
        self._sockets = tempfile.TemporaryDirectory(prefix="vidlab-", ignore_cleanup_errors=True)
        self._count = 0

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_) -> None:
        self.kill()
        self._sockets.cleanup()

    @property
    def folder(self) -> Path:
        """A folder that lasts as long as the run."""
        return Path(self._sockets.name)

    def make(self) -> AsyncKernelManager:
        """Return the manager of a kernel that is about to start."""
        with self._lock:
            self.check()
            self._count += 1
            file = self.folder / f"k{self._count}.json"
            manager = _InterpreterKernelManager(
                kernel_name="python3",
                connection_file=str(file),
                transport="ipc" if _has_sockets(file) else "tcp",
                log=_log,
            )
            self._running.add(manager)
            return manager

    def check(self) -> None:
        """Raise `DeadKernelError` if the run is being stopped."""
        if self.stopping.is_set():
            raise DeadKernelError("The run is being stopped.")

    def starts_work(self, manager: AsyncKernelManager, session: Session) -> None:
        """Take note that a kernel is about to execute a cell; its silence counts from now on."""
        with self._lock:
            self._busy[manager] = session
        self.check()

    def forget(self, manager: AsyncKernelManager) -> None:
        """Take note that a kernel has ended."""
        with self._lock:
            self._running.discard(manager)
            self._busy.pop(manager, None)

    def interrupt(self) -> None:
        """Stop what the kernels are doing as Ctrl-C would, and start no new one.

        A kernel that does nothing yet ignores Ctrl-C; it is ended.
        """
        self.stopping.set()
        with self._lock:
            busy = set(self._busy)
        if os.name == "posix":
            self._send(signal.SIGINT, busy)
            self._send(signal.SIGKILL, self._running - busy)
        else:
            self._send(signal.SIGTERM, self._running)

    def end_silent(self) -> None:
        """End the kernels that have been silent for too long, and what they have started."""
        with self._lock:
            silent = {manager for manager, session in self._busy.items() if session.fell_silent()}
        self._kill(silent)

    def kill(self) -> None:
        """End every kernel, and what it has started, at once."""
        self.stopping.set()
        self._kill(self._running)

    def _kill(self, managers: set[AsyncKernelManager]) -> None:
        self._send(signal.SIGKILL if os.name == "posix" else signal.SIGTERM, managers)

    def _send(self, number: int, managers: set[AsyncKernelManager]) -> None:
        with self._lock:
            reached = list(managers)
        for manager in reached:
            process = getattr(manager.provisioner, "process", None)
            if process is None or process.poll() is not None:
                continue
            if os.name == "posix":
                try:
                    os.killpg(process.pid, number)  # a kernel leads a session of its own
                except ProcessLookupError:
                    continue
            else:
                process.send_signal(number)


@dataclass
class Session:
    """What the engine is told about one notebook's execution, and tells back.

    Attributes
    ----------
    kernels : Kernels
        Where the kernel comes from.
    environment : dict
        The kernel's environment variables.
    folder : Path
        The kernel's working folder.
    log : Path
        Where the kernel process itself prints; cells print into the notebook.
    silence : float
        Seconds without a sign of life after which the kernel is ended.
    position : int or None
        The cell that is running, counted from 0 in the executed notebook.
    silent : bool
        Whether the kernel was ended for its silence.
    """

    kernels: Kernels
    environment: dict[str, str]
    folder: Path
    log: Path
    silence: float
    position: int | None = field(default=None, init=False)
    silent: bool = field(default=False, init=False)
    _heard: float = field(default=0.0, init=False)
    _beat: int = field(default=0, init=False)

    @property
    def heartbeat(self) -> Path:
        """The file in which `vidlab.progress` keeps the line of a quiet bar."""
        return self.log.with_suffix(".progress")

    def begin(self, position: int) -> None:
        """Take note of the cell that begins; no progress has been made in it."""
        self.heartbeat.write_bytes(b"")
        self.position = position
        self.hear()

    def hear(self) -> None:
        """Take note of a sign of life."""
        self._heard = time.monotonic()

    def fell_silent(self) -> bool:
        """Look at the heartbeat; tell whether the last sign of life is too long ago."""
        beat = self.heartbeat.stat().st_mtime_ns
        if beat != self._beat:
            self._beat = beat
            self.hear()
        self.silent = self.silent or time.monotonic() - self._heard > self.silence
        return self.silent

    def reason(self) -> str:
        """Say why a kernel was ended for its silence, how far it had come, and how to go on."""
        progress = self.heartbeat.read_text(encoding="utf-8") or "none"
        return (
            f"No output and no progress for {self.silence:g} seconds. Last progress: {progress}. "
            "Finished epochs and videos are kept: vidlab run --resume goes on from there, and "
            "--silence SECONDS allows more time."
        )

    def last_words(self) -> str:
        """Return the last line the kernel process printed; empty where it said nothing."""
        if not self.log.is_file():
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


class _InterpreterKernelManager(AsyncKernelManager):
    """A kernel of the interpreter that runs vidlab."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *_QUIET],
            display_name="Python 3",
            language="python",
        )


class _Client(PapermillNotebookClient):
    """papermill's client with a session's kernel and bookkeeping."""

    def __init__(self, nb_man, *, session: Session, **options) -> None:
        super().__init__(nb_man, **options)
        self.session = session

    def process_message(self, *words, **options):
        self.session.hear()
        return super().process_message(*words, **options)

    def execute_cell(self, cell, cell_index, **options):
        self.session.begin(cell_index)
        try:
            self.session.kernels.starts_work(self.km, self.session)
            return super().execute_cell(cell, cell_index, **options)
        except DeadKernelError as error:
            name, text = type(error).__name__, str(error)
            if self.session.silent:
                name, text = "TimeoutError", self.session.reason()
            cell.outputs.append(
                new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])
            )
            self.nb_man.cell_exception(cell, cell_index=cell_index, exception=error)
            raise


class _Engine(NBClientEngine):
    """papermill's own engine, started from a `Session`."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, session: Session, **options):
        manager = session.kernels.make()
        client = _Client(
            nb_man,
            session=session,
            km=manager,
            kernel_name=kernel_name,
            startup_timeout=max(_START_SECONDS, math.ceil(session.silence)),
            iopub_timeout=_UNLIMITED,
            log=_log,
        )
        try:
            with session.log.open("wb") as log:
                return client.execute(
                    env=session.environment | {HEARTBEAT: str(session.heartbeat)},
                    cwd=str(session.folder),
                    stdout=log,
                    stderr=log,
                    cleanup_kc=True,
                )
        finally:
            session.kernels.forget(manager)


def _has_sockets(file: Path) -> bool:
    return os.name == "posix" and len(os.fsencode(file)) < _LONGEST_SOCKET


papermill_engines.register(ENGINE, _Engine)
