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

PICKS = ".vl-sampling[data-film]"
VARIED = ".vl-augment[data-film]"
CELLS = (
    VIDEOS,
    "vidlab.widgets.SamplingExplorer(index)",
    "vidlab.widgets.AugmentExplorer(index, sampling=vidlab.sampling.Uniform(6), seed=3)",
    'vidlab.widgets.SamplingExplorer("gone.avi")',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    """Run a notebook of both explorers, and of one that is given a file that does not exist."""
    drawn = (f"{PICKS}[data-strip='16']", f"{VARIED}[data-draw='0']", ".vl-sampling .vl-problem")
    with open_cells("sampling", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def picks(notebook):
    """Give the explorer of samplers, in sight."""
    explorer = notebook.page.locator(PICKS).first
    explorer.scroll_into_view_if_needed()
    return explorer


@pytest.fixture
def varied(notebook):
    """Give the explorer of augmentation, in sight."""
    explorer = notebook.page.locator(VARIED).first
    explorer.scroll_into_view_if_needed()
    return explorer


def picture(explorer, selector):
    """What a canvas shows: uint8, (height, width, 3)."""
    url = explorer.locator(selector).first.evaluate("one => one.toDataURL('image/png')")
    packed = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    return cv2.cvtColor(cv2.imdecode(packed, 1), cv2.COLOR_BGR2RGB)


def frame_shown(explorer, number):
    """Wait until a frame is drawn, and read the number that stands in it."""
    explorer.locator(f".vl-looked canvas[data-frame='{number}']").wait_for()
    return number_of(picture(explorer, ".vl-looked canvas"))


def wait_for_picks(explorer, row, sampler):
    numbers = " ".join(map(str, sampler.indices(12).tolist()))
    explorer.locator(f"[data-sampler='{row}'][data-picks='{numbers}']").wait_for()


def option(explorer, name):
    return explorer.get_by_label(name, exact=True)


def point_at(explorer, row, frame):
    """Move the mouse over the place of a frame in a row."""
    ticks = explorer.locator(f"[data-sampler='{row}'] + .vl-middle canvas")
    box = ticks.bounding_box()
    ticks.hover(position={"x": (frame + 0.5) * box["width"] / 12, "y": 15})


def test_each_row_shows_the_picks_of_its_sampler(picks, notebook):
    wait_for_picks(picks, "Uniform", sampling.Uniform(16))
    wait_for_picks(picks, "EveryNth", sampling.EveryNth(4))
    wait_for_picks(picks, "AllFrames", sampling.AllFrames())
    facts = picks.locator("[data-sampler='Uniform'] ~ .vl-facts").first.inner_text()
    assert facts.split("\n") == ["16 frames, 100% of all", "no gap", "4 frames repeated"]
    notebook.screenshot("sampling", of=PICKS)


def test_a_number_and_a_slider_change_the_picks(picks):
    option(picks, "Uniform count").fill("3")
    wait_for_picks(picks, "Uniform", sampling.Uniform(3))
    picks.page.locator(f"{PICKS}[data-row='Uniform'][data-strip='3']").wait_for()
    slider = option(picks, "EveryNth step, slider")
    slider.fill("5")
    wait_for_picks(picks, "EveryNth", sampling.EveryNth(5))
    slider.focus()
    picks.page.keyboard.press("ArrowRight")
    wait_for_picks(picks, "EveryNth", sampling.EveryNth(6))
    assert option(picks, "EveryNth step").input_value() == "6"


def test_what_does_not_fit_is_told_in_its_row_until_it_is_put_right(picks):
    problem = picks.locator("[data-sampler='Window'] + .vl-middle .vl-problem")
    option(picks, "Window length").fill("0")
    problem.get_by_text("a whole number from 1. Received: 0").wait_for()
    option(picks, "Window length").fill("5")
    wait_for_picks(picks, "Window", sampling.Window(5))
    assert not problem.is_visible()


def test_training_draws_again_by_button_and_by_key(picks):
    option(picks, "frames chosen").select_option("1")
    drawn = set()
    for number in (1, 2, 3):
        picks.page.locator(f"{PICKS}[data-draw='{number}']").wait_for()
        drawn.add(picks.locator("[data-sampler='Segments']").get_attribute("data-picks"))
        picks.locator(".vl-again").click()
    picks.page.locator(f"{PICKS}[data-draw='4']").wait_for()
    assert len(drawn) > 1
    picks.locator(".vl-sampler").first.focus()
    picks.page.keyboard.press("d")
    picks.page.locator(f"{PICKS}[data-draw='5']").wait_for()
    option(picks, "frames chosen").select_option("0")
    wait_for_picks(picks, "Segments", sampling.Segments(8))


def test_pointing_at_a_tick_shows_its_frame(picks):
    point_at(picks, "AllFrames", 7)
    assert frame_shown(picks, 7) == 7
    assert "picked by" in picks.locator(".vl-looked figcaption").inner_text()
    point_at(picks, "AllFrames", 3)
    assert frame_shown(picks, 3) == 3


def test_a_click_on_the_time_line_puts_the_play_head_there_and_keys_move_it(picks):
    axis = picks.locator(".vl-axis")
    box = axis.bounding_box()
    axis.click(position={"x": 8.5 * box["width"] / 12, "y": 50})
    picks.page.locator(f"{PICKS}[data-head='8']").wait_for()
    picks.page.mouse.move(0, 0)
    assert frame_shown(picks, 8) == 8
    axis.focus()
    picks.page.keyboard.press("ArrowRight")
    assert frame_shown(picks, 9) == 9
    picks.page.keyboard.press("End")
    assert frame_shown(picks, 11) == 11
    assert "frame 11, 0.44 s" in axis.get_attribute("aria-valuetext")


def test_a_row_shows_its_frames_by_click_and_by_arrow_keys(picks):
    picks.get_by_role("button", name="AllFrames").click()
    picks.page.locator(f"{PICKS}[data-row='AllFrames'][data-strip='12']").wait_for()
    picks.page.keyboard.press("ArrowDown")
    picks.page.locator(f"{PICKS}[data-row='Reordered'][data-strip='3']").wait_for()
    backwards = sampling.Uniform(3).indices(12)[::-1].tolist()
    assert picks.locator(".vl-pick").all_inner_texts() == [str(one) for one in backwards]
    picks.locator(".vl-pick").last.click()
    assert frame_shown(picks, backwards[-1]) == backwards[-1]


def test_space_plays_the_picks(picks):
    picks.get_by_role("button", name="AllFrames").click()
    picks.page.locator(f"{PICKS}[data-strip='12']").wait_for()
    head = picks.get_attribute("data-head")
    picks.page.keyboard.press("Space")
    picks.page.locator(f"{PICKS}:not([data-head='{head}'])").wait_for()
    picks.page.keyboard.press("Space")
    assert picks.locator(".vl-play").get_attribute("aria-label") == "Play"


def test_another_video_is_found_and_opened(picks):
    option(picks, "Find videos by name").fill("wave g03")
    picks.get_by_text("1 of 12 videos").wait_for()
    option(picks, "video").select_option("v_Wave_g03_c01")
    picks.page.locator(".vl-sampling[data-film='v_Wave_g03_c01']").wait_for()
    option(picks, "Find videos by name").fill("swim")
    picks.get_by_text("Try fewer letters").wait_for()
    option(picks, "Find videos by name").fill("")
    picks.get_by_text("12 videos", exact=True).wait_for()


def test_a_missing_file_is_a_sentence_in_its_place(notebook):
    notebook.page.get_by_text("gone.avi (no such file)").wait_for()


def difference(varied):
    """How far the varied frame is from the frame as it is, a pixel on average."""
    first, second = (f".vl-both figure:nth-child({place}) > canvas" for place in (1, 2))
    return np.abs(picture(varied, first).astype(float) - picture(varied, second)).mean()


def test_the_clip_is_varied_and_with_all_off_it_is_not(varied, notebook):
    assert difference(varied) > 10
    notebook.screenshot("augment", of=VARIED)
    varied.get_by_role("button", name="all off").click()
    varied.get_by_text("Nothing is switched on").wait_for()
    varied.page.wait_for_timeout(100)
    assert difference(varied) < 2
    varied.get_by_role("button", name="as usual").click()
    varied.page.locator(f"{VARIED}[data-rotation='10']").wait_for()


def test_a_slider_that_is_dragged_ends_where_it_was_left(varied):
    slider = option(varied, "rotation, slider")
    for angle in range(11, 41):
        slider.fill(str(angle))
    varied.page.locator(f"{VARIED}[data-rotation='40']").wait_for()
    varied.get_by_text("turned by up to 40°").wait_for()
    assert option(varied, "rotation").input_value() == "40"
    option(varied, "flip").uncheck()
    varied.page.locator(f"{VARIED}[data-flip='false']").wait_for()


def test_what_is_out_of_range_is_told(varied):
    option(varied, "zoom").fill("3")
    varied.locator(".vl-problem", has_text="zoom between 0 and 0.99").wait_for()
    option(varied, "zoom").fill("0.2")
    varied.page.locator(f"{VARIED}[data-zoom='0.2']").wait_for()
    assert varied.locator(".vl-problem").count() == 0


def test_a_draw_is_chosen_among_the_stills_and_others_are_drawn(varied):
    varied.locator(".vl-pick").nth(4).click()
    varied.page.locator(f"{VARIED}[data-draw='4']").wait_for()
    varied.page.keyboard.press("d")
    varied.page.locator(f"{VARIED}[data-seed='4']").wait_for()
    varied.locator(".vl-again").click()
    varied.page.locator(f"{VARIED}[data-seed='5'][data-draw='4']").wait_for()


def test_a_draw_for_every_frame_says_why_clips_get_one(varied):
    option(varied, "draws").select_option("frame")
    varied.page.locator(f"{VARIED}[data-each='frame']").wait_for()
    assert "would learn from noise" in varied.locator(".vl-why").inner_text()
    assert varied.locator(".vl-pick").first.inner_text() == "frame 1"


def test_both_clips_go_on_in_step(varied):
    varied.locator(".vl-play").focus()
    varied.page.keyboard.press("ArrowRight")
    varied.page.locator(f"{VARIED}[data-frame='1']").wait_for()
    varied.page.keyboard.press("Space")
    varied.page.locator(f"{VARIED}:not([data-frame='1'])").wait_for()
    varied.page.keyboard.press("Space")
    place = int(varied.get_attribute("data-frame"))
    seen = number_of(picture(varied, ".vl-both figure:nth-child(1) > canvas"))
    assert seen == sampling.Uniform(6).indices(12)[place]


def wear(notebook, name, *, light):
    notebook.theme(name)
    theme = f"[data-jp-theme-light={str(light).lower()}]"
    notebook.page.wait_for_selector(theme, state="attached")
    notebook.page.wait_for_timeout(500)


def test_the_explorers_follow_the_theme(picks, notebook):
    """Other modules share this JupyterLab and its theme, whichever of them comes first."""
    paper = "one => getComputedStyle(one).backgroundColor"
    wear(notebook, "JupyterLab Light", light=True)
    light, ticks = picks.evaluate(paper), picture(picks, ".vl-ticks").astype(int)
    try:
        wear(notebook, "JupyterLab Dark", light=False)
        assert picks.evaluate(paper) != light
        assert np.abs(picture(picks, ".vl-ticks") - ticks).max() > 30
        notebook.screenshot("sampling-dark", of=PICKS)
    finally:
        wear(notebook, "JupyterLab Light", light=True)


def test_nothing_was_complained_about_in_the_console(notebook):
    assert notebook.errors == []
