"""How the command line speaks: errors in one message, tables, and exit statuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from vidlab.errors import VidlabError
from vidlab.files import relative, system_message, unique_stems

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Root", "complain", "export", "one_by_one", "published", "table"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Root(TyperGroup):
    """The top command: turns errors and Ctrl-C into messages and exit statuses."""

    def invoke(self, ctx):
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (VidlabError, OSError, UnicodeError, MemoryError) as error:
            if ctx.params.get("traceback") or isinstance(error, BrokenPipeError):
                raise
            complain(_told(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            complain("Interrupted. What was finished is kept.")
            raise typer.Exit(_INTERRUPTED) from error


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, VidlabError) else system_message(error)


def complain(message: str) -> None:
    """Print a message in red on the error stream."""
    typer.secho(message, fg=typer.colors.RED, err=True)


def one_by_one(
    files: Sequence[Path], treat: Callable[[Path, Path], Iterable[Path]], *, out: Path
) -> None:
    """Treat each video, whatever becomes of the others; then raise what was raised, if anything.

    `treat` is given a file and, in the folder `out`, how names of what is made of it begin; it
    returns what it has written. What several videos meet, such as a full disk, is told once.
    """
    from vidlab.progress import progress

    problems = {}
    stems = dict(zip(files, unique_stems(files), strict=True))
    for file in progress(files, desc="videos", unit="video"):
        try:
            for path in treat(file, out / stems[file]):
                typer.echo(f"Written: {relative(path)}")
        except (VidlabError, OSError, UnicodeError) as error:
            problems[_told(error)] = error
    for message in [*problems][:-1]:
        complain(message)
    if problems:
        raise [*problems.values()][-1]


def table(frame: pd.DataFrame, *, title: str) -> None:
    """Print a table; fractions with three digits.

    Parameters
    ----------
    frame
        Its index is printed as the first column unless it only counts rows.
    title
        Above the table.
    """
    import pandas as pd
    from rich import print as show
    from rich.table import Table
    from rich.text import Text  # in which brackets are no markup

    def cell(value: object) -> Text:
        if value is None or value != value:
            return Text("–")
        if isinstance(value, float):
            small = 0 < value < 0.0005  # a p-value is never 0
            digits = f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"
            return Text("<0.001" if small else digits)
        return Text(str(value))

    flat = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    drawn = Table(title=Text(title), title_justify="left", title_style="bold", header_style="bold")
    for name in flat.columns:
        number = pd.api.types.is_numeric_dtype(flat[name])
        drawn.add_column(Text(str(name)), justify="right" if number else "left", overflow="fold")
    for row in flat.itertuples(index=False, name=None):
        drawn.add_row(*map(cell, row))
    show(drawn)


def published(beside: pd.DataFrame) -> None:
    """Print what was published about recipes, then notes and departures recipe by recipe."""
    table(beside.drop(columns=["note", "departures"]), title="As published")
    for name, row in beside.iterrows():
        typer.echo(f"{name}: {row['note']} {row['departures']}".replace("  ", " "))


def export(frame: pd.DataFrame, path: Path | None, *, ending: str = "") -> None:
    """Write a table where a path is given, `ending` added to its name, and say so."""
    if path is not None:
        from vidlab.evaluation import tables

        written = tables.export(frame, path.with_stem(path.stem + ending))
        typer.echo(f"Written: {relative(written)}")
