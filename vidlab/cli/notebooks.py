"""``vidlab run`` executes notebooks, ``vidlab notebooks strip`` makes them ready for git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from vidlab.cli.console import complain, relative
from vidlab.cli.options import of_a_run
from vidlab.errors import NotebookError

if TYPE_CHECKING:
    from vidlab.course.records import Record
    from vidlab.course.runner import RunSummary

__all__ = ["Run", "app", "run", "strip"]

app = typer.Typer(no_args_is_help=True, help="Make notebooks ready for git.")

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", help="Notebooks; all of notebooks/ where none is named."),
]


class Run(TyperCommand):
    """Lets a parameter be written as papermill has it, in two words: ``-p NAME VALUE``."""

    def parse_args(self, ctx, args):
        """Join the two words before the options are read."""
        joined = []
        for word in args:
            if joined[-2:-1] in (["-p"], ["--parameter"]) and "=" not in joined[-1]:
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        return super().parse_args(ctx, joined)


@of_a_run
def run(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(metavar="NUMBER", help="Such as `4`, `2-4`; all where none is given."),
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Notebooks to run side by side, where independent.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip what is done and unchanged since.")
    ] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME VALUE",
            help="Set a notebook parameter; may be repeated. Lists are written as JSON.",
        ),
    ] = None,
    silence: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="SECONDS", help="Time without output or progress."),
    ] = None,
    *,
    which: dict,
) -> None:
    """Execute notebooks and write the report.

    Each notebook is run from its first cell to its last in a fresh kernel. The executed notebooks,
    their pages and `index.html` are in `runs/PROFILE/`. A notebook that fails does not stop the
    others. One that gives no output and makes no progress for a while is ended: after the
    profile's seconds (`limits: {silence: 900}`), or after `--silence` seconds.

    **Examples**

    `vidlab run` : the whole course, quick profile

    `vidlab run 4 --profile smoke` : one notebook, the smallest size

    `vidlab run --resume --jobs 2` : what is missing, two side by side

    `vidlab run 1-4 --dataset my-videos` : your own folder of videos
    """
    from vidlab.course import claims, runner

    profile, given = which.pop("profile"), {name: v for name, v in which.items() if v}
    summary = runner.run(
        numbers,
        profile=profile,
        jobs=jobs,
        resume=resume,
        parameters=given | dict(_split(word) for word in parameter or []),
        silence=silence,
    )
    for record in summary.failures:
        complain("\n" + _failure(record, summary))
    typer.echo(f"\nReport: {relative(summary.report)}  ({summary.seconds:.0f} s)")
    claimed = [(record.notebook, claim) for record in summary.records for claim in record.claims]
    typer.echo(claims.counted(claim for _, claim in claimed))
    for notebook, claim in claimed:
        if claim.holds is False:
            typer.echo(f"  {claim.mark} {notebook}: {claim.sentence}: {claim.measured}")
    if summary.failures:
        raise typer.Exit(1)


@app.command()
def strip(files: Files = None) -> None:
    """Remove outputs, counts and passing metadata, in place."""
    from vidlab.course import notebook_files, profiles

    folder = profiles.folder().parent / "notebooks"
    for path in files or [notebook.path for notebook in notebook_files.find(folder)]:
        typer.echo(f"{relative(path)}: {'stripped' if notebook_files.strip(path) else 'was clean'}")


def _split(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise NotebookError(
            f"Expected a parameter as two words, -p NAME VALUE. Received: -p {word}. "
            "Write both, such as -p dataset my-videos."
        )
    return name, value


def _failure(record: Record, summary: RunSummary) -> str:
    failure = record.failure
    where = "" if failure.cell is None else f" in cell {failure.cell} of {failure.cells}"
    count = "" if failure.execution_count is None else f" (In [{failure.execution_count}])"
    lines = [f"{record.notebook}: {record.status}{where}{count}", f"  {failure.error}"]
    if failure.line:
        lines.append(f"  {failure.line}")
    page = summary.folder / "notebooks" / f"{record.notebook}.failed.html"
    if page.is_file():
        lines.append(f"  See it:       {relative(page)}")
    return "\n".join([*lines, f"  Run it again: {record.command}"])
