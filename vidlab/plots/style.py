"""How every figure looks: one style, one colour for a class or a recipe, one way to save.

Takes nothing from other modules but `files.replacing`; gives style, colours and `Drawing` to the
other modules of `plots`. The colours stay apart for colour-blind readers (Okabe and Ito 2008).
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import seaborn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vidlab.errors import ResultError
from vidlab.files import replacing

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "SKY",
    "TOLD_APART",
    "VERMILLION",
    "Drawing",
    "class_colours",
    "percent_axis",
    "recipe_colour",
    "recipe_colours",
    "save",
    "sentence",
    "use_style",
]

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
INK, GREY = "#222222", "#767676"

_BRIGHT = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW, GREY)

TOLD_APART = 2 * len(_BRIGHT)
"""So many classes have colours that can be told apart."""

# A recipe keeps its colour whichever others stand beside it. The order is that of the literature.
_RECIPES = (
    "frame-finetuned",
    "frame-scratch",
    "frame-vote",
    "convgru-finetuned",
    "lstm-pixels",
    "frame-pretrained",
    "gru-pixels",
    "convgru-scratch",
    "convgru-fixed",
    "cnn-lstm",
    "inception-gru",
    "inception-lstm",
    "inception-single",
    "mobilenet-gru",
    "mobilenet-lstm",
    "mobilenet-single",
)
_FORMATS = ("png", "svg", "pdf")


class Drawing(Figure):
    """A figure that shows itself in a notebook, once, whatever the plotting backend is.

    Figures made through pyplot are shown a second time by a notebook and stay in memory; plain
    ones are not shown at all.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def sentence(text: str, *, title: str) -> Drawing:
    """Make a figure that says why there is nothing to draw."""
    figure = Drawing(figsize=(8, 0.9), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    figure.text(0.01, 0.3, text)
    return figure


def use_style() -> None:
    """Make all figures drawn from now on look alike: light grid, sans serif, text kept as text."""
    seaborn.set_theme(
        context="notebook",
        style="whitegrid",
        palette=_BRIGHT,
        font_scale=0.85,
        rc={
            "axes.edgecolor": "#9A9A9A",
            "axes.labelcolor": INK,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "figure.dpi": 110,
            "figure.titlesize": 12,
            "figure.titleweight": "bold",
            "grid.color": "#E4E4E4",
            "legend.frameon": False,
            "pdf.fonttype": 42,
            "savefig.dpi": 160,
            "svg.fonttype": "none",
            "svg.hashsalt": "vidlab",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        },
    )


def class_colours(classes: Sequence[str]) -> dict[str, str]:
    """Give every class its colour, by its place among all classes of the dataset.

    Eight colours that are told apart easily, then their dark forms; beyond sixteen classes the hues
    of a cyclic colour map, which can only show order: name the classes as well.

    Parameters
    ----------
    classes
        All of them, in their order, also where only some are drawn.

    Returns
    -------
    dict
        Class name to ``#rrggbb``.

    Examples
    --------
    >>> class_colours(["OpenDoor", "CloseDoor"])
    {'OpenDoor': '#0072b2', 'CloseDoor': '#e69f00'}
    """
    if len(classes) <= TOLD_APART:
        return {name: _series(place) for place, name in enumerate(classes)}
    hues = mpl.colormaps["twilight"]
    # The two ends of this map are nearly white; a twelfth at either end is left out.
    return {
        name: to_hex(hues(1 / 12 + 10 / 12 * place / len(classes)))
        for place, name in enumerate(classes)
    }


def recipe_colour(name: str) -> str:
    """Give a recipe its colour, ``#rrggbb``: always the same, also for a recipe of one's own.

    Examples
    --------
    >>> recipe_colour("frame-finetuned")
    '#0072b2'
    """
    if name in _RECIPES:
        return _series(_RECIPES.index(name))
    return _series(zlib.crc32(name.encode()) % TOLD_APART)


def recipe_colours(names: Sequence[str]) -> dict[str, str]:
    """Give recipes that stand side by side their colours, ``#rrggbb``, no two the same.

    Each has the colour of `recipe_colour`, unless one named before it has that one already: then
    the next in the series, as far as the colours go.

    Examples
    --------
    >>> recipe_colours(["frame-finetuned", "the other"])
    {'frame-finetuned': '#0072b2', 'the other': '#e69f00'}
    """
    chosen: dict[str, str] = {}
    for name in names:
        free = [_series(place) for place in range(TOLD_APART)]
        free = [colour for colour in free if colour not in chosen.values()]
        own = recipe_colour(name)
        chosen[name] = own if own in free or not free else free[0]
    return chosen


def save(
    figure: Figure,
    path_without_suffix: str | os.PathLike[str],
    *,
    formats: Sequence[str] = _FORMATS,
) -> list[Path]:
    """Write a figure in several formats, each file whole or not at all.

    Nothing of when or where it was made is written into it: the same figure gives the same file.

    Parameters
    ----------
    figure
        From any function of `plots`.
    path_without_suffix
        The format is added to it.
    formats
        Of png, svg and pdf.

    Returns
    -------
    list of Path
        The files, in the order of the formats.

    Raises
    ------
    ResultError
        If a format is unknown.
    """
    unknown = [name for name in formats if name not in _FORMATS]
    if unknown:
        raise ResultError(
            f"Expected formats out of {', '.join(_FORMATS)}. Received: {', '.join(unknown)} for "
            f"{path_without_suffix}. Choose one of these."
        )
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    stem, files = Path(path_without_suffix), []
    for name in formats:
        path = stem.with_name(f"{stem.name}.{name}")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=name, bbox_inches="tight", metadata=undated[name])
        files.append(path)
    return files


def percent_axis(axes: Axes, name: str, *, horizontal: bool = True, top: float = 1.0) -> None:
    """Let an axis of shares run from 0 to `top`, written as per cent."""
    axis = axes.xaxis if horizontal else axes.yaxis
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    (axes.set_xlim if horizontal else axes.set_ylim)(0, top)
    (axes.set_xlabel if horizontal else axes.set_ylabel)(name)


def _series(place: int) -> str:
    """Give the colour at a place in a series: bright ones first, then dark ones."""
    shade, hue = divmod(place, len(_BRIGHT))
    return to_hex([channel * (0.55 if shade else 1) for channel in to_rgb(_BRIGHT[hue])])
