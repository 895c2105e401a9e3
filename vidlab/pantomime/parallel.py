"""Drawing on several cores, also from a script without ``if __name__ == "__main__":``."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cv2
import joblib

__all__ = ["process_map"]


def process_map(function: Callable[[Any], Any], items: Iterable, *, jobs: int) -> Iterator:
    """Yield ``function(item)`` for each of `items`, in their order, computed by `jobs` processes.

    The processes are joblib's: those of `multiprocessing` would run the user's script once more.
    """
    if jobs == 1:
        return map(function, items)
    calls = (joblib.delayed(_on_one_core)(function, item) for item in items)
    return joblib.Parallel(n_jobs=jobs, return_as="generator")(calls)


def _on_one_core(function: Callable[[Any], Any], item: Any) -> Any:
    cv2.setNumThreads(1)
    return function(item)
