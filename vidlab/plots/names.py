"""Names in figures as they are: dollars are no formulas, and the machine's fonts have the letters.

The font of the figures has Latin, Greek, Cyrillic, Hebrew and Arabic letters. For others, such as
Chinese ones, the fonts of this machine are searched, once for each set of letters.
"""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from vidlab.files import printable

__all__ = ["as_they_are", "fonts_with", "labelled", "shortened"]

_BY_ITSELF = re.compile(r"_(child|container)\d+|_nolegend_|_")  # labels that matplotlib gives
_BOXES = "Last Resort"  # a font that has a box for every letter


def as_they_are(figure: Figure) -> None:
    """Let the texts of a figure be drawn as they are; warn of letters that no font here has."""
    for axes in figure.axes:
        axes.get_xticklabels(), axes.get_yticklabels()  # what they say is found out only now
    texts = figure.findobj(Text)
    letters = {letter for text in texts for letter in text.get_text() if not letter.isascii()}
    more = fonts_with(frozenset(x for x in letters if unicodedata.category(x)[0] in "LM"))
    for text in texts:
        text.set_text(printable(text.get_text()))
        text.set_parse_math("\\mathdefault" in text.get_text())  # the numbers of a log scale
        if more and not text.get_text().isascii():
            text.set_fontfamily([*dict.fromkeys([*text.get_fontfamily(), *more])])


@cache
def fonts_with(letters: frozenset[str]) -> tuple[str, ...]:
    """Name installed fonts that together have the letters that the default font lacks."""
    default = findfont(FontProperties(family=mpl.rcParams["font.family"]))
    absent, found = letters - _had(default, letters), []
    if absent:
        known = {font.fname for font in fontManager.ttflist if _BOXES not in font.name}
        # A list that matplotlib keeps lacks what was installed since.
        for path in sorted(known) + sorted(set(findSystemFonts()) - known):
            if has := _had(path, absent):
                if path not in known:
                    fontManager.addfont(path)
                found.append(FontProperties(fname=path).get_name())
                absent -= has
            if not absent:
                break
    if found:  # one that is not bold will do
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    for script in sorted({unicodedata.name(letter, "?").split()[0] for letter in absent}):
        warnings.warn(
            f"Expected a font for {script} letters. Received: none on this machine; they are drawn "
            f"as boxes. Install one, such as Noto Sans {script}, and start Python again.",
            stacklevel=2,
        )
    return tuple(found)


def _had(path: str, letters: frozenset[str]) -> set[str]:
    """Return those of the letters that a font has; none of a file that cannot be read."""
    try:
        font = FT2Font(path)
    except (RuntimeError, OSError):
        return set()
    if _BOXES in font.family_name:
        return set()
    return {letter for letter in letters if font.get_char_index(ord(letter))}


def shortened(names: Iterable[str], *, most: int = 40) -> list[str]:
    """Return names with at most so many characters: of longer ones, where they begin and end.

    Examples
    --------
    >>> shortened(["Run", "Pretending to put something behind something, 2"])
    ['Run', 'Pretending to put some…hind something, 2']
    """
    return [f"{n[: most - 18]}…{n[-17:]}" if len(n) > most else n for n in map(str, names)]


def labelled(axes: Axes) -> dict[str, Artist]:
    """Return what has a label in axes, by its label, also where that begins with an underscore.

    Matplotlib's own legend leaves such out.
    """
    artists = [*axes.get_children(), *axes.containers]
    named = {artist.get_label(): artist for artist in artists}
    return {
        label: artist
        for label, artist in named.items()
        if isinstance(label, str) and label and not _BY_ITSELF.fullmatch(label)
    }
