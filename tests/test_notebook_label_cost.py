"""The notebook on labels: its page for labelling, pressed here without a browser."""

from pathlib import Path

import ipywidgets
import pytest

from vidlab.course import notebook_files

NOTEBOOK = next((Path(__file__).parents[1] / "notebooks").glob("*_what_does_a_label_cost.ipynb"))


@pytest.fixture(scope="module")
def desk():
    """The function that one cell defines."""
    (source,) = [cell.source for cell in notebook_files.read(NOTEBOOK).cells if cell.id == "desk"]
    names = {}
    exec("import ipywidgets, time\n" + source, names)
    return names["desk"]


def press(page, description):
    _, _, buttons = page.children
    (button,) = [one for one in buttons.children if one.description == description]
    button.click()


def test_answers_are_kept_in_order_with_their_seconds(desk):
    choices = [{"Open": "first", "Close": "second"}, {"Sit": "first", "Stand": "second"}]
    page, given = desk([b"one", b"two"], choices)
    picture, (_, clock), buttons = page.children[0], page.children[1].children, page.children[2]
    assert picture.layout.visibility == "hidden"
    press(page, "Start")
    assert (picture.layout.visibility, picture.value) == ("visible", b"one")
    assert clock.description == "1 of 2: s"
    assert [button.description for button in buttons.children] == ["Open", "Close"]
    press(page, "Close")
    assert picture.value == b"two"
    press(page, "Sit")
    assert [answer for answer, _ in given] == ["second", "first"]
    assert all(0 <= seconds < 10 for _, seconds in given)


def test_after_the_last_answer_the_page_says_how_to_go_on(desk):
    page, given = desk([b"one"], [{"Open": "first"}])
    press(page, "Start")
    press(page, "Open")
    (words,) = page.children
    assert isinstance(words, ipywidgets.HTML)
    assert "once more" in words.value
    assert len(given) == 1
