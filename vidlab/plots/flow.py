"""Optical flow as people look at it: arrows, colours, and both components in grey."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from vidlab.data import flow as optical_flow
from vidlab.plots.pictures import picture_grid
from vidlab.plots.style import INK, Drawing, axes_or_new, titled

__all__ = ["flow_arrows", "flow_panels", "flow_stack", "flow_wheel"]


def flow_arrows(
    picture: np.ndarray,
    field: np.ndarray,
    *,
    every: int = 16,
    title: str = "Where each point goes until the next frame",
    ax: Axes | None = None,
) -> Drawing:
    """Draw a flow field as arrows over its picture, at its true length.

    Parameters
    ----------
    picture
        uint8, (height, width, 3), RGB.
    field
        float, (height, width, 2), in pixels to the right and down.
    every
        Pixels from arrow to arrow. Where less than half a pixel moves there is none.
    """
    figure, axes = axes_or_new(ax, title=title, figsize=(6, 4.6))
    axes.imshow(picture)
    half = every // 2
    rows, columns = np.mgrid[half : field.shape[0] : every, half : field.shape[1] : every]
    dx, dy = np.moveaxis(field[rows, columns], -1, 0)
    moving = np.hypot(dx, dy) >= 0.5
    arrows = (part[moving] for part in (columns, rows, dx, dy))
    options = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.006}
    axes.quiver(*arrows, color="#00E5FF", edgecolor=INK, linewidth=0.4, **options)
    axes.set(xticks=[], yticks=[])
    return figure


def flow_wheel(
    *, largest: float | None = None, unit: str = "pixels", ax: Axes | None = None
) -> Drawing:
    """Draw which colour of `vidlab.flow.colours` stands for which direction.

    Parameters
    ----------
    largest
        The length in full colour, for the words below.
    """
    figure, axes = axes_or_new(ax, title="", figsize=(2, 2.2))
    axes.imshow(optical_flow.wheel(128), extent=(-1, 1, 1, -1))
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if largest is not None:
        axes.set_xlabel(f"rim: {largest:.3g}\n{unit} or more", fontsize=8)
    return figure


def flow_panels(
    picture: np.ndarray,
    field: np.ndarray,
    *,
    largest: float | None = None,
    title: str = "Optical flow to the next frame",
) -> Drawing:
    """Show a flow field in four ways: arrows, colours with their wheel, and its two components.

    Parameters
    ----------
    picture, field
        As for `flow_arrows`.
    largest
        Pixels shown in full colour, and in black and white; the longest flow when left out.
    """
    length = float(np.hypot(*np.moveaxis(field, -1, 0)).max()) if largest is None else largest
    figure = titled(title, (11, 2.7))
    axes = figure.subplots(1, 5, width_ratios=[4, 4, 1.4, 4, 4])
    flow_arrows(picture, field, title="arrows", ax=axes[0])
    axes[1].imshow(optical_flow.colours(field, largest=length))
    axes[1].set_title("colours")
    flow_wheel(largest=length, ax=axes[2])
    for panel, component, words in (
        (axes[3], field[..., 0], "to the right (white)\nor left (black)"),
        (axes[4], field[..., 1], "down (white)\nor up (black)"),
    ):
        panel.imshow(component, cmap="gray", vmin=-max(length, 1e-6), vmax=max(length, 1e-6))
        panel.set_title(words)
    for panel in axes:
        panel.set(xticks=[], yticks=[])
    return figure


def flow_stack(stack: np.ndarray, *, title: str = "What the temporal stream takes") -> Drawing:
    """Draw stacked flow as a network takes it: a column a pair, both components below each other.

    Parameters
    ----------
    stack
        ``uint8``, (height, width, 2 · pairs), as `vidlab.streams.Flow` reads it; mid-grey is rest.
    """
    pairs = range(1, stack.shape[-1] // 2 + 1)
    planes = np.repeat(stack[..., None], 3, axis=-1)  # (height, width, channels, 3)
    rows = [[planes[:, :, 2 * (pair - 1) + component] for pair in pairs] for component in (0, 1)]
    titles = [[f"pair {pair}" for pair in pairs]]
    return picture_grid(rows, titles=titles, names=["horizontal", "vertical"], title=title)
