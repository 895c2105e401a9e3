"""The rules of form that every notebook of the course keeps.

Short cells, prose between them, one place for parameters, nothing that ties a notebook to one
machine. ``python -m tests.notebook_rules FILE …`` strips notebooks of what a run leaves.
"""

import copy
import re
import sys

from nbconvert.preprocessors import (
    ClearMetadataPreprocessor,
    ClearOutputPreprocessor,
    TagRemovePreprocessor,
)

from vidlab.course import notebook_files

_LANGUAGE = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_LONGEST_CELL = 15
_INSTALL = re.compile(r"\b(?:pip|conda|mamba|uv)3?\s+(?:\w+\s+)?install\b")
_ABSOLUTE_PATH = re.compile(
    r"(?<![\w.:/~])(?:/(?:home|Users|root|tmp|mnt|work|opt|var|etc|content|data)/|~/|[A-Z]:[\\/])"
)


def breaches(notebook):
    """List the rules a notebook breaks, each with the cell's number counted from 1."""
    node = notebook_files.read(notebook)
    cells = list(enumerate(node.cells, start=1))
    code = [(number, cell) for number, cell in cells if cell.cell_type == "code"]
    return [*_form(node), *_whole(node.cells), *_parameters(code), *_each_cell(cells)]


def _form(node):
    if stripped(node) != node:
        yield "carries outputs or passing metadata; run: python -m tests.notebook_rules FILE"


def _whole(cells):
    first_code = next((n for n, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    opening = "\n".join(cell.source for cell in cells[:first_code])
    if not opening.startswith("# "):
        yield "cell 1 is not a markdown cell that starts with the title (# ...)"
    learn = re.search(r"you will learn\b.*\n\s*((?:[-*+] .*\n(?:  .*\n)*)*)", opening, re.I)
    points = re.findall(r"^[-*+] ", learn.group(1), re.M) if learn else []
    if not 3 <= len(points) <= 5:
        yield f'the opening has {len(points)} points under "What you will learn", not 3 to 5'
    if not re.search(r"\brun(?:ning)? time\b", opening, re.I):
        yield "the opening does not give the run time per profile"
    if cells[-1].cell_type != "markdown":
        yield f"cell {len(cells)}, the last, is code: close with what was learned"


def _parameters(code):
    tagged = [n for n, cell in code if "parameters" in cell.metadata.get("tags", [])]
    if tagged != [number for number, _ in code[:1]]:
        yield "the first code cell, and no other, must be tagged `parameters`"
        return
    for line in code[0][1].source.splitlines():
        if not re.fullmatch(r"\w+: .+ = .+  # .+", line):
            yield f"cell {tagged[0]}, the parameters: not `name: type = value  # comment`: {line}"


def _each_cell(cells):
    run = 0
    for number, cell in cells:
        is_code = cell.cell_type == "code"
        run = run + 1 if is_code else 0
        if run == 3:
            yield f"cell {number} is the third code cell in a row; say in words what is seen"
        lines = cell.source.rstrip().count("\n") + 1
        if is_code and lines > _LONGEST_CELL:
            yield f"cell {number} has {lines} lines of code; {_LONGEST_CELL} at most"
        if is_code and _INSTALL.search(cell.source):
            yield f"cell {number} installs packages; that belongs in pyproject.toml"
        if path := _ABSOLUTE_PATH.search(cell.source):
            line = cell.source[: path.start()].count("\n") + 1
            yield f"cell {number}, line {line} holds a path of one machine ({path.group()}…)"


def stripped(node):
    """Return a copy without outputs, counts, papermill's cells and metadata of a run."""
    clean = copy.deepcopy(node)
    for preprocessor in (
        TagRemovePreprocessor(remove_cell_tags=notebook_files.MADE_BY_PAPERMILL, enabled=True),
        ClearOutputPreprocessor(),
        ClearMetadataPreprocessor(
            preserve_nb_metadata_mask={"vidlab"},
            preserve_cell_metadata_mask={"tags", "jupyter", "slideshow"},
        ),
    ):
        clean, _ = preprocessor.preprocess(clean, {})
    for cell in clean.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if value}
    clean.metadata.update(copy.deepcopy(_LANGUAGE))
    clean.nbformat, clean.nbformat_minor = 4, 5
    return clean


def strip(path):
    """Strip a notebook file in place."""
    notebook_files.write(stripped(notebook_files.read(path)), path)


if __name__ == "__main__":
    for file in sys.argv[1:]:
        strip(file)
