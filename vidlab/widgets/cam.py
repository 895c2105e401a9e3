"""A player of clips with the heat of one class or two over the frames.

The frames are shown at once, the model explains them after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import traitlets

from vidlab import plots
from vidlab.data.sampling import Sampler, Uniform
from vidlab.errors import ModelError
from vidlab.evaluation.timeline import VideoPredictor
from vidlab.plots import Drawing
from vidlab.plots.heat import heat_strip
from vidlab.widgets.explorer import Explorer, LazyModel, class_names, page
from vidlab.widgets.footage import Footage, fitted, jpeg

if TYPE_CHECKING:
    import keras

    from vidlab.data.streams import Rgb
    from vidlab.explanation import Explanation

__all__ = ["CamExplorer", "shrink_heat"]

_FINEST = 96  # cells a heatmap has on the page, at most; it is drawn smooth
_FRAMES_IN_PICTURE = 8


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
        Class name to `Explanation`, of the classes shown; of a model of several inputs ``"class,
        input"``.
    """

    _esm = page("parts.js", "player.js", "timechart.js", "cam.js", render="renderCam")
    _css = page("look.css")

    film = traitlets.Dict().tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    explanation = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        model: keras.Model | Callable[[], keras.Model] | None = None,
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
        self._model = None if model is None else LazyModel(model)
        self._names = None if classes is None else [str(name) for name in classes]
        self._sampling = sampling or Uniform(16)
        self._streams = dict(streams or {})
        self._layer, self._method = layer, method
        self._by_input: dict[str, tuple[keras.Model, np.ndarray]] = {}
        self._pictures: dict[str, np.ndarray] = {}  # of inputs that are no pictures themselves
        self._origins: dict[str, tuple[str, str]] = {}  # class and input of each record
        self._roles: dict[str, str] = {}
        self._targets: list[str] = []
        self._footage: Footage | None = None
        self.records: dict[str, Explanation] = {}
        if clip is not None:
            self.show(clip, targets=targets)

    def use(
        self,
        model: keras.Model | Callable[[], keras.Model],
        *,
        classes: Sequence[str],
        sampling: Sampler,
        streams: Mapping[str, Rgb] | None = None,
    ) -> None:
        """Explain another model from now on; options as in the constructor."""
        self._model = LazyModel(model)
        self._names = [str(name) for name in classes]
        self._sampling, self._streams = sampling, dict(streams or {})
        self._layer = self._method = None
        self._by_input = {}
        self.choices = {}

    def clear(self) -> None:
        """Show no clip."""
        self._footage, self.records = None, {}
        self._by_input, self._pictures = {}, {}
        self.explanation, self.film = {}, {}
        self.set_status("")

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
        self.clear()
        with self.problems_shown():
            self._footage = (
                Footage.of_frames(clip)
                if isinstance(clip, np.ndarray)
                else Footage.of_file(clip, sampling=self._sampling)
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
                self.records = {}
                self.records = self._explain()
                self.explanation = self._packed()
                self.set_status(self._without_evidence())

    @property
    def handlers(self) -> Mapping[str, Callable[..., None]]:
        """``explain``, with the targets, method and layer chosen."""
        return {"explain": self.explain}

    @property
    def is_drawn_at_once(self) -> bool:
        """Whether the clip is explained already."""
        return bool(self.records)

    def figure(self) -> Drawing | None:
        """Draw some frames with the heat over them, and when the evidence was found."""
        if self._footage is None:
            return None
        if not self.records:
            self.explain()
        footage = self._footage
        if self.records:
            titles = {name: self._titled(name) for name in self.records}
            inputs = {titles[name]: of for name, (_, of) in self._origins.items()}
            return heat_strip(
                footage.frames,
                {titles[name]: record for name, record in self.records.items()},
                pictures={t: self._pictures.get(of, footage.frames) for t, of in inputs.items()},
                seconds=footage.seconds,
                most=_FRAMES_IN_PICTURE,
                title=f"{footage.title}: where the model looked, and when",
            )
        chosen = np.linspace(0, len(footage.frames) - 1, _FRAMES_IN_PICTURE).round().astype(int)
        chosen = np.unique(chosen)
        times = [f"{second:.2f} s" for second in footage.seconds[chosen]]
        title = footage.title + (f"\n{self.status['text']}" if self.status.get("text") else "")
        return plots.frame_strip(footage.frames[chosen], titles=times, title=title)

    def describe(self) -> str:
        """Name the clip, and what there is to say about it."""
        if self._footage is None:
            return self.status.get("text") or "CamExplorer: no clip is shown."
        text = self.status.get("text") or "Run this cell in JupyterLab to play it."
        return f"CamExplorer, {self._footage.title}. {text}"

    def _explain(self) -> dict[str, Explanation]:
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
        numbers = [classes.index(name) for name in self._targets] or [None]
        found = {}
        for name, (single, clip) in self._by_input.items():
            elsewhere = self._layer in every and self._layer not in layers[name]
            found[name] = explanation.explain(
                single,
                np.stack([clip] * len(numbers)),
                target=None if numbers == [None] else numbers,
                layer=None if elsewhere else self._layer,
                method=self._method,
            )
            numbers = [record.target for record in found[name]]
        self._targets = [classes[number] for number in numbers]
        self._origins = {
            f"{target}, {name}" if len(found) > 1 else target: (target, name)
            for target in self._targets
            for name in found
        }
        return {
            key: found[name][self._targets.index(target)]
            for key, (target, name) in self._origins.items()
        }

    def _read(
        self, model: keras.Model, classes: Sequence[str]
    ) -> dict[str, tuple[keras.Model, np.ndarray]]:
        """Give for each input a model of it alone and what it is shown; draw what is no picture."""
        from vidlab import explanation

        footage, shapes = self._footage, [tuple(tensor.shape) for tensor in model.inputs]
        if footage.path is None or not self._streams:
            if len(shapes) > 1 or shapes[0][-1] != 3:
                raise ModelError(
                    "Expected a video file and streams= for a model of several inputs or of others "
                    f"than pictures. Received: {model.name} with inputs {shapes}. Pass a path, and "
                    "the streams() of its run."
                )
            return {model.inputs[0].name: (model, footage.for_model(shapes[0][-3:-1]))}
        options = {"classes": classes, "sampling": self._sampling, "streams": self._streams}
        found = VideoPredictor(model, **options).inputs(footage.path, footage.numbers)
        shown = {name: found[name] for name in self._streams}
        for name, read in shown.items():
            pictures = self._streams[name].pictures(footage.frames, read)
            if pictures is not footage.frames:
                self._pictures[name] = pictures
        return explanation.by_input(model, shown)

    def _parts_of(self, name: str) -> tuple[str, str, str]:
        """Give class, role and input of a record; no input where there are pictures alone."""
        target, of = self._origins[name]
        is_told = len(self._by_input) > 1 or self._pictures
        return target, self._roles.get(target, ""), of if is_told else ""

    def _titled(self, name: str) -> str:
        target, role, of = self._parts_of(name)
        named = f"{target} ({role})" if role else target
        return f"{named}, {of}" if of else named

    def _without_evidence(self) -> str:
        names = self._names or self.choices["classes"]
        silent = [record for record in self.records.values() if not record.has_evidence]
        return " ".join(record.in_words(names) for record in silent)

    def _packed(self) -> dict:
        """Give what the page draws over the frames."""
        panels = []
        for name, record in self.records.items():
            heat = shrink_heat(record.heat, most=_FINEST)
            target, role, of = self._parts_of(name)
            panels.append(
                {
                    "name": target,
                    "role": role,
                    "input": of,
                    "score": round(record.score, 4),
                    "evidence": record.has_evidence,
                    "size": list(heat.shape[1:]),
                    "heat": np.rint(255 * heat).astype(np.uint8).tobytes(),
                    "importance": [round(float(share), 4) for share in record.frame_importance],
                    "says": record.in_words(self._names or self.choices["classes"]),
                }
            )
        first = next(iter(self.records.values()))
        return {
            "panels": panels,
            "pictures": {name: [*map(jpeg, each)] for name, each in self._pictures.items()},
            "layer": self._layer or "",
            "method": self._method or "",
            "used": {"layer": first.layer, "method": first.method},
        }


def shrink_heat(heat: np.ndarray, *, most: int) -> np.ndarray:
    """Shrink heatmaps, (time, height, width), to at most so many cells in height and width."""
    rows, columns = fitted(heat.shape[1:], within=(most, most))
    small = [cv2.resize(one, (columns, rows), interpolation=cv2.INTER_AREA) for one in heat]
    return np.stack(small)
