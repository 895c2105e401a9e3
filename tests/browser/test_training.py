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
    'grown = vidlab.widgets.TrainingCurves()\ngrown.show("mine", history[:1])\ngrown',
    'for epoch in (2, 3, 4):\n    grown.show("mine", history[:epoch])',
)


@pytest.fixture(scope="module")
def notebook(open_cells):
    with open_cells("training", CELLS, wait_for=(".js-plotly-plot .legendtext",)) as page:
        yield page


@pytest.fixture
def outputs(notebook):
    """Give the outputs of the cells, the first of them in sight."""
    found = notebook.page.locator(".jp-OutputArea-output")
    found.first.scroll_into_view_if_needed()
    return found


def test_hovering_reads_all_values_of_an_epoch(outputs, notebook):
    notebook.screenshot("training", of=".jp-OutputArea-output")
    outputs.first.locator(".subplot.xy .nsewdrag, .nsewdrag").first.hover(
        position={"x": 30, "y": 100}
    )
    notebook.page.wait_for_selector(".hoverlayer .legendtext, .hoverlayer text")
    read = notebook.page.locator(".hoverlayer").first.text_content()
    assert "frame-vote, training" in read
    assert "cnn-lstm, validation" in read


def test_arrow_keys_read_epoch_by_epoch(outputs):
    slider = outputs.first.get_by_role("slider").first
    slider.focus()
    slider.press("Home")
    row = outputs.first.locator("tr", has_text="frame-vote")
    row.get_by_text("2.000").wait_for()
    assert row.locator("td").all_inner_texts() == ["2.000", "1.100", "0.200", "0.300"]


def test_a_log_scale_of_the_loss_is_chosen(outputs):
    ticks = """one => [...one.querySelectorAll('.ytick text')]
        .map((tick) => Math.round(tick.getBoundingClientRect().top)).join()"""
    before = outputs.first.evaluate(ticks)
    outputs.first.get_by_label("log scale of the loss").check()
    for _ in range(50):
        if outputs.first.evaluate(ticks) != before:
            return
        outputs.first.page.wait_for_timeout(100)
    raise AssertionError(before)


def test_curves_have_grown_while_another_cell_ran(outputs):
    slider = outputs.nth(1).get_by_role("slider").first
    assert slider.get_attribute("aria-valuemax") == "4.0"


def test_the_chart_is_seen_on_a_dark_page(notebook):
    assert notebook.dark_chart("training-dark") == "rgba(0, 0, 0, 0)"
