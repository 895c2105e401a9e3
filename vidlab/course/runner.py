"""Run notebooks without a browser, one after another or side by side, and write the report.

`vidlab.course.execution` executes each notebook, in a thread with a kernel of its own. Nothing here
loads TensorFlow.
"""

from __future__ import annotations

import graphlib
import itertools
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab import datasets
from vidlab.course import identity, notebook_files, profiles, report
from vidlab.course.claims import found_in
from vidlab.course.execution import Failure, execute
from vidlab.course.notebook_files import Notebook
from vidlab.course.records import Record, fingerprint
from vidlab.files import relative

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["RunSummary", "command", "run"]

_PATHS = ("dataset", "weights", "video")
_SETTINGS = ("dataset", "layout", "groups", "backbone", "weights", "image_size", "split", "seed")
_WAIT_SECONDS = 0.2  # for a notebook to end, so that Ctrl-C is noticed on Windows


@dataclass(frozen=True)
class RunSummary:
    """How a run ended: the report's file, a record a notebook, and the names of those skipped."""

    folder: Path
    report: Path
    records: tuple[Record, ...]
    unchanged: tuple[str, ...]
    seconds: float

    @property
    def failures(self) -> tuple[Record, ...]:
        """The records of notebooks that are not done."""
        return tuple(record for record in self.records if record.status != "done")


def run(
    numbers: Iterable[int | str] | None = None,
    *,
    profile: str = "quick",
    jobs: int = 1,
    resume: bool = False,
    parameters: Mapping[str, object] | None = None,
    silence: float | None = None,
) -> RunSummary:
    """Execute notebooks and write the report.

    Parameters
    ----------
    numbers
        Which notebooks, such as ``4`` or ``"2-4"``; none means all.
    profile
        One of `vidlab.profiles.names`.
    jobs
        How many notebooks may run side by side.
    resume
        Skip notebooks that are done and unchanged.
    parameters
        Notebook parameters by name; text is converted to the type the notebook declares. Each
        goes to the notebooks that declare it; a *profile* among them counts.
    silence
        Seconds without output or progress after which a notebook is ended; the profile's where not
        given.

    Returns
    -------
    RunSummary
        A failing notebook is in it, not raised; the others still run.

    Raises
    ------
    ProfileError, NotebookError
        For an unknown profile, notebook or parameter, listing the valid ones.
    KeyboardInterrupt
        After Ctrl-C, when the kernels have ended and the report is written.
    """
    started = time.monotonic()
    notebooks = notebook_files.find(notebook_files.folder())
    chosen = notebook_files.select(notebooks, numbers)
    given = {
        name: identity.absolute(str(value)) if name in _PATHS else value
        for name, value in (parameters or {}).items()
    }
    profile = str(given.pop("profile", profile))
    parameters_of = notebook_files.fit(chosen, given, profile=profile)
    settings = {
        name: value
        for values in parameters_of.values()
        for name, value in values.items()
        if name in _SETTINGS
    }
    as_written, used = identity.in_force(profile, **settings)
    _say(f"vidlab run: profile {used.name}, {len(chosen)} notebook(s)")
    index = _load_videos(used)  # before several notebooks find them missing at the same time
    name = identity.run_name(as_written, used, fingerprint=lambda: index.fingerprint)
    folder = datasets.home() / "runs" / name
    pages = folder / "notebooks"
    pages.mkdir(parents=True, exist_ok=True)
    _say(f"  results in {folder}")
    fingerprints = {n: fingerprint(n, parameters_of[n.name], used, index=index) for n in chosen}
    known = {notebook: Record.load(pages, notebook.name) for notebook in notebooks}
    unchanged = [
        n for n in chosen if resume and known[n] and known[n].holds(pages, fingerprints[n])
    ]
    for notebook in unchanged:
        _say(f"  {notebook.name}: unchanged, kept")

    limit = silence or used.silence
    left_out = () if index.reversed_pairs else ("pantomime",)
    options = {"profile": profile, "pages": pages, "silence": limit, "left_out": left_out}
    waiting = [notebook for notebook in chosen if notebook not in unchanged]
    try:
        for notebook, failure, seconds in _executed(waiting, parameters_of, jobs=jobs, **options):
            more_time = failure is not None and failure.status == "timed out"
            again = ["--resume", "--silence", str(math.ceil(2 * limit))] if more_time else []
            record = Record(
                notebook=notebook.name,
                seconds=round(seconds, 1),
                fingerprint=fingerprints[notebook],
                command=command(notebook, profile, given, again),
                failure=failure,
            )
            executed = pages / record.file
            if executed.is_file():
                record = replace(record, claims=found_in(executed))
                report.write_page(executed, title=notebook.title)
            record.save(pages)
            known[notebook] = record
            _say(f"  {notebook.name}: {record.status}, {seconds:.0f} s")
    finally:
        page = report.write(folder, known, profile=used)
    records = tuple(known[n] for n in chosen if known[n] is not None)
    names = tuple(notebook.name for notebook in unchanged)
    return RunSummary(folder, page, records, names, time.monotonic() - started)


def _executed(
    waiting: Sequence[Notebook],
    values: Mapping[str, Mapping[str, object]],
    *,
    jobs: int,
    **options,
) -> Iterator[tuple[Notebook, Failure | None, float]]:
    """Execute notebooks, `jobs` side by side; give each, when it has ended, with its seconds."""
    order = graphlib.TopologicalSorter(
        {
            notebook: [other for other in waiting if other.name in notebook.after]
            for notebook in waiting
        }
    )
    order.prepare()
    cancelled, numbers = threading.Event(), itertools.count(1)

    def run_one(notebook: Notebook) -> tuple[Notebook, Failure | None, float]:
        _say(f"[{next(numbers)}/{len(waiting)}] {notebook.name}: started")
        started = time.monotonic()
        failure = execute(notebook, values[notebook.name], cancelled=cancelled, **options)
        return notebook, failure, time.monotonic() - started

    running, threads = set(), ThreadPoolExecutor(jobs)
    try:
        while order.is_active():
            # Those first that most others wait for.
            ready = sorted(
                order.get_ready(), key=lambda one: -sum(one.name in n.after for n in waiting)
            )
            running |= {threads.submit(run_one, notebook) for notebook in ready}
            ended, running = wait(running, _WAIT_SECONDS, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
                order.done(future.result()[0])
    finally:
        cancelled.set()
        threads.shutdown(cancel_futures=True)


def command(
    notebook: Notebook, profile: str, given: Mapping[str, object], options: Sequence[str] = ()
) -> str:
    """Return what a user types, here and now, to run just this notebook again."""
    program = ["vidlab"] if shutil.which("vidlab") else [relative(sys.executable), "-m", "vidlab"]
    words = [*program, "run", str(notebook.number), "--profile", profile, *options]
    for name, value in given.items():
        if name in notebook.parameters:
            words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _load_videos(profile: profiles.Profile) -> VideoIndex:
    started = time.monotonic()
    _say(f"  dataset {profile.dataset}: looking for it, or making it")
    index, seconds = identity.load_index(profile), time.monotonic() - started
    _say(f"  dataset {profile.dataset}: {len(index)} videos, ready in {seconds:.0f} s")
    return index


def _say(line: str) -> None:
    print(line, flush=True)
