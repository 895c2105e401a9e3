"""Any video, one's own as well, and the class probabilities of a model at every moment."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import ipywidgets
import numpy as np
import traitlets

from vidlab import plots
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, Uniform
from vidlab.errors import ModelError, VideoError
from vidlab.evaluation.runs import RunFolder
from vidlab.evaluation.timeline import Timeline, VideoPredictor
from vidlab.plots import Drawing
from vidlab.widgets.cam import CamExplorer
from vidlab.widgets.explorer import Explorer, page
from vidlab.widgets.footage import Footage
from vidlab.widgets.panel import VideoPanel

__all__ = ["TimelineExplorer", "TimelinePlayer"]

_COUNTS = (8, 16, 32, 64, 128)  # frames that can be looked at instead of the usual ones
_MOST = 300  # frames that the page plays
_MOST_BYTES = 500 * 10**6  # of a file that is uploaded
_CONTEXTS = {
    "frame": "The model looks at single frames: a line is its probability for each frame alone, "
    "and the {aggregation} of the frames decides about the video.",
    "past": "The model reads frame after frame: a line is its probability given all frames so far, "
    "and the last one counts for the video.",
    "whole": "The model has to see the whole video first: its one prediction is drawn at every "
    "moment.",
}
_HOW = (
    "The coloured band is the prediction at each moment. Click or drag in the chart to go to a "
    "frame. Space plays, ← and → go frame by frame."
)


class TimelinePlayer(Explorer):
    """A video that is played, and curves of class probabilities on which its playhead is dragged.

    The curves are drawn on a canvas: a playhead that is dragged follows the mouse while the kernel
    predicts, but a FigureWidget hears of no drag, and its lines are moved by the kernel alone.

    Attributes
    ----------
    film, predictions : dict
        What is played, and the probabilities of its classes.
    frame : int
        Index of the frame that is shown, unless it is playing.
    """

    _esm = page("parts.js", "player.js", "timechart.js", "timeline.js", render="renderTimeline")
    _css = page("look.css", "timeline.css")

    film = traitlets.Dict().tag(sync=True)
    predictions = traitlets.Dict().tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)


class TimelineExplorer(VideoPanel):
    """A video, and a model's predictions over time: play it, and see when the class is recognised.

    Parameters
    ----------
    predictors
        A finished run, a `vidlab.timeline.VideoPredictor`, or several of either by name, to choose
        from.
    source
        A video file, or an index to choose from; without it, one is uploaded on the page.

    Attributes
    ----------
    model, count : ipywidgets.Dropdown
        The name of the predictor, and how many frames it sees; 0 for those it usually takes.
    player : TimelinePlayer
        Shows the video.
    timeline : vidlab.timeline.Timeline or None
        Of the video that is shown.
    cam : CamExplorer or None
        Shows where the model looked, once that is asked for.

    Raises
    ------
    ModelError
        If there is no predictor.
    """

    _folder: tempfile.TemporaryDirectory | None = None  # of the files that were uploaded

    def __init__(
        self,
        predictors: VideoPredictor | RunFolder | Mapping[str, VideoPredictor | RunFolder],
        source: str | Path | VideoIndex | None = None,
    ):
        super().__init__(source)
        self._predictors = _by_name(predictors)
        self._incoming, self._next = Path(), 0  # the file that is uploaded, and its next piece
        self._footage: Footage | None = None
        self.timeline: Timeline | None = None
        fitted = {"description_width": "auto"}
        self.model = ipywidgets.Dropdown(
            options=list(self._predictors), description="model", style=fitted
        )
        if len(self._predictors) < 2:
            self.model.layout.display = "none"
        counts = [("as usual", 0), *((f"{count} frames", count) for count in _COUNTS)]
        self.count = ipywidgets.Dropdown(options=counts, description="sees", style=fitted)
        self.player = TimelinePlayer()
        self.player.handlers = {"predict": self.predict, "upload": self._upload}
        self.cam: CamExplorer | None = None
        self._below, self._how = ipywidgets.VBox(), ipywidgets.HTML()
        explain = ipywidgets.Button(description="Where did it look?")
        self.lay_out(
            [self.picker, self.model, self.count],
            self.player,
            explain,
            self.status,
            self._below,
            self._how,
            how=_HOW,
        )
        self.on_change(self._choose, self.model, self.count)
        self.on_change(self.explain, explain)
        if source is not None:
            self.open_video()

    def show_video(self, path: Path) -> None:
        """Play a video; the page asks for the predictions."""
        self._footage, self.timeline = None, None
        self.player.predictions, self.player.film = {}, {}
        self._show_cam(None)
        footage = Footage.of_file(path, sampling=self._sampling)
        if len(footage.frames) > _MOST:
            raise VideoError(
                f"Expected at most {_MOST} frames to play. Received: {len(footage.frames)} of "
                f"{path.name}. Choose a number of frames beside the model."
            )
        self._footage, self._shown_sampling = footage, self._sampling
        self.player.film = footage.packed()

    def predict(self) -> None:
        """Predict the classes of the video that is shown."""
        if self._footage is None:
            return
        with self.problems_shown():
            name, predictor = self.model.value, self._predictors[self.model.value]
            self.set_status(f"{name} is predicting …")
            timeline = predictor.predict(self._footage.path, sampling=self._sampling)
            self.timeline = timeline
            context = _CONTEXTS[timeline.context].format(aggregation=predictor.aggregation)
            self._how.value = f'<div style="line-height: 1.4">{context}</div>'
            drawn = plots.drawn_classes(timeline.probabilities, timeline.classes)
            ((predicted, probability),) = timeline.top(1).items()
            self.player.predictions = {
                "model": name,
                "classes": timeline.classes,
                "probabilities": timeline.probabilities.astype(np.float32).tobytes(),
                "drawn": [[timeline.classes.index(one), colour] for one, colour in drawn.items()],
                "predicted": [predicted, round(float(probability), 4)],
            }
            self.set_status(
                f"{name} takes the whole video for {predicted} ({probability:.0%}). "
                f"Frames: {self._sampling!r}."
            )

    def explain(self) -> None:
        """Show below where the model looked for the class predicted at the frame that is shown."""
        if self.timeline is None:
            raise VideoError("Expected a video. Received: none. Choose or upload one first.")
        predictor = self._predictors[self.model.value]
        frame = self.timeline.probabilities[min(self.player.frame, len(self.timeline) - 1)]
        self._show_cam(
            CamExplorer(
                lambda: predictor.model,
                self.timeline.path,
                classes=predictor.classes,
                targets=[self.timeline.classes[frame.argmax()]],
                sampling=self._sampling,
                streams=predictor.streams,
            )
        )
        self.cam.explain()

    def _show_cam(self, cam: CamExplorer | None) -> None:
        if self.cam is not None:
            self.cam.close()
        self.cam, self._below.children = cam, [cam] if cam is not None else []

    def _upload(
        self, name: str, number: int, of: int, size: int, *, buffers: Sequence[memoryview] = ()
    ) -> None:
        """Take a piece of a file from the page: its number, from 0, of how many, and its bytes.

        Pieces, because a server takes no message of more than 10 MB. The last one shows the video.
        """
        with self.problems_shown():
            if size > _MOST_BYTES:
                raise VideoError(
                    f"Expected a video of at most {_MOST_BYTES // 10**6} MB. Received: {name} with "
                    f"{size // 10**6} MB. Pass its path instead: TimelineExplorer(run, 'my.mp4')."
                )
            if number == 0:
                self._folder = self._folder or tempfile.TemporaryDirectory(prefix="vidlab-")
                folder = Path(tempfile.mkdtemp(dir=self._folder.name))
                self._incoming, self._next = folder / Path(name).name, 0
            if number != self._next:
                raise VideoError(
                    f"Expected piece {self._next} of {name}. Received: piece {number}. "
                    "Upload it again."
                )
            with self._incoming.open("ab") as file:
                file.writelines(buffers)
            self._next += 1
            if self._next < of:
                self.set_status(f"Uploading {name}: {self._next / of:.0%}")
                self.player.send({"kind": "go on", "number": self._next})
            else:
                self.add(self._incoming)

    def close(self) -> None:
        """Let go of the page, and of the files that were uploaded."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        super().close()

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether there are predictions already."""
        return self.timeline is not None

    def figure(self) -> Drawing | None:
        """Draw the probabilities over time below the frames."""
        if self.timeline is None:
            self.predict()
        if self.timeline is None:
            return None
        is_same = len(self._footage.frames) == len(self.timeline)
        return plots.frame_timeline(
            self.timeline.probabilities,
            self.timeline.classes,
            seconds=self.timeline.seconds,
            frames=self._footage.frames if is_same else None,
            title=f"{self.timeline.path.name}: predictions of {self.model.value}",
        )

    def about(self) -> str:
        """Say what the model takes the video for."""
        if self.timeline is None:
            return ""
        ((name, probability),) = self.timeline.top(1).items()
        file = self.timeline.path.name
        return f", {file}: {self.model.value} predicts {name}, {probability:.0%}"

    @property
    def _sampling(self) -> Sampler:
        """Picks the frames, as the controls say."""
        count = self.count.value
        return Uniform(count) if count else self._predictors[self.model.value].sampling

    def _choose(self) -> None:
        """Predict with another model, or from other frames."""
        name = self.video.value
        if self._footage is not None and self._shown_sampling == self._sampling:
            self.predict()
        elif name is not None:
            self.show_video(self._paths[name])


def _by_name(
    predictors: VideoPredictor | RunFolder | Mapping[str, VideoPredictor | RunFolder],
) -> dict[str, VideoPredictor]:
    """Give predictors by their names."""
    if not predictors:
        raise ModelError(
            "Expected a finished run or a VideoPredictor, or several by name. Received: none. "
            "Pass lab.run('convgru-finetuned')."
        )
    given = predictors if isinstance(predictors, Mapping) else {"": predictors}
    made = {
        name: VideoPredictor.of_run(one) if isinstance(one, RunFolder) else one
        for name, one in given.items()
    }
    return {name or one.name: one for name, one in made.items()}
