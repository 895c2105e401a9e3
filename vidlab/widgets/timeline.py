"""Any video, one's own as well, and what a model says of it at every moment.

Takes `timeline.VideoPredictor` records or finished runs, and video files; gives `TimelineExplorer`
to notebooks. What is said comes from `timeline`, heat from the `CamExplorer` that is opened below.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets

from vidlab import plots
from vidlab.data.sampling import Sampler, Uniform
from vidlab.errors import ModelError, VideoError
from vidlab.evaluation.runs import RunFolder
from vidlab.evaluation.timeline import Timeline, VideoPredictor
from vidlab.plots import Drawing
from vidlab.widgets.cam import CamExplorer
from vidlab.widgets.explorer import page
from vidlab.widgets.footage import Footage
from vidlab.widgets.library import Library, LibraryExplorer

if TYPE_CHECKING:
    from vidlab.data.index import VideoIndex

__all__ = ["TimelineExplorer"]

_COUNTS = (8, 16, 32, 64, 128)  # frames that can be looked at instead of the usual ones
_MOST = 300  # frames that the page plays
_LARGEST = 500  # megabytes of a file that is uploaded


class TimelineExplorer(LibraryExplorer):
    """A video, and the answers of a model over time: play it, and see when the answer is found.

    Parameters
    ----------
    predictors
        A finished run, a `vidlab.timeline.VideoPredictor`, or several of either by name, to choose
        from.
    source
        A video file, or an index to choose from; without it, one is uploaded on the page.

    Attributes
    ----------
    film, said, options : dict
        What the page plays, what the model says of it, and which models and frames can be chosen.
    timeline : vidlab.timeline.Timeline or None
        Of the video that is shown.
    cam : CamExplorer
        Shows where the model looked, once that is asked for.

    Raises
    ------
    ModelError
        If there is no predictor.
    """

    _esm = page(
        "parts.js", "player.js", "cam.js", "videos.js", "library.js", "timeline.js",
        render="renderTimeline",
    )  # fmt: skip
    _css = page("look.css", "timeline.css")

    film = traitlets.Dict().tag(sync=True)
    said = traitlets.Dict().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    cam = traitlets.Instance(CamExplorer).tag(sync=True, **ipywidgets.widget_serialization)

    _folder: tempfile.TemporaryDirectory | None = None  # of the files that were uploaded

    def __init__(
        self,
        predictors: VideoPredictor | RunFolder | Mapping[str, VideoPredictor | RunFolder],
        source: str | Path | VideoIndex | None = None,
    ):
        super().__init__(cam=CamExplorer())
        self._watchers = _by_name(predictors)
        self._incoming: dict[str, Any] = {}
        self._footage: Footage | None = None
        self.timeline: Timeline | None = None
        self._video = ""
        self.options = {
            "models": list(self._watchers),
            "model": next(iter(self._watchers)),
            "counts": list(_COUNTS),
            "count": 0,
            "usual": repr(next(iter(self._watchers.values())).sampling),
        }
        with self.problems_told():
            self.videos = Library(source)
            self.find()
        if self.videos.first:
            self.show(self.videos.first)

    def show(self, video_id: str) -> None:
        """Play a video; the model is asked about it when `ask` is called.

        Parameters
        ----------
        video_id
            A name of the library, or of a file that was uploaded.
        """
        self._video, self._footage, self.timeline = "", None, None
        self.film, self.said = {}, {}
        self.cam.clear()
        self.tell("")
        with self.problems_told():
            path = self.take(video_id)
            self._video = video_id
            footage = Footage.of_file(path, sampling=self._sampling)
            if len(footage.frames) > _MOST:
                raise VideoError(
                    f"Expected at most {_MOST} frames to play. Received: {len(footage.frames)} of "
                    f"{path.name}. Choose a number of frames beside the model."
                )
            self._footage, self.film = footage, footage.packed()

    def ask(self, *, model: str = "", count: int | None = None) -> None:
        """Ask a model about the video that is shown.

        Parameters
        ----------
        model
            The name of a predictor; the one asked before when left out.
        count
            Look at so many frames, spread evenly; 0 for those that the predictor usually takes,
            None for as many as before.
        """
        with self.problems_told():
            model = model or self.options["model"]
            if model not in self._watchers:
                raise ModelError(
                    f"Expected a model out of {', '.join(self._watchers)}. Received: {model!r}. "
                    "Choose one of these."
                )
            before = self._sampling
            count = self.options["count"] if count is None else count
            usual = repr(self._watchers[model].sampling)
            self.options = {**self.options, "model": model, "count": count, "usual": usual}
            if self._video and (self._sampling != before or self._footage is None):
                self.show(self._video)
            if self._footage is None:
                return
            self.tell(f"Asking {model} …")
            path, predictor = self._footage.path, self._watchers[model]
            self.timeline = predictor.predict(path, sampling=self._sampling)
            self.said = self._packed(self.timeline, predictor)
            self.tell(self._says())

    def open_video(self, video_id: str) -> None:
        """Play a video and ask about it; parameters as for `show`."""
        self.show(video_id)
        if self._footage is not None:
            self.ask()

    def explain(self, target: str) -> None:
        """Show below where the model looked for a class in the video that is shown.

        Parameters
        ----------
        target
            The name of a class.
        """
        if self.timeline is None:
            self.tell("Choose a video first.", problem=True)
            return
        predictor = self._watchers[self.options["model"]]
        self.cam.use(lambda: predictor.model, classes=predictor.classes, sampling=self._sampling)
        self.cam.show(self.timeline.path, targets=[target])
        self.cam.explain()

    def upload(
        self, name: str, number: int, of: int, size: int, *, buffers: Sequence[memoryview] = ()
    ) -> None:
        """Take a piece of a file from the page; the last one shows the video.

        Parameters
        ----------
        name
            Of the file.
        number, of
            Which piece, from 0, of how many.
        size
            Of the whole file, in bytes.
        buffers
            The bytes of the piece.

        Raises
        ------
        VideoError
            If the file is too large, or a piece is missing.
        """
        if size > _LARGEST * 1e6:
            raise VideoError(
                f"Expected a video of at most {_LARGEST} MB. Received: {name} with "
                f"{size / 1e6:.0f} MB. Pass its path instead: TimelineExplorer(run, 'my.mp4')."
            )
        if number == 0:
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix="vidlab-")
            folder = Path(tempfile.mkdtemp(dir=self._folder.name))
            self._incoming = {"path": folder / Path(name).name, "next": 0}
        if number != self._incoming.get("next"):
            raise VideoError(
                f"Expected piece {self._incoming.get('next', 0)} of {name}. Received: piece "
                f"{number}. Upload it again."
            )
        with self._incoming["path"].open("ab") as file:
            file.writelines(buffers)
        self._incoming["next"] = number + 1
        if number + 1 < of:
            self.send({"kind": "go on", "number": number + 1})
            return
        path, self._incoming = self._incoming["path"], {}
        self.open_video(self.videos.add(path, about="uploaded"))

    def close(self) -> None:
        """Let go of the page, and of the files that were uploaded."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        super().close()

    @property
    def answers(self) -> Mapping[str, Callable[..., None]]:
        """``find`` videos, show a ``video``, ``ask`` again, ``explain``, or ``upload`` a piece."""
        return {
            "find": self.find,
            "video": self.open_video,
            "ask": self.ask,
            "explain": self.explain,
            "upload": self.upload,
        }

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the model was asked already."""
        return self.timeline is not None

    def figure(self) -> Drawing | None:
        """Draw the answers over time below what was seen."""
        if self.timeline is None:
            self.ask()
        if self.timeline is None:
            return None
        return plots.frame_timeline(
            self.timeline.probabilities,
            self.timeline.classes,
            seconds=self.timeline.seconds,
            frames=self._footage.frames
            if len(self._footage.frames) == len(self.timeline)
            else None,
            title=f"{self.timeline.path.name}: what {self.options['model']} says",
        )

    def describe(self) -> str:
        """Say what the model takes the video for."""
        if self.timeline is None:
            return f"TimelineExplorer. {self.status.get('text') or 'No video is shown.'}"
        (name, chance), *_ = self.timeline.top(1).items()
        model = self.options["model"]
        return (
            f"TimelineExplorer, {self.timeline.path.name}: {model} says {name}, {chance:.0%}. Run "
            "this cell in JupyterLab to play it."
        )

    @property
    def _sampling(self) -> Sampler:
        """Picks the frames, as the options say."""
        count = self.options["count"]
        return Uniform(count) if count else self._watchers[self.options["model"]].sampling

    def _packed(self, said: Timeline, predictor: VideoPredictor) -> dict[str, Any]:
        """Give what the page draws of the answers."""
        drawn = plots.drawn_classes(said.probabilities, said.classes)
        return {
            "model": self.options["model"],
            "classes": said.classes,
            "probabilities": np.ascontiguousarray(said.probabilities, np.float32).tobytes(),
            "drawn": [[said.classes.index(name), colour] for name, colour in drawn.items()],
            "answer": [[name, round(float(chance), 4)] for name, chance in said.top().items()],
            "context": said.context,
            "how": predictor.aggregation,
            "sampling": repr(self._sampling),
        }

    def _says(self) -> str:
        (name, chance), *_ = self.timeline.top(1).items()
        return f"{self.options['model']} takes the whole video for {name} ({chance:.0%})."


def _by_name(
    predictors: VideoPredictor | RunFolder | Mapping[str, Any],
) -> dict[str, VideoPredictor]:
    """Give predictors by their names."""
    given = predictors if isinstance(predictors, Mapping) else {"": predictors}
    if not given:
        raise ModelError(
            "Expected a finished run or a VideoPredictor, or several by name. Received: none. "
            "Pass lab.run('convgru-finetuned')."
        )
    made = {
        name: VideoPredictor.of_run(one) if isinstance(one, RunFolder) else one
        for name, one in given.items()
    }
    return {name or one.name: one for name, one in made.items()}
