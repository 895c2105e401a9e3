"""Archives are read by name before anything of them is unpacked."""

import shutil
from types import SimpleNamespace

import pytest

from tests.archives import FILE, LINK, write
from vidlab.data import archives
from vidlab.errors import DatasetError

KINDS = ("zip", "tar", "rar", "rar5")
GOOD = [("UCF-101/Jump/a.avi", b"frames" * 50), ("UCF-101/Run/b.avi", b"more" * 3)]


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_sizes_are_read_without_unpacking(tmp_path, kind):
    found = archives.members(write(tmp_path / f"a.{kind}", *GOOD))
    assert [(name, size) for name, size, _ in found] == [(n, len(c)) for n, c in GOOD]
    assert not any(is_link for *_, is_link in found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (("UCF-101/../../evil.txt", b"x"), "leads out"),
        (("..\\evil.txt", b"x"), "leads out"),
        (("/etc/evil.txt", b"x"), "leads out"),
        (("C:\\evil.txt", b"x"), "leads out"),
        (("UCF-101/evil", b"/etc", LINK), "a link"),
    ],
    ids=["parent", "parent of Windows", "absolute", "drive", "link"],
)
def test_what_would_do_harm_is_refused_by_name_and_nothing_is_written(
    tmp_path, kind, entry, reason
):
    (tmp_path / "inside" / "folder").mkdir(parents=True)
    archive = write(tmp_path / f"a.{kind}", GOOD[0], entry)
    with pytest.raises(DatasetError, match=rf"a\.{kind} with '.*evil.*{reason}.*Nothing was"):
        archives.unpack(archive, tmp_path / "inside" / "folder")
    assert {p.name for p in tmp_path.rglob("*")} == {"inside", "folder", archive.name}


@pytest.mark.parametrize("kind", ["zip", "rar", "rar5"])
def test_archives_that_would_fill_the_disk_are_refused(tmp_path, kind, monkeypatch):
    bomb = ("big.avi", b"\0" * 3_000_000) if kind == "zip" else ("big.avi", b"", FILE, 3_000_000)
    with pytest.raises(DatasetError, match=rf"a\.{kind} with 'big\.avi'.*2 of 3,000,300 bytes"):
        archives.unpack(write(tmp_path / f"a.{kind}", GOOD[0], bomb), tmp_path)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda path: SimpleNamespace(free=311))
    with pytest.raises(DatasetError, match=r"Expected 312 free bytes.*Received: 311\. Make room"):
        archives.unpack(write(tmp_path / f"a.{kind}", *GOOD), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{kind}"]


@pytest.mark.parametrize("kind", KINDS)
def test_archives_cut_off_anywhere_are_named(tmp_path, kind):
    archive = write(tmp_path / f"a.{kind}", *GOOD)
    whole = archive.read_bytes()
    end = len(whole.rstrip(b"\0")) if kind == "tar" else len(whole)
    for length in sorted({*range(0, end, 17), 1024, end - 1} - set(range(end, 2000))):
        archive.write_bytes(whole[:length])
        with pytest.raises(DatasetError, match=rf"a\.{kind} \(.+\)\. Remove it"):
            archives.unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", ["zip", "tar", "rar"])
def test_what_is_whole_is_unpacked(tmp_path, kind):
    if kind == "rar" and not any(map(shutil.which, ("unrar", "bsdtar", "7z", "7zz"))):
        pytest.skip("no program that unpacks RAR archives is installed")
    archives.unpack(write(tmp_path / f"a.{kind}", *GOOD), tmp_path)
    for name, content in GOOD:
        assert (tmp_path / name).read_bytes() == content
