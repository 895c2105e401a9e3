"""Methods taking turns: how many videos a second each gets through."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One way to do a task: a call that works through so many videos."""

    run: Callable[[], object]
    videos: float


def rates(methods, *, rounds):
    """Measure {name: Method} in rounds, after one turn each that does not count."""
    for method in methods.values():
        method.run()
    found = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            started = time.perf_counter()
            method.run()
            found[name].append(method.videos / (time.perf_counter() - started))
    return {name: round(statistics.median(speeds), 3) for name, speeds in found.items()}


def ratios(results):
    """Tell how many times as fast as each method vidlab is."""
    return {name: results["vidlab"] / speed for name, speed in results.items()}


def remark(text):
    """Say something about a task, beside the table."""
    print(f"  {text}", flush=True)
