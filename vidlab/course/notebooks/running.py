"""Run notebooks without a browser, one after another or side by side.

Takes a profile's name and notebook numbers from `cli`; gives executed notebooks, their pages and
the report under ``runs/<profile>/``, and a `RunSummary`. Nothing here loads TensorFlow: every
notebook computes in a kernel of its own.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab.errors import NotebookError
from vidlab.course.notebooks import records, report
from vidlab.course.notebooks.files import Notebook
from vidlab.course.notebooks.planning import Plan
from vidlab.course.notebooks.records import Record
from vidlab.course.notebooks.speed import slowness

if TYPE_CHECKING:
    from vidlab.course.notebooks.execution import Outcome
    from vidlab.course.notebooks.kernels import Kernels

__all__ = ["RunSummary", "run"]

_GRACE_SECONDS = 8  # for a kernel to wind up after Ctrl-C, before it is killed
_LOOK_SECONDS = 0.5  # between looks for silence; on Windows, for Ctrl-C as well


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes
    ----------
    profile : str
        The profile's name.
    folder : Path
        ``runs/<profile>``; with other videos, ``runs/<profile>-<dataset>``.
    report : Path
        ``index.html`` in it.
    records : tuple of Record
        One a notebook of this run, in order. An unchanged notebook's is the one of its last run.
    unchanged : tuple of str
        The notebooks skipped because nothing they depend on has changed.
    seconds : float
        Wall-clock time of the whole run.
    """

    profile: str
    folder: Path
    report: Path
    records: tuple[Record, ...]
    unchanged: tuple[str, ...]
    seconds: float

    @property
    def failures(self) -> tuple[Record, ...]:
        """The records of notebooks that are not done."""
        return tuple(record for record in self.records if record.status != "done")

    @property
    def ok(self) -> bool:
        """Whether every notebook is done."""
        return not self.failures


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
        Which notebooks (``4``, ``"2-4"``, ``"04_frame_models"``); none means all.
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
        Seconds without output or progress after which a notebook is ended. The profile's, times
        how much slower than the reference this machine is, where not given.
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
    plan = Plan.make(
        numbers, profile, parameters=parameters or {}, source=notebooks_folder, out=out
    )
    if jobs < 1:
        raise NotebookError(f"Expected at least one job. Received: {jobs}. Pass --jobs 1 or more.")
    started = time.monotonic()
    unchanged = plan.unchanged() if resume else ()
    todo = [notebook for notebook in plan.chosen if notebook.name not in unchanged]
    _say(f"vidlab run: profile {profile}, {_count(len(plan.chosen))}, results in {plan.folder}")
    for name in unchanged:
        _say(f"  {name}: unchanged, kept")
    try:
        if todo:
            _prepare_data(plan, todo)
            plan = plan.renewed()
            silence = silence or plan.profile.limits.silence * slowness()
            _say(f"  a notebook is ended after {silence:.0f} s without output or progress")
            _Round(plan, todo, jobs=min(jobs, len(todo)), silence=silence).run()
    finally:
        page = report.write(plan.folder, plan.every, profile=plan.profile)
    loaded = [records.load(plan.pages, name=notebook.name) for notebook in plan.chosen]
    return RunSummary(
        profile=profile,
        folder=plan.folder,
        report=page,
        records=tuple(record for record in loaded if record is not None),
        unchanged=unchanged,
        seconds=time.monotonic() - started,
    )


