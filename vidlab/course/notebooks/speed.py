"""How slow this machine is, for limits that must not break on a slow one.

Takes nothing; gives `running` a factor. The work timed is what notebooks spend their time on:
matrix products (NumPy) and operations on frames (OpenCV), on all cores these use.
"""

from __future__ import annotations

import statistics
import time

__all__ = ["slowness"]

_REFERENCE_SECONDS = 0.02  # of `_work` on two quiet cores of a server (AMD EPYC)
_REPETITIONS = 5


def slowness() -> float:
    """Return how many times as long as the reference machine this one takes; at least 1."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (480, 640, 3), np.uint8)
    matrix = rng.standard_normal((384, 384), np.float32)

    def seconds() -> float:
        started = time.perf_counter()
        for _ in range(8):
            cv2.resize(cv2.GaussianBlur(frame, (9, 9), 0), (320, 240), interpolation=cv2.INTER_AREA)
            matrix @ matrix
        return time.perf_counter() - started

    median = statistics.median(seconds() for _ in range(_REPETITIONS))
    return max(1.0, median / _REFERENCE_SECONDS)
