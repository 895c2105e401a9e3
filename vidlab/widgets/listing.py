"""Lists of videos with thumbnails, and the one that was chosen.

Thumbnails are made of the page of the list that is seen, no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets

from vidlab import evaluation
from vidlab.data.sampling import Sampler
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.widgets.cam import CamExplorer
from vidlab.widgets.explorer import Explorer, page
from vidlab.widgets.footage import Thumbnails

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex
    from vidlab.data.streams import Rgb

__all__ = ["SCRIPTS", "ClassVideos", "VideoExplorer"]

SCRIPTS = ("parts.js", "player.js", "timechart.js", "cam.js", "videos.js")
"""The files of the folder ``page`` that such an explorer's own script builds on."""

_A_PAGE = 9  # thumbnails
_CONFUSED = 3  # classes that a class is taken for, named over the list


class VideoExplorer(Explorer):
    """An explorer of predictions that lists videos, and opens one of them in a `CamExplorer`.

    Parameters
    ----------
    predictions
        Of a model.
    index
        Where the videos are; without it their names are listed.
    model
        The model, or a function that loads it, such as ``run.model``; without it videos are played
        without heat.
    sampling
        Picks the frames that are played and shown to the model: 16, spread evenly, if left out.
    streams
        What each input of the model is, by name, as `CamExplorer` takes it.

    Attributes
    ----------
    listing : dict
        What the page shows of the videos that were asked for; nothing at first.
    cam : CamExplorer
        Shows the video that was chosen.
    """

    _esm = page(*SCRIPTS, render="renderVideos")
    _css = page("look.css")

    listing = traitlets.Dict().tag(sync=True)
    cam = traitlets.Instance(CamExplorer).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(
        self,
        predictions: Predictions,
        *,
        index: VideoIndex | None = None,
        model: keras.Model | Callable[[], keras.Model] | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
    ):
        options = {"classes": predictions.classes, "sampling": sampling, "streams": streams}
        super().__init__(cam=CamExplorer(model, **options))
        self._all = predictions
        self._paths: dict[str, Path] = {}
        if index is not None:
            self._paths = dict(zip(index.table["video_id"], index.paths, strict=True))
        self._thumbnails = Thumbnails()

    def open_video(self, video_id: str) -> None:
        """Show a video with the heat of its true and of its predicted class side by side.

        Parameters
        ----------
        video_id
            One of the predictions.

        Raises
        ------
        MetricError
            If the predictions or the index have no such video.
        """
        place = np.flatnonzero(self._all.video_ids == video_id)
        if not len(place) or video_id not in self._paths:
            where = "index" if len(place) else "predictions"
            raise MetricError(
                f"Expected a video of the {where}. Received: {video_id!r}. "
                "Pass the index that the predictions were made on."
            )
        self.cam.show(self._paths[video_id], targets=self._roles(place[0]))
        self.set_status(self.status.get("text", ""))  # so that the page knows that it is answered
        self.cam.explain()

    def _roles(self, place: int) -> dict[str, str]:
        """Name the classes that a video is looked at for, and say what each one is."""
        true = self._all.classes[self._all.y_true[place]]
        predicted = self._all.classes[self._all.y_pred[place]]
        if true == predicted:
            return {true: "true and predicted"}
        return {true: "true", predicted: "predicted"}

    def _list(self, positions: Sequence[int], about: Mapping[str, Any]) -> None:
        """Put a list on the page: some of the predictions, and what else the page says of it."""
        self.listing = {
            **about,
            "videos": self.describe_videos(positions),
            "opened": self.listing.get("opened", 0) + 1,  # so that the page hears of the same again
        }

    def describe_videos(
        self, positions: Sequence[int], *, thumbnails: bool = True
    ) -> list[dict[str, Any]]:
        """Describe videos for the page, by position among the predictions."""
        predictions = self._all
        ids = predictions.video_ids[list(positions)].tolist()
        known = [name for name in ids if name in self._paths] if thumbnails else []
        images = self._thumbnails.of([self._paths[name] for name in known])
        found = dict(zip(known, images, strict=True))
        videos = []
        for position, name in zip(positions, ids, strict=True):
            image = found.get(name)
            problem = str(image) if isinstance(image, Exception) else ""
            if self._paths and name not in self._paths:
                problem = "This video is not in the index."
            probabilities = predictions.probabilities[position]
            videos.append(
                {
                    "id": name,
                    "picture": None if isinstance(image, Exception) else image,
                    "problem": problem,
                    "predicted": predictions.classes[predictions.y_pred[position]],
                    "p_true": round(float(probabilities[predictions.y_true[position]]), 4),
                    "p_predicted": round(float(probabilities.max()), 4),
                }
            )
        return videos


