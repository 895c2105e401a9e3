"""Do the course's claims hold under other training seeds? All of them, without the notebooks.

``python -m tests.benchmarks.claims [--seeds 0 1 2 3 4] [--profile quick] [notebook …]`` takes from
each notebook the statements its claims depend on and runs them under each seed. Figures, explorers
and tables drop out by themselves. Runs that are trained are kept where ``vidlab train`` keeps them,
claims in ``runs/bench/claims``; after an interruption it goes on where it was.
"""

import argparse
import ast
import builtins
import hashlib
import json
import linecache
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from vidlab import datasets
from vidlab.course import notebook_files, profiles, records
from vidlab.course.claims import Claim, counted
from vidlab.files import write_text

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SHOWING = {"display", "plots", "print", "seaborn", "widgets"}
"""What only shows: a call of these changes none of its arguments."""
CHANGING = {
    *("add", "append", "build", "compile", "extend", "fit", "insert", "load_weights", "pop"),
    *("set_weights", "setdefault", "train_on_batch", "update"),
}
"""Methods that change their object, even where their result is what is taken."""
NUMBER = re.compile(r"(?<![\w.])[-+−]?\d[\d,]*(?:\.\d+)?")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.claims")
    parser.add_argument("notebook", nargs="*", help="such as 5 or 5-7; all where none is given")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    chosen = notebook_files.select(notebook_files.find(NOTEBOOKS), given.notebook)
    if given.one is not None:
        found = claims_of(chosen[0].path, profile=given.profile, seed=given.seeds[0])
        write_text(given.one, json.dumps([asdict(claim) for claim in found], indent=1) + "\n")
        return
    found = {}
    for seed in given.seeds:
        for notebook in chosen:
            claims = kept(notebook, profile=given.profile, seed=seed)
            found.setdefault(notebook.name, {})[seed] = claims
            print(f"seed {seed}, {notebook.name}: {counted(claims)}", flush=True)
    text = table(found, given.seeds)
    path = datasets.home() / "runs" / "bench" / "claims" / f"{given.profile}.md"
    write_text(path, text)
    print(f"\n{text}\nkept in {path}")


def kept(notebook, *, profile, seed):
    """Return a notebook's claims under a seed: from an earlier sweep, else found now."""
    source = hashlib.sha256(
        "\n".join([script(notebook.path), records.package_fingerprint()]).encode()
    )
    settings = profiles.find(profile).read_bytes() + str(datasets.home()).encode()
    source.update(settings)
    folder = datasets.home() / "runs" / "bench" / "claims" / f"{profile}-seed-{seed}"
    path = folder / f"{notebook.name}-{source.hexdigest()[:12]}.json"
    if not path.is_file() and script(notebook.path):
        path.parent.mkdir(parents=True, exist_ok=True)
        words = [str(notebook.number), "--seeds", str(seed), "--profile", profile]
        command = [sys.executable, "-m", "tests.benchmarks.claims", *words, "--one", str(path)]
        started, log = time.perf_counter(), path.with_suffix(".log")
        with log.open("w", encoding="utf-8") as told:
            quiet = os.environ | {"VIDLAB_QUIET": "1", "MPLBACKEND": "agg"}
            root = Path(__file__).resolve().parents[2]
            done = subprocess.run(command, cwd=root, env=quiet, stdout=told, stderr=told)
        if done.returncode:
            last = log.read_text(encoding="utf-8").strip().splitlines()[-1]
            print(f"  {notebook.name} failed after {time.perf_counter() - started:.0f} s: {last}")
            return [Claim(f"{notebook.name} runs to its claims", False, last)]
    if not path.is_file():
        return []
    return [Claim(**claim) for claim in json.loads(path.read_text(encoding="utf-8"))]


def claims_of(path, *, profile, seed):
    """Run what a notebook's claims depend on; return them as its lab has them."""
    os.environ.setdefault("MPLBACKEND", "agg")
    settings, cells = profiles.find(profile), notebook_files.read(path).cells
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as folder:
        seeded = Path(folder, settings.name)  # of this name, so that results lie in the same place
        seeded.write_text(f"{settings.read_text(encoding='utf-8')}\nseed: {seed}\n", "utf-8")
        space = {"__name__": "__main__"}
        for number, tree in sliced(path):
            shifted = ast.fix_missing_locations(_Reseeded(seed).visit(tree))
            name = f"{path.name}, cell {number}"
            lines = cells[number - 1].source.splitlines(keepends=True)
            linecache.cache[name] = (len(lines), None, lines, name)  # where a recipe finds its code
            exec(compile(shifted, name, "exec"), space)
            if "profile" in _names(tree, ast.Store):  # the parameters
                space["profile"] = str(seeded)
    return list(space["lab"].claims)


class _Reseeded(ast.NodeTransformer):
    """Shifts the seed of what a notebook trains itself."""

    def __init__(self, seed):
        self._shift = 1000 * seed

    def visit_Call(self, node):
        """Add to the number in ``set_random_seed(0)``."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "set_random_seed":
            node.args[0] = ast.BinOp(node.args[0], ast.Add(), ast.Constant(self._shift))
        return node


def script(path):
    """Return the statements a notebook's claims depend on, as text."""
    return "\n".join(ast.unparse(tree) for _, tree in sliced(path))


