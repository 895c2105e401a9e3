"""UCF-101 from a server of the test's own: fetched, gone on with, unpacked and verified."""

import re
import stat
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from vidlab.data import ucf101
from vidlab.errors import DatasetError

ARCHIVE = b"not a real archive, but as long as one that takes two reads " * 40_000


class Publisher:
    """A server on this machine; `cut` ends the next response after so many bytes."""

    def __init__(self, files):
        self.files, self.cut, self.ranges, self.knows_ranges = files, None, [], True
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.respond(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, request):
        body, wanted = self.files.get(request.path), request.headers.get("Range")
        if body is None:
            request.send_error(404)
            return
        self.ranges.append(wanted)
        start = int(wanted.strip("bytes=-")) if wanted and self.knows_ranges else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start : self.cut])
        self.cut = None

    def url(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}"

    def fetch(self, root):
        videos, lists = self.url("UCF101.rar"), self.url("UCF101Lists.zip")
        return ucf101.fetch(root, archive_url=videos, lists_url=lists)


def zip_of(path, name, text=""):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, text)
    return path


@pytest.fixture
def publisher(tmp_path):
    lists = zip_of(tmp_path / "lists.zip", "ucfTrainTestlist/classInd.txt", "1 Jump\r\n")
    served = Publisher({"/UCF101.rar": ARCHIVE, "/UCF101Lists.zip": lists.read_bytes()})
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ucf101").mkdir()
    return tmp_path / "ucf101"


@pytest.fixture
def unrar(tmp_path, monkeypatch):
    """Put a stand-in for unrar on an otherwise empty PATH; it 'unpacks' one file."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is a shell script")
    program = tmp_path / "programs" / "unrar"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'for last; do archive="$target"; target="$last"; done\n'
        '[ -s "$archive" ] || { echo "archive is empty" >&2; exit 3; }\n'
        '/bin/mkdir -p "$target/UCF-101/Jump" && echo clip > "$target/UCF-101/Jump/a.avi"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.usefixtures("unrar")
def test_fetch_brings_videos_and_lists_once(publisher, root):
    for _ in range(2):
        publisher.fetch(root)
        assert len(publisher.ranges) == 2
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE
    assert (root / "ucfTrainTestlist" / "classInd.txt").read_text().strip() == "1 Jump"
    assert (root / "UCF-101" / "Jump" / "a.avi").is_file()
    names = ["UCF-101", "UCF101.rar", "UCF101Lists.zip", "ucfTrainTestlist"]
    assert sorted(entry.name for entry in root.iterdir()) == names


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["resumed", "started again"])
@pytest.mark.usefixtures("unrar")
def test_a_broken_download_goes_on(publisher, root, knows_ranges):
    (root / "ucfTrainTestlist").mkdir()
    publisher.cut, publisher.knows_ranges = 1_500_000, knows_ranges
    with pytest.raises(DatasetError, match=r"UCF101\.rar.*1500000 of 2400000 bytes.*Call again"):
        publisher.fetch(root)
    assert (root / "UCF101.rar.part").stat().st_size == 1_500_000
    publisher.fetch(root)
    assert publisher.ranges == [None, "bytes=1499999-"]
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE
    assert not (root / "UCF101.rar.part").exists()


@pytest.mark.usefixtures("unrar")
def test_a_finished_part_is_accepted(publisher, root):
    (root / "UCF101.rar.part").write_bytes(ARCHIVE)
    publisher.fetch(root)
    assert (root / "UCF101.rar").read_bytes() == ARCHIVE


def test_what_cannot_be_fetched_is_named_with_where_to_put_it(publisher, tmp_path):
    with pytest.raises(DatasetError, match=r"gone\.zip.*404"):
        ucf101.fetch(tmp_path, lists_url=publisher.url("gone.zip"))
    publisher.server.server_close()
    file = re.escape(str(tmp_path / "UCF101Lists.zip"))
    with pytest.raises(DatasetError, match=rf"(?s)UCF101Lists\.zip.*browser to {file}"):
        publisher.fetch(tmp_path)


@pytest.mark.parametrize("url", ["http://example.org/a.zip", "ftp://example.org/a", "file:///a"])
def test_only_encrypted_addresses_are_fetched(tmp_path, url):
    with pytest.raises(DatasetError, match="Expected an https address"):
        ucf101.fetch(tmp_path, lists_url=url)


def test_without_an_unpacker_the_error_says_which_package_gives_one(root, monkeypatch):
    (root / "UCF101.rar").write_bytes(ARCHIVE)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DatasetError, match=r"UCF101\.rar.*unrar.*libarchive-tools.*by hand"):
        ucf101.unpack(root)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("UCF101.rar", b"", r"UCF101\.rar \(archive is empty\)"),
        ("UCF101Lists.zip", b"PK but no more", r"UCF101Lists\.zip.*Remove it"),
        ("UCF101Detection.zip", None, r"ucfTrainTestlist in .*Detection\.zip.*'other'"),
    ],
    ids=["damaged RAR", "damaged ZIP", "something else"],
)
@pytest.mark.usefixtures("unrar")
def test_damaged_and_other_archives_are_named_and_leave_nothing(root, name, content, message):
    if content is None:
        zip_of(root / name, "other/boxes.txt")
    else:
        (root / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        ucf101.unpack(root)
    assert [entry.name for entry in root.iterdir()] == [name]
