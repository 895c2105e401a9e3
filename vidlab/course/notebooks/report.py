"""The report of a profile's runs: every executed notebook as a page, and one page that leads in.

Takes records and executed notebooks from `running` and finished runs from `vidlab.runs`; gives
``runs/<profile>/index.html``, which needs no server and no network. Measured numbers stand beside
the published ones, each labelled.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from vidlab.course import profiles
from vidlab.errors import RecipeError
from vidlab.course.notebooks import files, page, records
from vidlab.course.notebooks.files import Notebook
from vidlab.course.notebooks.pictures import lightened
from vidlab.course.notebooks.records import Record
from vidlab.files import replacing
from vidlab.evaluation.runs import RunFolder, find_runs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write", "write_page"]

_CONTACT_SHEET = "pantomime.png"
_EXPLORE = "explore.html"  # notebook 08 keeps it with vidlab.widgets.save_page
_BACK = (
    '<p style="font:14px system-ui,sans-serif;margin:1rem 1.5rem">'
    '<a href="../index.html">← all notebooks and results</a></p>'
)


def write_page(notebook: Path, *, title: str) -> Path:
    """Write an executed notebook as HTML beside it.

    Parameters
    ----------
    notebook
        The executed file.
    title
        For the browser's tab.

    Returns
    -------
    Path
        The page.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab", embed_images=True)
    resources = {"metadata": {"name": title, "path": str(notebook.parent)}}
    body, _ = exporter.from_notebook_node(lightened(files.read(notebook)), resources=resources)
    body = re.sub(r"(<body[^>]*>)", lambda tag: tag.group(1) + _BACK, body, count=1)
    target = notebook.with_suffix(".html")
    with replacing(target) as temporary:
        temporary.write_text(body, encoding="utf-8")
    return target


