import base64
import html.parser
import json
import re
from types import SimpleNamespace

import cv2
import ipywidgets
import numpy as np
import pandas as pd
import pytest

from vidlab import widgets
from vidlab.data import sampling, video
from vidlab.errors import MetricError
from vidlab.evaluation import predictions
from vidlab.widgets import standalone

NOWHERE = SimpleNamespace(table=pd.DataFrame({"video_id": []}), paths=[])


@pytest.fixture
def save(mistaken, index, tmp_path):
    """Write a page of these predictions -> Held."""

    def make(mistaken=mistaken, *, index=index, **options):
        return Held(widgets.save_page(mistaken, tmp_path / "page.html", index=index, **options))

    return make


def as_bytes(record):
    return base64.b64decode(record["base64"]) if "base64" in record else record


class Held(html.parser.HTMLParser):
    """What a page holds, as a browser would read it."""

    def __init__(self, file):
        super().__init__()
        self.file, self.text = file, file.read_text(encoding="utf-8")
        self.tags, self.words = [], []
        self.scripts = {"vl-kept": "", "": ""}
        self.inside = None
        self.feed(self.text)
        self.script = self.scripts[""]
        self.kept = json.loads(self.scripts["vl-kept"], object_hook=as_bytes)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = dict(attributes).get("id", "") if tag == "script" else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.words.append(data)
        else:
            self.scripts[self.inside] += data


def test_the_page_holds_what_the_explorer_counts_and_lists(save, mistaken):
    kept = save(videos=0).kept
    assert kept["table"] == widgets.ConfusionExplorer(mistaken).table
    assert [card["id"] for card in kept["cards"]] == mistaken.video_ids.tolist()
    p_predicted = [round(float(row.max()), 4) for row in mistaken.probabilities]
    assert [card["p_predicted"] for card in kept["cards"]] == p_predicted


def test_kept_are_mistakes_of_every_pair_the_surest_first_and_some_right_videos(save):
    assert list(save(videos=6).kept["videos"]) == [
        "v_Jump_g04_c02",
        "v_Jump_g04_c01",
        "v_Jump_g03_c02",  # three of the most frequent mistake, then it is the next one's turn
        "v_Wave_g01_c01",
        "v_Jump_g03_c01",
        "v_Run_g04_c02",
    ]


@pytest.mark.parametrize(
    ("videos", "words"),
    [
        (0, "0 of 24 videos can be played here, among them 0 of 9 mistakes"),
        (6, "6 of 24 .*among them 5 of 9 mistakes"),
        (60, "24 of 24 .*among them 9 of 9 mistakes"),
    ],
)
def test_the_page_says_what_can_be_played(save, videos, words):
    page = save(videos=videos)
    assert len(page.kept["videos"]) == min(videos, 24)
    assert re.match(words, page.kept["summary"])
    assert page.kept["summary"] in page.words


def test_pictures_come_first_to_the_videos_most_worth_opening(save, mistaken, monkeypatch):
    monkeypatch.setattr(standalone, "_THUMBNAILS", 4)
    kept = save(videos=4).kept  # mistakes, of 9
    wrong = set(mistaken.video_ids[mistaken.y_true != mistaken.y_pred].tolist())
    pictured = {card["id"] for card in kept["cards"] if card["picture"]}
    assert len(pictured) == 4
    assert pictured < wrong - set(kept["videos"])


def test_videos_that_cannot_be_played_have_a_small_picture(save):
    kept = save(videos=6).kept
    pictures = {card["id"]: card["picture"] for card in kept["cards"] if card["picture"]}
    assert set(kept["videos"]) | set(pictures) == {card["id"] for card in kept["cards"]}
    assert not set(kept["videos"]) & set(pictures)
    for packed in pictures.values():
        picture = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape[1] <= 144


def test_frames_are_those_the_sampler_picks_and_small(
    save, draw_numbered_frame, frame_number, tmp_path
):
    frames = [draw_numbered_frame(number, size=(240, 320)) for number in range(30)]
    path = video.write(tmp_path / "v.avi", frames)
    index = SimpleNamespace(table=pd.DataFrame({"video_id": ["v"]}), paths=[path])
    mistaken = predictions.Predictions(["v"], ["g01"], [0], [[0.1, 0.9]], ["A", "B"])
    page = save(mistaken, index=index, sampling=sampling.EveryNth(7))
    film = page.kept["videos"]["v"]["film"]
    shown = [
        cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        for packed in film["frames"]
    ]
    assert [frame_number(frame) for frame in shown] == film["numbers"]
    assert film["numbers"] == sampling.EveryNth(7).indices(30).tolist()
    assert {frame.shape for frame in shown} == {(*film["size"], 3)} == {(168, 224, 3)}