class ClassVideos(VideoExplorer):
    """The videos of a class, those that a model got wrong first.

    Parameters
    ----------
    predictions
        Of one model or two, by name, of the same videos.
    colours
        Of the models.
    """

    def __init__(
        self,
        predictions: Mapping[str, Predictions],
        *,
        colours: Mapping[str, str],
        index: VideoIndex | None = None,
        model: keras.Model | Callable[[], keras.Model] | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
    ):
        first = next(iter(predictions.values()))
        options = {"model": model, "sampling": sampling, "streams": streams}
        super().__init__(first, index=index, **options)
        self._models, self._colours = dict(predictions), dict(colours)
        self._confused = evaluation.most_confused(first, n=len(first))

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of videos that can be listed alone, and how each is named on the page."""
        if len(self._models) == 1:
            return {"wrong": "wrong", "right": "right"}
        first, second = self._models
        return {
            "both": "both wrong",
            "first": f"only {first} wrong",
            "second": f"only {second} wrong",
            "neither": "both right",
        }

    def open_class(self, name: str, *, only: str = "", number: int = 0) -> None:
        """List the videos of a class; parameters as for `PerClassExplorer.open_class`."""
        classes = self._all.classes
        if name not in classes:
            raise MetricError(
                f"Expected a class of the predictions, such as {', '.join(classes[:5])}. Received: "
                f"{name!r}. Correct the name."
            )
        if only not in ("", *self.kinds):
            raise MetricError(
                f"Expected a kind out of {', '.join(self.kinds)}. Received: {only!r}. Choose one."
            )
        of_class = np.flatnonzero(self._all.y_true == classes.index(name))
        kind = self._kind_of(of_class)
        most_probable = -self._all.probabilities[of_class].max(axis=1)
        ordered = np.lexsort([most_probable, kind])
        if only:
            ordered = ordered[kind[ordered] == list(self.kinds).index(only)]
        counts = {text: int((kind == at).sum()) for at, text in enumerate(self.kinds.values())}
        confused = self._confused[self._confused["true"] == name].head(_CONFUSED)
        taken = [
            f"{predicted} ({count})"
            for predicted, count in zip(confused["predicted"], confused["count"], strict=True)
        ]
        notes = [", ".join(f"{count} {text}" for text, count in counts.items())]
        if taken:
            notes.append(f"{next(iter(self._models))} takes it for {', '.join(taken)}")
        about = {"class": name, "only": only, "title": name, "notes": notes, "counts": counts}
        pages = max(1, -(-len(ordered) // _A_PAGE))
        number = min(max(number, 0), pages - 1)
        about |= {"count": len(ordered), "page": number, "pages": pages}
        self._list(of_class[ordered][number * _A_PAGE : (number + 1) * _A_PAGE], about)
        if len(of_class) and not self._paths:
            self.set_status(
                "No index was given, so only names are listed: pass index= to see videos."
            )
        else:
            self.set_status(self._in_words(name, of_class))

    @property
    def handlers(self) -> Mapping[str, Callable[..., None]]:
        """Another ``page`` of the list, or a ``video``."""
        return {"page": self.open_page, "video": self.open_video}

    def open_page(self, number: int) -> None:
        """Show another page of the list."""
        self.open_class(self.listing["class"], only=self.listing["only"], number=number)

    def _kind_of(self, videos: np.ndarray) -> np.ndarray:
        """Number the kind of each video, in the order of `kinds`: int64, (videos,)."""
        wrong = [one.y_pred[videos] != one.y_true[videos] for one in self._models.values()]
        if len(wrong) == 1:
            return np.where(wrong[0], 0, 1)
        return np.select([wrong[0] & wrong[1], wrong[0], wrong[1]], [0, 1, 2], 3)

    def _in_words(self, name: str, videos: np.ndarray) -> str:
        if not len(videos):
            return f"There is no video of {name} among these predictions."
        counts = [
            f"{model} is wrong about {(one.y_pred[videos] != one.y_true[videos]).sum()}"
            for model, one in self._models.items()
        ]
        return f"Of {len(videos)} videos of {name}, {', '.join(counts)}."

    def describe_videos(
        self, positions: Sequence[int], *, thumbnails: bool = True
    ) -> list[dict[str, Any]]:
        """Describe videos for the page, with the prediction of each model."""
        videos = super().describe_videos(positions, thumbnails=thumbnails)
        for position, video in zip(positions, videos, strict=True):
            video["predictions"] = [
                {
                    "model": name,
                    "colour": self._colours[name],
                    "class": one.classes[one.y_pred[position]],
                    "share": round(float(one.probabilities[position].max()), 4),
                    "right": bool(one.y_pred[position] == one.y_true[position]),
                }
                for name, one in self._models.items()
            ]
        return videos
