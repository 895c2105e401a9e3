"""The report of a profile's runs: every executed notebook as a page, and one page that leads in.

``runs/<profile>/index.html`` needs no server and no network. Measured numbers stand beside the
published ones, each labelled.
"""

from __future__ import annotations

import base64
import copy
import html
import io
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import nbformat
import pandas as pd
from PIL import Image

from vidlab.course import adapting, notebook_files, profiles
from vidlab.course.claims import counted
from vidlab.evaluation.runs import RunFolder, against_line, find_runs
from vidlab.evaluation.tables import readable
from vidlab.files import write_text

if TYPE_CHECKING:
    from vidlab.course.notebook_files import Notebook
    from vidlab.course.records import Record

__all__ = ["lightened", "write", "write_page"]

_MISTAKES = "explore.html"  # notebook 14 keeps it with vidlab.widgets.save_page
_BACK = (
    '<p style="font:14px system-ui,sans-serif;margin:1rem 1.5rem">'
    '<a href="../index.html">← all notebooks and results</a></p>'
)
_GLOSSARY = "glossary.md"  # beside the notebooks, which link to its terms
_WORTHWHILE = 0.5  # of a picture's size: below that, JPEG is taken


def write_page(notebook: Path, *, title: str) -> Path:
    """Write an executed notebook as HTML beside it, with `title` in the browser's tab."""
    return _export(lightened(notebook_files.read(notebook)), notebook, title=title)


def lightened(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Copy an executed notebook, its large opaque pictures as JPEG where that halves them.

    A page of video frames would else be several times as heavy.
    """
    lighter = copy.deepcopy(notebook)
    for output in (output for cell in lighter.cells for output in cell.get("outputs", [])):
        data, sizes = output.get("data", {}), output.get("metadata", {})
        if jpeg := "image/png" in data and _as_jpeg(base64.b64decode(data["image/png"])):
            del data["image/png"]
            data["image/jpeg"] = base64.b64encode(jpeg).decode()
            if "image/png" in sizes:
                sizes["image/jpeg"] = sizes.pop("image/png")
    return lighter


def _as_jpeg(png: bytes) -> bytes | None:
    """Return a picture as JPEG; None where PNG does about as well, or something shines through."""
    picture, jpeg = Image.open(io.BytesIO(png)), io.BytesIO()
    if picture.mode == "RGBA" and picture.getextrema()[3][0] < 255:
        return None
    # Full colour resolution, or thin coloured lines and letters would bleed.
    picture.convert("RGB").save(jpeg, "JPEG", quality=90, subsampling=0)
    return jpeg.getvalue() if jpeg.tell() < _WORTHWHILE * len(png) else None


def _export(node: nbformat.NotebookNode, source: Path, *, title: str) -> Path:
    """Write a notebook as HTML beside `source`, its links to the glossary as links to that page."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab", embed_images=True)
    resources = {"metadata": {"name": title, "path": str(source.parent)}}
    body, _ = exporter.from_notebook_node(node, resources=resources)
    body = re.sub(r"(<body[^>]*>)", lambda tag: tag.group(1) + _BACK, body, count=1)
    glossary = Path(_GLOSSARY)
    body = body.replace(f'href="{glossary}', f'href="{glossary.with_suffix(".html")}')
    return write_text(source.with_suffix(".html"), body)


