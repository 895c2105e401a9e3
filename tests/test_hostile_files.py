"""Files that somebody changed, by accident or on purpose, end in sentences and in nothing else."""

import math
import re

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import hostile
from vidlab import recipes
from vidlab.course import profiles
from vidlab.errors import ModelError, ProfileError, RecipeError, VidlabError, WeightsError
from vidlab.evaluation.runs import RunFolder
from vidlab.models import backbones

EDITS = st.lists(
    st.tuples(
        st.sampled_from(hostile.KINDS), st.floats(0, 1), st.integers(0, 30), st.integers(0, 200)
    ),
    min_size=1,
    max_size=4,
)
CASES = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def seeds(folder):
    return hostile.seeds(folder)


NAMES = [*hostile.SEEDS, *(f"archive.{kind}" for kind in ("zip", "tar", "rar", "rar5"))]


@pytest.mark.parametrize("name", NAMES)
@given(edits=EDITS)
@settings(
    max_examples=math.ceil(CASES / len(NAMES)),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_changed_file_is_read_or_refused_with_a_sentence(name, folder, seeds, edits, monkeypatch):
    recipes.names()  # finds those of the package, once
    monkeypatch.setattr(recipes, "_RECIPES", dict(recipes._RECIPES))
    content = hostile.changed(seeds[name], edits)
    found = "Expected Received"
    try:
        hostile.read(name, content, folder / "work")
    except VidlabError as error:
        found = str(error)
    assert re.search(r"(?s)\AExpected.*Received", found)
    assert len(found) < 3000


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "seed: [unclosed",
        "seed: !!python/object/apply:os.getcwd []",
        "1: number",
        "seed: " + "9" * 5000,
        "[" * 3000,
        "\0",
        "when: 2001-99-99",
        "{base: quick, recipes: 3}",
    ],
    ids=["list", "syntax", "code", "number", "digits", "deep", "zero", "date", "base"],
)
def test_a_profile_that_is_none_is_named(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ProfileError, match=r"Expected .*mine\.yaml"):
        profiles.load(str(tmp_path / "mine.yaml"))


def test_a_file_of_recipes_that_leaves_python_or_fails_leaves_no_recipe(tmp_path):
    text = hostile.SEEDS["recipe.py"].decode()
    for end in ("raise SystemExit\n", "1 / 0\n"):
        (tmp_path / "mine.py").write_text(f"{text}\n\n{end}")
        with pytest.raises(RecipeError, match=r"mine\.py, which fails with"):
            recipes.load(tmp_path / "mine.py")
        assert "fuzzed" not in recipes.names()


def test_code_in_a_model_is_never_run(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2)(inputs))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"data alone.*model\.keras.*Lambda layer.*class of its"):
        RunFolder(tmp_path).model()
    with pytest.raises(WeightsError, match=r"model\.keras.*Lambda layer"):
        backbones.build("residual-0.25", size=(32, 32), weights=tmp_path / "model.keras")


def test_damaged_models_are_named(tmp_path):
    rng = np.random.default_rng(0)
    for name, content in hostile.model_seeds(tmp_path).items():
        for number in range(4):
            cut = content[: int(rng.integers(len(content)))]
            (tmp_path / name).write_bytes(cut if number else rng.bytes(900))
            with pytest.raises(WeightsError, match=rf"Expected weights.*{name}"):
                backbones.build("residual-0.25", size=(32, 32), weights=tmp_path / name)
