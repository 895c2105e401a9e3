"""A player of clips with the heat of one class or two over the frames.

The frames are shown at once, the model explains them after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import traitlets

from vidlab import plots
from vidlab.data.sampling import Sampler, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import ModelError
from vidlab.evaluation.timeline import VideoPredictor
from vidlab.plots import Drawing
from vidlab.plots.heat import heat_strip
from vidlab.plots.pictures import spread
from vidlab.widgets.explorer import Explorer, LazyModel, ModelSource, class_names, page
from vidlab.widgets.footage import LARGEST, Footage, fitted, jpeg

if TYPE_CHECKING:
    import keras

    from vidlab.explanation import Explanation

__all__ = ["CamExplorer"]

_FINEST = 96  # cells a heatmap has there, at most; it is drawn smooth
_FRAMES_IN_PICTURE = 8


@dataclass(frozen=True, eq=False)
class _Heat:
    """The evidence for a class in one input; `input` is empty where pictures alone are shown."""

    target: str
    role: str
    input: str
    record: Explanation

    @property
    def title(self) -> str:
        named = f"{self.target} ({self.role})" if self.role else self.target
        return f"{named}, {self.input}" if self.input else named


class CamExplorer(Explorer):
    """A clip, played or gone through frame by frame, with heat where a model looked.

    Parameters
    ----------
    model
        Of frames or clips, as `vidlab.explanation.explain` takes it, or a function that loads it,
        such as ``run.model``; None to look at the clip alone.
    clip
        A video file, or frames (time, height, width, 3), 0 to 255.
    classes
        The names of the model's classes, in their order; without them they are numbered.
    targets
        The classes to explain, at most two, side by side; the predicted one when empty. As a
        mapping, it also says what each one is: ``{"OpenDoor": "true", "CloseDoor": "predicted"}``.
    layer, method
        As in `vidlab.explanation.explain`; both can be chosen on the page.
    sampling
        Picks the frames of a file. A model of clips gets exactly these.
    streams
        What each input of the model is, by name, as `RunFolder.streams` gives it. Needed by models
        of several inputs, or of others than pictures: each input has heat of its own, that of flow
        on the flow, drawn as colours. `clip` is a file then.

    Attributes
    ----------
    film, choices, explanation : dict
        What the page plays, what can be chosen, and the heat.
    records : dict
        Class name to `Explanation`, of the classes shown; where several inputs or others than
        pictures are explained, ``"class, input"``.
    """

    _esm = page("parts.js", "player.js", "timechart.js", "cam.js", render="renderCam")
    _css = page("look.css")

    film = traitlets.Dict().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    explanation = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        model: ModelSource | None = None,
        clip: str | Path | np.ndarray | None = None,
        *,
        classes: Sequence[str] | None = None,
        targets: Mapping[str, str] | Sequence[str] = (),
        layer: str | None = None,
        method: str | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
    ):
        super().__init__()
        self.handlers = {"explain": self.explain}
        self._model = None if model is None else LazyModel(model)
        self._names = None if classes is None else [str(name) for name in classes]
        self._sampling = sampling or Uniform(16)
        self._streams = dict(streams or {})
        self._layer, self._method = layer, method
        self._frames, self._cells = LARGEST, _FINEST  # at most
        self._by_input: dict[str, tuple[keras.Model, np.ndarray]] = {}
        self._pictures: dict[str, np.ndarray] = {}  # of inputs that are no pictures themselves
        self._heats: list[_Heat] = []
        self._roles: dict[str, str] = {}
        self._targets: list[str] = []
        self._footage: Footage | None = None
        if clip is not None:
            self.show(clip, targets=targets)

    def make_smaller(self, *, frames: int, heat: int) -> None:
        """Give the page less: frames of so many pixels, heatmaps of so many cells a side."""
        self._frames, self._cells = (frames, frames), heat

    @property
    def records(self) -> dict[str, Explanation]:
        """The explanations of the classes shown."""
        return {", ".join(filter(None, (one.target, one.input))): one.record for one in self._heats}

    def show(
        self, clip: str | Path | np.ndarray, *, targets: Mapping[str, str] | Sequence[str] = ()
    ) -> None:
        """Put another clip in place; it is explained when `explain` is called.

        Parameters
        ----------
        clip, targets
            As in the constructor.
        """
        self._roles = dict(targets) if isinstance(targets, Mapping) else dict.fromkeys(targets, "")
        self._targets = list(self._roles)[:2]
        self._footage, self._heats, self._by_input, self._pictures = None, [], {}, {}
        self.explanation, self.film = {}, {}
        self.set_status("")
        with self.problems_shown():
            self._footage = (
                Footage.of_frames(clip)
                if isinstance(clip, np.ndarray)
                else Footage.of_file(clip, sampling=self._sampling, size=self._frames)
            )
            self.film = self._footage.packed()
            if self._model is None:
                self.set_status(
                    "No model was given, so the video is shown without heat: pass model=."
                )

    def explain(
        self,
        *,
        targets: Sequence[str] | None = None,
        layer: str | None = None,
        method: str | None = None,
    ) -> None:
        """Explain the clip that is shown.

        Parameters
        ----------
        targets
            Names of one or two classes; those shown before when left out.
        layer, method
            As in the constructor; an empty text stands for the usual one. Those used before when
            left out.
        """
        with self.problems_shown():
            self._targets = self._targets if targets is None else list(dict.fromkeys(targets))[:2]
            self._layer = self._layer if layer is None else layer or None
            self._method = self._method if method is None else method or None
            if self._footage is not None and self._model is not None:
                self.set_status("The model is explained …")
                self._heats = []
                self._heats = self._explain()
                self.explanation = self._packed()
                silent = [one.record for one in self._heats if not one.record.has_evidence]
                self.set_status(" ".join(one.in_words(self.choices["classes"]) for one in silent))

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the clip is explained already."""
        return bool(self._heats)

    def figure(self) -> Drawing | None:
        """Draw some frames with the heat over them, and when the evidence was found."""
        if self._footage is None:
            return None
        if not self._heats:
            self.explain()
        frames, seconds = self._footage.frames, self._footage.seconds
        if self._heats:
            return heat_strip(
                frames,
                {one.title: one.record for one in self._heats},
                pictures={one.title: self._pictures.get(one.input, frames) for one in self._heats},
                seconds=seconds,
                most=_FRAMES_IN_PICTURE,
                title=f"{self._footage.title}: where the model looked, and when",
            )
        chosen = spread(len(frames), _FRAMES_IN_PICTURE)
        times = [f"{second:.2f} s" for second in seconds[chosen]]
        title = f"{self._footage.title}\n{self.status.get('text', '')}".strip()
        return plots.frame_strip(frames[chosen], titles=times, title=title)

    def about(self) -> str:
        """Name the clip."""
        return f", {self._footage.title}" if self._footage is not None else ""

    def _explain(self) -> list[_Heat]:
        """Explain every target for every input, all targets in one pass."""
        from vidlab import explanation  # starts TensorFlow

        model = self._model.model
        classes = class_names(model, self._names)
        unknown = [name for name in self._targets if name not in classes]
        if unknown:
            raise ModelError(
                f"Expected classes of {model.name}, such as {', '.join(classes[:5])}. Received: "
                f"{', '.join(unknown)}. Correct the name, or pass the classes= of the model."
            )
        self._by_input = self._by_input or self._read(model, classes)
        layers = {name: explanation.layers(one) for name, (one, _) in self._by_input.items()}
        every = list(dict.fromkeys(layer for known in layers.values() for layer in known[::-1]))
        if not self.choices:
            methods = list(explanation.METHODS)
            self.choices = {"classes": classes, "layers": every, "methods": methods}
        numbers = [classes.index(name) for name in self._targets] or None
        found = {}
        for name, (single, clip) in self._by_input.items():
            is_elsewhere = self._layer in every and self._layer not in layers[name]
            found[name] = explanation.explain(
                single,
                np.stack([clip] * len(numbers or [None])),
                target=numbers,
                layer=None if is_elsewhere else self._layer,
                method=self._method,
            )
            numbers = [record.target for record in found[name]]
        self._targets = [classes[number] for number in numbers]
        is_told = len(found) > 1 or self._pictures
        return [
            _Heat(target, self._roles.get(target, ""), name if is_told else "", records[place])
            for place, target in enumerate(self._targets)
            for name, records in found.items()
        ]

    def _read(
        self, model: keras.Model, classes: Sequence[str]
    ) -> dict[str, tuple[keras.Model, np.ndarray]]:
        """Give for each input a model of it alone and what it is shown; draw what is no picture."""
        from vidlab import explanation

        footage, shapes = self._footage, [tuple(tensor.shape) for tensor in model.inputs]
        is_of_pictures = len(shapes) == 1 and shapes[0][-1] == 3
        if not is_of_pictures and (footage.path is None or not self._streams):
            raise ModelError(
                "Expected a video file and streams= for a model of several inputs or of others "
                f"than pictures. Received: {model.name} with inputs {shapes}. Pass a path, and "
                "the streams() of its run."
            )
        if footage.path is None:
            height, width = shapes[0][-3:-1]
            size = (width or footage.frames.shape[2], height or footage.frames.shape[1])
            shown = np.stack([cv2.resize(frame, size) for frame in footage.frames])
            return {model.inputs[0].name: (model, shown)}
        options = {"classes": classes, "sampling": self._sampling, "streams": self._streams}
        read = VideoPredictor(model, **options).inputs(footage.path, footage.numbers)
        shown = {name: read[name] for name in self._streams or read}
        for name, stream in self._streams.items():
            pictures = stream.pictures(footage.frames, shown[name])
            if pictures is not footage.frames:
                self._pictures[name] = pictures
        return explanation.by_input(model, shown)

    def _packed(self) -> dict[str, Any]:
        """Give what the page draws over the frames."""
        panels = []
        for one in self._heats:
            record, cells = one.record, (self._cells, self._cells)
            rows, columns = fitted(record.heat.shape[1:], within=cells)
            area = {"dsize": (columns, rows), "interpolation": cv2.INTER_AREA}
            heat = np.stack([cv2.resize(each, **area) for each in record.heat])
            panels.append(
                {
                    "name": one.target,
                    "role": one.role,
                    "input": one.input,
                    "score": round(record.score, 4),
                    "evidence": record.has_evidence,
                    "size": [rows, columns],
                    "heat": np.rint(255 * heat).astype(np.uint8).tobytes(),
                    "importance": [round(float(share), 4) for share in record.frame_importance],
                    "says": record.in_words(self.choices["classes"]),
                }
            )
        first = self._heats[0].record
        return {
            "panels": panels,
            "pictures": {name: [*map(jpeg, each)] for name, each in self._pictures.items()},
            "layer": self._layer or "",
            "method": self._method or "",
            "used": {"layer": first.layer, "method": first.method},
        }