def sliced(path):
    """Give the statements on which a notebook's claims depend, a module a cell, by cell number.

    A name needs all earlier statements that assign it, change it in place or pass it to something
    that may (as a writer that was made from a path may change the file); a function needs what its
    body reads; one with a decorator is taken, for that may register it.
    """
    statements = [
        (number, statement)
        for number, cell in enumerate(notebook_files.read(path).cells, start=1)
        if cell.cell_type == "code"
        for statement in ast.parse(cell.source).body
    ]
    bodies = {
        node.name: _names(node, ast.Load)
        for _, node in statements
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    fixed = {name for _, node in statements for name in _defined(node)}
    made_from = {
        name: _names(node, ast.Load) - fixed
        for _, node in statements
        if isinstance(node, ast.Assign)
        for name in _names(node, ast.Store)
    }
    needed, taken = set(), []
    for number, node in reversed(statements):
        registers = bool(getattr(node, "decorator_list", ()))  # as a recipe does, under its name
        if _claims(node) or registers or _changed(node, made_from) & needed:
            taken.append((number, node))
            _need(_names(node, ast.Load), needed, bodies)
    if not needed:
        return []
    cells = {}
    for number, node in reversed(taken):
        cells.setdefault(number, []).append(node)
    return [(number, ast.Module(body, type_ignores=[])) for number, body in cells.items()]


def _need(names, needed, bodies):
    for name in names - needed:
        needed.add(name)
        _need(bodies.get(name, set()), needed, bodies)


def _claims(node):
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(isinstance(f, ast.Attribute) and f.attr == "claim" for f in calls)


def _names(node, context):
    """Return the names that are read (or assigned, imported or defined) anywhere in a statement."""
    found = {
        n.id
        for n in ast.walk(node)
        if isinstance(n, ast.Name) and isinstance(n.ctx, context) and n.id not in dir(builtins)
    }
    return found | (_defined(node) if context is ast.Store else set())


def _defined(node):
    found = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Import | ast.ImportFrom):
            found |= {(each.asname or each.name).split(".")[0] for each in n.names}
        elif isinstance(n, ast.FunctionDef | ast.ClassDef):
            found.add(n.name)
    return found


def _changed(node, made_from):
    """Return the names that a statement assigns or may change in place."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    found = _names(node, ast.Store)
    for n in ast.walk(node):
        if isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store | ast.Del):
            found.add(_root(n))
        called = n.value if isinstance(n, ast.Expr) else n
        if not isinstance(called, ast.Call):
            continue
        root = _root(called.func)
        if isinstance(n, ast.Expr) and root not in SHOWING:
            found |= {root, *(_root(value) for value in _arguments(called))}
            found |= made_from.get(root, set())
        if isinstance(called.func, ast.Attribute) and called.func.attr in CHANGING:
            found.add(root)
    return found - {None}


def _arguments(call):
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _root(node):
    """Return the name that an expression such as ``a.b[c].d()`` begins with, if it does."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def table(found, seeds):
    """Write a line a claim: a mark a seed, and what was measured, numbers with mean and spread."""
    marks = {True: "✓", False: "✗", None: "–"}
    lines = [
        f"| notebook | claim | {' | '.join(map(str, seeds))} | measured (mean ± sd) |",
        f"|---|---|{'---|' * len(seeds)}---|",
    ]
    always, flipped, never = [], [], []
    for name, by_seed in found.items():
        sentences = list(dict.fromkeys(c.sentence for claims in by_seed.values() for c in claims))
        for sentence in sentences:
            made = {s: c for s, all_ in by_seed.items() for c in all_ if c.sentence == sentence}
            row = [marks[made[s].holds] if s in made else " " for s in seeds]
            verdicts = {claim.holds for claim in made.values()} - {None}
            kind = {frozenset({True}): always, frozenset({False}): never}
            kind.get(frozenset(verdicts), flipped if verdicts else always).append(sentence)
            text = summary([claim.measured for claim in made.values()]).replace("|", "\\|")
            lines.append(f"| {name[:2]} | {sentence} | {' | '.join(row)} | {text} |")
    total = len(always) + len(flipped) + len(never)
    lines.append(
        f"\n{total} claims under {len(seeds)} seeds: {len(always)} hold in all, "
        f"{len(flipped)} flip, {len(never)} never hold."
    )
    return "\n".join(lines) + "\n"


def summary(texts):
    """Join what several seeds measured: numbers as mean ± standard deviation where words agree."""
    frames = {NUMBER.sub("{}", text) for text in texts}
    if len(frames) > 1:
        return "; ".join(dict.fromkeys(texts))
    columns = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    shown = []
    for column in columns:
        values = [float(value.replace(",", "").replace("−", "-")) for value in column]
        digits = max(len(value.partition(".")[2]) for value in column)
        text = f"{statistics.mean(values):,.{max(digits, 0)}f}"
        if len(set(values)) > 1:
            text += f" ± {statistics.stdev(values):.{max(digits, 1)}f}"
        shown.append(text if len(set(column)) > 1 else column[0])
    return frames.pop().format(*shown) if "{" not in texts[0] else "; ".join(dict.fromkeys(texts))


if __name__ == "__main__":
    main()
