"""The explorer of filters in a real JupyterLab, by mouse and by keyboard."""

import pytest

from tests.browser.conftest import MODEL, VIDEOS

pytestmark = pytest.mark.slow

CELLS = (
    VIDEOS,
    MODEL + "before = keras.models.clone_model(model)\n",
    "vidlab.widgets.FilterExplorer(model, before=before, frames=index, classes=index.classes,"
    " steps=2, seconds=60)",
    """
bare = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
vidlab.widgets.FilterExplorer(bare)""",
    """
import shutil
gone = vidlab.load_index(shutil.copytree("videos", "gone"))
shutil.rmtree("gone")
vidlab.widgets.FilterExplorer(model, frames=gone, layer="last", number=3, steps=1)""",
)
OUTPUT = ".jp-OutputArea-output"


@pytest.fixture(scope="module")
def notebook(open_cells):
    """Run explorers of a model, of one without filters, and of one without frames."""
    drawn = (".vl-gallery button:nth-child(8) img[src]", f"{OUTPUT}:has-text('no such file')")
    with open_cells("filters", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def explorer(notebook):
    """Give the first explorer, at the filters of the first layer."""
    found = notebook.page.locator(OUTPUT).first
    found.scroll_into_view_if_needed()
    choose_layer(found, "first · 16×16 · 8 ★", filters=8)
    return found


def choose_layer(explorer, name, *, filters):
    explorer.get_by_label("layer", exact=True).select_option(name)
    explorer.get_by_text(f"{filters} filters.", exact=True).wait_for()


def galleries(explorer):
    """Give the grid of filters, the large images, the strongest frames, and their maps."""
    return [explorer.locator(".vl-gallery").nth(number) for number in range(4)]


def tiles(gallery):
    return gallery.get_by_role("button")


def test_a_click_opens_a_filter_with_its_frames_and_what_it_was(explorer, notebook):
    grid, large, strongest, maps = galleries(explorer)
    tiles(grid).nth(5).click()
    explorer.get_by_text("filter 5 of first, r = ").wait_for()
    captions = [text.split(":")[0] for text in tiles(large).all_inner_texts()]
    assert captions == ["before", "before, other noise", "now"]
    assert [tiles(gallery).count() for gallery in (strongest, maps)] == [4, 4]
    assert "24 frames of 12 of 12 videos" in explorer.inner_text()
    notebook.screenshot("filters", of=OUTPUT)


def test_the_whole_path_goes_by_keys_and_the_notebook_stays_where_it_is(explorer, notebook):
    page, (grid, *_) = notebook.page, galleries(explorer)
    cells = page.locator(".jp-Cell").count()
    tiles(grid).first.focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    across = grid.evaluate("one => getComputedStyle(one).gridTemplateColumns.split(' ').length")
    explorer.get_by_text(f"filter {1 + across} of first").wait_for()
    explorer.get_by_label("layer", exact=True).focus()
    page.keyboard.press("s")
    explorer.get_by_text("3 classes.", exact=True).wait_for()
    tiles(grid).nth(2).click()
    explorer.get_by_text("A class has no map").wait_for()
    assert explorer.locator(".widget-html b").inner_text() == "Wave"
    assert page.locator(".jp-Cell").count() == cells


def test_what_cannot_be_explored_is_told_in_its_place(notebook):
    notebook.page.get_by_text("no filters to look into").wait_for()
    notebook.page.get_by_text("(no such file)").wait_for()


def test_the_explorer_follows_the_theme(explorer, notebook):
    paper = "one => getComputedStyle(one).backgroundColor"
    tile = tiles(galleries(explorer)[0]).first
    light = tile.evaluate(paper)
    with notebook.dark():
        assert tile.evaluate(paper) != light
        notebook.screenshot("filters-dark", of=OUTPUT)
