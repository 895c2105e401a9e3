"""The shape of the package: who may import whom, what modules export, what an import costs."""

import ast
import graphlib
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import FunctionType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import vidlab

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vidlab"
FILES = sorted(PACKAGE.rglob("*.py"))

# In the order data flows. A module may import only from rows above its own.
LAYERS = (
    "progress",
    "files",
    "errors",
    "data",
    "pantomime",
    "datasets",
    "models",
    "recipes",
    "evaluation",
    "training",
    "pretraining",
    "explanation",
    "plots",
    "widgets",
    "course",
    "cli",
    "__main__",
)
WITH_KERAS = {"data.dataset", "models", "recipes", "training", "pretraining", "explanation"}


def row_of(file):
    """The row of the layer table a file belongs to; None for ``vidlab/__init__.py``."""
    first = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first == "__init__" else first


def is_paper(file):
    """Whether a module is read for its recipes, and need not say what it exports."""
    return row_of(file) == "recipes" and file.stem not in ("__init__", "records")


def name_of(file):
    return file.relative_to(PACKAGE).as_posix()


def dotted(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = [file for file in FILES if row_of(file)]
EXPORTING = [file for file in MODULES if not is_paper(file)]
BY_NAME = {dotted(file): file for file in FILES}


def parsed(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def executed(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from executed(child)


def imported_modules(file):
    """The modules of vidlab a module really imports, by their dotted names; types do not count."""
    for node in executed(parsed(file)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vidlab":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in BY_NAME else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in BY_NAME)


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_run_along_the_flow_of_data(file):
    row = row_of(file)
    assert row in LAYERS, f"{row} is not in the layer table"
    rows = {name.split(".")[1] for name in imported_modules(file) if "." in name}
    upward = {other for other in rows if LAYERS.index(other) > LAYERS.index(row)}
    assert not upward, f"{row} may not import {upward}"


@pytest.mark.parametrize("file", EXPORTING, ids=name_of)
def test_a_module_exports_what_is_there_and_all_that_looks_public(file):
    module = importlib.import_module(dotted(file))
    names = set(module.__all__)
    assert len(names) == len(module.__all__)
    assert all(hasattr(module, name) for name in names)
    public = {
        name
        for name, value in vars(module).items()
        if isinstance(value, type | FunctionType) and value.__module__ == module.__name__
    }
    assert {name for name in public if not name.startswith("_")} - {"main"} <= names


def test_no_modules_import_one_another():
    imports = {name: {*imported_modules(file)} - {name} for name, file in BY_NAME.items()}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_the_package_offers_its_modules_and_the_names_of_the_design():
    assert {"Lab", "load_index"} <= set(vidlab.__all__)
    for name, module in vidlab._NAMES.items():
        assert name in importlib.import_module(f"vidlab.{module}").__all__
    for module in vidlab._MODULES.values():
        assert f"vidlab.{module}" in BY_NAME
    assert {row_of(file) for file in FILES} - {None, "cli", "__main__"} <= set(vidlab.__all__)


def test_modules_with_keras_start_it_quietly():
    assert set(vidlab._ON_KERAS) == WITH_KERAS


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_modules_stay_readable_and_assert_and_swallow_nothing(file):
    lines = file.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{lines} lines"
    assert ast.get_docstring(parsed(file)), "no docstring"
    for node in ast.walk(parsed(file)):
        assert not isinstance(node, ast.Assert), f"assert in line {node.lineno}"
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"bare except in line {node.lineno}"
            body = [ast.unparse(statement) for statement in node.body]
            assert body != ["pass"], f"swallowed exception in line {node.lineno}"


def test_only_keras_3_is_used_to_compute():
    with_tensorflow = {
        name_of(file)
        for file in FILES
        if re.search(r"^\s*(import|from) tensorflow", file.read_text(encoding="utf-8"), re.M)
    }
    elsewhere = {name for name in with_tensorflow if not name.startswith("explanation/")}
    assert elsewhere <= {"training/engines.py", "models/export.py", "models/litert.py"}


def loaded_by(statement):
    script = (
        f"import sys\n{statement}\n"
        "print(sorted({'tensorflow', 'keras', 'torch', 'jax'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_vidlab_and_looking_at_data_and_results_loads_no_tensorflow():
    names = [
        name
        for name in BY_NAME
        if not name.removeprefix("vidlab.").startswith(tuple(WITH_KERAS))
        and not name.endswith("__main__")
    ]
    assert len(names) > 50
    assert loaded_by("import " + ", ".join(sorted(names))) == "[]"


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


def test_every_requirement_is_pinned_exactly_and_within_its_range():
    pinned = {}
    for pin in pins():
        (exact,) = pin.specifier
        assert exact.operator == "==", str(pin)
        pinned.setdefault(canonicalize_name(pin.name), []).append(exact.version)
    for requirement in requirements():
        versions = pinned.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement.name} has no pin"
        for version in versions:
            assert requirement.specifier.contains(version, prereleases=True), str(requirement)


@pytest.mark.parametrize(
    "name", ["constraints.txt", "environment.yml", "Makefile", "pyproject.toml"]
)
def test_no_package_index_is_named(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    pinned = [line for line in text.splitlines() if not line.startswith("#")]
    assert not re.search(
        r"--(extra-)?index-url|--find-links|^-[if]\s|pypi\.org", "\n".join(pinned), re.M
    )
    assert name != "constraints.txt" or "://" not in text
