"""Accidents by the dozen: ``python -m tests.benchmarks.faults fetch|train|fuzz [count]``.

``fetch`` and ``train`` kill a process with SIGKILL at random moments, let another go on, and
compare what is there in the end with what an undisturbed process leaves. ``fuzz`` gives readers
files that were changed at random places, and counts their errors by kind.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from tests.archives import write

FETCH = (
    "import sys; from vidlab.data import ucf101; "
    "ucf101.fetch(sys.argv[1], archive_url=sys.argv[2] + '/UCF101.zip', "
    "lists_url=sys.argv[2] + '/UCF101Lists.zip')"
)
PIECE, PAUSE = 1 << 16, 0.005  # bytes the server sends at a time, and seconds between


class _Server(BaseHTTPRequestHandler):
    """Serves files slowly, whole or from a byte on."""

    def do_GET(self):
        body = self.server.files[self.path]
        start = int(self.headers.get("Range", "bytes=0-").strip("bytes=-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        try:
            for at in range(start, len(body), PIECE):
                self.wfile.write(body[at : at + PIECE])
                time.sleep(PAUSE)
        except OSError:
            self.close_connection = True  # the other side was killed

    def log_message(self, *args):
        pass


def kills_of_fetch(count, folder, *, seed=0, videos=40):
    """Count how many of `count` fetches that were killed end with the same files."""
    rng = np.random.default_rng(seed)
    clips = [(f"UCF-101/Jump/v_Jump_g01_c{n:02d}.avi", rng.bytes(100_000)) for n in range(videos)]
    lists = [("ucfTrainTestlist/classInd.txt", b"1 Jump\n")]
    server = ThreadingHTTPServer(("localhost", 0), _Server)
    server.files = {
        "/UCF101.zip": write(folder / "videos.zip", *clips).read_bytes(),
        "/UCF101Lists.zip": write(folder / "lists.zip", *lists).read_bytes(),
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://localhost:{server.server_port}"

    def fetch(root):
        return [sys.executable, "-c", FETCH, str(root), address]

    seconds, expected = undisturbed(fetch(folder / "whole"), folder / "whole")
    same = 0
    for number in range(count):
        root = folder / f"killed-{number}"
        moment = killed(fetch(root), seconds * rng.random())
        subprocess.run(fetch(root), check=True)
        same += (ended := contents(root)) == expected
        print(
            f"fetch {number + 1}: killed after {moment:.2f} of {seconds:.2f} s", ended == expected
        )
    server.shutdown()
    server.server_close()
    return same


def undisturbed(command, folder):
    """Run a command; return the seconds it took and what it left in a folder."""
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started, contents(folder)


def killed(command, seconds):
    """Start a command and kill it so many seconds later."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    return seconds


def contents(folder):
    """Digest every file of a folder, but for what begins with a point."""
    files = sorted(Path(folder).rglob("*"))
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and file.name != ".lock"
    }
