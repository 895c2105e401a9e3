"""``vidlab compare``: finished runs side by side, and whether their differences are chance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import export as write_table
from vidlab.cli.console import published, table
from vidlab.cli.options import of_a_run
from vidlab.cli.results import Export, Per, run_path

if TYPE_CHECKING:
    import pandas as pd

    from vidlab.evaluation.predictions import Predictions

__all__ = ["compare"]


@of_a_run
def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Recipes that were run, folders or files.")
    ],
    per: Per = "video",
    export: Export = None,
    *,
    which: dict,
) -> None:
    """Compare finished runs: accuracy, cost, published values, and tests of every difference.

    The runs have to be about the same test videos. Two runs are also compared class by class, by
    videos or by frames (--per).

    **Example:** `vidlab compare frame-finetuned convgru-finetuned --export table.tex`
    """
    from vidlab import evaluation, recipes
    from vidlab.evaluation.predictions import Predictions
    from vidlab.evaluation.runs import RunFolder

    paths = _named([run_path(run, which) for run in runs])
    predictions = {name: Predictions.load(path) for name, path in paths.items()}
    folders = {name: RunFolder(path) for name, path in paths.items() if path.is_dir()}
    records = {name: run.recipe for name, run in folders.items()}
    metrics = {name: run.metrics for name, run in folders.items()}
    datasets = [Path(record["config"]["dataset"]).name for record in records.values()]
    videos = datasets[0] if datasets else "these videos"
    board = evaluation.leaderboard(predictions, dataset="", metrics=metrics)["measured, "]
    costs = board.loc[:, "parameters":]
    accuracies = board.drop(columns=costs.columns)
    table(accuracies, title=f"Accuracy on {videos}, with 95% intervals over groups")
    table(costs, title="Cost")
    beside = recipes.published_beside(records)
    if len(beside):
        published(beside)
    write_table(board.join(beside), export)
    if len(predictions) > 1:
        write_table(_tests(predictions), export, ending="-tests")
    if len(predictions) == 2:
        (a, first), (b, second) = predictions.items()
        deltas = evaluation.class_deltas(first, second, per=per)
        table(deltas, title=f"Class by class, {per}s: {b} (b) − {a} (a)")
        write_table(deltas, export, ending="-classes")


def _named(paths: list[Path]) -> dict[str, Path]:
    """Name runs by their recipe, files by themselves; where names are not unique, all by paths."""
    from vidlab.evaluation.runs import RunFolder

    paths = list(dict.fromkeys(path.resolve() for path in paths))
    names = [path.name if path.is_file() else RunFolder(path).recipe["recipe"] for path in paths]
    if len(set(names)) < len(names):
        top = os.path.commonpath([path.parent for path in paths])
        names = [path.relative_to(top).as_posix() for path in paths]
    return dict(zip(names, paths, strict=True))


def _tests(predictions: dict[str, Predictions]) -> pd.DataFrame:
    """Test every pair, print the differences b − a, and return them."""
    from vidlab import evaluation

    tests = evaluation.compare(predictions)
    videos, clusters = tests.loc[0, ["videos", "clusters"]]
    shown = tests.drop(columns=["videos", "clusters", "accuracy_a", "accuracy_b"])
    where = f"{videos} videos, with 95% intervals over {clusters} groups"
    table(shown, title=f"b − a: differences in top-1 on {where}")
    typer.echo(
        "only_a, only_b: videos that one alone gets right. mcnemar_p: McNemar's test; sign_flip_p: "
        "of whole groups; holm_p: corrected for the number of rows."
    )
    return tests
