"""The filters of a network, layer by layer: images made for them, and frames that excite them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import cv2
import ipywidgets
import numpy as np

from vidlab import plots
from vidlab.data.index import VideoIndex
from vidlab.errors import ModelError, VidlabError
from vidlab.plots import Drawing
from vidlab.plots.filters import shaded
from vidlab.widgets.explorer import ModelSource, is_live
from vidlab.widgets.filter_images import NOW, SCORES, FilterImages
from vidlab.widgets.footage import jpeg
from vidlab.widgets.panel import Gallery, Panel, in_colour

if TYPE_CHECKING:
    from vidlab.explanation import FilterPictures

__all__ = ["FilterExplorer"]

_PAGE = 20  # filters
_BATCH = 5  # filters whose images are made together
_IN_FIGURE = {False: 8, True: 6}  # filters, without and with the model before
_HELP = (
    "The images were made to excite a filter everywhere, as no real frame does; the number is its "
    "mean response. Frames are dark where the filter is silent; below each is the filter's map, "
    "yellow where it responds most. A difference between before and now means something only where "
    "it is larger than the one that other noise makes; r is the correlation of the maps of all "
    "frames."
)


class FilterExplorer(Panel):
    """The filters of a network: an image made for each, and what it makes of real frames.

    Parameters
    ----------
    model
        Of frames or clips, with convolutions, or a function that loads it, such as ``run.model``.
    before
        The same network before some training, such as fine-tuning, or a function that loads it:
        filters are then shown before and after.
    frames
        Real frames to look at: an index, of which two frames of at most 48 videos are read, or an
        array (frames, height, width, 3), 0 to 255, of which 96 are taken.
    classes
        The names of the model's classes, in their order; without them they are numbered.
    layer, number
        What to begin with: a layer of `vidlab.explanation.layers`, or ``"scores"``, and a filter of
        it to open. The first of `vidlab.explanation.depths` when left out.
    steps, seed, cache
        Of the images, as in `vidlab.explanation.activation_maximization`.
    seconds
        Time limit of the images that are made together: they end with fewer steps, and say so.

    Attributes
    ----------
    opened : int or None
        The filter that is shown large.
    """

    def __init__(
        self,
        model: ModelSource,
        *,
        before: ModelSource | None = None,
        frames: np.ndarray | VideoIndex | None = None,
        classes: Sequence[str] | None = None,
        layer: str | None = None,
        number: int | None = None,
        steps: int = 32,
        seconds: float = 20.0,
        seed: int = 0,
        cache: str | os.PathLike | None = None,
    ):
        super().__init__()
        options = {"frames": frames, "classes": classes, "seed": seed}
        made = {"steps": steps, "seconds": seconds, "cache": cache}
        self._images = FilterImages(model, before, made=made, **options)
        self._begin = (layer, number)
        self._names: list[str] = []  # of the layer's filters
        self.opened: int | None = None
        self._strongest: list[int] = []  # the frames that excite the open filter most

        fitted = {"description_width": "auto"}
        self._layer = ipywidgets.Dropdown(description="layer", style=fitted)
        self._page = ipywidgets.BoundedIntText(
            1, 1, 1, description="page", style=fitted, layout={"width": "150px"}
        )
        self._play = ipywidgets.Play(max=10**9, interval=100, show_repeat=False)
        self._grid = Gallery(width=88)
        self._heading, self._note = ipywidgets.HTML(), ipywidgets.HTML()
        self._large = Gallery(width=170, selectable=False)
        self._frames = Gallery(width=124, selectable=False)
        self._maps = Gallery(width=124, selectable=False)
        self.on_change(self._show_page, self._page)
        self.on_change(self._make, self._play)
        self.on_change(self._select, self._grid)
        self._grid.on_msg(lambda *_: self._names or self.start())
        if is_live():
            self.set_status("Loading the model …")
            self.children = (self.status, self._grid)

    def start(self) -> None:
        """Load the model, list its layers, and show the layer and the filter to begin with."""
        with self.problems_shown():
            layer, number = self._begin
            layers = self._images.layers
            main = layers.index[layers["is_main"]]
            layer = layer or main[0]
            if layer not in layers.index:
                raise ModelError(
                    f"Expected a layer of {self._images.model.name}. Received: {layer!r}. Choose "
                    f"one of {', '.join(main)}."
                )
            self._layer.options = [
                (f"{_short(name)} · {size} · {filters}{' ★' * is_main}", name)
                for name, filters, size, is_main in layers.itertuples()
            ]
            self._layer.value = layer
            if is_live():
                detail = (self._heading, self._large, self._frames, self._maps, self._note)
                sides = ipywidgets.GridBox([self._grid, ipywidgets.VBox(detail)])
                sides.layout = {"grid_template_columns": "9fr 11fr", "grid_gap": "16px"}
                self.lay_out([self._layer, self._page, self._play], self.status, sides, how=_HELP)
            self.on_change(self._show_layer, self._layer)
            self._show_layer()
            if number is not None:
                self._open(number)

    # ---- the grid --------------------------------------------------------------------------------

    def _show_layer(self) -> None:
        count = self._images.layers["filters"][self._layer.value]
        is_named = self._layer.value == SCORES
        self._names = self._images.classes if is_named else [*map(str, range(count))]
        self._close_filter()
        self._page.max = pages = math.ceil(count / _PAGE)
        self._page.description = f"page (of {pages})"
        self._page.value = 1
        self._show_page()

    def _show_page(self) -> None:
        self._draw_grid()
        self._play.playing = bool(self._missing())

    def _make(self) -> None:
        """Make some of the missing images; between two ticks other controls are heard."""
        if self._play.playing:
            self._maximize(self._missing()[:_BATCH])
            self._show_page()

    def _draw_grid(self) -> None:
        numbers = self._on_page()
        made = [self._images.made(self._layer.value, number) for number in numbers]
        captions = [self._names[number] for number in numbers]
        for index, one in enumerate(made):
            if one is not None and one.steps < one.wanted:
                captions[index] += f" · {one.steps}/{one.wanted}"
        selected = numbers.index(self.opened) if self.opened in numbers else -1
        self._grid.show([one and jpeg(one.images[0]) for one in made], captions, selected=selected)
        what = "classes" if self._layer.value == SCORES else "filters"
        missing = len(self._missing())
        still = f", {missing} images on this page are still to be made" if missing else ""
        self._play.layout.display = "" if missing else "none"
        self.set_status(f"{len(self._names)} {what}{still}.")

    def _on_page(self) -> list[int]:
        first = (self._page.value - 1) * _PAGE
        return list(range(len(self._names)))[first : first + _PAGE]

    def _missing(self) -> list[int]:
        layer = self._layer.value
        return [number for number in self._on_page() if self._images.made(layer, number) is None]

    def _maximize(self, numbers: Sequence[int], *, version: str = NOW) -> FilterPictures:
        """Make images of filters, and show how many steps were taken."""
        layer = self._layer.value
        what = f"{_short(layer)}, {', '.join(self._names[number] for number in numbers)}"
        what += "" if version == NOW else f" ({version})"

        def progress(step: int, steps: int) -> None:
            self.set_status(f"{what}: step {step} of {steps}")

        return self._images.make(layer, numbers, version=version, progress=progress)

    # ---- the filter that is open -----------------------------------------------------------------

    def _select(self) -> None:
        if self._grid.selected >= 0 and self._on_page()[self._grid.selected] != self.opened:
            self._open(self._on_page()[self._grid.selected])

    def _close_filter(self) -> None:
        self.opened, self._strongest, self._note.value = None, [], ""
        self._heading.value = "Select a filter: its image, and the frames that excite it most."
        for gallery in (self._large, self._frames, self._maps):
            gallery.show([], [])

    def _open(self, number: int) -> None:
        """Show a filter large, and turn to its page."""
        layer = self._layer.value
        if number not in range(len(self._names)):
            raise ModelError(
                f"Expected a filter from 0 to {len(self._names) - 1}, those of {layer}. "
                f"Received: {number}. Choose one of these."
            )
        self._close_filter()
        self.opened = number
        self._page.value = 1 + number // _PAGE
        self._grid.selected = number % _PAGE
        name = self._names[number] if layer == SCORES else f"filter {number} of {_short(layer)}"
        self._heading.value = f"<b>{escape(name)}</b>"
        try:
            self._show_made()
            if layer == SCORES:
                note = "A class has no map of the image. CamExplorer shows where it looks."
            elif not self._images.has_frames:
                note = "No frames were given, so only images are shown: pass frames=."
            else:
                note = f"All frames: {self._images.stills.says}"
                self._show_frames(name)
            self._note.value = in_colour(note)
        except VidlabError as error:  # the grid goes on
            self._note.value = in_colour(str(error), problem=True)
        self._draw_grid()

    def _show_made(self) -> None:
        images, captions = [], []
        for version in self._images.versions:
            made = self._maximize([self.opened], version=version)
            images.append(jpeg(made.images[0]))
            captions.append(f"{version}: {made.responses[0]:.2f}")
            self._large.show(list(images), list(captions))

    def _show_frames(self, name: str) -> None:
        images, layer, number = self._images, self._layer.value, self.opened
        self.set_status(f"{name}: looking for the frames that excite it most …")
        found = images.strongest(layer, number)
        self._strongest = found.frames[0].tolist()
        frames, maps = images.stills.frames[self._strongest], found.maps[0]
        captions = [
            f"{response:.2f} · {images.stills.names[frame]}"
            for frame, response in zip(self._strongest, found.responses[0], strict=True)
        ]
        self._frames.show([jpeg(shaded(*one)) for one in zip(frames, maps, strict=True)], captions)
        ranges = [f"{heat.min():.2f} to {heat.max():.2f}" for heat in maps]
        self._maps.show([_coloured(heat) for heat in maps], ranges)
        if len(images.versions) > 1:
            self.set_status(f"{name}: comparing its maps with those before …")
            r = images.correlation(layer, number)
            self._heading.value += "" if np.isnan(r) else f", r = {r:.2f}"

    # ---- without a browser -----------------------------------------------------------------------

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the images were made already."""
        return bool(self._names) and len(self._images.versions) == 1 and not self._missing()

    def figure(self) -> Drawing | None:
        """Draw the filter that is open with its frames, or the first filters of the page."""
        if not self._names:
            self.start()
        if self._names:
            with self.problems_shown():
                return self._drawn()
        return None

    def _drawn(self) -> Drawing:
        layer, images = self._layer.value, self._images
        if self._strongest:
            return plots.strongest_frames(
                self._maximize([self.opened]),
                images.strongest(layer, self.opened),
                images.stills.frames,
                names=images.stills.names,
                title=f"A filter of {_short(layer)}, and the real frames that excite it most",
            )
        compares = len(images.versions) > 1
        numbers = self._on_page()[: _IN_FIGURE[compares]]
        made = {version: self._maximize(numbers, version=version) for version in images.versions}
        self._draw_grid()
        return plots.filter_grid(
            made if compares else [made[NOW]],
            names=images.classes if layer == SCORES else None,
            title=f"What excites filters of {_short(layer)}{', before and now' * compares}",
        )

    def about(self) -> str:
        """Name the model, once it is loaded."""
        return f" of {self._images.model.name}" if self._names else ""


def _short(layer: str) -> str:
    return layer.rsplit("/", 1)[-1]


def _coloured(heat: np.ndarray) -> bytes:
    """Encode a map, (rows, columns), so that each of its few cells is seen as a square."""
    share = np.uint8(255 * (heat - heat.min()) / (np.ptp(heat) or 1))
    times = max(1, 180 // heat.shape[1])
    large = share.repeat(times, axis=0).repeat(times, axis=1)
    return cv2.imencode(".png", cv2.applyColorMap(large, cv2.COLORMAP_VIRIDIS))[1].tobytes()
