"""A digest of the code that decides a recipe's result: runs of other code are told apart by it."""

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FunctionType

__all__ = ["digest"]

_CODE = (ast.FunctionDef, ast.ClassDef)
_NOT_PAPERS = ("vidlab.recipes", "vidlab.recipes.records")


def digest(file: str | None, functions: Sequence[Callable]) -> str:
    """Digest the functions, classes and numbers of a file, or else the code of the functions.

    Functions are taken with the papers they come from or borrow from. Comments, docstrings and
    decorators do not count.
    """
    if file:
        texts = {Path(file).read_text("utf-8")}
    else:
        texts = {textwrap.dedent(text) for code in functions for text in _sources(code)}
    trees = [ast.parse(text) for text in sorted(texts)]
    kept = [node for tree in trees for node in ast.walk(tree) if isinstance(node, _CODE)]
    for node in kept:
        node.decorator_list = []
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    kept += [node for tree in trees for node in tree.body if _sets_numbers(node)]
    return hashlib.sha256("\n".join(map(ast.dump, kept)).encode()).hexdigest()[:16]


def _sources(code: Callable) -> list[str]:
    """Read the file of a function and those of its package that it imports functions from."""
    home = inspect.getmodule(code)
    if home is None or home.__name__ == "__main__" or vars(home).get(code.__name__) is not code:
        return [inspect.getsource(code)]
    found = {inspect.getmodule(v) for v in vars(home).values() if isinstance(v, FunctionType)}
    found = {m for m in found - {None} if m.__package__ and m.__package__ == home.__package__}
    return [inspect.getsource(m) for m in {home} | found if m.__name__ not in _NOT_PAPERS]


def _sets_numbers(node: ast.stmt) -> bool:
    """Whether a statement gives a name a number, or numbers, that the model may be built with."""
    if not isinstance(node, ast.Assign) or ast.unparse(node.targets[0]) == "NOTEBOOK":
        return False
    parts = list(ast.walk(node.value))
    named = any(isinstance(part, ast.Name | ast.Dict) for part in parts)  # calls among them
    return not named and not any(isinstance(getattr(part, "value", None), str) for part in parts)
