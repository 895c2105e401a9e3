"""The explorer of one's own video in a real JupyterLab, by mouse, keys and an uploaded file."""

import numpy as np
import pytest

from tests.browser.conftest import MODEL, VIDEOS
from vidlab.data import video

pytestmark = pytest.mark.slow

WATCH = ".vl-watch"
CELLS = (
    VIDEOS,
    MODEL,
    """
from vidlab.data.sampling import Uniform
from vidlab.evaluation.timeline import VideoPredictor
predictors = {name: VideoPredictor(model, classes=index.classes, sampling=Uniform(count))
            for name, count in (("first", 6), ("second", 9))}
""",
    "vidlab.widgets.TimelineExplorer(predictors, index)",
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    with open_cells("timeline", CELLS, wait_for=(f"{WATCH}[data-steps='6']",)) as page:
        yield page


@pytest.fixture
def page(notebook):
    notebook.page.locator(WATCH).scroll_into_view_if_needed()
    return notebook.page


def answers(page):
    """The rows beside the frame: names and shares."""
    return page.locator(f"{WATCH} .vl-row").all_inner_texts()


def click_chart(page, share):
    first, last, middle = map(float, page.locator(".vl-chart").get_attribute("data-first").split())
    page.locator(".vl-chart").click(position={"x": first + share * (last - first), "y": middle})


def test_a_click_in_the_chart_goes_to_that_frame(page, notebook):
    assert len(answers(page)) == 3
    assert "The whole video: " in page.locator(f"{WATCH} .vl-whole").inner_text()
    click_chart(page, 0.6)
    page.wait_for_selector(f"{WATCH}[data-frame='3']")
    assert "4 of 6" in page.locator(f"{WATCH} .vl-clock").first.inner_text()
    notebook.screenshot("timeline", of=".jp-OutputArea-output:has(.vl-watch)")


def test_keys_go_from_frame_to_frame_and_play(page):
    page.locator(".vl-chart").focus()
    click_chart(page, 0)
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{WATCH}[data-frame='1']")
    page.keyboard.press("Space")
    page.wait_for_selector(f"{WATCH}:not([data-frame='1'])")
    page.keyboard.press("Space")
    assert page.locator(f"{WATCH} .vl-play").first.get_attribute("aria-label") == "Play"
    assert page.locator(".jp-Cell").count() == 4


def test_another_model_and_more_frames_are_asked(page):
    page.get_by_label("model", exact=True).select_option("second")
    page.wait_for_selector(f"{WATCH}[data-model='second'][data-steps='9']")
    page.get_by_label("sees", exact=True).select_option("8 frames")
    page.wait_for_selector(f"{WATCH}[data-steps='8']")


def test_where_it_looked_opens_below(page, notebook):
    page.get_by_role("button", name="Where did it look?").click()
    page.wait_for_selector(".vl-cam[data-panels='1']", timeout=60_000)
    page.get_by_label("beside it", exact=True).select_option("Wave")
    page.locator(".vl-cam figcaption", has_text="Wave").first.wait_for(timeout=60_000)
    page.wait_for_timeout(500)
    notebook.screenshot("timeline-heat", of=".jp-OutputArea-output:has(.vl-watch)")


def test_a_file_of_ones_own_is_uploaded_in_pieces_and_watched(page, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (30, 240, 320, 3), np.uint8)
    file = video.write(tmp_path / "mine.avi", noise)
    assert file.stat().st_size > 2**20  # more than one piece
    page.locator(f"{WATCH} input[type=file]").set_input_files(file)
    page.wait_for_selector(f"{WATCH}[data-video='mine'][data-steps='8']", timeout=30_000)
    chosen = page.get_by_label("video", exact=True)
    assert chosen.input_value() == "mine.avi"
