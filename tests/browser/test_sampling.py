"""The explorers of sampling and augmentation in a real JupyterLab, by mouse and by keyboard.

They share a notebook, so that only one kernel is started. The videos have 12 frames, each of which
tells its number.
"""

import base64

import cv2
import numpy as np
import pytest

from tests.browser.conftest import VIDEOS
from tests.conftest import number_of
from vidlab.data import sampling

pytestmark = pytest.mark.slow

CELLS = (
    VIDEOS,
    "vidlab.widgets.SamplingExplorer(index)",
    "vidlab.widgets.AugmentExplorer(index, sampling=vidlab.sampling.Uniform(6), seed=3)",
    'vidlab.widgets.SamplingExplorer("gone.avi")',
)
OUTPUT = ".jp-OutputArea-output"


@pytest.fixture(scope="module")
def notebook(open_cells):
    """Run a notebook of both explorers, and of one that is given a file that does not exist."""
    chart = ".js-plotly-plot .trace path"
    drawn = (chart, ".vl-gallery img[src]", f"{OUTPUT}:has-text('gone.avi')")
    with open_cells("sampling", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def picks(notebook):
    """Give the explorer of samplers, in sight."""
    return in_sight(notebook, 0)


@pytest.fixture
def varied(notebook):
    """Give the explorer of augmentation, in sight."""
    return in_sight(notebook, 1)


def in_sight(notebook, number):
    explorer = notebook.page.locator(OUTPUT).nth(number)
    explorer.scroll_into_view_if_needed()
    return explorer


def picture(image):
    """What an image shows: uint8, (height, width, 3)."""
    url = image.evaluate(
        "async (one) => { await one.decode(); const canvas = document.createElement('canvas');"
        " [canvas.width, canvas.height] = [one.naturalWidth, one.naturalHeight];"
        " canvas.getContext('2d').drawImage(one, 0, 0); return canvas.toDataURL(); }"
    )
    packed = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    return cv2.cvtColor(cv2.imdecode(packed, 1), cv2.COLOR_BGR2RGB)


def gallery(explorer, number):
    return explorer.locator(".vl-gallery").nth(number)


def wait_for_picks(explorer, sampler):
    """Wait until the frames of a sampler are shown; their numbers can be read in them."""
    numbers = sampler.indices(12).tolist()
    explorer.page.wait_for_function(
        "([one, numbers]) => [...one.querySelectorAll('span')]"
        ".map((caption) => parseInt(caption.textContent)).join() === numbers.join()",
        arg=[gallery(explorer, 0).element_handle(), numbers],
    )
    assert number_of(picture(gallery(explorer, 0).locator("img").first)) == numbers[0]


def point(explorer, row, frame):
    """Return where a frame stands in a row of the chart."""
    return explorer.locator(".js-plotly-plot").evaluate(
        "(one, [row, frame]) => { const { xaxis, yaxis } = one._fullLayout;"
        " return { x: xaxis._offset + xaxis.d2p(frame), y: yaxis._offset + yaxis.d2p(row) }; }",
        [row, frame],
    )


def row(explorer, name):
    explorer.locator(".widget-toggle-button", has_text=name).click()


def test_each_row_shows_the_picks_of_its_sampler(picks, notebook):
    wait_for_picks(picks, sampling.Uniform(16))
    facts = picks.locator(".annotation-text").first.text_content()
    assert facts == "16 frames, 100% of allno gap4 frames repeated"
    notebook.screenshot("sampling", of=OUTPUT)
    row(picks, "EveryNth")
    wait_for_picks(picks, sampling.EveryNth(4))


def test_a_slider_changes_the_picks_by_keys(picks):
    row(picks, "EveryNth")
    picks.locator(".widget-slider", has_text="step").locator("[role=slider]").press("ArrowRight")
    wait_for_picks(picks, sampling.EveryNth(5))
    picks.get_by_text("EveryNth(step=5)").wait_for()


def test_training_draws_again_by_keys(picks):
    row(picks, "Segments")
    draw = picks.get_by_label("random draw")
    shown = set()
    for _ in range(4):
        shown.add(gallery(picks, 0).inner_text())
        draw.press("ArrowUp")
        picks.page.wait_for_timeout(300)
    assert len(shown) > 1
    draw.fill("0")
    draw.press("Enter")
    wait_for_picks(picks, sampling.Segments(8))


def test_a_click_on_a_tick_chooses_its_row(picks):
    chart = picks.locator(".js-plotly-plot")
    chart.hover(position=point(picks, 5, 7))
    picks.locator(".hoverlayer", has_text="frame 7").wait_for()
    chart.click(position=point(picks, 5, 6))
    wait_for_picks(picks, sampling.AllFrames())


def test_picks_are_chosen_by_click_and_keys_and_played(picks):
    row(picks, "Reordered")
    wait_for_picks(picks, sampling.Reordered(sampling.Uniform(16), "reversed"))
    gallery(picks, 0).get_by_role("button").nth(8).click()
    picks.get_by_text("pick 9 of 16").wait_for()
    picks.page.keyboard.press("ArrowRight")
    picks.page.keyboard.press("ArrowRight")
    picks.get_by_text("pick 11 of 16").wait_for()
    play = picks.locator(".widget-play button").first
    play.click()
    picks.get_by_text("pick 13 of 16").wait_for()
    play.click()


def test_a_missing_file_is_told_in_its_place(notebook):
    notebook.page.get_by_text("gone.avi (no such file)").wait_for()


def difference(varied):
    """How far the augmented frame is from the frame as it is, a pixel on average."""
    first, second = (picture(gallery(varied, 0).locator("img").nth(place)) for place in (0, 1))
    return np.abs(first.astype(float) - second).mean()


def test_the_clip_is_augmented_as_the_options_say(varied, notebook):
    assert difference(varied) > 10
    notebook.screenshot("augment", of=f"{OUTPUT} >> nth=1")
    varied.locator(".widget-slider", has_text="rotation").locator("[role=slider]").press("Home")
    varied.get_by_text("rotation=0.0").wait_for()
    varied.get_by_role("button", name="as usual").click()
    varied.get_by_text("Augment()").wait_for()


def test_a_draw_is_chosen_among_the_stills_and_others_are_drawn(varied):
    gallery(varied, 1).get_by_role("button").nth(4).click()
    varied.get_by_text("augmented: draw 5").wait_for()
    varied.get_by_label("seed").press("ArrowUp")
    varied.page.wait_for_function(
        "one => one.value === '4'", arg=varied.get_by_label("seed").element_handle()
    )


def test_a_draw_for_every_frame_says_why_clips_get_one(varied):
    row(varied, "one for every frame")
    varied.get_by_text("would learn from noise").wait_for()
    assert gallery(varied, 1).get_by_role("button").first.inner_text() == "frame 1"


def test_both_clips_go_on_in_step(varied):
    first = gallery(varied, 0).locator("img").first
    gallery(varied, 1).get_by_role("button").nth(2).click()
    expected = sampling.Uniform(6).indices(12)
    varied.get_by_text(f"frame {expected[2]}", exact=False).first.wait_for()
    varied.page.wait_for_timeout(500)
    assert number_of(picture(first)) == expected[2]
    both = [first, gallery(varied, 0).locator("img").nth(1)]
    before = [one.get_attribute("src") for one in both]
    play = varied.locator(".widget-play button").first
    play.click()
    varied.page.wait_for_function(
        "([first, second, before]) => first.src !== before[0] && second.src !== before[1]",
        arg=[*(one.element_handle() for one in both), before],
    )
    play.click()
    assert number_of(picture(first)) in expected


def test_the_chart_is_seen_on_a_dark_page(notebook):
    assert notebook.dark_chart("sampling-dark") == "rgba(0, 0, 0, 0)"
