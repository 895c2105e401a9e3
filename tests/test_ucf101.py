import os
import re
import socket
import stat
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vidlab.data import ucf101
from vidlab.errors import DatasetError, LayoutError

ARCHIVE = b"not a real archive, but as long as one that takes two reads " * 40_000


def zipped_lists(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("ucfTrainTestlist/classInd.txt", "1 Jump\r\n")
    return path.read_bytes()


class Publisher:
    """A server on this machine; `cut` ends the next answer after so many bytes."""

    def __init__(self, files):
        self.files, self.cut, self.ranges, self.knows_ranges = files, None, [], True
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.answer(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        body = self.files.get(request.path)
        if body is None:
            request.send_error(404)
            return
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.knows_ranges else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start : self.cut])
        self.cut = None

    def url(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}"


@pytest.fixture
def publisher(tmp_path):
    lists = zipped_lists(tmp_path / "lists.zip")
    served = Publisher({"/UCF101.rar": ARCHIVE, "/UCF101Lists.zip": lists})
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def unrar(tmp_path, monkeypatch):
    """Put a stand-in for unrar on an otherwise empty PATH; it 'unpacks' one file."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "unrar"
    program.write_text(
        "#!/bin/sh\n"
        'for last; do archive="$target"; target="$last"; done\n'
        '[ -s "$archive" ] || { echo "archive is empty" >&2; exit 3; }\n'
        '/bin/mkdir -p "$target/UCF-101/Jump" && echo clip > "$target/UCF-101/Jump/a.avi"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder))


def fetch(publisher, root):
    return ucf101.fetch(
        root, archive_url=publisher.url("UCF101.rar"), lists_url=publisher.url("UCF101Lists.zip")
    )


def test_fetch_brings_videos_and_lists(publisher, unrar, tmp_path):
    root = fetch(publisher, tmp_path / "ucf101")
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE
    assert (root / "ucfTrainTestlist" / "classInd.txt").read_text().strip() == "1 Jump"
    assert (root / "UCF-101" / "Jump" / "a.avi").is_file()
    assert sorted(entry.name for entry in root.iterdir()) == [
        "UCF-101",
        "UCF101.rar",
        "UCF101Lists.zip",
        "ucfTrainTestlist",
    ]


def test_fetch_does_nothing_twice(publisher, unrar, tmp_path):
    fetch(publisher, tmp_path / "ucf101")
    asked = len(publisher.ranges)
    fetch(publisher, tmp_path / "ucf101")
    assert len(publisher.ranges) == asked


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["resumed", "started again"])
def test_a_broken_download_goes_on(publisher, unrar, tmp_path, knows_ranges):
    root = tmp_path / "ucf101"
    (root / "ucfTrainTestlist").mkdir(parents=True)
    publisher.cut, publisher.knows_ranges = 1_500_000, knows_ranges
    with pytest.raises(DatasetError, match=r"UCF101\.rar.*1500000 of 2400000 bytes.*Call again"):
        fetch(publisher, root)
    assert (root / "UCF101.rar.part").stat().st_size == 1_500_000
    fetch(publisher, root)
    assert publisher.ranges == [None, "bytes=1499999-"]
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE
    assert not (root / "UCF101.rar.part").exists()


def test_a_finished_part_is_accepted(publisher, unrar, tmp_path):
    root = tmp_path / "ucf101"
    (root / "ucfTrainTestlist").mkdir(parents=True)
    (root / "UCF101.rar.part").write_bytes(ARCHIVE)
    fetch(publisher, root)
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE


def test_without_a_network_the_error_says_where_to_put_the_file(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    where = re.escape(str(tmp_path / "UCF101Lists.zip"))
    with pytest.raises(DatasetError, match=rf"(?s)UCF101Lists\.zip.*browser to {where}"):
        ucf101.fetch(tmp_path, lists_url=f"http://127.0.0.1:{port}/UCF101Lists.zip")


def test_an_absent_file_is_named(publisher, tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.zip.*404"):
        ucf101.fetch(tmp_path, lists_url=publisher.url("gone.zip"))


@pytest.mark.parametrize(
    "url", ["http://example.org/a.zip", "ftp://example.org/a.zip", "file:///a"]
)
def test_only_encrypted_addresses_are_fetched(tmp_path, url):
    with pytest.raises(DatasetError, match="Expected an https address"):
        ucf101.fetch(tmp_path, lists_url=url)


def test_without_an_unpacker_the_error_says_which_package_gives_one(tmp_path, monkeypatch):
    (tmp_path / "UCF101.rar").write_bytes(ARCHIVE)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DatasetError, match=r"UCF101\.rar.*unrar.*libarchive-tools.*by hand"):
        ucf101.unpack(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["UCF101.rar"]


def test_a_damaged_archive_is_named_and_leaves_nothing_half_unpacked(tmp_path, unrar):
    root = tmp_path / "root"
    root.mkdir()
    (root / "UCF101.rar").touch()
    with pytest.raises(DatasetError, match=r"UCF101\.rar \(archive is empty\)"):
        ucf101.unpack(root)
    assert [entry.name for entry in root.iterdir()] == ["UCF101.rar"]


def test_a_damaged_zip_is_named(tmp_path):
    (tmp_path / "UCF101Lists.zip").write_bytes(b"PK but no more")
    with pytest.raises(DatasetError, match=r"UCF101Lists\.zip.*Remove it"):
        ucf101.unpack(tmp_path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "UCF101Detection.zip", "w") as file:
        file.writestr("other/boxes.txt", "")
    with pytest.raises(DatasetError, match=r"ucfTrainTestlist in .*Detection\.zip.*'other'"):
        ucf101.unpack(tmp_path)


def test_a_complete_folder_is_verified(toy_dataset):
    found = ucf101.verify(toy_dataset(classes=("Jump", "Run"), groups=3, clips=2))
    assert found.is_complete
    assert found.per_class.loc["Run"].to_dict() == {
        "listed": 6,
        "readable": 6,
        "unreadable": 0,
        "missing": 0,
        "unlisted": 0,
    }
    assert str(found).startswith("2 classes; videos: 12 listed, 12 readable")
    assert str(found).endswith(": complete")


@pytest.mark.filterwarnings("ignore:vidlab")
def test_what_is_damaged_missing_or_too_much_is_counted_by_class(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=2)
    jump = root / "UCF-101" / "Jump"
    (jump / "v_Jump_g01_c01.avi").write_bytes(b"")
    (jump / "v_Jump_g02_c01.avi").unlink()
    (jump / "v_Jump_g03_c01.avi").rename(jump / "v_Jump_g09_c01.avi")
    found = ucf101.verify(root)
    assert not found.is_complete
    assert found.per_class.loc["Jump"].tolist() == [6, 4, 1, 2, 1]
    assert found.per_class.loc["Run"].tolist() == [6, 6, 0, 0, 0]
    assert sorted(found.problems["kind"]) == ["missing", "missing", "unlisted", "unreadable"]
    assert str(found).endswith("not complete")


@pytest.mark.filterwarnings("ignore:vidlab")
def test_damage_in_the_middle_is_found_by_counting(toy_dataset):
    root = toy_dataset(classes=("Jump",), groups=3, clips=1)
    path = root / "UCF-101" / "Jump" / "v_Jump_g01_c01.avi"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert ucf101.verify(root, count=True).per_class.loc["Jump", "unreadable"] == 1


def test_without_lists_nothing_counts_as_complete(toy_dataset):
    found = ucf101.verify(toy_dataset(lists=False))
    assert not found.is_complete
    assert "no official lists" in str(found)


def test_an_empty_folder_cannot_be_verified(tmp_path):
    with pytest.raises(LayoutError, match=re.escape(os.fspath(tmp_path))):
        ucf101.verify(tmp_path)
