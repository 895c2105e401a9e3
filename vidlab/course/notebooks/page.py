"""The frame of the report page: its style and the places that `report` fills.

Takes pieces of HTML; gives one page that needs nothing but itself. Colours follow the reader's
light or dark setting, and the layout its width.
"""

from __future__ import annotations

from html import escape
from string import Template

__all__ = ["fill", "section"]

_STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2330; --soft: #5b6475; --line: #e3e0d8;
  --accent: #1f5fa8; --good: #19703b; --good-back: #dff2e4; --bad: #a1260d; --bad-back: #fbe3dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171d; --card: #1c2028; --ink: #e8e6e1; --soft: #a0a8b8; --line: #323845;
    --accent: #8ab8f0; --good: #8fd6a6; --good-back: #1d3a28; --bad: #f5a38d; --bad-back: #47241b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.015em; }
h2 { font-size: 1.3rem; margin: 2.75rem 0 .75rem; }
h3 { font-size: 1.05rem; margin: 0; font-weight: 600; }
p { margin: .35rem 0; max-width: 46rem; }
a { color: var(--accent); text-underline-offset: .15em; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
code {
  font: .86em ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  background: var(--paper); border: 1px solid var(--line); border-radius: 4px; padding: .1em .35em;
}
.hint, .time, footer { color: var(--soft); font-size: .92rem; }
.notebooks { list-style: none; margin: 0; padding: 0; }
.notebook {
  display: grid; grid-template-columns: 2.5rem 1fr auto 7rem; gap: .25rem 1rem;
  align-items: baseline; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: .85rem 1.1rem; margin-bottom: .55rem;
}
.number { color: var(--soft); font-variant-numeric: tabular-nums; }
.time { font-variant-numeric: tabular-nums; }
.status {
  justify-self: end; border-radius: 99px; padding: .1rem .7rem; font-size: .85rem;
  border: 1px solid var(--line); color: var(--soft); white-space: nowrap;
}
.status.done { background: var(--good-back); color: var(--good); border-color: transparent; }
.status.failed { background: var(--bad-back); color: var(--bad); border-color: transparent; }
.error { color: var(--bad); overflow-wrap: anywhere; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .5rem .9rem; text-align: right; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; font-size: .88rem; }
th:first-child, td.source, thead th:last-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
table.words :is(th, td) { text-align: left; }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; margin-bottom: .5rem; }
td.measured { font-weight: 650; white-space: nowrap; }
td.measured small { color: var(--soft); font-weight: 400; }
td.source { color: var(--soft); font-size: .88rem; min-width: 14rem; }
.figures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .75rem; }
figure img { width: 100%; height: auto; display: block; border-radius: 6px; background: #fff; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .5rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 40rem) {
  .notebook { grid-template-columns: 2rem 1fr auto; }
  .time { grid-column: 2; }
  .status { grid-column: 3; grid-row: 1; }
  .figures { grid-template-columns: 1fr; }
}
"""

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<header><h1>$title</h1>
$lead
</header>
<section><h2>Notebooks</h2>
<ul class="notebooks">
$notebooks
</ul></section>
$results
$figures
<footer>Written $written.</footer>
</main>
</body>
</html>
""")


def fill(*, title: str, lead: str, notebooks: str, results: str, figures: str, written: str) -> str:
    """Return the whole page.

    Parameters
    ----------
    title, written
        Plain text.
    lead, notebooks, results, figures
        HTML; empty where there is nothing to show.
    """
    return _PAGE.substitute(
        style=_STYLE,
        title=escape(title),
        lead=lead,
        notebooks=notebooks,
        results=results,
        figures=figures,
        written=escape(written),
    )


def section(title: str, body: str) -> str:
    """Return one titled part of the page."""
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>"