def write(
    folder: Path, records: Mapping[Notebook, Record | None], *, profile: profiles.Profile
) -> Path:
    """Write ``index.html`` from what is on disk, whether or not every notebook is done.

    Parameters
    ----------
    folder
        ``runs/<profile>``.
    records
        All notebooks of the course, with None for those that have not run.
    profile
        The settings in force; parameters may have replaced some of the file's.
    """
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html")
    rows = [(notebook, record, _page(folder, record)) for notebook, record in records.items()]
    claims = [
        (claim, notebook, page)
        for notebook, record, page in rows
        for claim in (record.claims if record else ())
    ]
    done = [record for record in records.values() if record is not None]
    if done:
        _write_glossary(folder / "notebooks", notebook_files.folder() / _GLOSSARY)
    runs = find_runs(folder)
    is_finished = "top1" in runs and runs["top1"].notna().any()
    text = template.render(
        profile=profile,
        own_videos=profile.dataset == profiles.load(profile.name).dataset,
        videos=Path(profile.dataset).name,
        records=done,
        notebooks=rows,
        claims=claims,
        counted=counted(claim for claim, *_ in claims),
        mistakes=_MISTAKES if (folder / _MISTAKES).is_file() else None,
        results=_results(runs, profile.line) if is_finished else "",
        changes=_changes(runs, profile) if is_finished else "",
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    return write_text(folder / "index.html", text)


def _write_glossary(pages: Path, source: Path) -> None:
    """Put the glossary beside the executed notebooks, as a page too."""
    if source.is_file():
        text = source.read_text(encoding="utf-8")
        cell = nbformat.v4.new_markdown_cell(text)
        copied = write_text(pages / _GLOSSARY, text)
        _export(nbformat.v4.new_notebook(cells=[cell]), copied, title="Glossary")


def _page(folder: Path, record: Record | None) -> str | None:
    """Return the link to an executed notebook's page, where there is one."""
    page = record and Path("notebooks") / record.file.with_suffix(".html")
    return page.as_posix() if page and (folder / page).is_file() else None


def _results(runs: pd.DataFrame, line: str) -> str:
    """Tabulate measured accuracies beside published ones, a row a recipe, as HTML.

    The recipe that others have to pass comes first, and after the table those far below it.
    """
    from vidlab import recipes  # imports Keras

    order = [line, *recipes.names(), *runs["recipe"]]
    groups = sorted(runs.groupby("recipe"), key=lambda pair: order.index(pair[0]))
    measured = pd.DataFrame({name: _measured(group) for name, group in groups}).T
    records = {name: RunFolder(group["path"].iloc[0]).recipe for name, group in groups}
    published = recipes.published_beside(records)
    sources = [recipes.of_run(records[name]).source for name in published.index]
    notes = [". ".join(filter(None, pair)) for pair in zip(sources, published["note"], strict=True)]
    published = published.assign(note=notes).rename(columns={"note": "source and note"})
    published.columns = published.columns.str.removeprefix("published ")
    table = {"measured here": readable(measured), "published for UCF-101": published}
    lines = {(row.seed, row.split): row.path for row in runs[runs["recipe"] == line].itertuples()}
    compared = []
    for name, group in groups:
        pairs = [
            (RunFolder(row.path), RunFolder(lines[row.seed, row.split]))
            for row in group.dropna(subset="top1").itertuples()
            if name != line and (row.seed, row.split) in lines
        ]
        compared += [against_line(*zip(*pairs, strict=True))] if pairs else []
    return pd.concat(table, axis=1).replace("", None).to_html(
        border=0, na_rep="–", float_format="{:g}".format, classes="results"
    ) + "".join(f"<p>{html.escape(text)}</p>" for text in compared)


def _measured(runs: pd.DataFrame) -> pd.Series:
    """Return mean and spread of several runs, the accuracies and intervals of a single one.

    A run that has not finished counts among the runs, and for nothing else.
    """
    tops = [top for top in ("top1", "top5") if top in runs]
    spread = runs[tops].std().add_suffix("_spread")
    finished = runs.dropna(subset="top1")
    interval = finished.iloc[0] if len(finished) == 1 else pd.Series(dtype=float)
    interval = interval.filter(regex=r"^top\d_(low|high)$")
    return pd.concat([pd.Series({"runs": len(runs)}), runs[tops].mean(), spread, interval])


def _changes(runs: pd.DataFrame, profile: profiles.Profile) -> str:
    """Tabulate what the profile changes about the recipes that were run, as HTML."""
    from vidlab import recipes  # imports Keras

    known = [recipes.get(name) for name in recipes.names() if name in set(runs["recipe"])]
    table = adapting.changes(known, profile)
    return "" if table.empty else table.to_html(border=0, index=False)
