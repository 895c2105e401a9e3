"""``vidlab train``, ``evaluate``, ``features`` and ``figures``: recipes, numbers and pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlab.cli.console import export as write_table
from vidlab.cli.console import published, relative, table
from vidlab.cli.options import in_words, of_a_run
from vidlab.errors import MetricError, ResultError

if TYPE_CHECKING:
    import pandas as pd

    from vidlab.evaluation.predictions import Predictions

__all__ = [
    "Export",
    "Per",
    "evaluate",
    "features",
    "figures",
    "run_folder",
    "train",
]

_SHOWN = 12  # classes of a matrix that fits a console

Export = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write the table: .csv, .md or .tex by the ending."),
]
Per = Annotated[
    Literal["video", "frame"],
    typer.Option(help="Count videos, or frames: of a recurrent model its prediction after each."),
]


@of_a_run
def train(
    recipe: Annotated[
        str, typer.Argument(help="A recipe, such as `frame-finetuned` or `my_recipe.py:my-model`.")
    ],
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from --seed on.")] = 1,
    splits: Annotated[str, typer.Option(help="Several splits, such as `1,2,3`.")] = "",
    folds: Annotated[
        str,
        typer.Option(
            metavar="BY",
            help="Cross-validate: `group` leaves one group out a fold, a number deals the groups "
            "into so many folds, `official` takes all given splits.",
        ),
    ] = "",
    export: Export = None,
    *,
    which: dict,
) -> None:
    """Train a recipe, over seeds and splits or folds, and report mean ± spread.

    A run that is there already is read, not trained again. The test videos of folds are also
    counted together: accuracy with its interval, class by class, and what is confused.

    **Example:** `vidlab train frame-finetuned --seeds 5 --splits 1,2,3 --export table.tex`
    """
    chosen = _splits(splits) if splits else []
    from vidlab import evaluation, recipes
    from vidlab.course.lab import Lab
    from vidlab.evaluation.runs import RunFolder, against_line
    from vidlab.progress import progress

    lab = Lab(**which)  # it knows the recipes of the profile's own files
    recipe = recipes.get(recipe).name
    chosen = lab.folds(folds) if folds else chosen or [lab.profile.split]
    first = lab.profile.seed
    grid = [(seed, split) for split in chosen for seed in range(first, first + seeds)]
    ran = {
        (seed, split): lab.run(recipe, seed=seed, split=split)
        for seed, split in progress(grid, desc=f"{recipe}: seeds × splits", unit="run")
    }
    found = {key: run.predictions for key, run in ran.items()}
    result = evaluation.summary([(recipe, *key, one) for key, one in found.items()])
    over = f"{len(chosen)} folds by {folds}" if folds else f"splits {', '.join(map(str, chosen))}"
    title = f"{recipe}: mean ± standard deviation over {seeds} seed(s), {over}"
    table(_with_spread(result), title=title)
    if len(chosen) > 1:
        counts = _together(recipe, [found[first, split] for split in chosen])
        if counts is not None:
            if len(counts) <= _SHOWN:
                table(counts, title="True class by row, predicted by column")
            write_table(counts, export, ending="-confusion")
    if len(grid) > 1 and lab.profile.line not in ("", recipe):
        path = partial(lab.run_path, lab.profile.line)
        lines = {(seed, split): RunFolder(path(seed=seed, split=split)) for seed, split in grid}
        if len(chosen) > 1:
            name = f"{lab.profile.line}, the line to pass"
            _together(name, [lines[first, split].predictions for split in chosen])
        typer.echo(against_line(list(ran.values()), list(lines.values())))
    published(lab.beside(recipe))
    write_table(result, export)


@of_a_run
def evaluate(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A recipe that was run, a folder with runs, or a file."),
    ],
    per: Per = "video",
    export: Export = None,
    *,
    which: dict,
) -> None:
    """Print the accuracy of a finished run, class by class, or a table of all runs in a folder.

    Also that of predictions made elsewhere: a CSV file with the columns video_id, true and one of
    probabilities a class, or a `.npz` file of y_true, probabilities and classes.
    """
    from vidlab.evaluation.predictions import Predictions
    from vidlab.evaluation.runs import find_runs

    folder = Path(run) if Path(run).is_file() else run_folder(run, which)
    if folder.is_file() or (folder / "predictions.npz").is_file():
        result = _one(Predictions.load(folder), title=relative(folder), per=per)
    else:
        result = find_runs(folder).drop(columns="path")
        if result.empty:
            raise ResultError(
                f"Expected runs in {folder}. Received: none. Make one with: vidlab train RECIPE"
            )
        table(result, title=relative(folder))
    write_table(result, export)


@of_a_run
def features(
    recipe: Annotated[str, typer.Argument(help="A recipe on features, such as `mobilenet-gru`.")],
    *,
    which: dict,
) -> None:
    """Extract the features a recipe learns from, of all videos; nothing is computed twice.

    An interrupted extraction goes on where it stopped when the command is repeated.
    """
    from vidlab.course.lab import Lab

    store = Lab(**which).features(recipe)
    typer.echo(
        f"{relative(store.folder)}: {len(store)} videos, {store.size} features a frame, "
        f"{store.bytes / 1e6:.1f} MB, extracted in {store.seconds:.0f} s"
    )


def figures(
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write to; the repository's `figures` where not given."),
    ] = None,
) -> None:
    """Draw the pictures that README and notebooks show."""
    from vidlab.course import figures as pictures
    from vidlab.course import profiles

    for path in pictures.make_all(out or profiles.folder().parent / "figures"):
        typer.echo(relative(path))


def _together(title: str, parts: list[Predictions]) -> pd.DataFrame | None:
    """Print the accuracy on the test videos of several splits together; return the confusions."""
    from vidlab import evaluation

    try:
        pooled = evaluation.pool(parts)
    except MetricError:
        typer.echo(f"{title}: no pooled interval, for the test parts have videos in common.")
        return None
    where = f"test videos of all {len(parts)} splits together, first seed"
    typer.echo(f"{title}: {where}: top-1 {evaluation.interval(pooled)}")
    return evaluation.confusion(pooled, normalise=False)


def _with_spread(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the summary with mean and spread in one cell each, in percent."""
    from vidlab.evaluation import CYCLIC, END_STATE

    shown = summary[["runs", "seeds", "splits"]].copy()
    titles = {"top1": "top-1", "top5": "top-5"}
    titles |= {"end_state": f"within {END_STATE}", "cyclic": f"within {CYCLIC}"}
    for name in [name for name in titles if name in summary]:
        shown[titles[name]] = [
            f"{mean:.1%}" + ("" if spread != spread else f" ± {100 * spread:.1f}")
            for mean, spread in summary[[name, f"{name}_spread"]].to_numpy()
        ]
    return shown


