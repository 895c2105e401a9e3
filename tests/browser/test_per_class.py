"""The bars of each class in a real JupyterLab, by mouse and by keyboard."""

import pytest

from tests.browser.conftest import MODEL, VIDEOS

pytestmark = pytest.mark.slow

TWO = ".vl-together:has-text('both wrong')"
MANY = ".vl-together:has-text('this model')"
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
    with open_cells("classes", CELLS, wait_for=(".vl-videos",)) as page:
        page.page.locator(".jp-InputPrompt", has_text="[5]:").wait_for()
        page.scroll_to(".js-plotly-plot .barlayer .point")
        yield page


@pytest.fixture
def two(notebook):
    """Give the explorer of two models, all its classes in sight, in index order."""
    found = notebook.scroll_to(TWO)
    found.get_by_label("find").fill("")
    order(found, "in index order", names=["Jump", "Run", "Wave"])
    found.scroll_into_view_if_needed()
    return found


def order(explorer, text, *, names):
    explorer.get_by_label("classes", exact=True).select_option(text)
    wait_for_classes(explorer, names)


def wait_for_classes(explorer, names):
    """Wait until these classes stand from the top down."""
    in_sight = """labels => labels
        .map(one => [one.getBoundingClientRect().top, one.textContent])
        .sort(([a], [b]) => a - b).map(([_, text]) => text)"""
    for _ in range(100):
        found = explorer.locator(".ytick text").evaluate_all(in_sight)
        if found == names:
            return
        explorer.page.wait_for_timeout(100)
    raise AssertionError(f"{found}, not {names}")


def hover(explorer, name):
    """Point far from the ends of the bars: the whole row is one target."""
    box = explorer.locator(".ytick", has_text=name).bounding_box()
    plot = explorer.locator(".nsewdrag").first.bounding_box()
    for across in (200, 203):
        explorer.page.mouse.move(plot["x"] + across, box["y"] + box["height"] / 2)
    explorer.locator(".hoverlayer", has_text=name).wait_for()


def click(explorer, name):
    hover(explorer, name)
    explorer.page.wait_for_timeout(300)  # clicks that follow one another faster mean another thing
    explorer.page.mouse.down()
    explorer.page.mouse.up()
    listing(explorer, name)


def listing(explorer, text):
    explorer.locator(f".vl-list[data-cell='{text}']").wait_for()


def test_each_class_has_a_bar_a_model_and_their_difference(two, notebook):
    hover(two, "Run")
    words = two.locator(".hoverlayer").text_content()
    assert "frame-vote top-1: 100% (100% to 100%)" in words
    assert "cnn-lstm top-1: 0% (0% to 0%)" in words
    notebook.screenshot("classes", of=TWO)


def test_single_frames_are_counted_where_they_are_chosen(two, notebook):
    per = two.get_by_label("count", exact=True)
    per.select_option("single frames")
    two.locator(".legendtext", has_text="frame-vote top-1 46%").wait_for()
    hover(two, "Wave")
    assert "frame-vote top-1: 38%" in two.locator(".hoverlayer").text_content()
    notebook.screenshot("classes-frames", of=TWO)
    per.focus()
    two.page.keyboard.press("v")
    two.locator(".legendtext", has_text="frame-vote top-1 58%").wait_for()


def test_classes_are_sorted(two):
    order(two, "worst first", names=["Jump", "Wave", "Run"])
    order(two, "greatest gain first", names=["Run", "Wave", "Jump"])


def test_classes_are_found_by_their_name(two):
    search = two.get_by_label("find")
    search.fill("wav, RU")
    wait_for_classes(two, ["Run", "Wave"])
    search.fill("swim")
    problem = two.locator(".vl-status.vl-problem")
    problem.get_by_text('No class has "swim" in its name. Try fewer letters.').wait_for()
    search.fill("")
    wait_for_classes(two, ["Jump", "Run", "Wave"])


def test_a_click_lists_the_errors_and_who_made_them(two):
    click(two, "Wave")
    cards = two.locator(".vl-card")
    assert cards.first.locator(".vl-verdict .vl-is-wrong").all_inner_texts() == ["✗ Jump", "✗ Run"]
    assert cards.count() == 4
    two.get_by_role("button", name="only cnn-lstm wrong").click()
    two.locator(".vl-card >> nth=2").wait_for()
    cards.nth(3).wait_for(state="detached")
    assert "✓ right" in cards.first.inner_text()


def test_a_video_opens_with_both_classes_side_by_side(two, notebook):
    click(two, "Jump")
    two.locator(".vl-card").nth(1).click()
    cam = two.locator(".vl-cam[data-panels='2']")
    cam.wait_for(timeout=60_000)
    captions = cam.locator("figcaption").all_inner_texts()
    assert captions[1].startswith("Jump true")
    assert captions[2].startswith("Run predicted")
    notebook.screenshot("classes-video", of=TWO)


def test_the_whole_path_goes_by_keys(two):
    keyboard = two.page.keyboard
    two.get_by_label("classes", exact=True).focus()
    keyboard.press("w")
    wait_for_classes(two, ["Jump", "Wave", "Run"])
    two.get_by_label("find").focus()
    keyboard.type("wave")
    wait_for_classes(two, ["Wave"])
    two.get_by_label("find").fill("Wave")
    listing(two, "Wave")
    two.locator(".vl-card").first.focus()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowLeft")
    keyboard.press("Enter")
    two.locator(".vl-cam[data-film='v_Wave_g04_c01']").wait_for()
    assert two.page.locator(".jp-Cell").count() == len(CELLS)


def test_a_hundred_classes_are_scrolled_through(notebook):
    page = notebook.page
    many = notebook.scroll_to(MANY)
    last = many.locator(".ytick", has_text="Class100")
    last.scroll_into_view_if_needed()
    assert last.bounding_box()["y"] < page.viewport_size["height"]
    many.scroll_into_view_if_needed()
    notebook.screenshot("classes-many", of=MANY)


def test_the_chart_is_seen_on_a_dark_page(notebook):
    assert notebook.dark_chart("classes-dark") == "rgba(0, 0, 0, 0)"
