"""``vidlab predict``: what a trained recipe predicts for any video, whole and moment by moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import one_by_one
from vidlab.cli.options import in_words, of_a_run
from vidlab.cli.results import run_path
from vidlab.errors import ResultError
from vidlab.files import relative

if TYPE_CHECKING:
    from vidlab.evaluation.runs import RunFolder
    from vidlab.evaluation.timeline import Timeline

__all__ = ["predict"]

_TOP = 5


@of_a_run
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Video files.")],
    recipe: Annotated[
        str,
        typer.Option(help="A recipe that was run, or the folder of a run; the best one if none."),
    ] = "",
    frames: Annotated[
        int,
        typer.Option(min=0, help="Look at so many frames, spread evenly; 0: as in training."),
    ] = 0,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("predicted"),
    *,
    which: dict,
) -> None:
    """Say what is done in videos of your own, frame by frame and as a whole.

    Prints the most probable classes, and writes for each video a JSON file with everything, a CSV
    file with a row for each frame that was looked at, and a picture of the predictions over time.

    **Example:** `vidlab predict my.avi other.mp4 --recipe convgru-finetuned`
    """
    from vidlab.data.sampling import Uniform
    from vidlab.evaluation.timeline import VideoPredictor
    from vidlab.files import printable

    run = _chosen(recipe, which)
    predictor = VideoPredictor.of_run(run)
    sampling = Uniform(frames) if frames else predictor.sampling
    known = f"which knows {len(predictor.classes)} classes, and no other"
    typer.echo(f"{predictor.name} ({relative(run.path)}), {known}; {sampling}")

    def treat(file: Path, stem: Path) -> list[Path]:
        found = predictor.predict(file, sampling=sampling)
        best = ", ".join(f"{name} {share:.0%}" for name, share in found.top(_TOP).items())
        typer.echo(f"{printable(str(file))}: {best}")
        return _write(found, stem, name=predictor.name)

    one_by_one(files, treat, out=out)


def _chosen(recipe: str, which: dict) -> RunFolder:
    """Return the run named, or else the finished one of these videos with the best accuracy.

    Recipes made in a notebook are known there alone.
    """
    from vidlab import recipes
    from vidlab.course.lab import Lab
    from vidlab.evaluation.runs import RunFolder, find_runs

    if recipe:
        return RunFolder(run_path(recipe, which))
    folder = Lab(**which).runs
    found = find_runs(folder)
    if "top1" in found:
        best_first = found.sort_values("top1", ascending=False, kind="stable")
        for run in map(RunFolder, best_first.loc[found["complete"], "path"]):
            if recipes.of_run(run.recipe) is not None:
                return run
    raise ResultError(
        f"Expected a finished run in {folder}. Received: none. Make one with: vidlab train "
        f"convgru-finetuned {in_words(which)}"
    )


def _write(one: Timeline, stem: Path, *, name: str) -> list[Path]:
    """Write JSON, CSV and the picture."""
    from vidlab import plots
    from vidlab.evaluation.tables import export
    from vidlab.files import file_name, write_text

    stem = stem.with_name(file_name(f"{stem.name}-{name}"))
    text = json.dumps({"recipe": name, **one.as_dict()}, ensure_ascii=False)
    file = write_text(stem.with_name(f"{stem.name}.json"), text + "\n")
    rows = export(one.table(), stem.with_name(f"{stem.name}.csv"))
    plots.use_style()
    picture = plots.frame_timeline(
        one.probabilities,
        one.classes,
        seconds=one.seconds,
        title=f"{one.path.name}: predictions of {name}",
    )
    return [file, rows, *plots.save(picture, stem, formats=("png",))]
