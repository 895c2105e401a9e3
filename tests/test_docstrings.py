"""The examples in docstrings: each shows what really comes out."""

import doctest
import importlib
from pathlib import Path

import pytest

import vidlab

PACKAGE = Path(vidlab.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
    for file in PACKAGE.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_hold(module):
    ran = doctest.testmod(importlib.import_module(module.removesuffix(".__init__")))
    assert ran.attempted > 0
    assert ran.failed == 0
