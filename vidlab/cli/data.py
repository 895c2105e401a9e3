"""``vidlab data``: make, fetch, verify and describe the videos."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidlab.cli.console import complain, relative, table

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
    whole: Annotated[
        bool, typer.Option("--whole", help="Read every video to its end, not only its header.")
    ] = False,
) -> None:
    """Compare the videos with the official lists, and look for groups shared by parts of a split.

    Exit status 1 if a video cannot be read, a listed one is missing, or no split can be made.
    """
    from vidlab.data import ucf101
    from vidlab.data.index import check_no_leakage
    from vidlab.errors import SplitError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what they say is in the table below
        index = _index(dataset, size=size)
        found = ucf101.verify(index.root, count=whole)
    typer.echo(f"{relative(index.root)}: {found}")
    if len(found.problems):
        table(found.problems, title="Problems")
        complain(f"{len(found.problems)} problems, listed above. Remove or replace these files.")
    try:
        parts = index.split(1)
    except SplitError as error:
        complain(f"There is no split 1. {error}")
        raise typer.Exit(1) from error
    check_no_leakage(*parts)
    train, validation, test = map(len, parts)
    typer.echo(
        f"Split 1: {train} training, {validation} validation, {test} test videos; "
        "no group in two parts."
    )
    if len(found.problems):
        raise typer.Exit(1)


@app.command()
def info(dataset: Dataset = "pantomime", size: Size = "quick") -> None:
    """Describe a dataset: its classes, videos, groups and lengths."""
    index = _index(dataset, size=size)
    videos = index.table.assign(seconds=index.table["frames"] / index.table["fps"])
    classes = videos.groupby("class_name", sort=False).agg(
        videos=("video_id", "size"),
        groups=("group", "nunique"),
        shortest_s=("seconds", "min"),
        mean_s=("seconds", "mean"),
        longest_s=("seconds", "max"),
    )
    table(classes, title=f"{relative(index.root)}: {len(index)} videos")
    first = videos.iloc[0]
    typer.echo(
        f"{videos['seconds'].sum() / 60:.1f} minutes in all; the first video is "
        f"{first['width']}×{first['height']} at {first['fps']:g} frames a second. "
        f"Official split lists: {'yes' if index.has_official_lists else 'no'}. "
        f"Cannot be read: {len(index.report)}."
    )


def _index(dataset: str, *, size: str) -> VideoIndex:
    from vidlab import datasets

    return datasets.load_index(dataset, size=size)
