"""``vidlab data``: make, fetch, verify and describe the videos."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import complain, export, table
from vidlab.cli.options import Groups, Layout
from vidlab.files import relative

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["app", "fetch", "info", "make", "verify"]

app = typer.Typer(no_args_is_help=True, help="Make, fetch, verify and describe the videos.")

Dataset = Annotated[
    str, typer.Argument(metavar="DATASET", help="`pantomime`, `ucf101` or a folder of videos.")
]
Size = Annotated[str, typer.Option(help="How much of Pantomime: smoke, quick or full.")]


@app.command()
def make(
    size: Size = "quick",
    seed: Annotated[int, typer.Option(help="Another seed draws other videos.")] = 0,
    bias: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="Let this class, and its reversed twin, always take place in one room.",
        ),
    ] = None,
) -> None:
    """Draw the built-in dataset, Pantomime, on this machine.

    What is there already is kept: an interrupted run goes on where it stopped. A biased variant
    has a folder of its own; it shows what a shortcut looks like.
    """
    from vidlab import datasets

    index = datasets.load_index("pantomime", size=size, seed=seed, bias=bias)
    typer.echo(f"{len(index)} videos of {len(index.classes)} classes in {relative(index.root)}")


@app.command()
def fetch(
    root: Annotated[
        Path | None, typer.Option(help="Where to put it; `data/ucf101` where not given.")
    ] = None,
) -> None:
    """Download UCF-101 and its official lists, and unpack them.

    About 14 GB are needed on the way. An interrupted download goes on where it stopped.
    """
    from vidlab import datasets
    from vidlab.data import ucf101

    folder = ucf101.fetch(root or datasets.folder_of("ucf101"))
    typer.echo(f"UCF-101 is in {relative(folder)}. Check it with: vidlab data verify ucf101")


@app.command()
def verify(
    dataset: Dataset = "pantomime",
    size: Size = "quick",
    layout: Layout = "",
    groups: Groups = "",
    whole: Annotated[
        bool, typer.Option("--whole", help="Decode every video again, also those known.")
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(help="Write every video, and what is wrong with it, to a file.")
    ] = None,
) -> None:
    """Compare the videos with the official lists, and look for what would spoil a training.

    Exit status 1 if a video cannot be read or used, a listed one is missing, no split can be made,
    or a group or a copy is in two parts of one.
    """
    from vidlab.data import verification
    from vidlab.data.groups import copies_apart
    from vidlab.errors import DatasetError

    splits, unfit, leaks = [], [], False
    with warnings.catch_warnings(record=True) as warned:  # told at the end
        warnings.simplefilter("always", UserWarning)
        index = _index(dataset, size=size, layout=layout, groups=groups, count=whole)
        apart = "; no group in two parts" if index.groups_from else ""
        if apart and index.ungrouped:
            apart += f" of the {len(index) - index.ungrouped} videos that name one"
        for k in sorted(index.lists or [1]):
            try:
                parts = index.split(k)
            except DatasetError as error:
                unfit.append(f"Split {k} cannot be used. {error}")
                continue
            train, validation, test = map(len, parts)
            leaks = leaks or bool(copies_apart(*parts))
            splits.append(
                f"Split {k}: {train} training, {validation} validation, {test} test videos{apart}."
            )
    faults = verification.faults(index)
    typer.echo(f"{relative(index.root)}: {verification.summary(index)}")
    for line in (*index.notes, *verification.findings(index)):
        typer.echo(line)
    if len(faults):
        table(faults, title="Problems")
        unfit.append(f"{len(faults)} problem(s), listed above. Remove or replace these files.")
    for line in splits:
        typer.echo(line)
    for line in [*unfit, *(str(one.message).removeprefix("vidlab: ") for one in warned)]:
        complain(line)
    if csv is not None:
        export(verification.videos(index), csv)
    if unfit or leaks:
        raise typer.Exit(1)


@app.command()
def info(
    dataset: Dataset = "pantomime",
    size: Size = "quick",
    layout: Layout = "",
    groups: Groups = "",
) -> None:
    """Describe a dataset: its classes, videos, groups and lengths."""
    index = _index(dataset, size=size, layout=layout, groups=groups)
    videos = index.table.assign(seconds=index.table["frames"] / index.table["fps"])
    classes = videos.groupby("class_name", sort=False).agg(
        videos=("video_id", "size"),
        groups=("group", "nunique"),
        shortest_s=("seconds", "min"),
        mean_s=("seconds", "mean"),
        longest_s=("seconds", "max"),
    )
    if not index.groups_from:
        classes["groups"] = "unknown"
    table(classes, title=f"{relative(index.root)}: {len(index)} videos")
    kinds = index.report["kind"].value_counts()
    wrong = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "none"
    typer.echo(f"Splits it comes with: {len(index.lists or {}) or 'none'}. Problems: {wrong}.")
    for note in index.notes:
        typer.echo(note)


def _index(dataset: str, **options) -> VideoIndex:
    from vidlab import datasets

    return datasets.load_index(dataset, **options)
