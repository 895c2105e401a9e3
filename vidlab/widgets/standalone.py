"""The confusion matrix, its videos and their heat as one HTML file, which needs no kernel.

The page draws itself with the explorer's own scripts, which count videos and list those of a cell
by themselves. What a kernel would add is made beforehand and kept in the file: thumbnails, and the
frames and the heat of some videos.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd

from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, Uniform
from vidlab.data.streams import Rgb
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.files import write_text
from vidlab.progress import counter
from vidlab.widgets.confusion import ConfusionExplorer
from vidlab.widgets.explorer import ModelSource, page

__all__ = ["save_page"]

_FRAMES = 12  # of a video, where no sampler is given
_WIDEST = 224  # pixels of a frame
_FINEST = 24  # cells of a heatmap, which is drawn smooth
_THUMBNAILS = 240  # of videos that cannot be played, at most
_IN_TURN = 3  # videos of a pair of classes, before it is the next pair's turn
_RIGHT = 6  # one in so many videos is one that was named rightly


def save_page(
    predictions: Predictions,
    file: str | Path,
    *,
    index: VideoIndex,
    model: ModelSource | None = None,
    sampling: Sampler | None = None,
    streams: Mapping[str, Rgb] | None = None,
    videos: int = 60,
    title: str = "Explore the mistakes",
    about: str = "",
    back: str = "",
) -> Path:
    """Write a page on which the mistakes of a model are explored without a kernel or a network.

    All videos are counted. Some can also be played, with the heat of their true class and of the
    predicted class: the most frequent mistakes, the most confident ones first, three of a pair of
    classes before the next pair, and one in six that was named rightly. 60 videos of 12 frames make
    a file of about 5 MB.

    Parameters
    ----------
    predictions
        Of a model.
    file
        Where the page goes, such as ``runs/quick/explore.html``.
    index
        Where the videos are.
    model
        The model, or a function that loads it, such as ``run.model``; without it videos are
        played without heat.
    sampling
        Picks the frames that are kept and shown to the model: 12, spread evenly, if left out. A
        model of clips needs its own.
    streams
        What each input of the model is, by name, as `CamExplorer` takes it.
    videos
        How many can be played, at most.
    title
        The heading.
    about
        A line below it, plain text, that names the model and the videos.
    back
        A link above it, such as ``"index.html"``, to the report that the page belongs to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MetricError
        If `videos` is negative, or there are no predictions to show.
    """
    if videos < 0 or not len(predictions):
        raise MetricError(
            "Expected predictions, and a number of videos to play of at least 0. Received: "
            f"{len(predictions)} predictions, videos={videos}. Take the predictions of a run."
        )
    options = {"sampling": sampling or Uniform(_FRAMES), "streams": streams}
    explorer = ConfusionExplorer(predictions, index=index, model=model, **options)
    explorer.cam.make_smaller(frames=_WIDEST, heat=_FINEST)
    for one in (explorer, explorer.cam):  # it is never shown: nothing goes to an open notebook
        one.layout.close()
        one.close()
    cards = explorer.describe_videos(range(len(predictions)), thumbnails=False)
    order = _worth_opening(predictions, most=videos)
    films = _films(explorer, cards, order, most=videos)
    unplayed = [at for at in order if cards[at]["id"] not in films][:_THUMBNAILS]
    for at, card in zip(unplayed, explorer.describe_videos(unplayed), strict=True):
        cards[at] = card | {"problem": cards[at]["problem"] or card["problem"]}
    is_wrong = predictions.y_true != predictions.y_pred
    wrong = is_wrong[np.isin(predictions.video_ids, list(films))].sum()
    summary = (
        f"{len(films)} of {len(predictions)} videos can be played here, among them {wrong} of "
        f"{is_wrong.sum()} mistakes; all are counted."
    )
    kept = {"table": explorer.table, "videos": films, "cards": cards, "summary": summary}
    own = str(explorer._esm).replace("export default", "const explorer =")
    script = "\n".join([own, page("offline.js"), "openOffline(explorer);"])
    text = Template(page("offline.html")).substitute(
        title=escape(title),
        about=escape(about),
        back=f'<a href="{escape(back)}">← all notebooks and results</a>' if back else "",
        cap=escape(summary),
        style=f"{explorer._css}\n{page('offline.css')}",
        script=script.replace("</script", "<\\/script"),
        # Nothing in the record may end the element that holds it.
        kept=json.dumps(kept, default=_as_text, separators=(",", ":")).replace("<", "\\u003c"),
    )
    return write_text(file, text)


def _as_text(part: bytes) -> dict[str, str]:
    """Write bytes as the page reads them back."""
    return {"base64": base64.b64encode(part).decode()}


def _films(
    explorer: ConfusionExplorer, cards: list[dict[str, Any]], positions: list[int], *, most: int
) -> dict[str, dict[str, Any]]:
    """Open videos one after the other until there are enough.

    Returns
    -------
    dict
        Of each video that can be played, what the explorer shows. The cards of those that cannot
        are told why.
    """
    films: dict[str, dict[str, Any]] = {}
    cam = explorer.cam
    with counter(desc="videos for the page", total=min(most, len(cards)), unit="video") as bar:
        for card in (cards[position] for position in positions):
            if len(films) == most:
                break
            if card["problem"]:
                continue
            explorer.open_video(card["id"])
            if not cam.film:
                card["problem"] = cam.status["text"]
                continue
            status = {key: cam.status[key] for key in ("text", "problem")}
            shown = {"film": cam.film, "explanation": cam.explanation, "status": status}
            films[card["id"]] = shown
            bar.update()
    return films


def _worth_opening(predictions: Predictions, *, most: int) -> list[int]:
    """Order all videos by how much they are worth playing, the first `most` of all kinds."""
    columns = {"true": predictions.y_true, "predicted": predictions.y_pred}
    table = pd.DataFrame(columns | {"probability": predictions.probabilities.max(axis=1)})
    is_right = table["true"] == table["predicted"]
    count = table.groupby(["true", "predicted"])["true"].transform("size")
    table["rarity"] = -count.where(~is_right, 0)
    table = table.sort_values("probability", ascending=False, kind="stable")
    at_a_time = np.where(is_right[table.index], 1, _IN_TURN)
    table["turn"] = table.groupby(["true", "predicted"]).cumcount() // at_a_time
    table = table.sort_values(["turn", "rarity", "true", "predicted"], kind="stable")
    mistakes = [place for place in table.index if not is_right[place]]
    others = [place for place in table.index if is_right[place]]
    spared = min(len(others), most // _RIGHT)
    first = most - spared
    return [*mistakes[:first], *others[:spared], *mistakes[first:], *others[spared:]]
