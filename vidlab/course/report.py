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
import shutil
from collections.abc import Iterable, Mapping
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
from vidlab.files import replacing, write_text

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
    page = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters["duration"] = _duration
    own_videos = profile.dataset == profiles.load(profile.name).dataset
    done = [record for record in records.values() if record is not None]
    claims = [
        (claim, notebook, _page(folder, record))
        for notebook, record in records.items()
        if record is not None
        for claim in record.claims
    ]
    if done:
        _write_glossary(folder / "notebooks", records)
    text = page.get_template("report.html").render(
        title=profile.name if own_videos else f"{profile.name} on {Path(profile.dataset).name}",
        profile=profile,
        own_videos=own_videos,
        done=sum(record.status == "done" for record in done),
        seconds=sum(record.seconds for record in done),
        notebooks=[
            (notebook, record, _page(folder, record)) for notebook, record in records.items()
        ],
        claims=claims,
        failed=[row for row in claims if row[0].holds is False],
        counted=counted(claim for claim, *_ in claims).removeprefix("claims: "),
        mistakes=_MISTAKES if (folder / _MISTAKES).is_file() else None,
        results=_results(folder, profile.line),
        changes=_changes(folder, profile),
        sheet=_sheet(folder) if profile.dataset == "pantomime" else None,
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    return write_text(folder / "index.html", text)


def _write_glossary(pages: Path, notebooks: Iterable[Notebook]) -> None:
    """Put the glossary of a folder of notebooks beside the executed ones, as a page too."""
    for source in {notebook.path.with_name(_GLOSSARY) for notebook in notebooks}:
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            cell = nbformat.v4.new_markdown_cell(text)
            copied = write_text(pages / _GLOSSARY, text)
            _export(nbformat.v4.new_notebook(cells=[cell]), copied, title="Glossary")


def lightened(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Copy an executed notebook, its large opaque pictures as JPEG where that halves them.

    A page of video frames would else be ten times as heavy.
    """
    lighter = copy.deepcopy(notebook)
    for cell in lighter.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            jpeg = _as_jpeg(data["image/png"]) if "image/png" in data else None
            if jpeg is not None:
                del data["image/png"]
                data["image/jpeg"] = jpeg
                sizes = output.get("metadata", {})
                if "image/png" in sizes:
                    sizes["image/jpeg"] = sizes.pop("image/png")
    return lighter


def _as_jpeg(png: str) -> str | None:
    """Return a picture as JPEG, base64; None where PNG does about as well."""
    packed, jpeg = base64.b64decode(png), io.BytesIO()
    picture = Image.open(io.BytesIO(packed))
    if picture.mode == "RGBA" and picture.getextrema()[3][0] < 255:  # transparent somewhere
        return None
    # Full colour resolution, or thin coloured lines and letters would bleed.
    picture.convert("RGB").save(jpeg, "JPEG", quality=90, subsampling=0)
    is_lighter = jpeg.tell() < _WORTHWHILE * len(packed)
    return base64.b64encode(jpeg.getvalue()).decode() if is_lighter else None


def _page(folder: Path, record: Record | None) -> str | None:
    """Return the link to an executed notebook's page, where there is one."""
    if record is None:
        return None
    suffix = "" if record.status == "done" else ".failed"
    link = f"notebooks/{record.notebook}{suffix}.html"
    return link if (folder / link).is_file() else None


def _results(folder: Path, line: str) -> str:
    """Tabulate measured accuracies beside published ones, a row a recipe, as HTML.

    The recipe that others have to pass comes first, and after the table those far below it.
    """
    runs = find_runs(folder)
    if "top1" not in runs or runs["top1"].isna().all():
        return ""
    from vidlab import recipes  # imports Keras

    order = [line, *recipes.names(), *runs["recipe"]]
    groups = sorted(runs.groupby("recipe"), key=lambda pair: order.index(pair[0]))
    tops = [top for top in ("top1", "top5") if top in runs]
    measured = {
        name: {"runs": len(group)} | {f"top-{top[3:]} %": _measured(group, top) for top in tops}
        for name, group in groups
    }
    records = {name: RunFolder(group["path"].iloc[0]).recipe for name, group in groups}
    published = recipes.published_beside(records)
    sources = [recipes.of_run(records[name]).source for name in published.index]
    notes = [". ".join(filter(None, pair)) for pair in zip(sources, published["note"], strict=True)]
    published = published.drop(columns="note")
    published.insert(len(published.columns) - 1, "source and note", notes)
    published.columns = published.columns.str.removeprefix("published ")
    here = pd.DataFrame.from_dict(measured, orient="index").replace("", None)
    table = pd.concat({"measured here": here, "published for UCF-101": published}, axis=1)
    lines = {(row.seed, row.split): row.path for row in runs[runs["recipe"] == line].itertuples()}
    compared = []
    for name, group in groups:
        pairs = [
            (RunFolder(row.path), RunFolder(lines[row.seed, row.split]))
            for row in group.dropna(subset="top1").itertuples()
            if name != line and (row.seed, row.split) in lines
        ]
        compared += [against_line(*zip(*pairs, strict=True))] if pairs else []
    return table.replace("", None).to_html(
        border=0, na_rep="–", float_format="{:g}".format, classes="results"
    ) + "".join(f"<p>{html.escape(text)}</p>" for text in compared)


def _measured(runs: pd.DataFrame, metric: str) -> str:
    """Write mean ± standard deviation of several runs, the 95% interval of a single one."""
    values = 100 * runs[metric].dropna()
    if values.empty:
        return ""
    if len(values) > 1:
        return f"{values.mean():.1f} ± {values.std():.1f}"
    if f"{metric}_low" not in runs or runs[f"{metric}_low"].isna().any():
        return f"{values.mean():.1f}"
    low, high = (100 * runs[f"{metric}_{end}"].iloc[0] for end in ("low", "high"))
    return f"{values.mean():.1f} ({low:.1f} to {high:.1f})"


def _changes(folder: Path, profile: profiles.Profile) -> str:
    """Tabulate what the profile changes about the recipes that were run, as HTML."""
    ran = set(find_runs(folder)["recipe"])
    if not ran:
        return ""
    from vidlab import recipes  # imports Keras

    known = [recipes.get(name) for name in recipes.names() if name in ran]
    table = adapting.changes(known, profile)
    return "" if table.empty else table.to_html(border=0, index=False)


def _sheet(folder: Path) -> str | None:
    """Copy the contact sheet of Pantomime beside the report, where it is at hand; link to it."""
    shipped = profiles.folder().parent / "figures" / "pantomime.png"
    if not shipped.is_file():
        return None
    with replacing(folder / "figures" / shipped.name) as temporary:
        shutil.copyfile(shipped, temporary)
    return f"figures/{shipped.name}"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
