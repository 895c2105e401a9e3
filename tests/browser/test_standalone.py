"""The page that needs no kernel, opened from the file system in a browser without a network."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.browser.conftest import MODEL, VIDEOS, write_videos
from tests.browser.driver import SCREENSHOTS, click_cell, pixels
from tests.built import two_streams
from vidlab import evaluation, plots, widgets
from vidlab.data.sampling import Uniform
from vidlab.data.streams import Flow, Rgb
from vidlab.evaluation import predictions
from vidlab.widgets.explorer import page as page_file

pytestmark = pytest.mark.slow

MATRIX = ".vl-matrix"
CAM = ".vl-below .vl-cam"
COUNTED = """([data, chosen]) => {
  const { counts, inCell, videos, held, per, ...table } = confusionTable(data, chosen);
  const cells = table.rows.map((_, row) => table.columns.map((_, column) => inCell(row, column)));
  return { ...table, counts: [...counts], cells };
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write pages: of twelve videos, six of which can be played; and of many videos, none of which
    can, whose classes have awkward names."""
    folder = tmp_path_factory.mktemp("pages")
    write_videos(folder / "videos")
    made = {}
    exec(VIDEOS.replace('"videos"', repr(str(folder / "videos"))), made)
    exec(MODEL, made)
    widgets.save_page(
        made["said"],
        folder / "explore.html",
        index=made["index"],
        model=made["model"],
        videos=6,
        about="a small model on twelve drawn videos",
        back="index.html",
    )
    streams = {
        "rgb": Rgb(Uniform(4), (32, 32), clip=True),
        "flow": Flow(Uniform(4), (32, 32), clip=True, stack=3),
    }
    model = two_streams(3, streams=streams)
    options = {"index": made["index"], "sampling": Uniform(4), "streams": streams}
    widgets.save_page(made["said"], folder / "flow.html", model=model, videos=6, **options)
    nowhere = SimpleNamespace(table=pd.DataFrame({"video_id": []}), paths=[])
    widgets.save_page(many(), folder / "many.html", index=nowhere, videos=0)
    return folder


def many():
    """Answers to 400 videos of 9 classes in 4 groups; many counts and many sures are the same."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 8, 400)  # the last class has no videos
    answers = np.where(rng.random(400) < 0.5, true, rng.integers(0, 9, 400))
    sure = rng.choice([0.6, 0.7, 0.8], 400)
    chances = np.repeat((1 - sure)[:, None] / 8, 9, axis=1)
    chances[np.arange(400), answers] = sure
    return predictions.Predictions(
        [f"v_{number:03d}" for number in range(400)],
        rng.choice(["g01", "g02", "g03", "g04"], 400),
        true,
        chances,
        ["Run", "RunBack", "</script><b>", "Jump", "JumpRope", "Ümit", "a & b", "Sit", "Stand"],
    )


@pytest.fixture(scope="module")
def heard():
    """What pages said in the console, and what they asked the network for."""
    return {"console": [], "requests": []}


@pytest.fixture(scope="module")
def opened(browser, folder, heard):
    """Open a page from the file system, without a network -> page: (name, width=)."""
    contexts = []

    def open_it(name, *, width=1366):
        context = browser.new_context(viewport={"width": width, "height": 820}, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard["console"].append(message.text))
        page.on("pageerror", lambda error: heard["console"].append(str(error)))
        page.on("request", lambda request: heard["requests"].append(request.url))
        page.goto((folder / name).as_uri())
        page.wait_for_selector(f"{MATRIX}[data-first]")
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page(opened):
    return opened("explore.html")


@pytest.fixture(scope="module")
def count(opened):
    """Count a matrix as the page does -> its table: (predictions, order=, group=, search=)."""
    page = opened("many.html")
    page.add_script_tag(content=page_file("confusion.js"))
    return lambda said, **chosen: page.evaluate(
        COUNTED, [widgets.ConfusionExplorer(said).table, chosen]
    )


def listing(page, text):
    page.wait_for_selector(f".vl-list[data-cell='{text}']")


def screenshot(page, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def with_others(whole, *, rows):
    """A part of a confusion matrix, with a column for what is predicted outside of it."""
    part = whole.loc[rows, rows]
    others = whole.loc[rows].drop(columns=rows).sum(axis=1)
    return part if len(rows) == len(whole) else part.assign(**{"(other classes)": others})


@pytest.mark.parametrize("search", ["", "run", "JUMP, ümit", "b>", "stand a", "n t i u s"])
@pytest.mark.parametrize("order", ["index", "accuracy", "clustered"])
@pytest.mark.parametrize("group", ["", "g04"])
def test_the_page_counts_as_evaluation_does(count, order, group, search):
    said = many()
    table = count(said, order=order, group=group, search=search)
    accuracy, whole = (
        evaluation.per_class(said)["top1"],
        evaluation.confusion(said, normalise=False),
    )
    words = search.lower().replace(",", " ").split()
    rows = [one for one in said.classes if not words or any(word in one.lower() for word in words)]
    worst_first = accuracy.sort_values(kind="stable", na_position="last").index
    order_of = {"index": said.classes, "accuracy": worst_first, "clustered": plots.clustered(whole)}
    assert table["rows"] == [one for one in order_of[order] if one in rows]
    if group:  # in the order of all videos
        said = said.of_videos(said.groups == group)
        whole = evaluation.confusion(said, normalise=False)
    expected = with_others(whole, rows=table["rows"])
    assert list(expected) == table["columns"]
    assert table["counts"] == expected.to_numpy().ravel().tolist()
    assert table["sums"] == expected.sum(axis=1).tolist()
    pairs = [(table["rows"][row], table["columns"][column]) for row, column in table["confused"]]
    mistaken = evaluation.most_confused(said, n=len(said))
    inside = mistaken["true"].isin(rows) & mistaken["predicted"].isin(rows)
    assert pairs == list(mistaken[inside][["true", "predicted"]].itertuples(index=False, name=None))


def test_the_page_counts_frames_as_evaluation_does(count):
    said = many()
    videos = np.repeat(np.arange(400), 3)
    rows = np.random.default_rng(1).dirichlet(np.ones(9), 1200)
    frames = predictions.FramePredictions(videos, np.tile([0, 4, 8], 400), rows)
    said = replace(said, frames=frames)
    table = count(said, order="accuracy", search="run, jump", per="frame")
    whole = evaluation.confusion(said, normalise=False, per="frame")
    expected = with_others(whole, rows=table["rows"])
    assert table["counts"] == expected.to_numpy().ravel().tolist()
    assert table["sums"] == expected.sum(axis=1).tolist()
    accuracy = evaluation.per_class(said, per="frame")["top1"][table["rows"]]
    assert accuracy.is_monotonic_increasing


def test_a_cell_holds_its_videos_the_most_probable_first(count):
    said = many()
    table = count(said, order="index", group="g02", search="run, jump")
    probability = said.probabilities.max(axis=1)
    for true, row in zip(table["rows"], table["cells"], strict=True):
        for predicted, videos in zip(table["columns"], row, strict=True):
            is_true = (said.y_true == said.classes.index(true)) & (said.groups == "g02")
            inside = [said.classes.index(name) for name in table["rows"]]
            is_predicted = (
                ~np.isin(said.y_pred, inside)
                if predicted == "(other classes)"
                else said.y_pred == said.classes.index(predicted)
            )
            held = np.flatnonzero(is_true & is_predicted)
            assert videos == held[np.argsort(-probability[held], kind="stable")].tolist()


def test_awkward_names_are_shown_as_they_are(opened):
    page = opened("many.html")
    click_cell(page, 2, 2)
    page.wait_for_selector(".vl-card")
    assert page.locator(".vl-head").inner_text().startswith("</script><b> recognised")


def test_the_page_says_what_it_is_of_what_it_keeps_and_where_it_belongs(page):
    words = page.locator("main").inner_text()
    assert "a small model on twelve drawn videos" in words
    assert "6 of 12 videos can be played here" in words
    assert page.locator("main > a").get_attribute("href") == "index.html"


def test_a_video_opens_in_sight_with_both_classes_side_by_side(page):
    click_cell(page, 0, 1)
    listing(page, "Jump > Run")
    page.wait_for_function("document.querySelector('.vl-card img').naturalWidth > 0")
    page.click(".vl-card[data-video='v_Jump_g02_c01']")
    page.wait_for_selector(f"{CAM}[data-film='v_Jump_g02_c01'][data-panels='2']")
    captions = page.locator(f"{CAM} figcaption").all_inner_texts()
    assert [words.split(" ·")[0] for words in captions] == [
        "the frames",
        "Jump true",
        "Run predicted",
    ]
    page.wait_for_function(
        "document.querySelector('.vl-transport').getBoundingClientRect().bottom < innerHeight"
    )
    first, second = (pixels(page, f"{CAM} figure:nth-child({place}) canvas") for place in (1, 3))
    assert 0 < first != second > 0
    screenshot(page, "offline-video")


def test_only_what_is_kept_can_be_chosen(page):
    cam = page.locator(CAM)
    assert cam.get_by_label("method", exact=True).is_hidden()
    assert cam.get_by_label("layer", exact=True).is_hidden()
    other = cam.get_by_label("beside it", exact=True)
    assert other.locator("option").all_inner_texts() == ["nothing", "Jump", "Run"]
    other.select_option("")
    page.wait_for_selector(f"{CAM}[data-panels='1']")
    other.select_option("Run")
    page.wait_for_selector(f"{CAM}[data-panels='2']")


def test_a_video_that_is_not_kept_says_so_until_another_is_opened(page):
    click_cell(page, 2, 2)
    listing(page, "Wave > Wave")
    card = page.locator(".vl-card", has_text="cannot be played here").first
    name = card.get_attribute("data-video")
    card.click()
    line = page.locator(".vl-confusion > .vl-status")
    page.wait_for_function(
        "([name]) => document.querySelector('.vl-confusion > .vl-status')"
        ".textContent.startsWith(name)",
        arg=[name],
    )
    assert "6 of 12 videos can be played here" in line.inner_text()
    click_cell(page, 0, 1)
    page.click(".vl-card >> nth=0")
    page.wait_for_selector(f"{CAM}[data-panels='2']")
    assert line.inner_text() == ""


def test_the_page_follows_the_browser_from_light_to_dark(page):
    paper = "getComputedStyle(document.querySelector('.vl-confusion')).backgroundColor"
    light = page.evaluate(paper), pixels(page, MATRIX)
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("body[data-jp-theme-light='false']")
    page.wait_for_timeout(100)
    dark = page.evaluate(paper), pixels(page, MATRIX)
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    screenshot(page, "offline-dark")
    page.emulate_media(color_scheme="light")


def test_a_narrow_window_is_not_overrun(opened):
    page = opened("explore.html", width=800)
    page.click(".vl-next")
    page.wait_for_selector(".vl-card")
    page.click(".vl-card >> nth=0")
    page.wait_for_selector(f"{CAM}[data-panels='2']")
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    screenshot(page, "offline-narrow")


def test_the_heat_of_a_flow_stream_lies_on_the_flow_beside_that_of_the_picture(opened):
    page = opened("flow.html")
    click_cell(page, 0, 1)
    listing(page, "Jump > Run")
    page.click(".vl-card >> nth=0")
    page.wait_for_selector(f"{CAM}[data-panels='4']")
    captions = page.locator(f"{CAM} figcaption").all_inner_texts()
    for caption, words in zip(
        captions[1:],
        [("Jump", "on rgb"), ("Jump", "on flow"), ("Run", "on rgb"), ("Run", "on flow")],
        strict=True,
    ):
        assert all(word in caption for word in words)
    page.locator(f"{CAM} .vl-opacity").fill("0")  # what lies below the heat
    page.wait_for_timeout(300)
    below = [pixels(page, f"{CAM} figure:nth-child({place}) canvas") for place in range(1, 6)]
    frame, flow = below[0], below[2]
    assert below == [frame, frame, flow, frame, flow]
    assert flow != frame
    page.locator(f"{CAM} .vl-opacity").fill("75")
    screenshot(page, "offline-flow")
    page.locator(f"{CAM} select[aria-label='beside it']").select_option("")
    page.wait_for_selector(f"{CAM}[data-panels='2']")
    captions = page.locator(f"{CAM} figcaption").all_inner_texts()
    assert all(caption.startswith("Jump") for caption in captions[1:])


def test_nothing_was_fetched_and_nothing_complained_about(heard):
    assert all(url.startswith(("file:///", "blob:null/")) for url in heard["requests"])
    assert sum(url.startswith("file:") for url in heard["requests"]) == 5
    assert heard["console"] == []
