"""Tables for readers, and as files: CSV, Markdown or LaTeX."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pandas as pd

from vidlab.errors import ResultError
from vidlab.files import write_text

__all__ = ["export", "readable"]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Write each share with its interval or its spread into one column, in percent.

    Parameters
    ----------
    table
        A column *x* counts as such a share where there are *x_low* and *x_high*, or *x_spread*;
        *low* and *high* alone belong to the column before them.

    Returns
    -------
    DataFrame
        With a column *x %* of text in place of these.

    Examples
    --------
    >>> table = pd.DataFrame({"top1": [0.5], "top1_low": [0.25], "top1_high": [0.625]})
    >>> readable(table).to_dict("list")
    {'top1 %': ['50.0 (25.0 to 62.5)']}
    """
    if "low" in table:
        name = table.columns[table.columns.get_loc("low") - 1]
        table = table.rename(columns={"low": f"{name}_low", "high": f"{name}_high"})
    shown = {}
    for name in table.columns:
        beside = [f"{name}_{end}" for end in ("low", "high", "spread")]
        if table.columns.isin(beside).any():
            numbers = table.reindex(columns=[name, *beside]).to_numpy(float)
            shown[f"{name} %"] = [_in_percent(*row) for row in 100 * numbers]
        elif not name.endswith(("_low", "_high", "_spread")):
            shown[name] = table[name]
    return pd.DataFrame(shown, index=table.index)


def _in_percent(share: float, low: float, high: float, spread: float) -> str:
    if math.isnan(share):
        return "–"
    if not math.isnan(spread):
        return f"{share:.1f} ± {spread:.1f}"
    return f"{share:.1f}" + ("" if math.isnan(low) else f" ({low:.1f} to {high:.1f})")


def export(table: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table as CSV, Markdown or LaTeX, by the suffix of `path`: .csv, .md or .tex.

    Its index becomes the first column, unless it only counts rows. Numbers keep all their digits in
    CSV, and three after the point in Markdown and LaTeX (which needs booktabs).

    Raises
    ------
    ResultError
        If the suffix is another one.
    """
    path = Path(path)
    if path.suffix not in (".csv", ".md", ".tex"):
        raise ResultError(
            f"Expected a file name ending in .csv, .md, .tex. Received: {path}. "
            "Give it one of these endings."
        )
    flat = table if isinstance(table.index, pd.RangeIndex) else table.reset_index()
    if path.suffix == ".csv":
        text = flat.to_csv(index=False, lineterminator="\n")
    elif path.suffix == ".tex":
        text = flat.to_latex(index=False, escape=True, float_format="%.3f", na_rep="–")
    else:
        text = _markdown(flat)
    return write_text(path, text)


def _markdown(table: pd.DataFrame) -> str:
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    rows = [map(str, table.columns), ["---:" if number else "---" for number in numeric]]
    rows += [map(_cell, row) for row in table.itertuples(index=False, name=None)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if math.isfinite(value) else "–"
    return re.sub(r"[\\`*|<$]|^_", r"\\\g<0>", str(value)).replace("\n", " ")