class _Round:
    """The execution of the notebooks that are due."""

    def __init__(self, plan: Plan, todo: list[Notebook], *, jobs: int, silence: float) -> None:
        self.plan = plan
        self.todo = todo
        self.jobs = jobs
        self.silence = silence
        self.started = 0

    def run(self) -> None:
        from vidlab.course.notebooks.kernels import Kernels

        waiting, running = list(self.todo), {}
        with Kernels() as kernels, ThreadPoolExecutor(self.jobs) as pool:
            try:
                while waiting or running:
                    for notebook in self._due(waiting, running.values()):
                        waiting.remove(notebook)
                        running[pool.submit(self._one, notebook, kernels)] = notebook
                    done, _ = wait(running, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
                    kernels.end_silent()
                    for future in done:
                        running.pop(future)
                        future.result()
            except BaseException:
                self._stop(kernels, running)
                raise

    def _due(self, waiting: list[Notebook], running: Iterable[Notebook]) -> list[Notebook]:
        """Return as many notebooks as may start: those first that most others wait for."""
        running = list(running)
        unfinished = [*waiting, *running]
        free = [
            notebook
            for notebook in waiting
            if not any(_waits(notebook, other) for other in unfinished)
        ]
        if not free and not running:
            names = ", ".join(notebook.name for notebook in waiting)
            raise NotebookError(
                f"Expected notebooks that can be put in order. Received: {names}, which wait for "
                "each other. Correct `after` in their metadata."
            )
        free.sort(key=lambda notebook: -sum(_waits(other, notebook) for other in waiting))
        return free[: self.jobs - len(running)]

    def _stop(self, kernels: Kernels, running: Iterable[Future]) -> None:
        kernels.interrupt()
        try:
            wait(running, timeout=_GRACE_SECONDS)
        finally:
            kernels.kill()

    def _one(self, notebook: Notebook, kernels: Kernels) -> None:
        from vidlab.course.notebooks.execution import execute
        from vidlab.course.notebooks.kernels import Session, environment

        self.started += 1
        place = f"[{self.started}/{len(self.todo)}] {notebook.name}"
        _say(f"{place}: started")
        session = Session(
            kernels=kernels,
            environment=environment(profile=self.plan.profile.name),
            folder=notebook.path.parent,
            log=kernels.folder / f"{notebook.name}.log",
            silence=self.silence,
        )
        outcome = execute(
            notebook,
            self.plan.pages,
            parameters=self.plan.values[notebook.name],
            session=session,
        )
        if outcome.status == "interrupted":
            _say(f"{place}: interrupted after {outcome.seconds:.0f} s")
            return
        self._keep(notebook, outcome)
        _say(f"{place}: {outcome.status}, {outcome.seconds:.0f} s")

    def _keep(self, notebook: Notebook, outcome: Outcome) -> None:
        options = ()
        if outcome.status == "timed out":
            options = ("--resume", "--silence", str(math.ceil(2 * self.silence)))
        if outcome.output is not None:
            report.write_page(outcome.output, title=notebook.title)
        if outcome.status == "done":
            (self.plan.pages / f"{notebook.name}.failed.html").unlink(missing_ok=True)
        records.save(
            Record(
                notebook=notebook.name,
                title=notebook.title,
                status=outcome.status,
                seconds=round(outcome.seconds, 1),
                finished=datetime.now().astimezone().isoformat(timespec="seconds"),
                fingerprint=self.plan.fingerprints[notebook.name],
                parameters=self.plan.values[notebook.name],
                command=self.plan.command(notebook, *options),
                failure=outcome.failure,
            ),
            self.plan.pages,
        )


def _waits(notebook: Notebook, other: Notebook) -> bool:
    """Whether a notebook is to run after the other one."""
    return other is not notebook and any(other.answers_to(word) for word in notebook.after)


def _prepare_data(plan: Plan, todo: list[Notebook]) -> None:
    """Make the videos once, before several notebooks find them missing at the same time."""
    if not any(notebook.needs for notebook in todo):
        return
    from vidlab import datasets

    name = plan.profile.dataset
    started = time.monotonic()
    _say(f"  dataset {name}: looking for it, or making it")
    index = datasets.load_index(name, size=plan.profile.dataset_size, seed=plan.profile.data_seed)
    _say(f"  dataset {name}: {len(index)} videos, ready in {_seconds(started)}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")  # one write, so that lines of side-by-side notebooks stay whole
    sys.stdout.flush()


def _count(number: int) -> str:
    return "1 notebook" if number == 1 else f"{number} notebooks"


def _seconds(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"
