"""How the command line speaks: errors in one message, tables, and exit statuses.

Takes exceptions and tables from the commands; gives text to the terminal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from vidlab.errors import VidlabError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INTERRUPTED", "Root", "complain", "relative", "table"]

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


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
            raise typer.Exit(INTERRUPTED) from error


def complain(message: str) -> None:
    """Print a message in red on the error stream."""
    typer.secho(message, fg=typer.colors.RED, err=True)


def relative(path: Path) -> str:
    """Return a path as short as it can be typed from here."""
    path = Path(path)
    below = path.is_relative_to(Path.cwd())
    return os.fspath(path.relative_to(Path.cwd())) if below else os.fspath(path)


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
    from rich.console import Console
    from rich.table import Table

    flat = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for name in flat.columns:
        number = pd.api.types.is_numeric_dtype(flat[name])
        drawn.add_column(str(name), justify="right" if number else "left", overflow="fold")
    for row in flat.itertuples(index=False, name=None):
        drawn.add_row(*(_cell(value) for value in row))
    Console().print(drawn)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3f}"
    return "–" if value is None else str(value)
