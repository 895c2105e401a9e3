"""The explorer of filters in a real JupyterLab, by mouse and by keyboard."""

import pytest

from tests.browser.conftest import MODEL, VIDEOS

pytestmark = pytest.mark.slow

LOOK = ".vl-look[data-layer]"
CELLS = (
    VIDEOS,
    MODEL + "before = keras.models.clone_model(model)\n",
    "vidlab.widgets.FilterExplorer(model, before=before, frames=index, classes=index.classes,"
    " steps=2, seconds=60)",
    """
bare = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
vidlab.widgets.FilterExplorer(bare)""",
    'vidlab.widgets.FilterExplorer(model, frames=["gone.avi"], layer="last", number=3, steps=1)',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    """Run explorers of a model, of one without filters, and of one without frames."""
    told = (".vl-look.vl-empty .vl-problem", ".vl-look .vl-hint.vl-problem")
    drawn = (f"{LOOK}[data-made='8'][data-going=false]", *told)
    with open_cells("filters", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def page(notebook):
    """Give the page, its first explorer at the filters of the first layer."""
    notebook.page.locator(LOOK).first.scroll_into_view_if_needed()
    layer(notebook.page, "first")
    return notebook.page


def layer(page, name, *, made=8):
    page.locator(f"{LOOK} .vl-layer[data-layer={name}]").first.click()
    waits(page, f"[data-layer={name}][data-made='{made}'][data-going=false]")


def waits(page, state):
    page.wait_for_function(
        "state => document.querySelector('.vl-look').matches(state)", arg=state, timeout=60_000
    )


def first(page, selector):
    return page.locator(LOOK).first.locator(selector)


def opens(page, name, number):
    waits(page, f"[data-opened='{name} {number}'][data-whole=true]")
    first(page, ".vl-detail .vl-shot").first.wait_for()


def pixels(locator):
    """The sum over all pixels of a canvas."""
    return locator.evaluate(
        "one => one.getContext('2d').getImageData(0, 0, one.width, one.height)"
        ".data.reduce((sum, value) => sum + value, 0)"
    )


def test_layers_stand_in_a_row_from_kernels_to_classes(page):
    names = first(page, ".vl-layer").evaluate_all("all => all.map((one) => one.dataset.layer)")
    assert names == ["kernels", "first", "last", "scores"]
    assert "16×16 · 8" in first(page, ".vl-layer").nth(1).inner_text()
    heights = first(page, ".vl-block").evaluate_all("all => all.map((one) => one.offsetHeight)")
    assert heights[1] > heights[2]


def test_a_click_opens_a_filter_with_its_frames_and_what_it_was(page, notebook):
    first(page, ".vl-filter[data-filter='5']").click()
    opens(page, "first", 5)
    captions = first(page, ".vl-detail figcaption").all_inner_texts()
    assert [text.split(":")[0] for text in captions[:3]] == [
        "before",
        "before, other noise",
        "now",
    ]
    assert "r = " in first(page, ".vl-detail .vl-head").inner_text()
    assert first(page, ".vl-shot").count() == 4
    assert pixels(first(page, ".vl-shot canvas").first) > 0
    assert first(page, ".vl-strip button").count() == 24
    assert "24 frames of 12 of 12 videos" in first(page, ".vl-detail").inner_text()
    notebook.screenshot("filters", of=LOOK)


def test_another_frame_is_chosen_by_mouse_and_by_keys(page):
    first(page, ".vl-filter[data-filter='2']").click()
    opens(page, "first", 2)
    drawn = first(page, ".vl-detail canvas.vl-pixels")
    first(page, ".vl-strip button[data-place='3']").click()
    waits(page, "[data-place='3']")
    page.wait_for_timeout(100)
    at_three = pixels(drawn)
    first(page, ".vl-strip").focus()
    for place in (4, 5):
        page.keyboard.press("ArrowRight")
        waits(page, f"[data-place='{place}']")
    page.wait_for_timeout(100)
    assert pixels(drawn) != at_three
    shot = first(page, ".vl-shot").first
    frame = shot.get_attribute("data-frame")
    shot.click()
    waits(page, f"[data-place='{frame}']")


def test_the_whole_path_goes_by_keys_and_the_notebook_stays_where_it_is(page):
    first(page, ".vl-filter[data-filter='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".vl-filter[data-filter='6']:focus")
    page.keyboard.press("Enter")
    opens(page, "first", 6)
    page.wait_for_selector(".vl-strip:focus")
    page.keyboard.press("Escape")
    page.wait_for_selector(".vl-filter[data-filter='6']:focus")
    page.keyboard.press("]")
    waits(page, "[data-layer=last][data-going=false]")
    page.wait_for_selector(".vl-filter[data-filter='0']:focus")
    page.keyboard.press("[")
    waits(page, "[data-layer=first]")
    page.keyboard.press("[")
    waits(page, "[data-layer=kernels]")
    page.locator(".vl-status").get_by_text("8 kernels").wait_for()
    page.keyboard.press("[")
    page.locator(".vl-status").get_by_text("This is the first layer.").wait_for()
    assert page.locator(".jp-Cell").count() == 5


def test_kernels_keep_their_pixels(page):
    layer(page, "kernels")
    kernel = first(page, ".vl-filter img").first
    assert kernel.evaluate("one => one.naturalWidth") == 3
    assert kernel.evaluate("one => getComputedStyle(one).imageRendering") == "pixelated"


def test_classes_are_found_by_name(page):
    layer(page, "scores", made=3)
    find = first(page, "input[type=search]")
    find.fill("wav")
    find.press("Enter")
    waits(page, "[data-opened='scores 2'][data-whole=true]")
    assert first(page, ".vl-detail .vl-head").inner_text() == "Wave"
    assert "no map" in first(page, ".vl-detail .vl-hint").inner_text()


def test_a_filter_that_does_not_exist_is_told(page):
    find = first(page, "input[type=search]")
    find.fill("8")
    find.press("Enter")
    told = first(page, ".vl-status.vl-problem")
    assert told.inner_text() == "There is no filter 8: they go from 0 to 7."
    find.fill("")


def test_filters_are_ordered_by_their_change_and_any_layer_is_chosen(page):
    first(page, "select[aria-label=order]").select_option("change")
    waits(page, "[data-order=change]")
    shown = first(page, ".vl-filter .vl-note").all_inner_texts()
    r = [float(text.removeprefix("r ").replace("−", "-")) for text in shown if text]
    assert len(r) >= 2
    assert r == sorted(r)
    first(page, "select[aria-label=order]").select_option("number")
    waits(page, "[data-order=number]")


def test_what_cannot_be_looked_into_is_told_in_its_place(page):
    bare = page.locator(".vl-look.vl-empty .vl-status").inner_text()
    assert "no filters to look into" in bare
    assert "gone.avi (no such file)" in page.locator(".vl-hint.vl-problem").inner_text()


def test_the_explorer_follows_the_theme(page, notebook):
    paper = "one => getComputedStyle(one).backgroundColor"
    light = first(page, ".vl-filter").first.evaluate(paper)
    notebook.theme("JupyterLab Dark")
    page.wait_for_selector("[data-jp-theme-light=false]", state="attached")
    page.wait_for_timeout(500)
    assert first(page, ".vl-filter").first.evaluate(paper) != light
    notebook.screenshot("filters-dark", of=LOOK)
    notebook.theme("JupyterLab Light")


def test_nothing_was_complained_about_in_the_console(notebook):
    assert notebook.errors == []
