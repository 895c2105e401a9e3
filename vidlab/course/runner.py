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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from vidlab import datasets
from vidlab.course import identity, notebook_files, profiles, report
from vidlab.course.claims import found_in
from vidlab.course.execution import Outcome, execute
from vidlab.course.notebook_files import Notebook
from vidlab.course.records import Record, fingerprints, is_done
from vidlab.errors import NotebookError

__all__ = ["RunSummary", "command", "run"]

_PATHS = ("dataset", "weights", "video")
_REPLACING = ("dataset", "layout", "groups", "backbone", "weights", "image_size", "split", "seed")
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
    notebooks_folder: str | Path | None = None,
    out: str | Path | None = None,
) -> RunSummary:
    """Execute notebooks and write the report.

    Parameters
    ----------
    numbers
        Which notebooks (``4``, ``"2-4"``, ``"08_frame_models"``); none means all.
    profile
        One of `vidlab.profiles.names`.
    jobs
        How many notebooks may run side by side.
    resume
        Skip notebooks that are done and unchanged.
    parameters
        Notebook parameters by name; text is converted to the type the notebook declares. Each
        goes to the notebooks that declare it.
    silence
        Seconds without output or progress after which a notebook is ended; the profile's where not
        given.
    notebooks_folder
        Where the notebooks are; ``notebooks`` beside ``nbconfig`` where not given.
    out
        The folder for the results, ``runs/<profile>`` where not given.

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
    if jobs < 1:
        raise NotebookError(f"Expected at least one job. Received: {jobs}. Pass --jobs 1 or more.")
    started = time.monotonic()
    notebooks = notebook_files.find(notebooks_folder or profiles.folder().parent / "notebooks")
    chosen = notebook_files.select(notebooks, numbers)
    given = _with_absolute_paths(parameters or {})
    parameters_of = _values(chosen, given, profile=profile)
    replacing = {n: v for values in parameters_of.values() for n, v in values.items()}
    replacing = {name: replacing[name] for name in _REPLACING if name in replacing}
    as_written, effective = identity.in_force(profile, **replacing)
    run_name = identity.run_name(
        as_written, effective, fingerprint=lambda: identity.load_index(effective).fingerprint
    )
    folder = Path(out or datasets.home() / "runs" / run_name).resolve()
    pages = folder / "notebooks"
    pages.mkdir(parents=True, exist_ok=True)
    fingerprint_of = fingerprints(chosen, parameters_of, effective)
    done = [n.name for n in chosen if resume and is_done(n, pages, fingerprint_of[n.name])]
    unchanged = tuple(done)
    waiting = [notebook for notebook in chosen if notebook.name not in unchanged]
    _say(f"vidlab run: profile {effective.name}, {len(chosen)} notebook(s), results in {folder}")
    for name in unchanged:
        _say(f"  {name}: unchanged, kept")
    try:
        left_out = ()
        if waiting:
            left_out = _prepare_data(effective, waiting)
            # Once more, for videos may have been made.
            fingerprint_of = fingerprints(chosen, parameters_of, effective)
        limit = silence or effective.limits.silence
        for notebook, outcome in _executed(
            waiting,
            parameters_of,
            profile=profile,
            pages=pages,
            jobs=jobs,
            silence=limit,
            left_out=left_out,
        ):
            options = ["--resume", "--silence", str(math.ceil(2 * limit))]
            Record(
                notebook=notebook.name,
                title=notebook.title,
                status=outcome.status,
                seconds=round(outcome.seconds, 1),
                finished=datetime.now().astimezone().isoformat(timespec="seconds"),
                fingerprint=fingerprint_of[notebook.name],
                parameters=parameters_of[notebook.name],
                command=command(
                    notebook, profile, given, options if outcome.status == "timed out" else []
                ),
                failure=outcome.failure,
                claims=found_in(outcome.output) if outcome.output else (),
            ).save(pages)
    finally:
        known = {notebook: Record.load(pages, notebook.name) for notebook in notebooks}
        page = report.write(folder, known, profile=effective)
    records = tuple(known[n] for n in chosen if known[n] is not None)
    return RunSummary(folder, page, records, unchanged, time.monotonic() - started)


def _executed(
    waiting: Sequence[Notebook],
    values: Mapping[str, Mapping[str, object]],
    *,
    jobs: int,
    **options,
) -> Iterator[tuple[Notebook, Outcome]]:
    """Execute notebooks, `jobs` side by side; give each with its outcome when it has ended."""
    order = graphlib.TopologicalSorter(
        {notebook: [other for other in waiting if notebook.follows(other)] for notebook in waiting}
    )
    try:
        order.prepare()
    except graphlib.CycleError as error:
        names = ", ".join(notebook.name for notebook in error.args[1][1:])
        raise NotebookError(
            f"Expected notebooks that can be put in order. Received: {names}, which wait for "
            "each other. Correct `after` in their metadata."
        ) from error
    cancelled, numbers = threading.Event(), itertools.count(1)

    def run_one(notebook: Notebook) -> Outcome:
        _say(f"[{next(numbers)}/{len(waiting)}] {notebook.name}: started")
        return execute(notebook, values[notebook.name], cancelled=cancelled, **options)

    running, threads = {}, ThreadPoolExecutor(jobs)
    try:
        while order.is_active():
            # Those first that most others wait for.
            ready = sorted(order.get_ready(), key=lambda one: -sum(n.follows(one) for n in waiting))
            running |= {threads.submit(run_one, notebook): notebook for notebook in ready}
            for future in wait(running, _WAIT_SECONDS, return_when=FIRST_COMPLETED).done:
                notebook, outcome = running.pop(future), future.result()
                order.done(notebook)
                if outcome.output is not None:
                    report.write_page(outcome.output, title=notebook.title)
                _say(f"  {notebook.name}: {outcome.status}, {outcome.seconds:.0f} s")
                yield notebook, outcome
    finally:
        cancelled.set()
        threads.shutdown(cancel_futures=True)


def command(
    notebook: Notebook, profile: str, given: Mapping[str, object], options: Sequence[str] = ()
) -> str:
    """Return what a user types, here and now, to run just this notebook again."""
    program = ["vidlab"] if shutil.which("vidlab") else [_python(), "-m", "vidlab"]
    words = [*program, "run", str(notebook.number), "--profile", profile, *options]
    for name, value in given.items():
        if name != "profile" and name in notebook.parameters:
            words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _with_absolute_paths(given: Mapping[str, object]) -> dict[str, object]:
    """Make paths absolute: a kernel works in the notebooks' folder, the user types elsewhere."""
    names = ("", "imagenet", *datasets.NAMES)
    return {
        name: str(Path(str(value)).expanduser().resolve())
        if name in _PATHS and value not in names and Path(str(value)).expanduser().exists()
        else value
        for name, value in given.items()
    }


