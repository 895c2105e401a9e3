"""The options that say which run is meant: one definition for every command that needs one."""

from __future__ import annotations

import functools
import inspect
import shlex
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

__all__ = ["Groups", "Layout", "in_words", "of_a_run"]

Layout = Annotated[
    str,
    typer.Option(
        help="How the folder holds videos, where that cannot be seen: ucf101, hmdb51, list, or the "
        "folders, such as split/class or class/group; unsplit leaves out the splits it comes with."
    ),
]
Groups = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help=r"The part of a path that is the scene or person, such as 'person(\d+)'.",
    ),
]
_OPTIONS = {
    "profile": Annotated[str, typer.Option(help="How big the run is: a file of nbconfig/.")],
    "dataset": Annotated[
        str, typer.Option(help="Other videos than the profile's: a name or a folder.")
    ],
    "layout": Layout,
    "groups": Groups,
    "backbone": Annotated[
        str, typer.Option(help="Such as `mobilenetv2`, in place of the profile's.")
    ],
    "weights": Annotated[str, typer.Option(help="`imagenet`, `pantomime` or a file.")],
    "image_size": Annotated[
        int, typer.Option("--size", min=0, help="Height and width of frames in pixels.")
    ],
    "split": Annotated[int, typer.Option(min=0, help="Which split, from 1.")],
    "seed": Annotated[int, typer.Option(min=0, help="Of the training, from 0.")],
}


def of_a_run(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as ``which``, a dict that `vidlab.Lab` takes."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [one.replace(kind=keyword) for one in own if one.name != "which"]
    for name, kind in _OPTIONS.items():
        default = "quick" if name == "profile" else kind.__origin__()  # "" or 0
        parameters.append(inspect.Parameter(name, keyword, annotation=kind, default=default))

    @functools.wraps(command)
    def with_options(**values):
        which = {name: values.pop(name) for name in _OPTIONS}
        command(**values, which=which)

    with_options.__signature__ = inspect.Signature(parameters)
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


def in_words(which: Mapping[str, str | int]) -> str:
    """Write the options that are not their defaults as they are typed; the profile always."""
    words = []
    for name, value in which.items():
        if value:
            words += ["--size" if name == "image_size" else f"--{name}", str(value)]
    return shlex.join(words)
