"""The tree drawn in the docstring is the real one, and errors are also what Python calls them."""

import re

from vidlab import errors


def test_the_drawn_tree_is_the_real_one():
    drawn = re.findall(r"^( *[│├└─ ]*)(\w+Error)\b", errors.__doc__, flags=re.MULTILINE)
    path, tree = [], {}
    for indent, name in drawn:
        path = [*path[: len(indent) // 4 - 1], name]
        tree[name] = path[-2] if len(path) > 1 else "Exception"
    defined = {name: value for name, value in vars(errors).items() if isinstance(value, type)}
    assert set(tree) == set(errors.__all__) == set(defined)
    assert {name: error.__bases__[0].__name__ for name, error in defined.items()} == tree


def test_errors_are_also_what_python_calls_them():
    assert issubclass(errors.MissingVideoError, FileNotFoundError)
    assert issubclass(errors.FrameIndexError, IndexError)
    assert issubclass(errors.SamplingError, ValueError)
    assert issubclass(errors.RecipeError, ValueError)
