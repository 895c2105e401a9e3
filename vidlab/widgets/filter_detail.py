"""One filter, large: the image made for it, the frames that excite it most, and its maps."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import cv2
import ipywidgets
import numpy as np

from vidlab.errors import VidlabError
from vidlab.plots.filters import kernel_pictures, shaded
from vidlab.widgets.explorer import Pictured
from vidlab.widgets.filter_images import CONTROL, KERNELS, SCORES, FilterImages
from vidlab.widgets.footage import jpeg
from vidlab.widgets.panel import Gallery

if TYPE_CHECKING:
    from vidlab.explanation import FilterPictures

__all__ = ["FilterDetail", "kernel_images"]


class FilterDetail(Pictured, ipywidgets.VBox):
    """The filter of a `FilterExplorer` that is open.

    Attributes
    ----------
    strongest : list of int
        The frames that excite it most, the strongest first; empty where there are none.
    """

    def __init__(self, images: FilterImages, *, set_status: Callable[[str], None]):
        self._images, self._set_status = images, set_status
        self.strongest: list[int] = []
        self._layer, self._number = "", 0
        self._heading, self._note = ipywidgets.HTML(), ipywidgets.HTML()
        self._large = Gallery(width=170, selectable=False)
        self._strongest = Gallery(width=124)
        self._map = Gallery(width=170, selectable=False)
        self._frames = Gallery(width=50, selects_at_once=True)
        self._frames.layout = {"max_height": "140px", "overflow": "auto"}
        self._strongest.observe(self._choose_frame, "selected")
        self._frames.observe(lambda _: self._show_map(), "selected")
        parts = (self._heading, self._large, self._strongest, self._map, self._frames, self._note)
        super().__init__(parts)

    def clear(self) -> None:
        """Show no filter."""
        self.strongest = []
        self._heading.value = "Select a filter: its image, and the frames that excite it most."
        self._note.value = ""
        self._frames.layout.display = "none"
        for gallery in (self._large, self._strongest, self._map):
            gallery.show([], [])

    def show(
        self, layer: str, number: int, *, name: str, maximize: Callable[..., FilterPictures]
    ) -> None:
        """Show a filter.

        Parameters
        ----------
        name
            Of the filter.
        maximize
            Gives the images made for filters, of a version of the model.
        """
        self.clear()
        self._layer, self._number = layer, number
        where = "" if layer == SCORES else f" of {layer.rsplit('/', 1)[-1]}"
        self._heading.value = f"<b>{escape(name)}</b>{escape(where)}"
        try:
            self._show_made(maximize)
            self._show_frames(name)
        except VidlabError as error:  # the explorer's other parts go on
            colour = "var(--jp-error-color1, #b00020)"
            self._note.value = f'<span style="color: {colour}">{escape(str(error))}</span>'

    def _show_made(self, maximize: Callable[..., FilterPictures]) -> None:
        images, captions = [], []
        for version in self._images.versions:
            if self._layer != KERNELS:
                made = maximize([self._number], version=version)
                images.append(jpeg(made.images[0]))
                captions.append(f"{version}: {made.responses[0]:.2f}")
            elif version != CONTROL:
                kernels = self._images.kernels(version=version)
                images.append(kernel_images(kernels)[self._number])
                captions.append(f"{version}: its weights")
            self._large.show(list(images), list(captions))

    def _show_frames(self, name: str) -> None:
        images = self._images
        if self._layer == SCORES:
            self._note.value = "A class has no map of the image. CamExplorer shows where it looks."
        elif not images.has_frames:
            self._note.value = "No frames were given, so only images are shown: pass frames=."
        if self._note.value:
            return
        if not self._frames.images:
            self._set_status("Reading frames …")
            area = {"dsize": (96, 96), "interpolation": cv2.INTER_AREA}
            small = [jpeg(cv2.resize(frame, **area)) for frame in images.stills.frames]
            self._frames.show(small, images.stills.names)
        stills = images.stills
        self._frames.layout.display = ""
        self._set_status(f"{name}: looking for the frames that excite it most …")
        found = images.strongest(self._layer, self._number)
        self.strongest = found.frames[0].tolist()
        lit = [
            jpeg(shaded(stills.frames[frame], heat))
            for frame, heat in zip(self.strongest, found.maps[0], strict=True)
        ]
        captions = [
            f"{response:.2f} · {stills.names[frame]}"
            for frame, response in zip(self.strongest, found.responses[0], strict=True)
        ]
        self._strongest.show(lit, captions)
        if self._frames.selected < 0:
            self._frames.selected = self.strongest[0]
        else:
            self._show_map()
        self._note.value = f"All frames: {escape(stills.says)}"
        if len(images.versions) > 1:
            self._set_status(f"{name}: comparing its maps with those before …")
            images.correlations(self._layer)
            r = images.correlation(self._layer, self._number)
            self._heading.value += "" if r is None else f", r = {r:.2f}"

    def _choose_frame(self, _: dict) -> None:
        if self._strongest.selected >= 0:
            self._frames.selected = self.strongest[self._strongest.selected]

    def _show_map(self) -> None:
        if not self.strongest or self._frames.selected < 0:
            return
        frame, stills = self._frames.selected, self._images.stills
        heat = self._images.feature_map(self._layer, self._number, frame=frame)
        share = np.uint8(255 * (heat - heat.min()) / (np.ptp(heat) or 1))
        coloured = cv2.applyColorMap(share, cv2.COLORMAP_VIRIDIS)[..., ::-1]
        captions = [stills.names[frame], f"its map, {heat.min():.2f} to {heat.max():.2f}"]
        self._map.show([jpeg(stills.frames[frame]), _squares(coloured)], captions)


def kernel_images(kernels: np.ndarray) -> list[bytes]:
    """Encode kernels, (filters, rows, columns, 3), as PNG images."""
    return [_squares(np.uint8(np.rint(255 * one))) for one in kernel_pictures(kernels)]


def _squares(image: np.ndarray) -> bytes:
    """Encode an image of few pixels so that each is seen as a square."""
    times = max(1, 180 // image.shape[1])
    large = image.repeat(times, axis=0).repeat(times, axis=1)
    return cv2.imencode(".png", large[..., ::-1])[1].tobytes()
