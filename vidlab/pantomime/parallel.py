"""A process pool that never imports the user's script.

`multiprocessing` with "spawn" or "forkserver" runs the main script once more in every process, so
that a script without ``if __name__ == "__main__":`` starts itself again and again; "fork" is not
safe beside threads. Here a process is a plain ``python -c``, and calls and results go through its
pipes as pickles: no guard is needed, on Linux, macOS and Windows alike.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import cv2

from vidlab.errors import DatasetError

__all__ = ["process_map", "serve"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# Ctrl-C is left to the parent, so that each process finishes the item in its hands.
_COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    "from vidlab.pantomime import parallel; parallel.serve()"
)


def process_map(
    function: Callable[[Item], Result], items: Iterable[Item], *, jobs: int
) -> Iterator[Result]:
    """Yield ``function(item)`` for each of `items`, in their order, computed by `jobs` processes.

    Whoever stops listening, as by Ctrl-C, waits for the items that are being computed; the others
    are not begun.

    Parameters
    ----------
    function
        Found by its name in an importable module, not in the main script; or a
        `functools.partial` of such a one.
    items
        What pickle can carry.
    jobs
        How many processes; OpenCV uses one thread in each.

    Raises
    ------
    DatasetError
        If a process ends early. What `function` raises is raised here, with its traceback as a
        note.
    """
    idle: queue.SimpleQueue[subprocess.Popen] = queue.SimpleQueue()

    def call(item: Item) -> Result:
        process = idle.get()
        try:
            return _result(process, function, item)
        finally:
            idle.put(process)

    processes: list[subprocess.Popen] = []
    try:
        for _ in range(jobs):
            processes.append(_start())
            idle.put(processes[-1])
        with ThreadPoolExecutor(jobs) as threads:
            yield from threads.map(call, items)
    finally:
        for process in processes:
            with suppress(OSError):  # it ended early and does not take the rest of a call
                process.stdin.close()
        for process in processes:
            process.stdout.close()
            process.wait()


def serve() -> None:
    """Answer the calls that arrive at the standard input until it is closed."""
    cv2.setNumThreads(1)
    calls = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as results:
        os.dup2(2, 1)  # what a library prints is no result
        while True:
            try:
                function, item = pickle.load(calls)
            except EOFError:
                return
            try:
                answer = function(item), None
            except Exception as error:
                error.add_note(traceback.format_exc())
                answer = None, error
            pickle.dump(answer, results)
            results.flush()


def _start() -> subprocess.Popen:
    """Start a process that finds the same modules as this one, and none in the working folder."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
    )


def _result(process: subprocess.Popen, function: Callable[[Item], Result], item: Item) -> Result:
    try:
        pickle.dump((function, item), process.stdin)
        process.stdin.flush()
        value, error = pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as lost:
        raise DatasetError(
            "Expected processes that draw. Received: one that ended early, for lack of memory "
            "perhaps. Go on with fewer of them: jobs=1 draws in this process."
        ) from lost
    if error is not None:
        raise error
    return value
