"""UCF-101 from a server of the test's own: fetched, gone on with, unpacked and verified."""

import re
import shutil
import ssl
import stat
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.archives import write
from tests.benchmarks import faults
from vidlab.data import ucf101
from vidlab.errors import DatasetError
from vidlab.files import locked

CLIP = b"not a real clip, but as long as one that takes two reads... " * 40_000


class Publisher:
    """A server on this machine; `cut` ends the next response after so many bytes, `fault` lies."""

    def __init__(self, files):
        self.files, self.cut, self.ranges, self.knows_ranges = files, None, [], True
        self.fault, self.claimed, self.scheme = "", 0, "http"
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                publisher.respond(self)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("localhost", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def respond(self, request):
        body, wanted = self.files.get(request.path), request.headers.get("Range")
        if body is None:
            request.send_error(404)
            return
        self.ranges.append(wanted)
        start = int(wanted.strip("bytes=-")) if wanted and self.knows_ranges else 0
        if start >= len(body):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body) - start + self.claimed))
        request.end_headers()
        request.wfile.write(body[start : self.cut])
        if self.fault == "stalls":
            time.sleep(1)
        self.cut = None

    def url(self, name):
        return f"{self.scheme}://localhost:{self.server.server_port}/{name}"

    def fetch(self, root):
        videos, lists = self.url("UCF101.rar"), self.url("UCF101Lists.zip")
        return ucf101.fetch(root, archive_url=videos, lists_url=lists)


@pytest.fixture
def publisher(tmp_path):
    lists = write(tmp_path / "lists.zip", ("ucfTrainTestlist/classInd.txt", b"1 Jump\r\n"))
    videos = write(tmp_path / "videos.rar", ("UCF-101/Jump/a.avi", CLIP))
    served = Publisher({"/UCF101.rar": videos.read_bytes(), "/UCF101Lists.zip": lists.read_bytes()})
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
    assert (root / "UCF101.rar").read_bytes() == publisher.files["/UCF101.rar"]
    assert (root / "ucfTrainTestlist" / "classInd.txt").read_text().strip() == "1 Jump"
    assert (root / "UCF-101" / "Jump" / "a.avi").is_file()
    names = ["UCF-101", "UCF101.rar", "UCF101Lists.zip", "ucfTrainTestlist"]
    assert sorted(entry.name for entry in root.glob("[!.]*")) == names


@pytest.mark.parametrize("knows_ranges", [True, False], ids=["resumed", "started again"])
@pytest.mark.usefixtures("unrar")
def test_a_broken_download_goes_on(publisher, root, knows_ranges):
    (root / "ucfTrainTestlist").mkdir()
    whole = publisher.files["/UCF101.rar"]
    publisher.cut, publisher.knows_ranges = 1_500_000, knows_ranges
    ended = rf"UCF101\.rar.*1500000 of {len(whole)} bytes.*Call again"
    with pytest.raises(DatasetError, match=ended):
        publisher.fetch(root)
    assert (root / "UCF101.rar.part").stat().st_size == 1_500_000
    publisher.fetch(root)
    assert publisher.ranges == [None, f"bytes={1_500_000 - 1024}-"]
    assert (root / "UCF101.rar").read_bytes() == whole
    assert not (root / "UCF101.rar.part").exists()


@pytest.mark.usefixtures("unrar")
def test_a_finished_part_is_accepted(publisher, root):
    (root / "UCF101.rar.part").write_bytes(publisher.files["/UCF101.rar"])
    publisher.fetch(root)
    assert (root / "UCF101.rar").read_bytes() == publisher.files["/UCF101.rar"]


