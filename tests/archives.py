"""Archives written byte by byte: RAR of version 4 and 5 with stored entries, TAR and ZIP."""

import stat
import struct
import tarfile
import zipfile
import zlib
from io import BytesIO

FILE, LINK = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


def write(path, *entries):
    """Write an archive, its kind by the suffix, of (name, content, mode, claimed size)."""
    rows = [(*entry, *(b"", FILE, None)[len(entry) - 1 :]) for entry in entries]
    rows = [(n, c, m, len(c) if size is None else size) for n, c, m, size in rows]
    {".zip": _zip, ".tar": _tar, ".rar": _rar4, ".rar5": _rar5}[path.suffix](path, rows)
    return path


def _zip(path, rows):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, mode, _ in rows:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _tar(path, rows):
    with tarfile.open(path, "w") as file:
        for name, content, mode, size in rows:
            entry = tarfile.TarInfo(name)
            entry.size = size
            if stat.S_ISLNK(mode):
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, content.decode(), 0
            file.addfile(entry, BytesIO(content.ljust(entry.size, b"\0")))


def _rar4(path, rows):
    def block(kind, flags, body, data=b""):
        head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
        return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head + data

    parts = [b"Rar!\x1a\x07\0", block(0x73, 0, bytes(6))]
    for name, content, mode, size in rows:
        facts = (len(content), size, 3, zlib.crc32(content), 0x4F6B0000, 20, 0x30, len(name), mode)
        body = struct.pack("<IIBIIBBHI", *facts) + name.encode()
        parts.append(block(0x74, 0x8000, body, content))
    path.write_bytes(b"".join([*parts, block(0x7B, 0x4000, b"")]))


def _rar5(path, rows):
    def number(value):
        return (b"" if value < 128 else bytes([value & 127 | 128])) + (
            bytes([value]) if value < 128 else number(value >> 7)
        )

    def block(*numbers, rest=b"", data=b""):
        body = b"".join(map(number, numbers)) + rest
        head = number(len(body)) + body
        return struct.pack("<I", zlib.crc32(head)) + head + data

    parts = [b"Rar!\x1a\x07\1\0", block(1, 0, 0)]
    for name, content, mode, size in rows:
        extra = b""
        if stat.S_ISLNK(mode):  # a record of a redirection: type, kind, flags, target
            record = number(5) + number(1) + number(0) + number(len(content)) + content
            extra = number(len(record)) + record
        numbers = [2, 2 | bool(extra), *([len(extra)] if extra else []), len(content), 0, size]
        numbers += [mode, 0, 1, len(name.encode())]
        rest = name.encode() + extra
        parts.append(block(*numbers, rest=rest, data=content))
    path.write_bytes(b"".join([*parts, block(5, 0, 0)]))