def test_heat_is_that_of_explanation(save, index, frame_cnn):
    from vidlab import explanation

    page = save(model=lambda: frame_cnn, videos=2)
    name, shown = next(iter(page.kept["videos"].items()))
    film, panels = shown["film"], shown["explanation"]["panels"]
    path = dict(zip(index.table["video_id"], index.paths, strict=True))[name]
    frames = video.read_frames(path, film["numbers"], size=(32, 32))
    roles = {one["name"]: one["role"] for one in panels}
    assert roles == {"Jump": "true", "Run": "predicted"}
    for target, panel in enumerate(panels):
        record = explanation.explain(frame_cnn, frames, target=target)
        expected = [
            cv2.resize(one, tuple(panel["size"][::-1]), interpolation=cv2.INTER_AREA)
            for one in record.heat
        ]
        heat = np.frombuffer(panel["heat"], np.uint8)
        np.testing.assert_allclose(heat.reshape(np.shape(expected)) / 255, expected, atol=0.01)
        np.testing.assert_allclose(panel["importance"], record.frame_importance, atol=1e-3)


def test_a_missing_file_is_told_and_another_video_takes_its_place(save, index):
    gone = index.paths[index.table["video_id"].tolist().index("v_Jump_g04_c02")]
    gone.unlink()
    kept = save(videos=6).kept
    (card,) = [card for card in kept["cards"] if card["id"] == "v_Jump_g04_c02"]
    assert "no such file" in card["problem"]
    assert len(kept["videos"]) == 6


def test_videos_outside_the_index_are_counted_and_told(save, mistaken):
    kept = save(index=NOWHERE).kept
    assert kept["videos"] == {}
    problems = {card["problem"] for card in kept["cards"]}
    assert problems == {"This video is not in the index."}


def test_a_model_that_cannot_be_explained_leaves_the_frames_and_says_why(save):
    import keras

    bare = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    (shown,) = save(model=bare, videos=1).kept["videos"].values()
    assert len(shown["film"]["frames"]) == 12
    assert shown["explanation"] == {}
    assert shown["status"]["problem"]
    assert "Expected" in shown["status"]["text"]


def test_names_and_titles_are_escaped(save):
    evil = "</script><b>&amp;"
    mistaken = predictions.Predictions([evil], [evil], [0], [[0.2, 0.8]], [evil, "B"])
    page = save(mistaken, index=NOWHERE, title=evil, about=evil, back=f'"{evil}')
    assert page.kept["table"]["classes"] == [evil, "B"]
    assert page.kept["cards"][0]["id"] == evil
    assert page.words.count(evil) == 3  # twice the title, and what it is about
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not [tag for tag, _ in page.tags if tag == "b"]
    assert ("a", {"href": f'"{evil}'}) in page.tags


def test_the_page_draws_itself_with_the_script_and_the_look_of_the_explorer(save, mistaken):
    page = save(videos=0)
    explorer = widgets.ConfusionExplorer(mistaken)
    body, _, render = str(explorer._esm).rpartition("export default")
    assert body in page.script
    assert f"const explorer ={render}" in page.script
    assert str(explorer._css) in page.text


def test_the_page_names_no_other_file_and_links_back_where_it_is_told_to(save):
    for page, links in ((save(videos=0), []), (save(videos=0, back="index.html"), ["index.html"])):
        assert "://" not in page.text
        assert not any("src" in attributes for _, attributes in page.tags)
        found = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
        assert found == links


def test_the_page_is_small(save, frame_cnn):
    size = save(model=frame_cnn, videos=6).file.stat().st_size
    without = save(model=frame_cnn, videos=0).file.stat().st_size
    assert without < 130_000
    assert size - without < 6 * 40_000


def test_nothing_is_left_in_an_open_notebook(save, monkeypatch):
    monkeypatch.setenv("VIDLAB_WIDGETS", "live")
    before = len(ipywidgets.widgets.widget._instances)
    save(videos=1)
    assert len(ipywidgets.widgets.widget._instances) == before


def test_no_predictions_and_fewer_videos_than_none_are_refused(save):
    with pytest.raises(MetricError, match="videos=-1"):
        save(videos=-1)
    with pytest.raises(MetricError, match="0 predictions"):
        save(predictions.Predictions([], [], [], np.zeros((0, 3)), ["A", "B", "C"]))
