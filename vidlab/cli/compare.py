"""``vidlab compare``: finished runs side by side, and whether their differences are chance."""

from __future__ import annotations

from typing import Annotated

import typer

from vidlab.cli.console import export as write_table
from vidlab.cli.console import published, table
from vidlab.cli.options import of_a_run
from vidlab.cli.results import Export, Per, run_path

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
    from vidlab.evaluation.tables import readable

    paths = {run: run_path(run, which) for run in runs}
    predictions = {name: Predictions.load(path) for name, path in paths.items()}
    folders = {name: RunFolder(path) for name, path in paths.items() if path.is_dir()}
    records = {name: run.recipe for name, run in folders.items()}
    metrics = {name: run.metrics for name, run in folders.items()}
    board = evaluation.leaderboard(predictions, metrics=metrics)
    costs = board.loc[:, "parameters":]
    accuracies = board.drop(columns=costs.columns)
    table(readable(accuracies), title="Accuracy, with 95% intervals over groups")
    table(costs, title="Cost")
    beside = recipes.published_beside(records)
    if len(beside):
        published(beside)
    write_table(board.join(beside), export)
    if len(predictions) > 1:
        tests = evaluation.compare(predictions)
        videos, clusters = tests.loc[0, ["videos", "clusters"]]
        shown = tests.drop(columns=["videos", "clusters", "accuracy_a", "accuracy_b"])
        where = f"{videos} videos, with 95% intervals over {clusters} groups"
        table(readable(shown), title=f"b − a: differences in top-1 on {where}")
        typer.echo(
            "only_a, only_b: videos that one alone gets right. mcnemar_p: McNemar's test; "
            "sign_flip_p: of whole groups; holm_p: corrected for the number of rows."
        )
        write_table(tests, export, ending="-tests")
    if len(predictions) == 2:
        (a, first), (b, second) = predictions.items()
        deltas = evaluation.class_deltas(first, second, per=per)
        table(readable(deltas), title=f"Class by class, {per}s: {b} (b) − {a} (a)")
        write_table(deltas, export, ending="-classes")
