"""From a name to an index: where datasets are kept, and what is not there."""

import re
from pathlib import Path

import pytest

from vidlab import datasets, pantomime
from vidlab.errors import LayoutError


@pytest.fixture
def made(monkeypatch, toy_folder):
    """Let Pantomime be a toy folder; give the list of how it was made."""
    calls = []

    def make(root, *, size="quick", seed=0, bias=None, jobs=None):
        calls.append((Path(root), size, seed, bias))
        return toy_folder

    monkeypatch.setattr(pantomime, "make", make)
    return calls


def test_home_is_the_variable_s_folder_or_beside_the_profiles(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    assert datasets.home() == tmp_path
    monkeypatch.delenv("VIDLAB_HOME")
    monkeypatch.chdir(tmp_path)
    assert datasets.home() == Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("options", "folder", "variant"),
    [
        ({}, "data/pantomime-quick", ("quick", 0, None)),
        ({"size": "smoke", "seed": 7}, "data/pantomime-smoke-seed-7", ("smoke", 7, None)),
        (
            {"size": "smoke", "seed": 7, "bias": "OpenDoor"},
            "data/pantomime-smoke-seed-7-bias-OpenDoor",
            ("smoke", 7, "OpenDoor"),
        ),
        ({"root": "here", "size": "full"}, "here", ("full", 0, None)),
    ],
    ids=str,
)
def test_pantomime_is_made_where_it_belongs(made, monkeypatch, tmp_path, options, folder, variant):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    if "root" in options:
        options = {**options, "root": tmp_path / options["root"]}
    index = datasets.load_index("pantomime", **options)
    assert index.classes == ["Jump", "Run", "Wave"]
    assert made == [(tmp_path / folder, *variant)]


def test_folders_and_ucf101_are_indexed_where_they_are(toy_folder):
    assert len(datasets.load_index(toy_folder)) == 36
    assert len(datasets.load_index("ucf101", root=toy_folder)) == 36


def test_what_is_not_there_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    folder = re.escape(str(tmp_path / "data" / "ucf101"))
    with pytest.raises(LayoutError, match=rf"{folder}.*vidlab data fetch"):
        datasets.load_index("ucf101")
    with pytest.raises(LayoutError, match=r"pantomime, ucf101.*'pantomine'.*spelling"):
        datasets.load_index("pantomine")
