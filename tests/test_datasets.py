import re
from pathlib import Path

import pytest

from vidlab import datasets, pantomime
from vidlab.errors import LayoutError


@pytest.fixture
def made(monkeypatch, toy_dataset):
    """Let Pantomime be a toy folder; give the list of what was asked for."""
    folder, calls = toy_dataset(), []

    def make(root, *, size="quick", seed=0, bias=None, jobs=None):
        calls.append((Path(root), size, seed, bias))
        return folder

    monkeypatch.setattr(pantomime, "make", make)
    return calls


def test_home_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    assert datasets.home() == tmp_path


def test_home_is_beside_the_profiles_whatever_the_working_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("VIDLAB_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert datasets.home() == Path(__file__).resolve().parents[1]
    assert (datasets.home() / "nbconfig").is_dir()


def test_pantomime_is_made_where_it_belongs(made, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    datasets.load_index("pantomime")
    datasets.load_index("pantomime", size="smoke", seed=7)
    datasets.load_index("pantomime", root=tmp_path / "here", size="full")
    datasets.load_index("pantomime", size="smoke", seed=7, bias="OpenDoor")
    assert made == [
        (tmp_path / "data" / "pantomime-quick", "quick", 0, None),
        (tmp_path / "data" / "pantomime-smoke-seed-7", "smoke", 7, None),
        (tmp_path / "here", "full", 0, None),
        (tmp_path / "data" / "pantomime-smoke-seed-7-bias-OpenDoor", "smoke", 7, "OpenDoor"),
    ]


def test_pantomime_gives_the_index_of_what_was_made(made):
    assert datasets.load_index("pantomime").classes == ["Jump", "Run", "Wave"]


def test_a_folder_is_indexed(toy_dataset):
    assert len(datasets.load_index(toy_dataset(groups=3, clips=2))) == 18


def test_ucf101_is_indexed_where_it_was_unpacked(toy_dataset):
    assert len(datasets.load_index("ucf101", root=toy_dataset())) == 36


def test_ucf101_that_is_not_there_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    where = re.escape(str(tmp_path / "data" / "ucf101"))
    with pytest.raises(LayoutError, match=rf"{where}.*vidlab data fetch"):
        datasets.load_index("ucf101")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(LayoutError, match=r"pantomime, ucf101.*'pantomine'.*spelling"):
        datasets.load_index("pantomine")


def test_the_real_pantomime_is_indexed_with_its_lists(smoke_pantomime):
    index = datasets.load_index("pantomime", root=smoke_pantomime, size="smoke")
    assert index.classes == [name for name in pantomime.CLASSES if name in index.classes]
    assert index.has_official_lists
    assert len(index.report) == 0
    for k, first in ((1, 1), (2, 8), (3, 15)):
        _, _, test = index.split(k)
        assert sorted(set(test.groups)) == [f"g{group:02d}" for group in range(first, first + 7)]
