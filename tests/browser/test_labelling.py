"""Labelling by hand in notebook "What does a label cost?": its page in a real browser."""

from pathlib import Path

import pytest

from vidlab.course import notebook_files

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOK = next(FOLDER.glob("*_what_does_a_label_cost.ipynb"))
FILMS = """
import io, time, ipywidgets, numpy as np, PIL.Image
films = []
for shade in (60, 160):
    one, *more = (PIL.Image.fromarray(np.full((60, 80, 3), shade + n, np.uint8)) for n in (0, 40))
    packed = io.BytesIO()
    one.save(packed, "webp", save_all=True, append_images=more, duration=80, loop=0)
    films.append(packed.getvalue())
"""
SHOW = """
page, given = desk(films, [{"Open": "first", "Close": "second"}] * 2)
page
"""

pytestmark = pytest.mark.slow


def test_a_film_plays_the_clock_runs_and_a_button_leads_to_the_next(open_cells):
    cells = {cell.id: cell.source for cell in notebook_files.read(NOTEBOOK).cells}
    with open_cells("labelling", [FILMS, cells["desk"], SHOW], wait_for=[".widget-image"]) as page:
        page.scroll_to("button:has-text('Start')").click()
        film = page.page.locator("img.widget-image")
        first = film.get_attribute("src")
        assert film.evaluate("one => one.naturalWidth") == 80
        clock = page.page.locator(".widget-text input")
        page.page.wait_for_function(
            "() => Number(document.querySelector('.widget-text input').value) >= 1"
        )
        page.screenshot("labelling")
        page.page.get_by_role("button", name="Close").click()
        page.page.wait_for_function(
            "first => document.querySelector('img.widget-image').src !== first", arg=first
        )
        assert int(clock.input_value()) <= 1
        page.page.get_by_role("button", name="Open").click()
        page.wait_for("text=run the cells below once more")
