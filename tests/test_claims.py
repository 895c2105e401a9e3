"""Claims: recorded by their sentences, shown as a table, kept as data in an executed notebook."""

import nbformat
import numpy as np
import pytest

from vidlab.course import claims
from vidlab.course.lab import Lab


@pytest.fixture
def lab():
    """Return a lab with one claim of each outcome."""
    lab = Lab("quick")
    numbers = {"measured": "1% against 2%", "published": "3% (Doe 1999)"}
    lab.claim("A < B & C", holds=np.bool_(True), **numbers)
    lab.claim("The CNN passes it", holds=False, measured="9%")
    lab.claim("No box is known", holds=None, measured="–")
    return lab


def test_a_claim_is_shown_with_its_mark_its_numbers_and_whose_are_published(lab):
    shown = lab.claims._repr_mimebundle_()
    text = shown["text/plain"].splitlines()
    assert text[0] == "claims: 1 ✓, 1 ✗, 1 not tested here"
    assert text[1] == "✓  A < B & C: 1% against 2%"
    assert text[2].startswith("✗")
    assert "A &lt; B &amp; C" in shown["text/html"]
    assert "published for UCF-101" in shown["text/html"]
    assert "3% (Doe 1999)" in shown["text/html"]


def test_a_cell_that_runs_again_replaces_its_claims(lab):
    assert lab.claim("The CNN passes it", holds=True, measured="91%") is None
    assert len(lab.claims) == 3
    assert "✓  The CNN passes it: 91%" in repr(lab.claims)


@pytest.mark.filterwarnings("ignore:vidlab. no ImageNet weights")
@pytest.mark.parametrize("options", [("smoke", {}), ("quick", {"dataset": "my-videos"})], ids=str)
def test_smoke_and_other_videos_test_nothing(options):
    profile, replaced = options
    lab = Lab(profile, **replaced)
    lab.claim("It holds", holds=True, measured="2 of 2")
    assert [claim.holds for claim in lab.claims] == [None]
    assert "not tested here  It holds: 2 of 2" in repr(lab.claims)


def test_an_executed_notebook_gives_its_claims_back_as_it_shows_them_last(lab, tmp_path):
    def shown():
        output = nbformat.v4.new_output("execute_result", data=lab.claims._repr_mimebundle_())
        return nbformat.v4.new_code_cell(outputs=[output])

    cells = [nbformat.v4.new_markdown_cell(), shown()]
    lab.claim("The CNN passes it", holds=True, measured="91%")
    path = tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, shown()]), path)
    assert list(claims.found_in(path)) == list(lab.claims)
    nbformat.write(nbformat.v4.new_notebook(cells=cells[:1]), path)
    assert claims.found_in(path) == ()
