"""Archives from elsewhere: their names are read first, then they are unpacked.

Nothing is written before every name is known to stay inside the folder, no entry is a link or a
device, and the whole is in proportion to the archive. Of RAR archives, which Python does not read,
the headers are followed here and a program does the unpacking.
"""

from __future__ import annotations

import errno
import io
import shutil
import stat
import struct
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from vidlab.errors import DatasetError

__all__ = ["Member", "format_of", "members", "unpack"]

_SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",  # an empty one
    b"Rar!\x1a\x07": "rar",
}
_MOST_MEMBERS = 200_000
_MOST_TIMES = 100  # bytes unpacked for one in the archive; text is packed 30 times, videos once
_UNPACKERS = {
    "unrar": "x -idq -o+ -- {archive} {folder}/",
    "bsdtar": "-xf {archive} -C {folder}",
    "7z": "x -y -bd -o{folder} -- {archive}",
    "7zz": "x -y -bd -o{folder} -- {archive}",
    "unar": "-quiet -output-directory {folder} {archive}",
}


class Member(NamedTuple):
    """An entry of an archive: its name, its bytes when unpacked, and whether it is a link."""

    name: str
    size: int
    is_link: bool  # or a device: anything but a file or a folder


def format_of(head: bytes) -> str | None:
    r"""Recognise an archive by its first 512 bytes, as `shutil.unpack_archive` names formats.

    Examples
    --------
    >>> format_of(b"Rar!\x1a\x07\x00"), format_of(b"<!DOCTYPE html>")
    ('rar', None)
    """
    known = (name for signature, name in _SIGNATURES.items() if head.startswith(signature))
    return next(known, "tar" if head[257:262] == b"ustar" else None)


def members(archive: Path) -> list[Member]:
    """Read what is in a ZIP, TAR or RAR archive, without unpacking any of it.

    Raises
    ------
    DatasetError
        It is no archive or damaged, or unpacking it would write outside the folder it is unpacked
        into, make a link, or fill the disk. The entry is named.
    """
    listed, total = [], 0
    most = max(_MOST_TIMES * archive.stat().st_size, 10**6)
    with _damage_named(archive):
        for member in _READERS[_kind(archive)](archive):
            parts = PurePosixPath(member.name.replace("\\", "/")).parts
            listed.append(member)
            total += member.size
            if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
                raise _refused(archive, member, "which leads out of the folder")
            if member.is_link:
                raise _refused(archive, member, "a link or a device")
            if total > most or len(listed) > _MOST_MEMBERS:
                raise _refused(archive, member, f"number {len(listed)} of {total:,} bytes in all")
    return listed


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive whose `members` were read into a folder that is there.

    Raises
    ------
    DatasetError
        It is damaged, the disk is too small, or there is no program that unpacks RAR archives.
    """
    needed, free = sum(member.size for member in members(archive)), shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"Expected {needed:,} free bytes to unpack {archive}. Received: {free:,}. Make room, "
            "and call again."
        )
    with _damage_named(archive):
        if (kind := _kind(archive)) == "rar":
            _unpack_rar(archive, folder)
        else:
            shutil.unpack_archive(archive, folder, kind)


def _kind(archive: Path) -> str:
    with open(archive, "rb") as file:
        kind = format_of(file.read(512))
    if kind is None:
        raise ValueError("this is no ZIP, TAR or RAR archive")
    return kind


def _refused(archive: Path, member: Member, reason: str) -> DatasetError:
    return DatasetError(
        f"Expected files that stay inside the folder they are unpacked into. Received: {archive} "
        f"with {member.name!r}, {reason}. Nothing was unpacked. Remove it, and get it from where "
        "it was published."
    )


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    """Turn whatever a damaged archive makes its reader raise into one sentence."""
    try:
        yield
    except (DatasetError, PermissionError):
        raise
    except Exception as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise  # of the disk, not of the archive
        reason = (getattr(error, "stderr", "") or str(error) or "it ends too soon").strip()[-500:]
        raise DatasetError(
            f"Expected a complete archive. Received: {archive} ({reason}). Remove it and call "
            "vidlab data fetch again."
        ) from error


def _in_zip(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            yield Member(entry.filename, entry.file_size, not plain)


def _in_tar(archive: Path) -> Iterator[Member]:
    with open(archive, "rb") as file:
        file.seek(-512, io.SEEK_END)
        if any(file.read()):
            raise EOFError  # between two entries, which the reader would not notice
    with tarfile.open(archive) as file:
        for entry in file:
            yield Member(entry.name, entry.size, not (entry.isreg() or entry.isdir()))


def _in_rar(archive: Path) -> Iterator[Member]:
    with open(archive, "rb") as file:
        yield from (_in_rar5 if file.read(8).endswith(b"\x01\0") else _in_rar4)(file)


def _in_rar4(file: BinaryIO) -> Iterator[Member]:
    """Follow the blocks of a RAR archive up to version 4; technote.txt of WinRAR 4 tells them."""
    file.seek(7)
    kind = 0
    while kind != 0x7B:  # the end of the archive
        _, kind, flags, length = struct.unpack("<HBHH", _read(file, 7))
        block = _read(file, length - 7)
        data = struct.unpack_from("<I", block)[0] if flags & 0x8000 else 0
        if kind == 0x74:  # a file or a folder
            _, size, system, *_, count, mode = struct.unpack_from("<IIBIIBBHI", block)
            name = block[25:]
            if flags & 0x100:
                high = struct.unpack_from("<II", block, 25)
                data, size, name = data + (high[0] << 32), size + (high[1] << 32), block[33:]
            if flags & 0x200 and b"\0" in name[:count]:
                raise ValueError("its names are not in plain letters: unpack it by hand")
            yield Member(name[:count].decode(), size, system == 3 and stat.S_ISLNK(mode))
        file.seek(data, io.SEEK_CUR)


def _in_rar5(file: BinaryIO) -> Iterator[Member]:
    """Follow the blocks of a RAR archive of version 5; rarlab.com/technote.htm tells them."""
    kind = 0
    while kind != 5:  # the end of the archive
        _read(file, 4)
        block = io.BytesIO(_read(file, _number(file)))
        kind, flags = _number(block), _number(block)
        extra, data = (_number(block) if flags & bit else 0 for bit in (1, 2))
        if kind == 2:  # a file or a folder
            own, size, _ = (_number(block) for _ in range(3))
            _read(block, 4 * bool(own & 2) + 4 * bool(own & 4))
            _, _, count = (_number(block) for _ in range(3))
            name, is_link, end = _read(block, count).decode(), False, block.tell() + extra
            while extra and block.tell() < end:
                record = io.BytesIO(_read(block, _number(block)))
                is_link |= _number(record) == 5
            yield Member(name, size, is_link)
        file.seek(data, io.SEEK_CUR)


def _number(file: BinaryIO) -> int:
    """Read a number of 7 bits a byte, the lowest first; the last byte has no eighth bit."""
    value = shift = 0
    while (byte := _read(file, 1)[0]) & 0x80 and shift < 63:
        value, shift = value | (byte & 0x7F) << shift, shift + 7
    return value | byte << shift


def _read(file: BinaryIO, count: int) -> bytes:
    found = file.read(count) if 0 <= count <= 1 << 21 else b""  # no header is larger
    if len(found) != count:
        raise EOFError
    return found


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


_READERS = {"zip": _in_zip, "tar": _in_tar, "rar": _in_rar}
