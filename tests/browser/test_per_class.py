"""The bars of each class in a real JupyterLab, by mouse and by keyboard."""

import pytest

from tests.browser.conftest import MODEL, VIDEOS
from vidlab import plots

pytestmark = pytest.mark.slow

TWO = ".vl-per-class.vl-two"
ROWS = f"{TWO} .vl-rows"
CAM = f"{TWO} .vl-below .vl-cam"
CELLS = (
    VIDEOS,
    MODEL,
    """
from dataclasses import replace
turned = replace(said, probabilities=np.roll(said.probabilities, 1, axis=1))
compared = vidlab.widgets.PerClassExplorer(
    said, against=turned, names=("frame-vote", "cnn-lstm"), index=index, model=model)
compared""",
    """
draw = np.random.default_rng(0)
chances = draw.dirichlet(np.ones(101), 303)
vidlab.widgets.PerClassExplorer(vidlab.predictions.Predictions(
    [f"v{i}" for i in range(303)], [f"g{i // 101}" for i in range(303)], np.arange(303) % 101,
    chances, [f"Class{i:03d}" for i in range(101)]))""",
    'compared.order = "best"',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    drawn = (f"{TWO}[data-rows='3'][data-order='best']", ".vl-per-class[data-rows='101']")
    with open_cells("classes", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def page(notebook):
    """Give the page, with all classes of the first explorer in sight, in index order."""
    notebook.page.locator(f"{TWO} input[type=search]").fill("")
    order(notebook.page, "index")
    notebook.page.locator(ROWS).scroll_into_view_if_needed()
    return notebook.page


def order(page, name, *, of=TWO):
    page.locator(of).get_by_label("classes", exact=True).select_option(name)
    page.wait_for_selector(f"{of}[data-order='{name}']")


def names(page, *, of=TWO):
    return page.locator(f"{of} .vl-rows .vl-class").all_inner_texts()


def listing(page, text):
    page.wait_for_selector(f"{TWO} .vl-list[data-cell='{text}']")


def test_each_class_has_a_bar_a_model_and_their_difference(page, notebook):
    row = page.locator(f"{ROWS} .vl-row[data-name='Run']")
    assert row.locator(".vl-values span").all_inner_texts() == ["100%", "0%"]
    assert row.locator(".vl-number").last.inner_text() == "+100"
    track, bar = (
        row.locator(f".vl-bars >> nth=0 {inner}").bounding_box()["width"]
        for inner in (">> xpath=.", ">> .vl-top1")
    )
    assert bar == pytest.approx(track)
    row.hover()
    told = page.locator(f"{TWO} .vl-tip").inner_text()
    assert told.startswith("Run: 4 videos of 4 groups\nframe-vote: top-1 100% (100–100%)")
    assert told.endswith("difference: +100 points (+100 to +100)")
    notebook.screenshot("classes", of=TWO)


def test_classes_are_sorted_and_the_kernel_knows_the_order(page):
    assert names(page) == ["Jump", "Run", "Wave"]
    order(page, "worst")
    assert names(page) == ["Jump", "Wave", "Run"]
    order(page, "gains")
    assert names(page)[0] == "Run"


def test_classes_are_found_by_their_name(page):
    search = page.locator(f"{TWO} input[type=search]")
    search.fill("wav, RU")
    assert names(page) == ["Run", "Wave"]
    search.fill("swim")
    told = page.locator(f"{TWO} > .vl-status.vl-problem").inner_text()
    assert told == 'No class has "swim" in its name. Try fewer letters.'
    search.fill("")
    assert len(names(page)) == 3
    assert page.locator(f"{TWO} > .vl-status.vl-problem").count() == 0


def test_a_click_lists_the_errors_and_who_made_them(page):
    page.click(f"{ROWS} .vl-row[data-name='Wave']")
    listing(page, "Wave")
    first = page.locator(f"{TWO} .vl-card").first
    assert first.locator(".vl-verdict").all_inner_texts() == ["✗ Jump", "✗ Run"]
    assert page.locator(f"{TWO} .vl-card").count() == 4
    page.click(f"{TWO} .vl-kind[data-kind='second']")
    listing(page, "Wave second")
    assert page.locator(f"{TWO} .vl-card").count() == 3
    assert "✓ right" in page.locator(f"{TWO} .vl-card").first.inner_text()


def test_a_video_opens_with_both_classes_side_by_side(page, notebook):
    page.click(f"{ROWS} .vl-row[data-name='Jump']")
    listing(page, "Jump")
    page.click(f"{TWO} .vl-card >> nth=1")
    page.wait_for_selector(f"{CAM}[data-panels='2']", timeout=60_000)
    captions = page.locator(f"{CAM} figcaption").all_inner_texts()
    assert captions[1].startswith("Jump true")
    assert captions[2].startswith("Run predicted")
    notebook.screenshot("classes-video", of=TWO)


def test_the_whole_path_goes_by_keys(page):
    page.locator(ROWS).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(f"{TWO}[data-at='Run']")
    page.keyboard.press("/")
    page.wait_for_selector(f"{TWO} input[type=search]:focus")
    page.keyboard.type("wave")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{ROWS}:focus")
    page.keyboard.press("Enter")
    listing(page, "Wave")
    page.wait_for_selector(f"{TWO} .vl-card:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{CAM}[data-film='v_Wave_g04_c01']")
    page.locator(f"{TWO} .vl-kind[data-kind='second']").focus()
    page.keyboard.press("Enter")
    listing(page, "Wave second")
    page.wait_for_selector(f"{TWO} .vl-card:focus")
    page.keyboard.press("Escape")
    page.wait_for_selector(f"{ROWS}:focus")
    assert page.locator(".jp-Cell").count() == len(CELLS)


def test_a_hundred_classes_scroll_with_the_keys(page):
    one = ".vl-per-class.vl-many"
    rows = page.locator(f"{one} .vl-rows")
    rows.focus()
    page.keyboard.press("End")
    page.wait_for_selector(f"{one}[data-at='Class100']")
    assert rows.evaluate("one => one.scrollTop") > 0
    last = rows.locator(".vl-at")
    assert last.locator(".vl-class").inner_text() == "Class100"
    inside = last.evaluate(
        "one => one.getBoundingClientRect().bottom"
        " <= one.parentElement.getBoundingClientRect().bottom + 1"
    )
    assert inside
    order(page, "best", of=one)
    assert rows.evaluate("one => one.scrollTop") == 0


def test_bars_follow_the_theme(page, notebook):
    paint = "one => getComputedStyle(one).backgroundColor"
    bar = page.locator(f"{ROWS} .vl-top1 >> nth=0")
    try:
        notebook.theme("JupyterLab Dark")
        page.wait_for_selector("[data-jp-theme-light=false]", state="attached")
        notebook.screenshot("classes-dark", of=TWO)
        dark = bar.evaluate(paint)
    finally:
        notebook.theme("JupyterLab Light")
    page.wait_for_selector("[data-jp-theme-light=true]", state="attached")
    red, green, blue = bytes.fromhex(plots.class_colours(["frame-vote"])["frame-vote"][1:])
    light = f"rgb({red}, {green}, {blue})"
    page.wait_for_function(
        "([bar, light]) => getComputedStyle(document.querySelector(bar)).backgroundColor === light",
        arg=[f"{ROWS} .vl-top1", light],
    )
    assert dark != light


def test_nothing_was_complained_about_in_the_console(notebook):
    assert notebook.errors == []