def _values(
    chosen: Sequence[Notebook], given: Mapping[str, object], *, profile: str
) -> dict[str, dict[str, object]]:
    """Return the parameters of each notebook, the profile among them where it declares one."""
    if given.get("profile", profile) != profile:
        raise NotebookError(
            f"Expected the profile to be chosen by --profile. Received: {profile} there and "
            f"{given['profile']} as a parameter. Leave the parameter out."
        )
    values = notebook_files.fit(chosen, {k: v for k, v in given.items() if k != "profile"})
    known = {n.name: {"profile": profile} if "profile" in n.parameters else {} for n in chosen}
    return {name: values[name] | known[name] for name in values}


def _prepare_data(used: profiles.Profile, waiting: Sequence[Notebook]) -> tuple[str, ...]:
    """Make the videos once, before several notebooks find them missing at the same time.

    Returns the tags of the cells that say nothing about these videos.
    """
    if not any(notebook.needs for notebook in waiting):
        return ()
    started = time.monotonic()
    _say(f"  dataset {used.dataset}: looking for it, or making it")
    index, seconds = identity.load_index(used), time.monotonic() - started
    _say(f"  dataset {used.dataset}: {len(index)} videos, ready in {seconds:.0f} s")
    return () if index.reversed_pairs else ("pantomime",)


def _python() -> str:
    path = Path(sys.executable)
    return os.fspath(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _say(line: str) -> None:
    print(line, flush=True)
