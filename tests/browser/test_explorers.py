"""The explorers in a real JupyterLab, by mouse and by keyboard, as the page shows them."""

import pytest

from tests.browser.conftest import MODEL, VIDEOS
from tests.browser.driver import click_cell, pixels

pytestmark = pytest.mark.slow

MATRIX = ".vl-confusion .vl-matrix"
CAM = ".vl-below .vl-cam"
CELLS = (
    VIDEOS,
    "vidlab.widgets.ConfusionExplorer(said, index=index, model=lambda: model)",
    MODEL,
    'vidlab.widgets.CamExplorer(model, "gone.avi", classes=index.classes)',
    'vidlab.widgets.CamExplorer(model, index.paths[0], classes=index.classes, targets=["Run"])',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    """Run a notebook of both explorers, one of which is given a file that does not exist."""
    drawn = (".vl-confusion[data-rows='3']", ".vl-cam[data-panels='1']")
    with open_cells("explore", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def page(notebook):
    """Give the page, its matrix in sight and as it was at first."""
    notebook.page.locator(MATRIX).scroll_into_view_if_needed()
    return notebook.page


def listing(page, text):
    page.wait_for_selector(f".vl-confusion .vl-list[data-cell='{text}']")


def wait_for_text(page, selector, text):
    page.locator(selector, has_text=text).first.wait_for(timeout=30_000)


def test_a_click_on_a_cell_lists_its_videos(page, notebook):
    click_cell(page, 0, 1)
    listing(page, "Jump > Run")
    tip = page.locator(".vl-columns .vl-tip").inner_text()
    assert tip == "Jump taken for Run: 4 of 4 videos (100%)"
    assert page.locator(".vl-card img").count() == 4
    assert page.locator(".vl-card img").first.evaluate("one => one.naturalWidth") > 0
    assert "70%" in page.locator(".vl-card").first.inner_text()
    notebook.screenshot("cell")
    click_cell(page, 1, 2)
    listing(page, "Run > Wave")
    assert page.locator(".vl-card").count() == 0
    assert page.locator(".vl-list").get_by_text("This cell is empty.").is_visible()


def test_a_video_opens_with_both_classes_side_by_side(page, notebook):
    click_cell(page, 0, 1)
    listing(page, "Jump > Run")
    page.click(".vl-card >> nth=1")
    page.wait_for_selector(f"{CAM}[data-panels='2']", timeout=60_000)
    captions = page.locator(f"{CAM} figcaption").all_inner_texts()
    assert captions[0] == "the frames"
    assert captions[1].startswith("Jump true")
    assert captions[2].startswith("Run predicted")
    assert pixels(page, f"{CAM} figure:nth-child(1) canvas") > 0
    notebook.screenshot("video")


def test_more_heat_changes_the_picture_and_none_leaves_the_frame(page):
    first, second = (f"{CAM} figure:nth-child({place}) canvas" for place in (1, 3))
    slider = page.locator(f"{CAM} .vl-opacity")
    slider.fill("100")
    page.wait_for_function(
        "([slider]) => document.querySelector(slider).value === '100'", arg=[f"{CAM} .vl-opacity"]
    )
    page.wait_for_timeout(100)
    assert pixels(page, first) != pixels(page, second)
    slider.fill("0")
    page.wait_for_timeout(100)
    assert pixels(page, first) == pixels(page, second)
    slider.fill("75")


def test_the_timeline_is_clicked_and_the_keys_step(page):
    timeline = page.locator(f"{CAM} .vl-timeline")
    box = timeline.bounding_box()
    timeline.click(position={"x": box["width"] - 20, "y": 30})
    page.wait_for_selector(f"{CAM}[data-frame='15']")
    page.locator(f"{CAM} .vl-play").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f"{CAM}[data-frame='14']")
    page.keyboard.press("Space")
    page.wait_for_selector(f"{CAM}:not([data-frame='14'])")
    page.keyboard.press("Space")
    assert page.locator(f"{CAM} .vl-play").get_attribute("aria-label") == "Play"


def test_another_class_and_another_method_are_chosen(page):
    page.locator(CAM).get_by_label("beside it", exact=True).select_option("Wave")
    wait_for_text(page, f"{CAM} figcaption", "Wave")
    page.locator(CAM).get_by_label("method", exact=True).select_option("saliency")
    page.wait_for_selector(f"{CAM} figcaption[title*='reacts to']")


def test_the_whole_path_goes_by_keys_and_the_notebook_stays_where_it_is(page):
    page.locator(MATRIX).focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".vl-confusion[data-cell='Wave > Jump']")
    assert page.locator(".vl-spoken").inner_text().startswith("Wave taken for Jump: 1 of 4")
    page.keyboard.press("Enter")
    listing(page, "Wave > Jump")
    page.wait_for_selector(".vl-card:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{CAM}[data-film='v_Wave_g04_c01'][data-panels='2']")
    page.keyboard.press("Escape")
    page.wait_for_selector(f"{MATRIX}:focus")
    page.keyboard.press("n")
    listing(page, "Jump > Run")
    assert page.locator(".jp-Cell").count() == 5


def test_classes_are_filtered_ordered_and_shown_as_shares(page):
    page.fill(".vl-confusion input[type=search]", "jump, wave")
    page.wait_for_selector(".vl-confusion[data-rows='2']")
    page.fill(".vl-confusion input[type=search]", "swim")
    wait_for_text(page, ".vl-confusion > .vl-status.vl-problem", "Try fewer letters")
    page.fill(".vl-confusion input[type=search]", "")
    page.wait_for_selector(".vl-confusion[data-rows='3']")
    page.get_by_label("numbers", exact=True).select_option("share")
    page.get_by_label("classes", exact=True).select_option("accuracy")
    page.wait_for_selector(".vl-confusion[data-order='accuracy']")


def test_single_frames_are_counted_where_they_are_chosen(page, notebook):
    page.get_by_label("count", exact=True).select_option("frame")
    page.wait_for_selector(".vl-confusion[data-per='frame']")
    wait_for_text(page, ".vl-confusion > .vl-status", "24 frames of 12 videos, 3 classes.")
    page.get_by_label("classes", exact=True).select_option("index")
    click_cell(page, 2, 1)
    listing(page, "Wave > Run")
    tip = page.locator(".vl-columns .vl-tip").inner_text()
    assert tip == "Wave taken for Run: 4 of 8 frames (50%)"
    assert "taken in some frames for Run" in page.locator(".vl-head").inner_text()
    assert page.locator(".vl-card").count() == 4
    notebook.screenshot("cell-frames")
    page.get_by_label("count", exact=True).select_option("video")
    page.wait_for_selector(".vl-confusion[data-per='video']")


def test_a_missing_file_is_a_sentence_in_its_place(page):
    wait_for_text(page, ".jp-Cell .vl-cam .vl-problem", "gone.avi (no such file)")


def test_the_explorers_follow_the_theme(page, notebook):
    paper = "one => getComputedStyle(one).backgroundColor"
    light = page.locator(".vl-confusion").evaluate(paper)
    with notebook.dark():
        assert page.locator(".vl-confusion").evaluate(paper) != light
        page.locator(MATRIX).scroll_into_view_if_needed()
        notebook.screenshot("dark")
