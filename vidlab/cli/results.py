"""``vidlab train``, ``evaluate``, ``features`` and ``figures``: recipes, numbers and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidlab.cli.console import export as write_table
from vidlab.cli.console import published, table
from vidlab.cli.options import in_words, of_a_run
from vidlab.errors import MetricError, ResultError
from vidlab.files import relative

if TYPE_CHECKING:
    import pandas as pd

    from vidlab.evaluation.predictions import Predictions

__all__ = [
    "Export",
    "Per",
    "evaluate",
    "features",
    "figures",
    "run_path",
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
    """Train a recipe, over seeds and folds, and report mean ± spread.

    A run that is there already is read, not trained again. The test videos of folds are also
    counted together: accuracy with its interval, class by class, and what is confused.

    **Example:** `vidlab train frame-finetuned --seeds 5 --folds official --export table.tex`
    """
    from vidlab import evaluation, recipes
    from vidlab.course.lab import Lab
    from vidlab.evaluation.runs import RunFolder, against_line
    from vidlab.evaluation.tables import readable
    from vidlab.progress import progress

    lab = Lab(**which)  # it knows the recipes of the profile's own files
    recipe = recipes.get(recipe).name
    chosen = lab.folds(folds) if folds else [lab.profile.split]
    first = lab.profile.seed
    grid = [(seed, split) for split in chosen for seed in range(first, first + seeds)]
    ran = {
        (seed, split): lab.run(recipe, seed=seed, split=split)
        for seed, split in progress(grid, desc=f"{recipe}: seeds × splits", unit="run")
    }
    found = {key: run.predictions for key, run in ran.items()}
    result = evaluation.summary([(recipe, *key, one) for key, one in found.items()])
    over = f"{len(chosen)} folds by {folds}" if folds else f"split {chosen[0]}"
    title = f"{recipe}: mean ± standard deviation over {seeds} seed(s), {over}"
    table(readable(result), title=title)
    if len(chosen) > 1:
        _together(recipe, [found[first, split] for split in chosen], export)
    if len(grid) > 1 and (line := lab.profile.line) not in ("", recipe):
        lines = {
            (seed, split): RunFolder(lab.run_path(line, seed=seed, split=split))
            for seed, split in grid
        }
        if len(chosen) > 1:
            parts = [lines[first, split].predictions for split in chosen]
            _together(f"{line}, the line to pass", parts, None)
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
    from vidlab.evaluation.tables import readable

    folder = run_path(run, which)
    if folder.is_file() or (folder / "predictions.npz").is_file():
        result = _one(Predictions.load(folder), title=relative(folder), per=per)
    else:
        result = find_runs(folder).drop(columns="path")
        if result.empty:
            raise ResultError(
                f"Expected runs in {folder}. Received: none. Make one with: vidlab train RECIPE"
            )
        shown = result.filter(regex="^(recipe|profile|seed|split|complete|top[15].*)$")
        table(readable(shown), title=relative(folder))
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


def figures() -> None:
    """Draw the picture that README shows: the actions of Pantomime, six frames of each."""
    import cv2
    import numpy as np
    from PIL import Image

    from vidlab import pantomime
    from vidlab.course import profiles

    sheet = np.concatenate(np.split(pantomime.contact_sheet(), 2), axis=1)  # in two columns
    sheet = cv2.resize(sheet, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    path = profiles.folder().parent / "figures" / "pantomime.png"
    Image.fromarray(sheet).save(path)
    typer.echo(f"Written: {relative(path)}")


def _together(title: str, parts: list[Predictions], export: Path | None) -> None:
    """Print accuracy and confusions on the test videos of several splits together."""
    from vidlab import evaluation

    try:
        pooled = evaluation.pool(parts)
    except MetricError:
        typer.echo(f"{title}: no pooled interval, for the test parts have videos in common.")
        return
    where = f"test videos of all {len(parts)} splits together, first seed"
    typer.echo(f"{title}: {where}: top-1 {evaluation.interval(pooled)}")
    counts = evaluation.confusion(pooled, normalise=False)
    if len(counts) <= _SHOWN:
        table(counts, title=f"{title}: true class by row, predicted by column")
    write_table(counts, export, ending="-confusion")


def _one(predictions: Predictions, *, title: str, per: Per) -> pd.DataFrame:
    """Print accuracies, the report by class and what is confused; return the report."""
    from vidlab import evaluation

    predictions = evaluation.counted(predictions, per)
    typer.echo(f"{title}: {len(predictions)} {per}s, {len(predictions.classes)} classes")
    for k in evaluation.reported_ks(len(predictions.classes)):
        typer.echo(f"top-{k} {evaluation.interval(predictions, k)}")
    if predictions.reversed_pairs:
        within = evaluation.within_pairs(predictions, predictions.reversed_pairs)
        typer.echo(f"Within reversed pairs: {within}")
    report = evaluation.report(predictions)
    table(report, title="By class")
    confused = evaluation.most_confused(predictions)
    if len(confused):
        table(confused, title="Most confused")
    return report


def run_path(run: str, which: dict) -> Path:
    """Find the folder of a run by its recipe, or take a folder or file as it is given."""
    if Path(run).is_dir() or (Path(run).is_file() and Path(run).suffix != ".py"):
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
