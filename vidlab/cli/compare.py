"""``vidlab compare``: finished runs side by side, and whether their differences are chance."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import export as write_table
from vidlab.cli.console import published, table
from vidlab.cli.options import of_a_run
from vidlab.cli.results import Export, Per, run_folder

if TYPE_CHECKING:
    import pandas as pd

    from vidlab.evaluation.predictions import Predictions

__all__ = ["compare"]

_DATASETS = {"pantomime": "Pantomime", "ucf101": "UCF-101"}


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

    paths = _named([Path(run) if Path(run).is_file() else run_folder(run, which) for run in runs])
    predictions = {name: Predictions.load(path) for name, path in paths.items()}
    folders = {name: RunFolder(path) for name, path in paths.items() if path.is_dir()}
    origin = {name: run.recipe for name, run in folders.items()}
    datasets = [Path(record["config"]["dataset"]).name for record in origin.values()]
    dataset = datasets[0] if datasets else "these videos"
    board = evaluation.leaderboard(
        predictions,
        dataset=_DATASETS.get(dataset, dataset),
        metrics={name: run.metrics for name, run in folders.items()},
        published={
            name: made.published
            for name, record in origin.items()
            if (made := recipes.of_run(record)) is not None
        },
    )
    _show(board)
    beside = recipes.published_beside(origin)
    if len(beside):
        published(beside)
    flat = board.set_axis([f"{what} ({where})" for where, what in board.columns], axis=1)
    write_table(flat.join(beside.drop(columns=["published top-1 %", "published top-5 %"])), export)
    if len(predictions) > 1:
        write_table(_tests(predictions), export, ending="-tests")
    if len(predictions) == 2:
        write_table(_by_class(predictions, per=per), export, ending="-classes")


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
    """Test every pair, print it in points, and return it in shares."""
    import pandas as pd

    from vidlab import evaluation

    tests = evaluation.compare(predictions)
    shown = pd.DataFrame(
        {
            "model": tests["b"],
            "against": tests["a"],
            "difference": [_points(*row) for row in tests[["difference", "low", "high"]].values],
            "right alone": [f"{b} : {a}" for b, a in tests[["only_b", "only_a"]].values],
            "McNemar p": _p_values(tests["mcnemar_p"]),
            "group p": _p_values(tests["sign_flip_p"]),
            "corrected p": _p_values(tests["holm_p"]),
        }
    )
    first = tests.iloc[0]
    table(
        shown,
        title=f"Differences in top-1 on {first['videos']} videos, in points, with 95% intervals "
        f"over {first['clusters']} groups",
    )
    typer.echo("Group p: a sign-flip test of whole groups; corrected p: for the number of rows.")
    return tests


def _by_class(predictions: dict[str, Predictions], *, per: Per) -> pd.DataFrame:
    """Compare two runs class by class, print it in points, and return it in shares."""
    import pandas as pd

    from vidlab import evaluation

    (a, of_a), (b, of_b) = predictions.items()
    deltas = evaluation.class_deltas(of_a, of_b, per=per)
    shown = pd.DataFrame(
        {
            "videos": deltas["videos"],
            a: deltas["accuracy_a"],
            b: deltas["accuracy_b"],
            "difference": [_points(*row) for row in deltas[["delta", "low", "high"]].values],
        }
    )
    table(shown, title=f"Class by class, {per}s: {b} − {a}")
    reports = [evaluation.report(evaluation.counted(one, per)) for one in (of_a, of_b)]
    counts = evaluation.compare_reports(*reports)
    typer.echo(
        f"Precision, recall and f1 of {len(of_a.classes)} classes: {counts['a_higher']} are higher "
        f"with {a}, {counts['b_higher']} with {b}, {counts['equal']} are equal. {b} is ahead in "
        f"all three in {counts['classes_b_all_higher']} classes, in at least one in "
        f"{counts['classes_b_any_higher']}."
    )
    return deltas


def _show(board: pd.DataFrame) -> None:
    """Print accuracies, published ones beside measured ones, and costs."""
    import pandas as pd

    from vidlab.evaluation import CYCLIC, END_STATE

    here, there = board.columns.unique(level=0)
    measured, published = board[here], board[there]
    accuracies = {}
    for top in published:
        name = top.replace("top", "top-")
        accuracies[f"{name} {here}"] = [
            f"{value:.1%} ({100 * low:.0f}–{100 * high:.0f})"
            for value, low, high in measured[[top, f"{top}_low", f"{top}_high"]].values
        ]
        accuracies[f"{name} {there}"] = published[top].map("{:.1%}".format, na_action="ignore")
    for name, kind in (("end_state", END_STATE), ("cyclic", CYCLIC)):
        if name in measured:
            accuracies[f"within {kind}"] = measured[name].map("{:.1%}".format, na_action="ignore")
    costs = {
        "parameters": measured["parameters"].map("{:,.0f}".format, na_action="ignore"),
        "multiply-adds": measured["multiply_adds"].map("{:,.0f}".format, na_action="ignore"),
        "training": measured["training_seconds"].map("{:.0f} s".format, na_action="ignore"),
        "features": measured["feature_seconds"].map("{:.0f} s".format, na_action="ignore"),
        "model file": measured["megabytes"].map("{:.1f} MB".format, na_action="ignore"),
    }
    index = board.index.rename("run")
    table(pd.DataFrame(accuracies, index=index), title="Accuracy, with 95% intervals over groups")
    table(pd.DataFrame(costs, index=index), title="Cost")


def _points(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} ({100 * low:+.0f} … {100 * high:+.0f})"


def _p_values(values: pd.Series) -> list[str]:
    return ["<0.001" if value < 0.001 else f"{value:.3f}" for value in values]
