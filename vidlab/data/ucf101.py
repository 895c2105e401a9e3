"""The real UCF-101: fetched and unpacked.

The archive has 6.5 GB, so a download that breaks off goes on where it ended.

Source: Soomro, Zamir and Shah, "UCF101: A Dataset of 101 Human Actions Classes From Videos in The
Wild", CRCV-TR-12-01, 2012.
"""

from __future__ import annotations

import http.client
import shutil
import urllib.request
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from vidlab.data import archives
from vidlab.errors import DatasetError
from vidlab.files import locked
from vidlab.progress import progress

__all__ = ["ARCHIVE_URL", "LISTS_URL", "fetch", "unpack"]

ARCHIVE_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101.rar"
LISTS_URL = "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip"

_CHUNK = 1 << 20  # bytes at a time
_PATIENCE = 30  # seconds without a response
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_OVERLAP = 1 << 10  # bytes requested again, to know the file by
_OTHER = "another file than the one that was begun"
_TOO_LONG = http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
_FOLDERS = ("UCF-101", "ucfTrainTestlist")


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
    with locked(root):
        for url, unpacked in ((lists_url, "ucfTrainTestlist"), (archive_url, "UCF-101")):
            if not (root / unpacked).is_dir():
                _download(url, root / Path(urlsplit(url).path).name)
        return unpack(root)


def unpack(root: str | Path) -> Path:
    """Unpack the archives in a folder, where that is not done yet.

    ZIP and TAR archives need nothing else; for RAR one of the programs ``unrar``, ``bsdtar``,
    ``7z``, ``7zz`` or ``unar`` must be installed. The unpacked folder appears under its name only
    when it is complete.

    Returns
    -------
    pathlib.Path
        `root`.

    Raises
    ------
    DatasetError
        An archive is damaged or not safe to unpack (see `vidlab.data.archives`), or no program for
        RAR archives is found.
    """
    root = Path(root)
    for archive in sorted(root.glob("UCF101*.*")):
        todo = [name for name in _FOLDERS if not (root / name).is_dir()]
        if not todo or archive.suffix not in (".zip", ".tar", ".rar"):
            continue
        names = [member.name.replace("\\", "/") for member in archives.members(archive)]
        tops = {Path(name).parts[0] for name in names}
        if not tops.intersection(_FOLDERS):
            raise DatasetError(
                f"Expected a folder {' or '.join(_FOLDERS)} in {archive}. Received: "
                f"{sorted(tops)}. Get the archive again."
            )
        for inner in tops.intersection(todo):
            scratch = root / f".unpacking-{inner}"
            shutil.rmtree(scratch, ignore_errors=True)  # of a process that was killed
            scratch.mkdir()
            try:
                archives.unpack(archive, scratch)
                (scratch / inner).replace(root / inner)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return root


def _download(url: str, file: Path) -> None:
    """Bring `url` to `file` by way of ``<file>.part``, going on where an earlier try ended."""
    if file.exists():
        return
    _check_address(url)
    part = file.with_name(f"{file.name}.part")
    start = max(part.stat().st_size - _OVERLAP, 0) if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    remedy = "Call again to go on where it ended"
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            _check_address(response.url)
            if response.length is None:
                raise OSError("the server does not say how long the file is")
            first = response.read(min(_CHUNK, response.length))
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                start = 0
                if not archives.format_of(first):
                    raise OSError(f"no archive but {first[:40]!r}")
            elif _there(part, start) != first[:_OVERLAP]:
                raise OSError(_OTHER)
            total = start + len(first) + response.length
            if (free := shutil.disk_usage(part.parent).free) < total - start:
                raise OSError(f"{free:,} free bytes on the disk, of {total - start:,} needed")
            with part.open("r+b" if start else "wb") as out:
                out.seek(start)
                chunks = chain([first], iter(partial(response.read, _CHUNK), b""))
                count = -(-(total - start) // _CHUNK)
                for chunk in progress(chunks, desc=file.name, total=count, unit="MiB"):
                    out.write(chunk)
        received = part.stat().st_size
        if received != total:
            raise OSError(f"the connection ended after {received} of {total} bytes")
    except (OSError, http.client.HTTPException) as error:
        reason = f"nothing for {_PATIENCE} s" if isinstance(error, TimeoutError) else str(error)
        if reason == _OTHER or getattr(error, "code", 0) == _TOO_LONG:
            remedy = f"Remove {part} to begin anew"
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            remedy = "Check the date of this machine, or wait until the server has a valid one"
        raise DatasetError(
            f"Expected to download {url}. Received: {reason}. {remedy}, or download it with a "
            f"browser to {file.absolute()}; then vidlab data fetch goes on from there."
        ) from error
    part.replace(file)


def _there(part: Path, start: int) -> bytes:
    with part.open("rb") as file:
        file.seek(start)
        return file.read(_OVERLAP)


def _check_address(url: str) -> None:
    """Refuse what is not encrypted on its way; this machine talking to itself need not be."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise DatasetError(
            f"Expected an https address. Received: {url}. Videos are only fetched over a "
            "connection that cannot be tampered with."
        )
