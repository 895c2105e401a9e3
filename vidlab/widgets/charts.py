"""What the charts of explorers share: plotly figures, live in an open notebook, on any paper."""

from __future__ import annotations

from html import escape

import anywidget
import plotly.graph_objects as go

from vidlab.widgets.explorer import is_live, page

__all__ = ["CHART", "CHART_GRID", "chart_text", "filling", "make_chart"]

CHART = {
    "font_color": "#808080",
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
}
"""Layout of a plotly chart that is read on light and on dark pages."""
CHART_GRID = "rgba(128, 128, 128, 0.3)"


def chart_text(name: str) -> str:
    """Write a name so that plotly shows it as it is: no tag, no formula, no placeholder."""
    return escape(name, quote=False).replace("$", "&#36;").replace("%{", "&#37;{")


def make_chart(drawn: go.Figure | None = None) -> go.Figure:
    """Make a chart of a figure, or an empty one: a FigureWidget in an open notebook."""
    return (go.FigureWidget if is_live() else go.Figure)(drawn)


def filling(chart: go.Figure) -> list[go.Figure | anywidget.AnyWidget]:
    """Give a chart for an explorer's rows, and below it what lets it fill the width."""
    if not is_live():
        return []
    chart._config = {"responsive": True}
    return [chart, _FullWidth()]


class _FullWidth(anywidget.AnyWidget):
    """An invisible widget below a FigureWidget, which lets it fill the width of its place."""

    _esm = page("full_width.js")
