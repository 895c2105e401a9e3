"""The filters of a network, layer by layer: images made for them, and frames that excite them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np

from vidlab import plots
from vidlab.errors import ModelError
from vidlab.plots import Drawing
from vidlab.widgets.explorer import is_live
from vidlab.widgets.filter_detail import FilterDetail, kernel_images
from vidlab.widgets.filter_images import KERNELS, NOW, SCORES, FilterImages
from vidlab.widgets.footage import jpeg
from vidlab.widgets.panel import Gallery, Panel

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex
    from vidlab.explanation import FilterPictures

__all__ = ["FilterExplorer"]

_PAGE = 20  # filters
_BATCH = 5  # filters whose images are made together
_IN_FIGURE = {False: 8, True: 6}  # filters, without and with the model before
_HELP = (
    "The images were made to excite a filter everywhere, as no real frame does; the number is its "
    "mean response. Frames are dark where the filter is silent; its map is yellow where it "
    "responds most. A difference between before and now means something only where it is larger "
    "than the one that other noise makes; r is the correlation of the maps of all frames."
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
        Real frames to look at: an index or a list of video files, of which two frames of at most 48
        videos are read, or an array (frames, height, width, 3), 0 to 255, of which 96 are taken.
    classes
        The names of the model's classes, in their order; without them they are numbered.
    layer, number
        What to begin with: a layer of `vidlab.explanation.layers`, ``"kernels"`` or ``"scores"``,
        and a filter of it to open. The first of `vidlab.explanation.depths` when left out.
    steps, seed, cache
        Of the images, as in `vidlab.explanation.activation_maximization`.
    seconds
        Time limit of the images that are made together: they end with fewer steps, and say so.
    """

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
        self._images = FilterImages(model, before=before, frames=frames, classes=classes, **made)
        self._begin = (layer, number)
        self._seconds = seconds
        self._order: list[int] = []  # the filters of the layer
        self._names: list[str] = []  # by number
        self._reported = 0.0
        self.opened: int | None = None

        self._layer = ipywidgets.ToggleButtons(style={"button_width": "auto"})
        self._other = ipywidgets.Dropdown(description="other layer")
        self._by = ipywidgets.Dropdown(
            options={"by number": "number", "changed most first": "change"}, description="order"
        )
        self._page = ipywidgets.BoundedIntText(1, 1, 1, description="page")
        self._find = ipywidgets.Text(
            placeholder="number or class", description="go to", continuous_update=False
        )
        self._play = ipywidgets.Play(max=10**9, interval=100, show_repeat=False)
        for control in (self._other, self._by, self._find, self._page):
            control.style.description_width = "auto"
            control.layout.width = "200px"
        self._grid = Gallery(width=88)
        self._detail = FilterDetail(self._images, set_status=self.set_status)

        self.on_change(self._show_layer, self._layer, self._by)
        self.on_change(self._choose_other, self._other)
        self.on_change(self._show_page, self._page)
        self.on_change(self._go_to, self._find)
        self.on_change(self._make, self._play)
        self.on_change(self._select, self._grid)
        self._grid.on_msg(lambda *_: self._layer.options or self.start())
        if is_live():
            self.set_status("Loading the model …")
            self.children = (self.status, self._grid)

    def start(self) -> None:
        """Load the model, list its layers, and show the layer and the filter to begin with."""
        with self.problems_shown():
            layer, number = self._begin
            layers = self._images.layers
            main = layers.index[layers["is_main"]]
            others = layers.index[~layers["is_main"]]
            self._other.options = [("…", ""), *((self._label(name), name) for name in others)]
            is_measured = self._images.has_frames and len(self._images.versions) > 1
            if is_live():
                bar = [self._page, self._find]
                bar += [self._other] if len(others) else []
                bar += [self._by] if is_measured else []
                self.children = (
                    self._layer,
                    ipywidgets.HBox([self._play, *bar], layout={"flex_flow": "row wrap"}),
                    self.status,
                    ipywidgets.GridBox(
                        [self._grid, self._detail],
                        layout={"grid_template_columns": "9fr 11fr", "grid_gap": "16px"},
                    ),
                    ipywidgets.HTML(f'<div style="line-height: 1.4">{_HELP}</div>'),
                )
            self._layer.options = [(self._label(name), name) for name in main]
            self._choose(layer or next(name for name in main if name != KERNELS))
            if number is not None:
                self._open(number)

    # ---- the layers and the grid ---------------------------------------------------------------

    def _label(self, layer: str) -> str:
        filters, size, _ = self._images.layers.loc[layer]
        return f"{filters} {size}" if layer == SCORES else f"{_short(layer)} · {size} · {filters}"

    def _choose(self, layer: str) -> None:
        """Select a layer, which joins the main ones where it was not among them."""
        layers = self._images.layers
        if layer not in layers.index:
            raise ModelError(
                f"Expected a layer of {self._images.model.name}. Received: {layer!r}. Choose one "
                f"of {', '.join(layers.index[layers['is_main']])}."
            )
        shown = [name for _, name in self._layer.options]
        if layer not in shown:
            self._layer.options = [
                (self._label(name), name) for name in layers.index if name in (*shown, layer)
            ]
        self._layer.value = layer

    def _choose_other(self) -> None:
        if self._other.value:
            self._choose(self._other.value)
            self._other.value = ""

    def _show_layer(self) -> None:
        layer = self._layer.value
        self._by.disabled = layer == SCORES
        count = self._images.layers["filters"][layer]
        self._order = list(range(count))
        if self._by.value == "change" and layer != SCORES:
            self.set_status(f"{_short(layer)}: showing the frames to the model before and now …")
            correlations = self._images.correlations(layer)
            self._order = correlations.sort_values(kind="stable").index.tolist()
        self._names = self._images.classes if layer == SCORES else [*map(str, range(count))]
        self.opened = None
        self._detail.clear()
        self._page.max = pages = math.ceil(count / _PAGE)
        self._page.description = f"page (of {pages})"
        if self._page.value == 1:
            self._show_page()
        self._page.value = 1

    def _show_page(self) -> None:
        self._draw_grid()
        self._play.playing = bool(self._missing())

    def _make(self) -> None:
        """Make some of the missing images; between two ticks other controls are heard."""
        if self._play.playing:
            self._maximize(self._missing()[:_BATCH])
            self._show_page()

    def _draw_grid(self) -> None:
        layer, numbers = self._layer.value, self._on_page()
        kernels = kernel_images(self._images.kernels()) if layer == KERNELS else {}
        pictures, captions = [], []
        for number in numbers:
            made, r = self._images.made(layer, number), self._images.correlation(layer, number)
            pictures.append(kernels[number] if kernels else made and jpeg(made.images[0]))
            captions.append(self._names[number])
            if made is not None and made.steps < made.wanted:
                captions[-1] += f" · {made.steps}/{made.wanted}"
            elif r is not None:
                captions[-1] += f" · r {r:.2f}"
        selected = numbers.index(self.opened) if self.opened in numbers else -1
        self._grid.show(pictures, captions, selected=selected)
        missing = len(self._missing())
        self._play.layout.display = "" if missing else "none"
        what = {KERNELS: "kernels", SCORES: "classes"}.get(layer, "filters")
        made = f", {missing} images on this page are still to be made" if missing else ""
        self.set_status(f"{len(self._order)} {what}{made}.")

    def _on_page(self) -> list[int]:
        first = (self._page.value - 1) * _PAGE
        return self._order[first : first + _PAGE]

    def _missing(self) -> list[int]:
        layer, made = self._layer.value, self._images.made
        return [n for n in self._on_page() if layer != KERNELS and made(layer, n) is None]

    def _maximize(self, numbers: Sequence[int], *, version: str = NOW) -> FilterPictures:
        """Make images of filters, and show how many steps were taken."""
        layer = self._layer.value
        what = f"{_short(layer)}, {', '.join(self._names[number] for number in numbers)}"
        what += "" if version == NOW else f" ({version})"

        def progress(step: int, steps: int) -> None:
            now = time.perf_counter()
            if step in (1, steps) or now - self._reported > 0.1:
                self._reported = now
                self.set_status(f"{what}: step {step} of {steps}")

        return self._images.make(
            layer, numbers, version=version, seconds=self._seconds, progress=progress
        )

    def _go_to(self) -> None:
        text, is_class = self._find.value.strip().lower(), self._layer.value == SCORES
        names = [name.lower() for name in self._names]
        found = [n for n, name in enumerate(names) if (text in name if is_class else text == name)]
        if text and not found:
            raise ModelError(
                f"Expected a filter from 0 to {len(names) - 1}, or a part of a class's name. "
                f"Received: {text!r}. Type another."
            )
        if text:
            self._open(found[0])

    def _select(self) -> None:
        if self._grid.selected >= 0 and self._on_page()[self._grid.selected] != self.opened:
            self._open(self._on_page()[self._grid.selected])

    def _open(self, number: int) -> None:
        """Show a filter large, and turn to its page."""
        layer = self._layer.value
        if number not in self._order:
            raise ModelError(
                f"Expected a filter from 0 to {len(self._order) - 1}, those of {layer}. "
                f"Received: {number}. Choose one of these."
            )
        self.opened = number
        index = self._order.index(number)
        self._page.value = 1 + index // _PAGE
        self._grid.selected = index % _PAGE
        name = self._names[number] if layer == SCORES else f"filter {number}"
        self._detail.show(layer, number, name=name, maximize=self._maximize)
        self._draw_grid()

    # ---- without a browser ---------------------------------------------------------------------

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the images were made already."""
        shown = bool(self._layer.options) and len(self._images.versions) == 1
        return shown and not self._missing()

    def figure(self) -> Drawing | None:
        """Draw the filter that is open with its frames, or the first filters of the page."""
        if not self._layer.options:
            self.start()
        if self._layer.options:
            with self.problems_shown():
                return self._drawn()
        return None

    def _drawn(self) -> Drawing:
        layer, images = self._layer.value, self._images
        if layer == KERNELS:
            return plots.first_kernels(images.kernels()[:16])
        if self._detail.strongest:
            return plots.strongest_frames(
                self._maximize([self.opened]),
                images.strongest(layer, self.opened),
                images.stills.frames,
                names=images.stills.names,
                title=f"A filter of {_short(layer)}, and the real frames that excite it most",
            )
        numbers = self._on_page()[: _IN_FIGURE[len(images.versions) > 1]]
        made = {version: self._maximize(numbers, version=version) for version in images.versions}
        self._draw_grid()
        known = [images.correlation(layer, number) for number in numbers]
        compares = len(made) > 1
        return plots.filter_grid(
            made if compares else [made[NOW]],
            names=images.classes if layer == SCORES else None,
            correlations=None if None in known else known,
            title=f"What excites filters of {_short(layer)}{', before and now' * compares}",
        )

    def describe(self) -> str:
        """Say what is shown, and how to use it."""
        if self.problem:
            return f"FilterExplorer. {self.problem}"
        what = f" of {self._images.model.name}" if self._layer.options else ""
        return f"FilterExplorer{what}. Run this cell in JupyterLab to open its filters."


def _short(layer: str) -> str:
    return layer.rsplit("/", 1)[-1]