def write(folder: Path, notebooks: Iterable[Notebook], *, profile: profiles.Profile) -> Path:
    """Write ``index.html`` from what is on disk, whether or not every notebook is done.

    Parameters
    ----------
    folder
        ``runs/<profile>``.
    notebooks
        All notebooks of the course; those that have not run are listed as such.
    profile
        The settings in force; parameters may have replaced some of the file's.

    Returns
    -------
    Path
        The page.
    """
    known = [
        (notebook, records.load(folder / "notebooks", name=notebook.name)) for notebook in notebooks
    ]
    target = folder / "index.html"
    text = page.fill(
        title=f"vidlab: {profile.name}{_on_other_videos(profile)}",
        lead=_lead(profile, [record for _, record in known]) + _explore(folder),
        notebooks="\n".join(_notebook(notebook, record, folder) for notebook, record in known),
        results=_results(folder) + _changes(folder, profile),
        figures=_figures(folder, sheet=profile.dataset == "pantomime"),
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def _on_other_videos(profile: profiles.Profile) -> str:
    """Return " on <folder>" where the videos are not the profile's own."""
    if profile.dataset == profiles.load(profile.name).dataset:
        return ""
    return f" on {Path(profile.dataset).name}"


def _lead(profile: profiles.Profile, known: list[Record | None]) -> str:
    done = sum(record is not None and record.status == "done" for record in known)
    seconds = sum(record.seconds for record in known if record is not None)
    about = escape(profile.about)
    if _on_other_videos(profile):
        about = (
            f"Videos of <code>{escape(profile.dataset)}</code>, "
            f"with the settings of the profile {escape(profile.name)}."
        )
    return (
        f"<p>{about}</p><p><strong>{done} of {len(known)}</strong> notebooks done, "
        f"<strong>{_duration(seconds)}</strong> of computing.</p>"
    )


def _explore(folder: Path) -> str:
    """Return the link to the page on which mistakes are explored by hand; empty without it."""
    if not (folder / _EXPLORE).is_file():
        return ""
    return (
        f'<p><a href="{_EXPLORE}">Explore the mistakes: confusion → video → where the model '
        'looked</a> <span class="hint">by mouse and keys, in this browser</span></p>'
    )


def _notebook(notebook: Notebook, record: Record | None, folder: Path) -> str:
    status = "not run" if record is None else record.status
    kind = {"done": "done", "not run": "waiting"}.get(status, "failed")
    suffix = "" if status == "done" else ".failed"
    html = f"notebooks/{notebook.name}{suffix}.html"
    title = escape(notebook.title)
    if record is not None and (folder / html).is_file():
        title = f'<a href="{escape(html)}">{title}</a>'
    number = "" if notebook.number is None else f"{notebook.number:02d}"
    took = "" if record is None else _duration(record.seconds)
    failure = "" if record is None or record.failure is None else _failure(record)
    return (
        f'<li class="notebook"><span class="number">{number}</span>'
        f'<div class="what"><h3>{title}</h3>{failure}</div>'
        f'<span class="time">{took}</span><span class="status {kind}">{escape(status)}</span></li>'
    )


def _failure(record: Record) -> str:
    failure = record.failure
    where = "" if failure.cell is None else f"Cell {failure.cell} of {failure.cells}: "
    return (
        f'<p class="error">{escape(where + failure.error)}</p>'
        f"<p>Run it again: <code>{escape(record.command)}</code></p>"
    )


def _results(folder: Path) -> str:
    table = find_runs(folder)
    if "top1" not in table or table["top1"].isna().all():
        return ""
    measured = [name for name in ("top1", "top5") if name in table and table[name].notna().any()]
    head = (
        f'<tr><th rowspan="2">recipe</th><th colspan="{len(measured) + 1}">measured here</th>'
        '<th colspan="5">published for UCF-101</th><th rowspan="2">departures</th></tr><tr>'
        f"<th>runs</th>{''.join(f'<th>top-{name[3:]}</th>' for name in measured)}"
        "<th>top-1</th><th>top-5</th><th>by split</th><th>precision / recall / F1</th>"
        "<th>source and note</th></tr>"
    )
    from vidlab import recipes  # imports Keras

    order = {name: place for place, name in enumerate(recipes.names())}
    found = sorted(table.groupby("recipe"), key=lambda pair: order.get(pair[0], len(order)))
    rows = [
        f"<tr><th>{escape(str(recipe))}</th><td>{len(runs)}</td>"
        f"{''.join(_measured(runs, name) for name in measured)}"
        f"{_published(RunFolder(runs['path'].iloc[0]).recipe)}</tr>"
        for recipe, runs in found
    ]
    return page.section(
        "Results",
        '<p class="hint">Accuracy on test videos in percent; in small figures the 95% interval of '
        "a single run, or mean ± standard deviation of several. The published numbers are as their "
        "source quotes them, for 101 classes of real videos at full size. Where this run's videos "
        "are others, compare the order of the systems, not the height.</p>"
        f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
        "</div>",
    )


def _measured(runs: pd.DataFrame, metric: str) -> str:
    values = 100 * runs[metric].dropna()
    if values.empty:
        return "<td>–</td>"
    sure = ""
    if len(values) > 1:
        sure = f" ± {values.std():.1f}"
    elif f"{metric}_low" in runs and runs[f"{metric}_low"].notna().all():
        low, high = (100 * runs[f"{metric}_{end}"].iloc[0] for end in ("low", "high"))
        sure = f" {low:.1f} to {high:.1f}"
    return f'<td class="measured">{values.mean():.1f}<small>{sure}</small></td>'


def _published(record: dict) -> str:
    """Return what was published about a run's recipe, and how the run departs from it."""
    from vidlab import recipes  # imports Keras

    file, name = record.get("file", ""), record["recipe"]
    try:
        recipe = recipes.get(f"{file}:{name}" if file else name)
    except RecipeError:  # one that a notebook has made for itself
        return "<td>–</td>" * 6
    row = recipes.published([recipe]).iloc[0]
    told = " ".join(filter(None, (row.pop("departures"), record.get("changes", ""))))
    source = ". ".join(filter(None, (recipe.source, row.pop("note"))))
    cells = [*row.drop("counts"), source, told]
    shown = ["–" if cell in (None, "") or cell != cell else str(cell) for cell in cells]
    *numbers, source, told = map(escape, shown)
    return (
        f"{''.join(f'<td>{number}</td>' for number in numbers)}"
        f'<td class="source">{source}</td><td class="source">{told}</td>'
    )


def _changes(folder: Path, profile: profiles.Profile) -> str:
    """Return what the profile changes about the recipes that were run, the originals beside it."""
    from vidlab import recipes  # imports Keras

    ran = set(find_runs(folder)["recipe"])
    rows = [
        row
        for name in recipes.names()
        if name in ran
        for row in profiles.changes(recipes.get(name), profile)
    ]
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(value)}</td>' for value in row.values())}</tr>" for row in rows
    )
    return (
        "<details><summary>What this profile changes</summary>"
        f'<div class="wide"><table class="words"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _figures(folder: Path, *, sheet: bool) -> str:
    drawn = folder / "figures"
    shipped = profiles.folder().parent / "figures" / _CONTACT_SHEET
    if sheet and shipped.is_file():
        with replacing(drawn / _CONTACT_SHEET) as temporary:
            shutil.copyfile(shipped, temporary)
    pictures = sorted(drawn.glob("*.png"), key=lambda path: (path.name != _CONTACT_SHEET, path))
    items = [
        f'<figure><a href="figures/{escape(path.name)}"><img loading="lazy" '
        f'src="figures/{escape(path.name)}" alt="{escape(_caption(path))}"></a>'
        f"<figcaption>{escape(_caption(path))}</figcaption></figure>"
        for path in pictures
    ]
    if not items:
        return ""
    return page.section("Figures", f'<div class="figures">{"".join(items)}</div>')


def _caption(path: Path) -> str:
    return path.stem.replace("_", " ").replace("-", " ")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min"
