import inspect
import re

import pytest

from vidlab import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]


def test_the_drawn_tree_is_the_real_one():
    drawn = re.findall(r"^( *[│├└─ ]*)(\w+Error)\b", errors.__doc__, flags=re.MULTILINE)
    path, tree = [], {}
    for indent, name in drawn:
        depth = len(indent) // 4
        path = [*path[: depth - 1], name]
        tree[name] = path[-2] if len(path) > 1 else None
    assert set(tree) == set(errors.__all__)
    for name, parent in tree.items():
        assert getattr(errors, name).__bases__[0].__name__ == (parent or "Exception")


def test_every_error_of_the_module_is_public():
    defined = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value in CLASSES
    }
    assert defined == set(errors.__all__)


@pytest.mark.parametrize("error", CLASSES, ids=errors.__all__)
def test_one_except_catches_all(error):
    with pytest.raises(errors.VidlabError, match="what happened"):
        raise error("what happened")


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.MissingVideoError, FileNotFoundError),
        (errors.FrameIndexError, IndexError),
        (errors.SamplingError, ValueError),
        (errors.RecipeError, ValueError),
    ],
)
def test_errors_are_also_what_python_calls_them(error, builtin):
    assert issubclass(error, builtin)
