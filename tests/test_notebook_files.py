"""Finding, stripping and checking notebooks, and the parameters they declare."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebook_rules import breaches, strip
from vidlab.course import notebook_files as files
from vidlab.errors import NotebookError

FIXTURES = Path(__file__).parent / "notebooks"
COURSE = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))
GLOSSARY = (Path(__file__).parents[1] / "notebooks" / "glossary.md").read_text(encoding="utf-8")
ANCHOR = r'<a id="([a-z0-9-]+)"></a>'


def write(path, *cells, **metadata):
    node = new_notebook(cells=list(cells), metadata=metadata)
    path.write_text(nbformat.writes(node), encoding="utf-8")
    return path


def test_notebooks_are_found_in_order_of_their_numbers(tmp_path):
    found = files.find(FIXTURES)
    assert [notebook.number for notebook in found] == list(range(1, 9))
    assert (found[4].title, found[4].after) == ("Waits for the first", ("01_says_hello",))
    declared = found[0].parameters
    assert list(declared) == ["profile", "word", "count"]
    words = {"name": "count", "inferred_type_name": "int", "default": "2", "help": "how often"}
    assert declared["count"] == words
    with pytest.raises(NotebookError, match=rf"numbered.*{tmp_path}.*Received: none.*clone"):
        files.find(tmp_path)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (None, list(range(1, 9))),
        ([], list(range(1, 9))),
        ([2], [2]),
        (["4", "01"], [1, 4]),
        (["2-4"], [2, 3, 4]),
        (["02", 2], [2]),
    ],
    ids=["none", "empty", "number", "text", "range", "twice"],
)
def test_notebooks_are_chosen_by_number_or_range(words, numbers):
    chosen = files.select(files.find(FIXTURES), words)
    assert [notebook.number for notebook in chosen] == numbers
    for unknown in ("9", "7-9", "4-2", "first"):
        with pytest.raises(NotebookError, match=rf"Received: {unknown}.*01_says_hello, 02_fails"):
            files.select(files.find(FIXTURES), [unknown])


@pytest.mark.parametrize("text", ["", "not a notebook", "[]"])
def test_a_file_that_is_no_notebook_is_named(tmp_path, text):
    path = tmp_path / "01_broken.ipynb"
    path.write_text(text)
    with pytest.raises(NotebookError, match=r"01_broken\.ipynb.*git"):
        files.read(path)


def test_stripping_removes_what_a_run_leaves_and_keeps_what_was_written(tmp_path):
    ran = new_code_cell("1 + 1", execution_count=3, id="mine")
    ran.outputs = [new_output("execute_result", data={"text/plain": "2"}, execution_count=3)]
    ran.metadata = {"execution": {"shell": "now"}, "tags": ["kept"], "papermill": {}}
    injected = new_code_cell("profile = 'x'", metadata={"tags": ["injected-parameters"]})
    path = write(
        tmp_path / "01_ran.ipynb",
        new_markdown_cell("# Title"),
        injected,
        ran,
        papermill={"duration": 3},
        vidlab={"after": ["08_x"]},
        language_info={"name": "python", "version": "3.99"},
    )
    strip(path)
    node = json.loads(path.read_text(encoding="utf-8"))
    assert [cell["source"] for cell in node["cells"]] == [["# Title"], ["1 + 1"]]
    kept = node["cells"][1]
    assert kept["id"] == "mine"
    assert kept["outputs"] == []
    assert kept["execution_count"] is None
    assert kept["metadata"] == {"tags": ["kept"]}
    assert node["metadata"]["vidlab"] == {"after": ["08_x"]}
    assert node["metadata"]["language_info"] == {"name": "python"}
    assert "papermill" not in node["metadata"]
    before = path.read_bytes()
    strip(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "path", [*COURSE, *sorted(FIXTURES.glob("0[!6]*.ipynb"))], ids=lambda path: path.stem
)
def test_every_notebook_keeps_the_rules(path):
    assert breaches(path) == []


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_every_notebook_is_short_and_closes_with_claims(path):
    cells = files.read(path).cells
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(cells) <= 45
    assert len(re.findall(r"\w[\w'’-]*", prose)) <= 1800
    (claims,) = [cell.source for cell in cells if cell.id == "claims"]
    assert "lab.claim(" in claims
    assert claims.splitlines()[-1] == "lab.claims"


@pytest.mark.parametrize("path", COURSE, ids=lambda path: path.stem)
def test_links_to_the_glossary_lead_to_an_entry(path):
    linked = re.findall(r"glossary\.md(#[\w-]*)?", path.read_text(encoding="utf-8"))
    assert set(linked) <= {f"#{anchor}" for anchor in re.findall(ANCHOR, GLOSSARY)}


def test_links_between_notebooks_lead_to_files_that_there_are():
    for path in COURSE:
        for name in re.findall(r"\]\((\w+\.ipynb)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / name).is_file(), f"{path.name}: {name}"


def test_notebooks_run_after_notebooks_that_there_are():
    found = files.find(COURSE[0].parent)
    for notebook in found:
        for word in notebook.after:
            assert word in [other.name for other in found], f"{notebook.name}: {word}"


def test_glossary_entries_are_in_order_short_and_found_once():
    headings = re.findall(rf"^## ((?:{ANCHOR})+)(.+)$", GLOSSARY, flags=re.M)
    titles = [title for *_, title in headings]
    assert titles == sorted(titles, key=str.lower)
    assert len(titles) == GLOSSARY.count("\n## ")  # each has an anchor
    anchors = re.findall(ANCHOR, GLOSSARY)
    assert len(anchors) == len(set(anchors))
    assert max(len(entry.split()) for entry in GLOSSARY.split("\n## ")) < 80


@pytest.mark.parametrize(
    "breach",
    [
        "cell 1 is not a markdown cell",
        'under "What you will learn"',
        "run time per profile",
        "the last, is code",
        "tagged `parameters`",
        "cell 5 has 16 lines of code",
        "cell 3 is the third code cell in a row",
        "cell 3 installs packages",
        "cell 4, line 1 holds a path of one machine",
    ],
)
def test_each_broken_rule_is_named_with_its_cell(breach):
    found = breaches(FIXTURES / "06_breaks_the_rules.ipynb")
    assert sum(breach in sentence for sentence in found) == 1


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3", "int", 3),
        ("3", "float", 3.0),
        ("3", "str", "3"),
        ("3", "", 3),
        ("1e-3", "float", 0.001),
        ("true", "bool", True),
        ("False", "bool", False),
        ("none", "str | None", None),
        ("[1, 2]", "list[int]", [1, 2]),
        ('{"a": 1}', "dict[str, int]", {"a": 1}),
        ("plain words", "", "plain words"),
        ("two", "int | str", "two"),
    ],
)
def test_text_becomes_the_declared_type(text, kind, value):
    converted = files.convert(text, {"name": "x", "inferred_type_name": kind, "default": ""})
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"), [("many", "int"), ("maybe", "bool"), ("[1", "list[int]")]
)
def test_text_that_does_not_fit_the_type_is_refused(text, kind):
    with pytest.raises(NotebookError, match=r"parameter count\. Received: .*default is 3"):
        files.convert(text, {"name": "count", "inferred_type_name": kind, "default": "3"})


def test_each_notebook_gets_the_parameters_it_declares():
    chosen = files.select(files.find(FIXTURES), ["1", "3"])
    assert files.fit(chosen, {"word": "ho", "seconds": "2"}, profile="tiny") == {
        "01_says_hello": {"profile": "tiny", "word": "ho"},
        "03_falls_silent": {"seconds": 2},
    }
    with pytest.raises(
        NotebookError, match=r"'wrod'.*01_says_hello: profile, word, count; 03.*seconds"
    ):
        files.fit(chosen, {"wrod": "ho"}, profile="tiny")
