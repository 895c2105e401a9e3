"""The ``vidlab`` command.

Each command imports
what it needs when it runs, so that ``vidlab --help`` is there at once. An error that vidlab raises
on purpose is one message and exit status 1; Ctrl-C is exit status 130.
"""

from __future__ import annotations

import io
import sys
import warnings
from typing import Annotated

import typer

from vidlab.cli import compare, data, doctor, explain, export, flow, predict, results, run
from vidlab.cli.console import Root

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Root,
    name="vidlab",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(cls=run.Run, rich_help_panel="Start here")(run.run)
app.command(rich_help_panel="Start here")(doctor.doctor)
app.add_typer(data.app, name="data", rich_help_panel="Pieces of a run")
for command in (
    *(results.features, results.train, results.evaluate, compare.compare, predict.predict),
    *(explain.explain, export.export, flow.flow, results.figures),
):
    app.command(rich_help_panel="Pieces of a run")(command)


@app.callback()
def _options(
    traceback: Annotated[
        bool,
        typer.Option(
            "--traceback",
            envvar="VIDLAB_TRACEBACK",
            help="Show where in the code an error came from, not only its message.",
        ),
    ] = False,
) -> None:
    """Learn and analyse video classification.

    **vidlab run** executes the course's notebooks and leaves a report in `runs/quick/index.html`.
    Nothing has to be downloaded for it: the videos are drawn on this machine.
    """


def main() -> None:
    """Run the command line; the entry point of the ``vidlab`` script."""
    warnings.formatwarning = _as_a_line
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console may lack a character such as ✗
    app()


def _as_a_line(message: Warning | str, *_: object, **__: object) -> str:
    """Show a warning without the place in the code it came from."""
    return f"{message}\n"
