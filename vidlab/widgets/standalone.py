"""The confusion matrix, its videos and their heat as one HTML file, which needs no kernel.

The page draws itself with the explorer's own scripts, which count videos and list those of a cell
by themselves. What a kernel would add is made beforehand and kept in the file: thumbnails, and the
frames and the heat of some videos.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd

from vidlab import evaluation
from vidlab.data.sampling import Sampler, Uniform
from vidlab.errors import MetricError
from vidlab.evaluation.predictions import Predictions
from vidlab.files import write_text
from vidlab.progress import counter
from vidlab.widgets.cam import shrink_heat
from vidlab.widgets.confusion import ConfusionExplorer
from vidlab.widgets.explorer import page
from vidlab.widgets.footage import fitted

if TYPE_CHECKING:
    import keras

    from vidlab.data.index import VideoIndex
    from vidlab.data.streams import Rgb

__all__ = ["save_page"]

_FRAMES = 12  # of a video, where no sampler is given
_WIDEST = 224  # pixels of a frame
_JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 62),
    *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    *(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
)
_THUMBNAIL = 104  # pixels
_THUMBNAILS = 240  # of videos that cannot be played, at most
_FINEST = 24  # cells of a heatmap, which is drawn smooth
_IN_TURN = 3  # videos of a pair of classes, before it is the next pair's turn
_RIGHT = 6  # one in so many videos is one that was named rightly


def save_page(
    predictions: Predictions,
    file: str | Path,
    *,
    index: VideoIndex,
    model: keras.Model | Callable[[], keras.Model] | None = None,
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
    for one in (explorer, explorer.cam):  # it is never shown: nothing goes to an open notebook
        one.layout.close()
        one.close()
    parts = _Parts()
    positions = _worth_opening(predictions, most=videos)
    names = predictions.video_ids[positions].tolist()
    films, problems = _films(explorer, names, most=videos, parts=parts)
    summary = _summary(predictions, films)
    kept = {
        "table": explorer.table,
        "videos": films,
        "cards": _cards(explorer, positions, films, problems, parts=parts),
        "summary": summary,
    }
    text = Template(page("offline.html")).substitute(
        title=escape(title),
        about=escape(about),
        back=f'<a href="{escape(back)}">← all notebooks and results</a>' if back else "",
        cap=escape(summary),
        style=f"{explorer._css}\n{page('offline.css')}",
        script=_script(explorer),
        kept=_as_json(kept),
        parts=base64.b64encode(parts.held).decode(),
    )
    return write_text(file, text)


def _script(explorer: ConfusionExplorer) -> str:
    """Join the explorer's script, a module, with what stands in for the kernel."""
    own = str(explorer._esm).replace("export default", "const explorer =")
    script = "\n".join([own, page("offline.js"), "openOffline(explorer);"])
    return script.replace("</script", "<\\/script")


def _as_json(kept: dict[str, Any]) -> str:
    """Write a record so that nothing in it can end the element that holds it."""
    return json.dumps(kept, separators=(",", ":")).replace("<", "\\u003c")


class _Parts:
    """Frames and heat one behind the other, as the record of the page refers to them."""

    def __init__(self):
        self.held = bytearray()

    def add(self, part: bytes) -> list[int]:
        """Hold a part; give where it begins, and its length."""
        self.held.extend(part)
        return [len(self.held) - len(part), len(part)]


def _films(
    explorer: ConfusionExplorer, names: list[str], *, most: int, parts: _Parts
) -> tuple[dict[str, Any], dict[str, str]]:
    """Open videos one after the other until there are enough.

    Returns
    -------
    tuple
        Of each video that can be played, what the explorer shows; of each that cannot, why.
    """
    films: dict[str, Any] = {}
    problems: dict[str, str] = {}
    cam = explorer.cam
    with counter(desc="videos for the page", total=min(most, len(names)), unit="video") as bar:
        for name in names:
            if len(films) == most:
                break
            try:
                explorer.open_video(name)
            except MetricError:
                problems[name] = "This video is not in the index."
                continue
            if not cam.film:
                problems[name] = cam.status["text"]
                continue
            frames = [_lighter(frame, most=_WIDEST) for frame in cam.film["frames"]]
            films[name] = {
                "frames": [parts.add(packed) for packed, _ in frames],
                "size": frames[0][1],
                "numbers": cam.film["numbers"],
                "seconds": cam.film["seconds"],
                "panels": [_coarser(panel, parts) for panel in cam.explanation.get("panels", [])],
                "pictures": {
                    name: [parts.add(_lighter(one, most=_WIDEST)[0]) for one in each]
                    for name, each in cam.explanation.get("pictures", {}).items()
                },
                "used": cam.explanation.get("used"),
                "status": {key: cam.status[key] for key in ("text", "problem")},
            }
            bar.update()
    return films, problems


