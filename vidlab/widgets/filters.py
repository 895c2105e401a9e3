"""Look into a network, layer by layer: what each filter wants, and which real frames excite it.

Takes models and frames; gives `FilterExplorer` to notebooks. What filters want and do comes from
`explanation` by way of `filter_answers`, some of it at a time, and the page says what is going on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import traitlets

from vidlab import plots
from vidlab.errors import ModelError, VidlabError
from vidlab.plots import Drawing
from vidlab.widgets.explorer import Explorer, page
from vidlab.widgets.filter_answers import KERNELS, SCORES, FilterAnswers, Which
from vidlab.widgets.filter_tiles import WHO, map_of, picture, seen

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex
    from vidlab.explanation import FilterPictures

__all__ = ["FilterExplorer"]

Order = Literal["number", "change"]
_A_PAGE = 20
_A_BATCH = 5  # pictures made between two looks at what the page asks for
_AT_A_STRETCH = 0.3  # seconds that pictures found on disk are given out before the page is heard
_IN_PICTURE = {False: 8, True: 6}  # filters, without and with the model from before
_KERNELS_IN_PICTURE = 16
_BETWEEN_TELLING = 0.1  # seconds
_CALLED = {KERNELS: "kernels: the weights of the first layer as they are", SCORES: "classes"}


class FilterExplorer(Explorer):
    """The filters of a network: what each wants to see, and what it makes of real frames.

    Parameters
    ----------
    model
        Of frames or clips, with convolutions, or a function that loads it, such as ``run.model``.
    before
        The same network before some training, such as fine-tuning, or a function that loads it:
        filters are then shown before and after.
    frames
        Real frames to look at: an index or a list of video files, of which two frames of at most 48
        videos are read, or an array (frames, height, width, 3), 0 to 255, of which 96 are taken.
    classes
        The names of the model's classes, in their order; without them they are numbered.
    layer, number
        What to begin with: a layer of `vidlab.explanation.layers`, ``"kernels"`` or ``"scores"``,
        and a filter of it to open. The first of `vidlab.explanation.depths` when left out.
    steps, seed, cache
        Of the pictures, as in `vidlab.explanation.maximise`.
    seconds
        How long pictures are made for each page of the grid before somebody is asked whether to go
        on.

    Attributes
    ----------
    row, grid, opened, stills : dict
        What the page shows: the layers, the filters of one, the one that is open, and the frames.
    """

    _esm = page("parts.js", "maps.js", "filter.js", "filters.js", render="renderFilters")
    _css = page("look.css", "filters.css")

    row = traitlets.Dict().tag(sync=True)
    grid = traitlets.Dict().tag(sync=True)
    opened = traitlets.Dict().tag(sync=True)
    stills = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        before: keras.Model | Callable[[], keras.Model] | None = None,
        frames: np.ndarray | VideoIndex | Sequence[str | Path] | None = None,
        classes: Sequence[str] | None = None,
        layer: str | None = None,
        number: int | None = None,
        steps: int = 32,
        seconds: float = 20.0,
        seed: int = 0,
        cache: str | os.PathLike | None = None,
    ):
        super().__init__()
        made = {"steps": steps, "seed": seed, "cache": cache}
        self._answers = FilterAnswers(model, before=before, frames=frames, classes=classes, **made)
        self._begin = (layer, number)
        self._seconds = self._left = float(seconds)
        self._turns = 1  # how often the time has been given, for this page of the grid
        self._numbers = np.arange(0)  # the filters of the layer, in their order
        self._place: int | None = None  # of the frame that somebody chose
        self._told_at = 0.0
        self._stopped = False

    # ---- what the page asks for ----------------------------------------------------------------

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """Each method by its name; ``open`` opens a filter."""
        methods = (self.start, self.show, self.make, self.go_on, self.stop, self.place)
        return {"open": self.open_filter, **{one.__name__: one for one in methods}}

    def start(self) -> None:
        """Load the model, list its layers, and show what was asked for at the beginning."""
        with self.problems_told():
            if not self.row:
                self.tell("Loading the model …")
                self.row = self._answers.row()
            layer, number = self._begin
            usual = [one["name"] for one in self.row["layers"] if one["name"] != KERNELS]
            self.show(layer or usual[0])
            if number is not None:
                self.open_filter(number)

    def show(self, layer: str, *, number: int = 0, order: Order = "number") -> None:
        """Show the filters of a layer, as far as their pictures have been made.

        Parameters
        ----------
        layer
            As in the constructor.
        number
            Which page of them.
        order
            By their ``"number"``, or by the ``"change"`` since before, the greatest first.

        Raises
        ------
        ModelError
            If there is no such layer, or nothing to tell the change from.
        """
        count = self._check(layer, order)
        self._numbers = np.arange(count)
        if order == "change":
            self.tell(f"{_short(layer)}: showing the frames to the model before and now …")
            self._numbers = self._answers.by_change(layer)
        self._left, self._turns, self._stopped = self._seconds, 1, False
        pages = max(1, -(-count // _A_PAGE))
        self.grid = {
            "layer": layer,
            "order": order,
            "count": count,
            "page": min(max(number, 0), pages - 1),
            "pages": pages,
            "number": self.grid.get("number", 0),
            **{"tiles": [], "going": False, "more": False},
        }
        if self.opened.get("layer") != layer:
            self.opened = {}
        self._give()

    def make(self, *, number: int | None = None) -> None:
        """Make some of the pictures that are missing; the page asks again as long as some are.

        Parameters
        ----------
        number
            The grid that is asked about: about one that has changed since, nothing is done.
        """
        if number not in (None, self.grid["number"]):
            return
        until = time.perf_counter() + _AT_A_STRETCH
        while self._missing() and self._left > 0:
            began = time.perf_counter()
            self._made(self._missing()[:_A_BATCH], seconds=self._left)
            self._left -= time.perf_counter() - began
            if time.perf_counter() > until:
                break
        self._give()

    def go_on(self) -> None:
        """Give the missing pictures time again, twice as much as the last time."""
        self._turns *= 2
        self._left, self._stopped = self._turns * self._seconds, False
        self._answers.forget_unfinished(self.grid["layer"], self._on_page())
        self._give()

    def stop(self) -> None:
        """Make no further pictures until somebody wants to go on."""
        self._left, self._stopped = 0.0, True
        self._give()

    def open_filter(self, number: int) -> None:
        """Show a filter of the layer large, with the frames that excite it, and turn to its page.

        Parameters
        ----------
        number
            Of the filter.

        Raises
        ------
        ModelError
            If the layer has no such filter.
        """
        layer, count, answers = self.grid["layer"], self.grid["count"], self._answers
        if not 0 <= number < count:
            raise ModelError(
                f"Expected a filter from 0 to {count - 1}, those of {layer}. Received: {number}. "
                "Choose one of these."
            )
        page_of_it = int(np.flatnonzero(self._numbers == number)[0]) // _A_PAGE
        if page_of_it != self.grid["page"]:
            self.grid = {**self.grid, "page": page_of_it, "tiles": []}
        opened = {"layer": layer, "filter": number, "name": self._called(number), "note": ""}
        opened |= {"change": answers.known_change(layer, number), "pictures": [], "strongest": []}
        try:
            for which in [one for one in answers.whose if layer != KERNELS or one != "control"]:
                if layer != KERNELS:
                    self._made([number], which=which)
                large = {"who": WHO[which], **picture(answers, layer, number, which=which)}
                opened["pictures"] = [*opened["pictures"], large]
                self.opened = opened
            opened |= self._seen(number)
        except VidlabError as error:  # told in its place, while the grid goes on
            opened |= {"note": str(error), "is_problem": True}
        self.opened = {**opened, "is_whole": True}
        self._give()

    def place(self, frame: int) -> None:
        """Show the map that the open filter makes of a frame.

        Parameters
        ----------
        frame
            Its place among the frames.

        Raises
        ------
        ModelError
            If there is no such frame.
        """
        number = self.opened["filter"]
        there = map_of(self._answers, self.grid["layer"], number, frame=frame)
        self._place = frame
        self.opened = {**self.opened, "place": there}

    # ---- where there is no page ----------------------------------------------------------------

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the pictures were made already."""
        if not self.grid or self.grid["layer"] == KERNELS:
            return bool(self.grid)
        numbers, whose = self._in_picture()
        layer, kept = self.grid["layer"], self._answers.kept
        return all(kept(layer, one, which=which) for one in numbers for which in whose)

    def figure(self) -> Drawing | None:
        """Draw the filter that is open with its frames, or the first filters of the page."""
        if not self.row:
            self.start()
        if self.grid:
            with self.problems_told():
                return self._drawn()
        return None

    def _drawn(self) -> Drawing:
        layer, answers = self.grid["layer"], self._answers
        if layer == KERNELS:
            return plots.first_kernels(answers.kernels()[:_KERNELS_IN_PICTURE])
        numbers, whose = self._in_picture()
        made = {WHO[which]: self._made(numbers, which=which) for which in whose}
        self._give()
        if self.opened.get("strongest"):
            return plots.strongest_frames(
                made["now"],
                answers.strongest(layer, numbers[0]),
                answers.stills.frames,
                names=answers.stills.names,
                title=f"A filter of {_short(layer)}, and the real frames that excite it most",
            )
        if answers.compares:
            known = [answers.known_change(layer, one) for one in numbers]
            title = f"Filters of {_short(layer)} before and now"
            r = None if None in known else known
            return plots.filters_compared(made, correlations=r, title=title)
        names = self.row["classes"] if layer == SCORES else None
        title = f"What filters of {_short(layer)} want to see"
        return plots.filter_grid([made["now"]], names=names, title=title)

    def describe(self) -> str:
        """Say what is shown, and how to use it."""
        if self.status.get("problem"):
            return f"FilterExplorer. {self.status['text']}"
        what = f" of {self.row['model']}, {len(self.row['every'])} layers" if self.row else ""
        return f"FilterExplorer{what}. Run this cell in JupyterLab to open its filters."

    # ---- parts ---------------------------------------------------------------------------------

    def _check(self, layer: str, order: str) -> int:
        """Give how many filters a layer has, or say why it cannot be shown so."""
        known = {one["name"]: one["filters"] for one in (*self.row["every"], *self.row["layers"])}
        if layer not in known:
            raise ModelError(
                f"Expected a layer of {self.row['model']}. Received: {layer!r}. Choose one of "
                f"{', '.join(one['name'] for one in self.row['layers'])}."
            )
        if order == "change" and (layer == SCORES or not self._answers.measures):
            raise ModelError(
                "Expected a layer with maps, a model from before, and frames to tell what has "
                f"changed. Received: {layer}. Pass before= and frames=, or choose another layer."
            )
        return known[layer]

    def _seen(self, number: int) -> dict[str, Any]:
        """Look up what a filter makes of the frames, or say why it makes nothing of them."""
        answers, layer, what = self._answers, self.grid["layer"], self._called(number)
        if layer == SCORES:
            return {"note": "A class has no map of the picture. CamExplorer shows where it looks."}
        if not answers.has_frames:
            return {"note": "No frames were given, so only pictures are shown: pass frames=."}
        if not self.stills:
            self.tell("Reading frames …")
            self.stills = answers.stills.packed
        self.tell(f"{what}: looking for the frames that excite it most …")
        found = seen(answers, layer, number, frame=self._place)
        if answers.compares:
            self.tell(f"{what}: comparing its maps with those before …")
            answers.changes(layer)
        return {**found, "change": answers.known_change(layer, number)}

    def _on_page(self) -> list[int]:
        first = self.grid["page"] * _A_PAGE
        return [int(one) for one in self._numbers[first : first + _A_PAGE]]

    def _missing(self) -> list[int]:
        layer, kept = self.grid["layer"], self._answers.kept
        return [one for one in self._on_page() if layer != KERNELS and kept(layer, one) is None]

    def _in_picture(self) -> tuple[list[int], list[Which]]:
        """Choose what the picture shows: filters, and of which models."""
        if self.opened.get("strongest"):
            return [self.opened["filter"]], ["now"]
        return self._on_page()[: _IN_PICTURE[self._answers.compares]], self._answers.whose

    def _made(
        self, numbers: Sequence[int], *, which: Which = "now", seconds: float | None = None
    ) -> FilterPictures:
        """Make pictures of filters, and say on the page how far they are."""
        from vidlab.explanation import FilterPictures

        whose = "" if which == "now" else f" ({WHO[which]})"
        names = ", ".join(self._called(one) for one in numbers).replace(", filter ", ", ")
        what = f"{_short(self.grid['layer'])}, {names}{whose}"

        def tell(step: int, steps: int) -> None:
            now = time.perf_counter()
            if step in (1, steps) or now - self._told_at > _BETWEEN_TELLING:
                self._told_at = now
                self.tell(f"{what}: step {step} of {steps}")

        layer, seconds = self.grid["layer"], self._seconds if seconds is None else seconds
        made = self._answers.pictures(layer, numbers, which=which, seconds=seconds, tell=tell)
        return FilterPictures.together(made)

    def _called(self, number: int) -> str:
        return self.row["classes"][number] if self.grid["layer"] == SCORES else f"filter {number}"

    def _give(self) -> None:
        """Give the page the grid as it is now, and say how far it is."""
        layer, answers = self.grid["layer"], self._answers
        tiles = [
            {
                "filter": number,
                "name": self._called(number),
                "change": answers.known_change(layer, number),
                **picture(answers, layer, number),
            }
            for number in self._on_page()
        ]
        cut = sum(0 < one["steps"] < answers.steps for one in tiles)
        missing = len(self._missing())
        going = missing > 0 and self._left > 0
        more = not going and missing + cut > 0
        number = self.grid["number"] + 1
        self.grid = {**self.grid, "tiles": tiles, "going": going, "more": more, "number": number}
        said = f"{len(tiles) - missing} of {len(tiles)} pictures are made"
        if more:
            said += f", {cut} of them with fewer steps than wanted" if cut else ""
            said += f". {'Stopped' if self._stopped else 'The time for them is up'}: “go on” gives "
            said += f"{2 * self._turns * self._seconds:g} s more"
        elif not missing:
            said = f"{self.grid['count']} {_CALLED.get(layer, f'filters in {layer}')}"
        self.tell(f"{said}.")


def _short(layer: str) -> str:
    return layer.rsplit("/", 1)[-1]
