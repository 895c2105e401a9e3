"""The README: the recipe it shows is a whole one."""

import re
from pathlib import Path

import numpy as np

from vidlab import recipes
from vidlab.recipes import registry

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_recipe_of_the_readme_is_a_model_of_clips(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_RECIPES", {name: recipes.get(name) for name in recipes.names()})
    monkeypatch.setattr(registry, "_FILES", {})
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
