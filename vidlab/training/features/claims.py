"""Who works on which shard, when several processes fill one store.

Takes a file of `store`; gives `extraction` the shards nobody else works on. A claim is a lock on
one byte of that file, kept by the operating system, which drops it when the process ends, in
whatever way. Claims only share the work out: a shard two processes compute is the same, and
whichever writes it last replaces it as a whole.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

__all__ = ["Claims"]

_HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, byte: int) -> None:
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int, byte: int) -> None:
        os.lseek(file, byte, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)

    def _unlock(file: int, byte: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, byte)


_here: set[tuple[str, int]] = set()  # the system's locks hold between processes, not within one
_here_lock = threading.Lock()


class Claims:
    """The shards this process has claimed; a context manager that gives them back at the end.

    Parameters
    ----------
    path
        The file whose bytes stand for shards; made if need be.
    """

    def __init__(self, path: Path):
        self._name = str(path.resolve())
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        self._mine: dict[int, bool] = {}  # whether the system has locked it

    def __enter__(self) -> Claims:
        return self

    def __exit__(self, *error) -> None:
        for number in list(self._mine):
            self.drop(number)
        os.close(self._file)

    def take(self, number: int) -> bool:
        """Claim a shard; tell whether it is ours now."""
        with _here_lock:
            if (self._name, number) in _here:
                return False
            try:
                _lock(self._file, number)
                locked = True
            except OSError as error:
                if error.errno in _HELD_ELSEWHERE:
                    return False
                locked = False  # a network drive without locks: everybody does everything
            _here.add((self._name, number))
            self._mine[number] = locked
            return True

    def drop(self, number: int) -> None:
        """Give a shard back."""
        with _here_lock:
            if self._mine.pop(number):
                _unlock(self._file, number)
            _here.remove((self._name, number))
