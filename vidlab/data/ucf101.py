"""The real UCF-101: fetched and unpacked.

The archive has 6.5 GB, so a download that breaks off goes on where it ended.

Source: Soomro, Zamir and Shah, "UCF101: A Dataset of 101 Human Actions Classes From Videos in The
Wild", CRCV-TR-12-01, 2012.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import urllib.request
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from vidlab.errors import DatasetError
from vidlab.progress import progress

__all__ = ["ARCHIVE_URL", "LISTS_URL", "fetch", "unpack"]

ARCHIVE_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101.rar"
LISTS_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip"

_CHUNK = 1 << 20  # bytes at a time
_PATIENCE = 30  # seconds without a response
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_UNPACKERS = {
    "unrar": "x -idq -o+ {archive} {folder}/",
    "bsdtar": "-xf {archive} -C {folder}",
    "7z": "x -y -bd -o{folder} {archive}",
    "7zz": "x -y -bd -o{folder} {archive}",
    "unar": "-quiet -output-directory {folder} {archive}",
}


def fetch(root: str | Path, *, archive_url: str = ARCHIVE_URL, lists_url: str = LISTS_URL) -> Path:
    """Download UCF-101 and its lists into a folder and unpack them; skip what is there.

    Parameters
    ----------
    root
        The folder for ``UCF-101/`` and ``ucfTrainTestlist/``; about 14 GB are needed on the way.
    archive_url, lists_url
        Where from; https only.

    Returns
    -------
    pathlib.Path
        `root`.

    Raises
    ------
    DatasetError
        The download failed (call again to go on from where it ended), or there is no program that
        unpacks RAR archives.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    for url, unpacked in ((lists_url, "ucfTrainTestlist"), (archive_url, "UCF-101")):
        if not (root / unpacked).is_dir():
            _download(url, root / Path(urlsplit(url).path).name)
    return unpack(root)


def unpack(root: str | Path) -> Path:
    """Unpack the archives in a folder, where that is not done yet.

    The lists, a ZIP archive, need nothing else. For the videos one of the programs ``unrar``,
    ``bsdtar``, ``7z``, ``7zz`` or ``unar`` must be installed. The unpacked folder appears under its
    name only when it is complete.

    Returns
    -------
    pathlib.Path
        `root`.

    Raises
    ------
    DatasetError
        An archive is damaged, or no program for RAR archives is found.
    """
    root = Path(root)
    for archive in sorted([*root.glob("UCF101*.zip"), *root.glob("UCF101*.rar")]):
        inner = "ucfTrainTestlist" if archive.suffix == ".zip" else "UCF-101"
        if (root / inner).is_dir():
            continue
        scratch = root / f".unpacking-{inner}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            if archive.suffix == ".zip":
                shutil.unpack_archive(archive, scratch)
            else:
                _unpack_rar(archive, scratch)
            if not (scratch / inner).is_dir():
                raise DatasetError(
                    f"Expected a folder {inner} in {archive}. Received: "
                    f"{sorted(entry.name for entry in scratch.iterdir())}. Get the archive again."
                )
            (scratch / inner).replace(root / inner)
        except (shutil.ReadError, subprocess.CalledProcessError) as error:
            reason = (getattr(error, "stderr", "") or str(error)).strip()[-500:]
            raise DatasetError(
                f"Expected a complete archive. Received: {archive} ({reason}). Remove it and call "
                "vidlab data fetch again."
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return root


def _download(url: str, file: Path) -> None:
    """Bring `url` to `file` by way of ``<file>.part``, going on where an earlier try ended."""
    if file.exists():
        return
    _check_address(url)
    part = file.with_name(f"{file.name}.part")
    # The last byte is requested again: a server refuses a request for nothing.
    start = max(part.stat().st_size - 1, 0) if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            _check_address(response.url)
            resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
            start = start if resumed else 0
            if response.length is None:
                raise OSError("the server does not say how long the file is")
            total = start + response.length
            with part.open("r+b" if resumed else "wb") as out:
                out.seek(start)
                count = -(-(total - start) // _CHUNK)
                chunks = iter(partial(response.read, _CHUNK), b"")
                for chunk in progress(chunks, desc=file.name, total=count, unit="MiB"):
                    out.write(chunk)
        received = part.stat().st_size
        if received != total:
            raise OSError(f"the connection ended after {received} of {total} bytes")
    except (OSError, http.client.HTTPException) as error:
        raise DatasetError(
            f"Expected to download {url}. Received: {error}. Call again to go on where it ended, "
            f"or download it with a browser to {file.absolute()}; then vidlab data fetch goes on "
            "from there."
        ) from error
    part.replace(file)


def _check_address(url: str) -> None:
    """Refuse what is not encrypted on its way; this machine talking to itself need not be."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise DatasetError(
            f"Expected an https address. Received: {url}. Videos are only fetched over a "
            "connection that cannot be tampered with."
        )


def _unpack_rar(archive: Path, folder: Path) -> None:
    program = next((name for name in _UNPACKERS if shutil.which(name)), None)
    if program is None:
        raise DatasetError(
            f"Expected a program that unpacks {archive}. Received: none of "
            f"{', '.join(_UNPACKERS)} is installed. Install one: the package unrar or "
            "libarchive-tools on Debian and Ubuntu, libarchive or sevenzip in Homebrew, 7zip on "
            f"Windows; or unpack it by hand, so that there is a folder {folder.parent / 'UCF-101'}."
        )
    known = {"archive": archive.absolute(), "folder": folder.absolute()}
    options = [part.format(**known) for part in _UNPACKERS[program].split()]
    subprocess.run([shutil.which(program), *options], capture_output=True, text=True, check=True)