def _cards(
    explorer: ConfusionExplorer,
    positions: list[int],
    films: dict[str, Any],
    problems: dict[str, str],
    *,
    parts: _Parts,
) -> list[dict[str, Any]]:
    """Describe every video for the lists; the first that cannot be played have a thumbnail."""
    cards = explorer.describe_videos(range(len(positions)), thumbnails=False)
    is_played = [cards[position]["id"] in films for position in positions]
    pictured = [one for one, played in zip(positions, is_played, strict=True) if not played]
    pictured = pictured[:_THUMBNAILS]
    for position, card in zip(pictured, explorer.describe_videos(pictured), strict=True):
        if card["picture"]:
            card["picture"] = parts.add(_lighter(card["picture"], most=_THUMBNAIL)[0])
        cards[position] = card
    return [card | {"problem": problems.get(card["id"], card["problem"])} for card in cards]


def _lighter(packed: bytes, *, most: int) -> tuple[bytes, list[int]]:
    """Shrink a JPEG; give it, and its height and width."""
    picture = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    height, width = fitted(picture.shape[:2], within=(most, most))
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, _JPEG)[1].tobytes(), [height, width]


def _coarser(panel: dict[str, Any], parts: _Parts) -> dict[str, Any]:
    """Shrink the heat of a panel."""
    heat = np.frombuffer(panel["heat"], np.uint8).reshape(-1, *panel["size"])
    small = shrink_heat(heat, most=_FINEST)
    return panel | {"heat": parts.add(small.tobytes()), "size": list(small.shape[1:])}


def _worth_opening(predictions: Predictions, *, most: int) -> list[int]:
    """Order all videos by how much they are worth playing, the first `most` of all kinds."""
    surest = np.argsort(-predictions.probabilities.max(axis=1), kind="stable")
    right = predictions.y_true == predictions.y_pred
    pairs = evaluation.most_confused(predictions, n=len(predictions))
    rank = {
        (true, predicted): place
        for place, (true, predicted) in enumerate(
            zip(pairs["true"], pairs["predicted"], strict=True)
        )
    }
    wrong = [place for place in surest if not right[place]]
    ranks = [
        rank[predictions.classes[predictions.y_true[p]], predictions.classes[predictions.y_pred[p]]]
        for p in wrong
    ]
    mistakes = _in_turn(wrong, ranks, at_a_time=_IN_TURN)
    rightly = surest[right[surest]]
    others = _in_turn(rightly, predictions.y_true[rightly], at_a_time=1)
    spared = min(len(others), most // _RIGHT)
    first = most - spared
    return [*mistakes[:first], *others[:spared], *mistakes[first:], *others[spared:]]


def _in_turn(places: Any, kinds: Any, *, at_a_time: int) -> list[int]:
    """Take some of each kind, in the order of the kinds, and again until none is left."""
    table = pd.DataFrame({"place": places, "kind": kinds})
    table["turn"] = table.groupby("kind").cumcount() // at_a_time
    return table.sort_values(["turn", "kind"], kind="stable")["place"].tolist()


def _summary(predictions: Predictions, films: dict[str, Any]) -> str:
    """Say how many of the videos can be played, and which."""
    if len(films) == len(predictions):
        return f"All {len(predictions)} videos can be played here."
    counted = f"all {len(predictions)} are counted"
    if not films:
        return f"No video can be played here; {counted}."
    is_wrong = dict(
        zip(predictions.video_ids.tolist(), predictions.y_true != predictions.y_pred, strict=True)
    )
    wrong, mistakes = sum(is_wrong[name] for name in films), sum(is_wrong.values())
    kinds = []
    if wrong:
        kinds.append("those of the most frequent mistakes")
    if wrong and wrong == mistakes:
        kinds = [f"all {mistakes} mistakes" if mistakes != 1 else "the one mistake"]
    if wrong < len(films):
        kinds.append("some that were named rightly")
    played = f"{len(films)} of {len(predictions)} videos can be played here"
    return f"{played}: {' and '.join(kinds)}; {counted}."
