"""One style for all figures: colours, `Drawing`, and saving.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers; on white
four of them were too pale for a line, so orange and sky blue are darker here, vermilion has moved
away from orange, and wine (Tol 2021) stands in for yellow. All have a contrast of 3:1 or more.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import seaborn
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from vidlab.files import replacing
from vidlab.plots.names import as_they_are, labelled, shortened

__all__ = [
    "Drawing",
    "axes_or_new",
    "class_colours",
    "legend_below",
    "pale",
    "percent_axis",
    "save",
    "sentence",
    "titled",
    "use_style",
]

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#C38700", "#009E73", "#C23B00"
PURPLE, SKY, WINE = "#CC79A7", "#4A9BC8", "#882255"
INK, GREY = "#222222", "#767676"

_BRIGHT = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, WINE, GREY)

DISTINCT = 2 * len(_BRIGHT)
"""Up to so many classes have colours that are easily distinguished."""


class Drawing(Figure):
    """A figure that shows itself in a notebook, once, whatever the plotting backend is.

    Figures made through pyplot are shown a second time by a notebook and stay in memory; plain
    ones are not shown at all.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure, names in it as they are."""
        as_they_are(self)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # warned of once
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def titled(title: str, size: tuple[float, float]) -> Drawing:
    """An empty figure, its size in inches, with the title at the left."""
    figure = Drawing(figsize=size, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left")
    return figure


def sentence(text: str, *, title: str) -> Drawing:
    """A figure that says why there is nothing to draw."""
    figure = titled(title, (8, 0.9))
    figure.text(0.01, 0.3, text)
    return figure


def use_style() -> None:
    """Set the style of all figures drawn from now on: light grid, sans serif, text kept as text."""
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
    """Colours of all classes of a dataset, or of other series, ``#rrggbb``, by their order.

    Eight colours that are easily distinguished, then their dark forms; beyond sixteen classes the
    hues of a cyclic colour map, which can only show order: name the classes as well.

    Examples
    --------
    >>> class_colours(["OpenDoor", "CloseDoor"])
    {'OpenDoor': '#0072b2', 'CloseDoor': '#c38700'}
    """
    if len(classes) <= DISTINCT:
        return {name: _series(index) for index, name in enumerate(classes)}
    # The two ends of this map are nearly white; a fifth at either end is left out.
    shades = mpl.colormaps["twilight"](np.linspace(0.2, 0.8, len(classes), endpoint=False))
    return dict(zip(classes, map(to_hex, shades), strict=True))


def save(
    figure: Figure,
    path_without_suffix: str | os.PathLike[str],
    *,
    formats: Sequence[str] = ("png", "svg", "pdf"),
) -> list[Path]:
    """Write a figure in several formats, each file whole or not at all.

    No date is written into the files: the same figure gives the same bytes.
    """
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    stem, files = Path(path_without_suffix), []
    for name in formats:
        path = stem.with_name(f"{stem.name}.{name}")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=name, bbox_inches="tight", metadata=undated.get(name))
        files.append(path)
    return files


def pale(colour: str) -> str:
    """The colour mixed with white, for what matters less."""
    return to_hex([0.3 * channel + 0.7 for channel in to_rgb(colour)])


def percent_axis(axes: Axes, name: str, *, horizontal: bool = True, top: float = 1.0) -> None:
    """Let an axis of shares run from 0 to `top`, written as per cent."""
    axis = axes.xaxis if horizontal else axes.yaxis
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    (axes.set_xlim if horizontal else axes.set_ylim)(0, top)
    axis.set_label_text(name)


def axes_or_new(
    ax: Axes | None, *, title: str, figsize: tuple[float, float] = (8, 3.9)
) -> tuple[Figure, Axes]:
    """The axes given, or those of a new figure, with their title; and the figure they are in."""
    axes = Drawing(figsize=figsize, layout="constrained").subplots() if ax is None else ax
    axes.set_title(title)
    return axes.get_figure(root=True), axes


def legend_below(figure: Figure, colours: Mapping[str, str] | None = None) -> None:
    """Explain colours, and everything that has a label, in a line below the figure."""
    named = {name: Patch(color=colour) for name, colour in (colours or {}).items()}
    for axes in figure.axes:
        named |= labelled(axes)
    if named:
        names = shortened(named, most=60)
        columns = min(len(named), 5, max(1, 130 // max(map(len, names))))
        figure.legend(named.values(), names, loc="outside lower center", ncols=columns)


def _series(index: int) -> str:
    """Return the colour at an index of the series: bright ones first, then dark ones."""
    shade, hue = divmod(index, len(_BRIGHT))
    return to_hex([channel * (0.55 if shade else 1) for channel in to_rgb(_BRIGHT[hue])])
