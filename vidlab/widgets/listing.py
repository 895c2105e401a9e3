"""Lists of videos with thumbnails, and the one that was chosen.

Thumbnails are made of the page of the list that is seen, no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler
from vidlab.data.streams import Rgb
from vidlab.errors import MetricError, VideoError
from vidlab.evaluation.predictions import Predictions
from vidlab.widgets.cam import CamExplorer
from vidlab.widgets.explorer import Explorer, ModelSource, page
from vidlab.widgets.footage import thumbnail

__all__ = ["SCRIPTS", "VideoExplorer"]

SCRIPTS = ("parts.js", "player.js", "timechart.js", "cam.js", "videos.js")
"""The files of the folder ``page`` that such an explorer's own script builds on."""

_A_PAGE = 9  # thumbnails
_KEPT = 600  # thumbnails, those looked at last: each has about 4 kB


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
    verdicts
        Name to colour and predictions of the models whose classes are shown with every video.

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
        model: ModelSource | None = None,
        sampling: Sampler | None = None,
        streams: Mapping[str, Rgb] | None = None,
        verdicts: Mapping[str, tuple[str, Predictions]] | None = None,
    ):
        options = {"classes": predictions.classes, "sampling": sampling, "streams": streams}
        super().__init__(cam=CamExplorer(model, **options))
        self.handlers = {
            "videos": self.list_videos,
            "page": self.open_page,
            "video": self.open_video,
        }
        self._all, self._verdicts = predictions, verdicts or {}
        self._listed: tuple[Sequence[int], Mapping[str, Any]] = ((), {})
        self._has_index = index is not None
        self._paths: dict[str, Path] = {}
        if index is not None:
            self._paths = dict(zip(index.table["video_id"], index.paths, strict=True))
        self._thumbnail = lru_cache(_KEPT)(thumbnail)

    def list_videos(
        self, positions: Sequence[int], about: Mapping[str, Any], *, number: int = 0
    ) -> None:
        """Put a list on the page.

        Parameters
        ----------
        positions
            Of the videos among the predictions.
        about
            What the page says of the list.
        number
            Which page of it; of the last one there is, if there are fewer.
        """
        self._listed = positions, about
        pages = max(1, -(-len(positions) // _A_PAGE))
        number = min(max(number, 0), pages - 1)
        shown = positions[number * _A_PAGE : (number + 1) * _A_PAGE]
        self.listing = {
            **about,
            "count": len(positions),
            "page": number,
            "pages": pages,
            "videos": self.describe_videos(shown),
            "opened": self.listing.get("opened", 0) + 1,  # so that the page hears of the same again
        }
        remedy = "No index was given, so only names are listed: pass index= to see videos."
        self.set_status("" if self._has_index else remedy)

    def open_page(self, number: int) -> None:
        """Turn to another page of the list."""
        self.list_videos(*self._listed, number=number)

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
        true, predicted = (
            self._all.classes[labels[place[0]]] for labels in (self._all.y_true, self._all.y_pred)
        )
        roles = {true: "true", predicted: "predicted" if true != predicted else "true, predicted"}
        self.cam.show(self._paths[video_id], targets=roles)
        self.set_status(self.status.get("text", ""))  # so that the page knows that it is answered
        self.cam.explain()

    def describe_videos(
        self, positions: Sequence[int], *, thumbnails: bool = True
    ) -> list[dict[str, Any]]:
        """Describe videos for the page, by position among the predictions."""
        ids = self._all.video_ids[list(positions)].tolist()
        with ThreadPoolExecutor(max_workers=4) as pool:
            pictures = pool.map(partial(self._picture_of, is_read=thumbnails), ids)
        videos = []
        for position, name, (picture, problem) in zip(positions, ids, pictures, strict=True):
            probabilities = self._all.probabilities[position]
            verdicts = [
                {
                    "model": model,
                    "colour": colour,
                    "class": one.classes[one.y_pred[position]],
                    "share": round(float(one.probabilities[position].max()), 4),
                    "right": bool(one.y_pred[position] == one.y_true[position]),
                }
                for model, (colour, one) in self._verdicts.items()
            ]
            videos.append(
                {
                    "id": name,
                    "picture": picture,
                    "problem": problem,
                    "predicted": self._all.classes[self._all.y_pred[position]],
                    "p_true": round(float(probabilities[self._all.y_true[position]]), 4),
                    "p_predicted": round(float(probabilities.max()), 4),
                    "predictions": verdicts,
                }
            )
        return videos

    def _picture_of(self, name: str, *, is_read: bool) -> tuple[bytes | None, str]:
        """Give a video's thumbnail, or why there is none."""
        if name not in self._paths:
            return None, "This video is not in the index." if self._has_index else ""
        try:
            return self._thumbnail(self._paths[name]) if is_read else None, ""
        except VideoError as error:
            return None, str(error)