def _one(predictions: Predictions, *, title: str, per: Per) -> pd.DataFrame:
    """Print accuracies, the report by class and what is confused; return the report."""
    from vidlab import evaluation

    predictions = evaluation.counted(predictions, per)
    typer.echo(f"{title}: {len(predictions)} {per}s, {len(predictions.classes)} classes")
    for name in evaluation.top_ks(predictions):
        interval = evaluation.interval(predictions, metric=name)
        typer.echo(f"{name.replace('top', 'top-')} {interval}")
    if predictions.reversed_pairs:
        within = evaluation.within_pairs(predictions, predictions.reversed_pairs)
        typer.echo(f"Within reversed pairs: {within}")
    report = evaluation.report(predictions)
    table(report, title="By class")
    confused = evaluation.most_confused(predictions)
    if len(confused):
        table(confused, title="Most confused")
    return report


def run_folder(run: str, which: dict) -> Path:
    """Find the folder of a run by its recipe, or take it as it is given."""
    if Path(run).is_dir():
        return Path(run)
    from vidlab import recipes
    from vidlab.course.lab import Lab

    if ".py" in run:  # a file of recipes, or one of those in it
        run = recipes.get(run).name
    folder = Lab(**which).run_path(run)
    if not folder.is_dir():
        raise ResultError(
            f"Expected a folder, or a recipe that was run. Received: {run}; there is no {folder}. "
            f"Make it with: vidlab train {run} {in_words(which)}"
        )
    return folder


def _splits(text: str) -> list[int]:
    numbers = text.split(",")
    if not all(number.strip() in ("1", "2", "3") for number in numbers):
        raise ResultError(
            f"Expected splits out of 1, 2 and 3, separated by commas. Received: {text}. "
            "Write, for example, --splits 1,2,3."
        )
    return list(dict.fromkeys(int(number) for number in numbers))
