"""How the command line speaks: errors in one message, tables, and exit statuses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from vidlab.errors import VidlabError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Root", "complain", "export", "published", "relative", "table"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Root(TyperGroup):
    """The top command: turns vidlab's own errors and Ctrl-C into messages and exit statuses."""

    def invoke(self, ctx):
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except VidlabError as error:
            if ctx.params.get("traceback"):
                raise
            complain(str(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            complain("Interrupted. What was finished is kept.")
            raise typer.Exit(_INTERRUPTED) from error


def complain(message: str) -> None:
    """Print a message in red on the error stream."""
    typer.secho(message, fg=typer.colors.RED, err=True)


def relative(path: Path) -> str:
    """Return a path as short as it can be typed from here."""
    path = Path(path)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def table(frame: pd.DataFrame, *, title: str) -> None:
    """Print a table; shares and other fractions with three digits.

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

    flat = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for name in flat.columns:
        number = pd.api.types.is_numeric_dtype(flat[name])
        drawn.add_column(str(name), justify="right" if number else "left", overflow="fold")
    for row in flat.itertuples(index=False, name=None):
        drawn.add_row(*(_cell(value) for value in row))
    show(drawn)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3f}"
    return "–" if value is None else str(value)


def published(beside: pd.DataFrame) -> None:
    """Print what was published about recipes, then notes and departures recipe by recipe."""
    table(beside.drop(columns=["note", "departures"]), title="As published")
    for name, row in beside.iterrows():
        typer.echo(f"{name}: {row['note']} {row['departures']}".replace("  ", " "))


def export(frame: pd.DataFrame, path: Path | None, *, ending: str = "") -> None:
    """Write a table where a path is given, `ending` added to its name, and say so."""
    if path is not None:
        from vidlab.evaluation import runs

        written = runs.export(frame, path.with_stem(path.stem + ending))
        typer.echo(f"Written: {relative(written)}")
