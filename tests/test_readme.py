"""The README: the recipe it shows is a whole one, and the notebooks it names are the right ones."""

import re
from pathlib import Path

import numpy as np

from vidlab import recipes

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def test_the_recipe_of_the_readme_is_a_model_of_clips(tmp_path, monkeypatch):
    monkeypatch.setattr(recipes, "_RECIPES", {name: recipes.get(name) for name in recipes.names()})
    monkeypatch.setattr(recipes, "_FILES", {})
    text = README.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(from keras .*?)```", text, flags=re.DOTALL)
    file = tmp_path / "my_recipe.py"
    file.write_text(code, encoding="utf-8")
    (name,) = recipes.load(file)
    assert f"vidlab train my_recipe.py:{name}" in text
    model = recipes.build(f"{file}:{name}", 5)
    probabilities = model.predict_on_batch(np.zeros((2, 16, 64, 64, 3), np.uint8))
    np.testing.assert_allclose(probabilities.sum(axis=1), [1, 1], atol=1e-5)
    assert probabilities.shape == (2, 5)


def test_an_explorer_is_in_the_notebooks_that_the_readme_names():
    text = README.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`.*?) \|.*\| ([\d, ]+) \|$", text, flags=re.MULTILINE)
    assert len(rows) >= 5
    sources = {file.name[:2]: file.read_text("utf-8") for file in ROOT.glob("notebooks/*.ipynb")}
    for explorers, numbers in rows:
        calls = [f"widgets.{explorer}(" for explorer in re.findall(r"`(\w+)`", explorers)]
        using = {n for n, source in sources.items() if any(call in source for call in calls)}
        assert using == set(numbers.split(", ")), explorers


def test_every_notebook_has_a_row_in_the_readme():
    rows = re.findall(r"^\| `(\d\d_\w+)` \|", README.read_text(encoding="utf-8"), re.M)
    assert rows == sorted(file.stem for file in ROOT.glob("notebooks/[0-9]*.ipynb"))
