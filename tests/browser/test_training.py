"""The curves of trainings in a real JupyterLab, by mouse and by keyboard, and while they grow."""

import pytest

pytestmark = pytest.mark.slow

CELLS = (
    """
import pandas as pd
import vidlab
history = pd.DataFrame({
    "phase": [1, 1, 2, 2, 2], "loss": [2.0, 1.5, 1.2, 1.0, 0.9], "accuracy": [.2, .4, .5, .6, .7],
    "val_loss": [1.1, 1.3, 1.2, 1.0, 1.4], "val_accuracy": [.3, .3, .4, .4, .4],
    "seconds": [2.0, 2, 2, 10, 2]})
vidlab.widgets.TrainingCurves({"frame-vote": history, "cnn-lstm": history[:3]})""",
    'vidlab.widgets.TrainingCurves(vidlab.runs.RunFolder("gone"))',
    'grown = vidlab.widgets.TrainingCurves()\ngrown.show("mine", history[:1])\ngrown',
    'for epoch in (2, 3, 4):\n    grown.show("mine", history[:epoch])',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    drawn = (".vl-training[data-trainings='2'] canvas[data-ends]", ".vl-training[data-epochs='4']")
    with open_cells("training", CELLS, wait_for=drawn) as page:
        yield page


@pytest.fixture
def curves(notebook):
    """Give the first explorer, in sight, with nothing read and both trainings shown."""
    one = notebook.page.locator(".vl-training").first
    one.scroll_into_view_if_needed()
    notebook.page.mouse.move(1, 1)
    return one


def has(curves, **data):
    """Wait until the explorer says this of itself."""
    conditions = "".join(f"[data-{name}='{value}']" for name, value in data.items())
    curves.page.wait_for_selector(f".vl-training{conditions} >> nth=0", timeout=10_000)
    for name, value in data.items():
        assert curves.get_attribute(f"data-{name}") == str(value)


def cells(curves, name):
    return curves.locator(f"tr[data-name='{name}'] td").all_inner_texts()


def point_at(curves, measure, share):
    """Move the mouse to a place between the first epoch (0) and the last one (1)."""
    canvas = curves.locator(f"canvas[data-measure='{measure}']")
    first, last = map(float, canvas.get_attribute("data-ends").split())
    canvas.hover(position={"x": first + share * (last - first), "y": 150})


def test_at_first_the_kept_epochs_are_read(curves, notebook):
    has(curves, at="", epochs=5)
    assert cells(curves, "frame-vote") == ["4", "1.00", "1.00", "60.0%", "40.0%", "◯ kept"]
    assert cells(curves, "cnn-lstm")[0] == "3"
    notebook.screenshot("training", of=".vl-training")


def test_the_mouse_reads_all_values_of_an_epoch(curves):
    point_at(curves, "accuracy", 0.26)
    has(curves, at=2)
    assert cells(curves, "frame-vote") == ["2", "1.50", "1.30", "40.0%", "30.0%", ""]
    point_at(curves, "loss", 1)
    has(curves, at=5)
    assert cells(curves, "cnn-lstm") == ["–"] * 5 + [""]  # it had three epochs
    curves.page.mouse.move(1, 1)
    has(curves, at="")


def test_keys_go_from_epoch_to_epoch(curves):
    stage = curves.locator(".vl-curves")
    stage.focus()
    stage.press("ArrowRight")
    has(curves, at=5)
    stage.press("Home")
    has(curves, at=1)
    assert "frame-vote, 1, 2.00, 1.10" in curves.locator(".vl-spoken").text_content()
    stage.press("l")
    has(curves, scale="log")
    stage.press("l")
    stage.press("Escape")
    has(curves, at="", scale="linear")


def test_over_seconds_the_epoch_nearest_in_time_is_read(curves):
    curves.get_by_label("over", exact=True).select_option("seconds")
    has(curves, over="seconds")
    point_at(curves, "loss", 0.9)
    has(curves, at=16)
    assert (cells(curves, "frame-vote")[0], cells(curves, "cnn-lstm")[0]) == ("4", "3")
    curves.get_by_label("over", exact=True).select_option("epochs")
    has(curves, over="epochs", at="")


def test_trainings_and_parts_are_hidden_and_shown(curves):
    def drawn():
        """Count the coloured pixels, which are those of curves."""
        curves.page.wait_for_timeout(100)
        return curves.locator("canvas").first.evaluate(
            """one => {
              const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height);
              let count = 0;
              for (let at = 0; at < data.length; at += 4) {
                const rgb = data.slice(at, at + 3);
                count += Math.max(...rgb) - Math.min(...rgb) > 60;
              }
              return count;
            }"""
        )

    whole = drawn()
    curves.locator("[data-toggles='cnn-lstm']").press("Enter")
    has(curves, trainings=1)
    assert curves.locator("[data-toggles='cnn-lstm']:focus").count() == 1
    fewer = drawn()
    assert fewer < whole
    curves.locator(".vl-bar .vl-toggle", has_text="validation").click()
    assert drawn() < fewer
    curves.locator(".vl-bar .vl-toggle", has_text="validation").click()
    curves.locator("[data-toggles='cnn-lstm']").click()
    has(curves, trainings=2)


def test_curves_have_grown_while_another_cell_ran(notebook):
    grown = notebook.page.locator(".vl-training").nth(2)
    assert grown.get_attribute("data-epochs") == "4"
    assert cells(grown, "mine")[0] == "4"


def test_a_missing_run_is_a_sentence_in_its_place(notebook):
    told = notebook.page.locator(".vl-training").nth(1)
    assert "gone/history.csv, which does not exist" in told.locator(".vl-problem").inner_text()
    assert told.locator("canvas").first.is_hidden()


def test_curves_follow_the_theme(curves, notebook):
    paper = "one => getComputedStyle(one).backgroundColor"
    try:
        notebook.theme("JupyterLab Dark")
        notebook.page.wait_for_selector("[data-jp-theme-light=false]", state="attached")
        notebook.screenshot("training-dark", of=".vl-training")
        dark = curves.evaluate(paper)
    finally:
        notebook.theme("JupyterLab Light")
    notebook.page.wait_for_selector("[data-jp-theme-light=true]", state="attached")
    notebook.page.wait_for_function(
        "([dark]) => getComputedStyle(document.querySelector('.vl-training')).backgroundColor"
        " !== dark",
        arg=[dark],
    )


def test_nothing_was_complained_about_in_the_console(notebook):
    assert notebook.errors == []
