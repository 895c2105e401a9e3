"""The frames of a video that samplers pick, while their options are moved."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import ipywidgets
import numpy as np
import plotly.graph_objects as go

from vidlab import plots
from vidlab.data import coverage, sampling, video
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, Uniform, choose
from vidlab.data.video import VideoInfo
from vidlab.errors import SamplingError
from vidlab.plots import Drawing
from vidlab.plots.pictures import spread
from vidlab.plots.style import GREY, SKY, VERMILLION
from vidlab.widgets.charts import CHART, CHART_GRID, filling, make_chart
from vidlab.widgets.explorer import is_live
from vidlab.widgets.footage import fitted, jpeg
from vidlab.widgets.panel import Gallery, Player, VideoPanel

__all__ = ["SamplingExplorer"]

_THUMBNAILS = 10
_SMALL, _LARGE = (60, 80), (90, 120)  # pixels
_SHOWN = 32  # picks whose frames are shown, at most
_TICKS = 2000  # of a sampler, at most
_LARGEST = 200  # of an option
_USUAL = {
    type(one).__name__: one
    for one in (
        sampling.Uniform(16),
        sampling.EverySecond(8),
        sampling.EveryNth(4),
        sampling.Window(16),
        sampling.Segments(8),
        sampling.AllFrames(),
        sampling.Reordered(sampling.Uniform(16), "reversed"),
    )
}
_HELP = (
    "A row is a sampler, a tick a frame it picks: orange where it picks the frame more than once, "
    "falling where later picks are earlier frames. Click a tick to choose its row: below are the "
    "frames of the row that is chosen, as a model gets them."
)


class SamplingExplorer(VideoPanel):
    """A video's time line with one row a sampler, and a tick at each frame it picks.

    Parameters
    ----------
    source
        A video file, or an index whose videos can be chosen.
    samplers
        By name; one of every kind in `vidlab.sampling` when left out. Their options can be changed.

    Attributes
    ----------
    chart : plotly.graph_objects.Figure
        The time line; a FigureWidget in an open notebook.

    Raises
    ------
    SamplingError
        If there is no sampler.
    """

    def __init__(
        self,
        source: str | Path | VideoIndex,
        *,
        samplers: Mapping[str, Sampler] = _USUAL,
    ):
        super().__init__(source)
        if not samplers:
            raise SamplingError(
                "Expected at least one sampler. Received: none. Name some of vidlab.sampling, such "
                "as Uniform(16), or leave them out."
            )
        self._samplers = dict(samplers)
        self._controls = {name: _controls(one) for name, one in samplers.items()}
        self._info: VideoInfo | None = None
        self._draw = ipywidgets.BoundedIntText(
            description="random draw, as in training (0: none, as for predictions)",
            max=10**6,
            style={"description_width": "auto"},
            layout={"width": "440px"},
        )
        self._row = ipywidgets.ToggleButtons(
            options=list(self._samplers), style={"button_width": "auto"}
        )
        self._options = ipywidgets.HBox(list(self._controls[self._row.value].values()))
        self._picks = Gallery(width=100, selects_at_once=True)
        self._player = Player()
        self.chart = make_chart()
        self._prepare_chart()
        if is_live():
            ipywidgets.jslink((self._player.slider, "index"), (self._picks, "selected"))
        self.lay_out(
            self.picker,
            self._draw,
            *filling(self.chart),
            [self._row, self._options],
            self.status,
            self._player,
            self._picks,
            how=_HELP,
        )
        options = [control for one in self._controls.values() for control in one.values()]
        self.on_change(self._update, self._draw, *options)
        self.on_change(self._choose_row, self._row)
        self.open_video()

    def show_video(self, path: Path) -> None:
        """Show another video; the samplers keep their options."""
        self._info = None
        info = video.probe(path)
        along = Uniform(_THUMBNAILS).indices(info.frames)
        thumbnails = np.hstack(self._read(info, along, within=_SMALL))
        self._info = info
        with self.chart.batch_update():
            self.chart.layout.xaxis.range = [-0.5, info.frames - 0.5]
            source = f"data:image/jpeg;base64,{base64.b64encode(jpeg(thumbnails)).decode()}"
            self.chart.layout.images[0].update(source=source, sizex=info.frames)
        self._update()

    def picks(self) -> dict[str, np.ndarray]:
        """Return the frames each sampler picks now, int64, (picks,), of those that can."""
        found = {}
        for name in self._samplers if self._info else ():
            with self.problems_shown():
                rng = np.random.default_rng(self._draw.value) if self._draw.value else None
                found[name] = np.asarray(choose(self._samplers[name], self._info, rng=rng))
        return found

    # ---- the chart -----------------------------------------------------------------------------

    def _prepare_chart(self) -> None:
        """Draw what stays: a trace a sampler, no ticks yet."""
        tick = {"symbol": "line-ns-open", "size": 18, "line": {"width": 2}}
        for name in self._samplers:
            line = {"width": 1, "color": GREY}
            self.chart.add_scatter(marker=tick, line=line, name=name)
        self.chart.update_traces(hovertemplate="%{text}<extra>%{fullData.name}</extra>")
        place = {"xref": "x", "yref": "y", "layer": "below"}
        self.chart.update_layout(
            autosize=True,
            height=130 + 46 * len(self._samplers),
            hovermode="closest",
            images=[place | {"x": -0.5, "y": -1.5, "sizey": 1, "sizing": "stretch"}],
            margin={"l": 10, "r": 190, "t": 30, "b": 40},
            showlegend=False,
            **CHART,
        )
        self.chart.update_xaxes(gridcolor=CHART_GRID, zeroline=False, title="frame")
        self.chart.update_yaxes(
            range=[len(self._samplers) - 0.4, -1.5], showgrid=False, zeroline=False, automargin=True
        )
        if is_live():
            for trace in self.chart.data:
                trace.on_click(self._click)

    def _update(self) -> None:
        """Give the samplers their options, and show what they pick."""
        for name, controls in self._controls.items():
            # An option that can be left out is left out at zero.
            values = {option: control.value or None for option, control in controls.items()}
            if values:
                self._samplers[name] = replace(self._samplers[name], **values)
        if self._info is None:
            return
        self.set_status("")
        picks, facts = self.picks(), []
        with self.chart.batch_update():
            for row, name in enumerate(self._samplers):
                chosen = picks.get(name, np.array([], np.int64))
                if len(chosen):
                    facts.append(self._fact(row, coverage.measure(chosen, self._info.frames)))
                self._draw_row(row, chosen)
            self.chart.layout.annotations = facts
            self.chart.layout.yaxis.tickvals = list(range(len(self._samplers)))
            self.chart.layout.yaxis.ticktext = [self._label(name) for name in self._samplers]
        self._show_picks()

    def _draw_row(self, row: int, picks: np.ndarray) -> None:
        shown = picks[spread(len(picks), _TICKS)]
        numbers, times = np.unique(picks, return_counts=True)
        is_in_order = (np.diff(picks) >= 0).all()
        fall = np.zeros(len(shown)) if is_in_order else np.linspace(-0.3, 0.3, len(shown))
        repeated = np.isin(shown, numbers[times > 1])
        trace = self.chart.data[row]
        labels = [f"frame {number}, {number / self._info.fps:.2f} s" for number in shown]
        trace.x, trace.y, trace.text = shown, row + fall, labels
        trace.marker.color = np.where(repeated, VERMILLION, SKY)
        trace.mode = "markers" if is_in_order else "lines+markers"

    def _fact(self, row: int, covers: coverage.Coverage) -> dict:
        gap = f"longest gap {covers.gap} ({covers.gap / self._info.fps:.2f} s)"
        text = (
            f"{covers.picks} frames, {covers.share:.0%} of all<br>{gap if covers.gap else 'no gap'}"
        )
        if covers.repeated:
            text += f"<br>{len(covers.repeated)} frames repeated"
        place = {"xref": "paper", "x": 1.01, "xanchor": "left", "yref": "y", "y": row}
        return place | {"text": text, "showarrow": False, "align": "left", "font_size": 11}

    def _title(self, name: str) -> str:
        """The name of the sampler with its options."""
        text = repr(self._samplers[name])
        return text if text.startswith(name) else f"{name}: {text}"

    def _label(self, name: str) -> str:
        text = self._title(name).replace("(sampler=", "<br>(").replace("), order", ")<br>order")
        text += " · random" if getattr(self._samplers[name], "draws", False) else ""
        return f"<b>{text}</b>" if name == self._row.value else text

    # ---- what is chosen ------------------------------------------------------------------------

    def _choose_row(self) -> None:
        self._options.children = tuple(self._controls[self._row.value].values())
        self._update()

    def _click(self, trace: go.Scatter, points, _) -> None:
        if points.xs:
            self._row.value = trace.name

    def _show_picks(self) -> None:
        """Show the frames that the chosen sampler picks, at most 32, evenly spread over all."""
        picks = self.picks().get(self._row.value, np.array([], np.int64))
        indices = spread(len(picks), _SHOWN)
        shown = picks[indices]
        frames = self._read(self._info, shown, within=_LARGE) if len(picks) else []
        labels = [f"pick {index + 1} of {len(picks)} · frame {picks[index]}" for index in indices]
        apart = np.abs(np.diff(shown, prepend=-1)).clip(1)
        self._player.load(
            labels or ["-"], seconds=np.median(apart) / self._info.fps if labels else 1
        )
        captions = [f"{number} · {number / self._info.fps:.2f} s" for number in shown]
        self._picks.show([jpeg(frame) for frame in frames], captions)

    @staticmethod
    def _read(
        info: VideoInfo, numbers: Sequence[int] | np.ndarray, *, within: tuple[int, int]
    ) -> np.ndarray:
        """Read frames: uint8, (numbers, height, width, 3)."""
        unique, index = np.unique(numbers, return_inverse=True)
        size = fitted((info.height, info.width), within=within)
        return video.read_frames(info.path, unique, size=size)[index]

    # ---- without a browser ---------------------------------------------------------------------

    @property
    def is_drawn_at_once(self) -> bool:
        """Never: a row of frames takes longer than the explorer itself."""
        return False

    def figure(self) -> Drawing | None:
        """Draw the time line with the picks of each sampler, and frames of the chosen one."""
        picks = self.picks()
        if not picks:
            return None
        info, titles = self._info, {name: self._title(name) for name in self._samplers}
        size = fitted((info.height, info.width), within=(160, 160))
        drawn = f" in training, draw {self._draw.value}" if self._draw.value else ""
        return plots.sampling_strip(
            {titles[name]: chosen for name, chosen in picks.items()},
            info.frames,
            fps=info.fps,
            read=lambda numbers: video.read_frames(info.path, numbers, size=size),
            with_frames=[titles[self._row.value]],
            title=f"{self.video.value}: which frames each sampler picks{drawn}",
        )

    def about(self) -> str:
        """Name the video, and say how many frames each sampler picks."""
        if self._info is None:
            return ""
        counts = [f"{self._title(name)} {len(one)}" for name, one in self.picks().items()]
        frames = self._info.frames
        return f", {self.video.value}, {frames} frames. Picked by {', '.join(counts)}"


def _controls(sampler: Sampler) -> dict[str, ipywidgets.Widget]:
    """Make a control for each option of a sampler that is a number or a choice."""
    controls = {}
    hints = get_type_hints(type(sampler)) if is_dataclass(sampler) else {}
    for option in fields(sampler) if hints else ():
        value, hint = getattr(sampler, option.name), hints[option.name]
        text, style = option.name.replace("_", " "), {"description_width": "auto"}
        if get_origin(hint) is Literal:
            controls[option.name] = ipywidgets.Dropdown(
                options=get_args(hint), value=value, description=text, style=style
            )
        elif int in (hint, *get_args(hint)):
            least = 0 if type(None) in get_args(hint) else 1
            controls[option.name] = ipywidgets.IntSlider(
                value or 0,
                least,
                max(_LARGEST, value or 0),
                description=text if least else f"{text} (0: all)",
                style=style,
            )
    return controls