@pytest.mark.parametrize(
    ("fault", "message", "left"),
    [
        ("stalls", r"nothing for 0\.2 s\. Call again", 1000),
        ("claims more", r"2400077 of 2400084 bytes\. Call again", 2_400_077),
        ("claims less", r"complete archive.*UCF101\.rar \(it ends too soon\)\. Remove it", None),
        ("web page", r"no archive but b'<!DOCTYPE html>.*browser to", None),
        ("web page later", r"no archive but b'<!DOCTYPE html>", 2000),
        ("another file", r"another file.*Remove .*UCF101\.rar\.part to begin anew", 2000),
        ("shorter file", r"416.*Remove .*UCF101\.rar\.part to begin anew", 3_000_000),
        ("full disk", r"10 free bytes on the disk, of 2,400,077 needed\. Call again", None),
    ],
    ids=[
        "stalls",
        "claims more",
        "claims less",
        "web page",
        "web page later",
        "another file",
        "shorter file",
        "full disk",
    ],
)
@pytest.mark.usefixtures("unrar")
def test_what_a_server_does_wrong_is_named_and_costs_nothing_that_was_received(
    publisher, root, fault, message, left, monkeypatch
):
    (root / "ucfTrainTestlist").mkdir()
    part, whole = root / "UCF101.rar.part", publisher.files["/UCF101.rar"]
    if fault in ("web page later", "another file", "shorter file"):
        part.write_bytes(whole[:2000] if left == 2000 else bytes(left))
    if fault == "stalls":
        monkeypatch.setattr(ucf101, "_PATIENCE", 0.2)
        monkeypatch.setattr(ucf101, "_CHUNK", 1000)
        publisher.fault, publisher.cut = fault, 1500
    if fault == "full disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 10))
    publisher.claimed = {"claims more": 7, "claims less": -90}.get(fault, 0)
    if "web page" in fault:
        publisher.files["/UCF101.rar"] = b"<!DOCTYPE html><title>Sign in</title>" * 9
        publisher.knows_ranges = False
    if fault == "another file":
        publisher.files["/UCF101.rar"] = bytes(reversed(whole))
    with pytest.raises(DatasetError, match=message):
        publisher.fetch(root)
    assert (part.stat().st_size if part.exists() else None) == left
    assert not (root / "UCF-101").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")
def test_killed_and_resumed_it_is_as_if_never_interrupted(tmp_path):
    assert faults.kills_of_fetch(2, tmp_path) == 2


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_an_expired_certificate_is_named_with_the_date_as_the_first_suspect(
    publisher, root, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "index.txt").touch()
    (tmp_path / "ca.cnf").write_text(
        "[ca]\ndefault_ca=one\n[one]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n"
        "default_md=sha256\npolicy=any\nx509_extensions=v3\n[any]\ncommonName=supplied\n"
        "[v3]\nsubjectAltName=DNS:localhost\nbasicConstraints=CA:TRUE\n"
    )
    for command in (
        "req -new -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=localhost",
        "ca -selfsign -batch -notext -config ca.cnf -keyfile key.pem -in request.pem "
        "-out cert.pem -startdate 20200101000000Z -enddate 20210101000000Z",
    ):
        subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    publisher.server.socket = context.wrap_socket(publisher.server.socket, server_side=True)
    publisher.scheme = "https"
    with pytest.raises(DatasetError, match=r"certificate has expired.*Check the date of this"):
        publisher.fetch(root)


@pytest.mark.usefixtures("unrar")
def test_two_processes_fetch_one_after_the_other(publisher, root, capsys):
    with locked(root):
        second = threading.Thread(target=publisher.fetch, args=[root])
        second.start()
        second.join(0.3)
        assert second.is_alive()
        assert publisher.ranges == []
    second.join()
    assert (root / "UCF-101" / "Jump" / "a.avi").is_file()
    assert f"Waiting for another process that works in {root}" in capsys.readouterr().out


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
    write(root / "UCF101.rar", ("UCF-101/Jump/a.avi", CLIP))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DatasetError, match=r"UCF101\.rar.*unrar.*libarchive-tools.*by hand"):
        ucf101.unpack(root)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("UCF101.rar", b"", r"UCF101\.rar \(this is no ZIP, TAR or RAR archive\)"),
        ("UCF101Lists.zip", b"PK\3\4 but no more", r"UCF101Lists\.zip.*Remove it"),
        ("UCF101.zip", "UCF-101/../../a.avi", r"UCF101\.zip with '.*a\.avi', which leads out"),
        ("UCF101Detection.zip", "other/boxes.txt", r"UCF-101 or .*Detection\.zip.*'other'"),
    ],
    ids=["damaged RAR", "damaged ZIP", "hostile", "something else"],
)
@pytest.mark.usefixtures("unrar")
def test_damaged_and_other_archives_are_named_and_leave_nothing(root, name, content, message):
    if isinstance(content, str):
        write(root / name, (content,))
    else:
        (root / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        ucf101.unpack(root)
    assert [entry.name for entry in root.iterdir()] == [name]


@pytest.mark.usefixtures("unrar")
def test_what_the_unpacker_complains_of_is_passed_on(root):
    path = write(root / "UCF101.rar", ("UCF-101/Jump/a.avi", b"clip"))
    (path.parents[1] / "programs" / "unrar").write_text("#!/bin/sh\necho bad CRC >&2; exit 3\n")
    with pytest.raises(DatasetError, match=r"UCF101\.rar \(bad CRC\)\. Remove it"):
        ucf101.unpack(root)
