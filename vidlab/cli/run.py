"""``vidlab run``: the course's notebooks, executed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from vidlab.cli.console import complain
from vidlab.cli.options import of_a_run
from vidlab.files import relative

if TYPE_CHECKING:
    from vidlab.course.records import Record

__all__ = ["Run", "run"]


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


def _whole(words: list[str]) -> list[str]:
    if incomplete := [word for word in words if word.find("=") < 1]:
        raise typer.BadParameter(
            f"{incomplete[0]!r} is no name with a value, as in -p dataset my-videos"
        )
    return words


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
        list[str],
        typer.Option(
            "--parameter",
            "-p",
            callback=_whole,
            metavar="NAME VALUE",
            help="Set a notebook parameter; may be repeated. Lists are written as JSON.",
        ),
    ] = (),
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
    profile's seconds (`silence: 900`), or after `--silence` seconds.

    **Examples**

    `vidlab run` : the whole course, quick profile

    `vidlab run 4 --profile smoke` : one notebook, the smallest size

    `vidlab run --resume --jobs 2` : what is missing, two side by side

    `vidlab run 1-4 --dataset my-videos` : your own folder of videos
    """
    from vidlab.course import claims, runner

    profile, given = which.pop("profile"), {name: v for name, v in which.items() if v}
    given |= dict(word.partition("=")[::2] for word in parameter)
    summary = runner.run(
        numbers, profile=profile, jobs=jobs, resume=resume, parameters=given, silence=silence
    )
    for record in summary.failures:
        complain("\n" + _failure(record, summary.folder))
    typer.echo(f"\nReport: {relative(summary.report)}  ({summary.seconds:.0f} s)")
    claimed = [(record.notebook, claim) for record in summary.records for claim in record.claims]
    typer.echo(f"claims: {claims.counted(claim for _, claim in claimed)}")
    for notebook, claim in claimed:
        if claim.holds is False:
            typer.echo(f"  {claim.mark} {notebook}: {claim.sentence}: {claim.measured}")
    if summary.failures:
        raise typer.Exit(1)


def _failure(record: Record, folder: Path) -> str:
    failure = record.failure
    where = "" if failure.cell is None else f" in cell {failure.cell} of {failure.cells}"
    count = "" if failure.execution_count is None else f" (In [{failure.execution_count}])"
    lines = [f"{record.notebook}: {record.status}{where}{count}", failure.error, failure.line]
    page = folder / "notebooks" / record.file.with_suffix(".html")
    lines += [f"See it:       {relative(page)}" if page.is_file() else ""]
    return "\n  ".join(filter(None, [*lines, f"Run it again: {record.command}"]))
