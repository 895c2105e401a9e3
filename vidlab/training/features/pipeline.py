"""Decoding, resizing and computing at the same time.

Threads decode some videos ahead; the engine takes their pictures in batches filled across videos.
A batch never holds pictures of two shards, and the last one of a shard is filled up with black, so
what is computed for a shard does not depend on where the work was interrupted before.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import numpy as np

from vidlab.errors import ResultError
from vidlab.training.features.tasks import Job, Task

__all__ = ["computed"]

_AHEAD_BYTES = 64 * 2**20  # of pictures decoded or being decoded, ahead of the engine


def computed(
    task: Task, chosen: Iterable[int], *, tell: Callable[[int], object]
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Compute shards.

    Parameters
    ----------
    task
        What is computed.
    chosen
        Numbers of shards; the next one is asked for when the decoders get to it.
    tell
        Called after every batch with the number of its pictures.

    Yields
    ------
    tuple
        Number of the shard, its vectors (rows, features), and the seconds it took.
    """
    with ThreadPoolExecutor(task.workers) as pool:
        try:
            started = time.perf_counter()
            batches = _batches(_pictures(task, chosen, pool), task)
            features, filled = None, 0
            for (shard, count), vectors in task.engine.map(batches):
                if features is None:
                    shape = task.layout.rows(shard), task.layout.size
                    features = np.empty(shape, task.layout.dtype)
                features[filled : filled + count] = _rounded(
                    vectors[:count], features.dtype, task.encoder.name
                )
                filled += count
                tell(count)
                if filled == len(features):
                    now = time.perf_counter()
                    yield shard, features, now - started
                    features, filled, started = None, 0, now
        finally:
            pool.shutdown(cancel_futures=True)


def _batches(
    pictures: Iterable[tuple[int, list[np.ndarray]]], task: Task
) -> Iterator[tuple[tuple[int, int], list[np.ndarray]]]:
    """Fill batches of all inputs, each with its shard and how many of its frames count."""
    batch, filled, current = None, 0, None
    for shard, found in pictures:
        if filled and shard != current:
            yield (current, filled), batch
            filled = 0
        current, first = shard, 0
        while first < len(found[0]):
            if not filled:
                batch = [np.zeros((task.batch_size, *one.shape[1:]), one.dtype) for one in found]
            taken = min(task.batch_size - filled, len(found[0]) - first)
            for rows, one in zip(batch, found, strict=True):
                rows[filled : filled + taken] = one[first : first + taken]
            filled, first = filled + taken, first + taken
            if filled == task.batch_size:
                yield (current, filled), batch
                filled = 0
    if filled:
        yield (current, filled), batch


def _pictures(
    task: Task, chosen: Iterable[int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Decode in threads, some videos ahead, and give pictures in the order of the shards."""
    jobs = chain.from_iterable(map(task.jobs, chosen))
    waiting: deque[tuple[Job, Future]] = deque()
    ahead = 0
    while True:
        while not waiting or ahead < _AHEAD_BYTES:
            job = next(jobs, None)
            if job is None:
                break
            waiting.append((job, pool.submit(task.read, job)))
            ahead += task.bytes_of(len(job.numbers))
        if not waiting:
            return
        job, pictures = waiting.popleft()
        yield job.shard, pictures.result()
        ahead -= task.bytes_of(len(job.numbers))


def _rounded(vectors: np.ndarray, dtype: np.dtype, name: str) -> np.ndarray:
    """Round to what is stored; a value beyond its range would silently spoil every training."""
    with np.errstate(over="ignore"):
        rounded = vectors.astype(dtype)
    if not np.isfinite(rounded).all():
        raise ResultError(
            f"Expected finite features, up to {np.finfo(dtype).max:,.0f}, as {dtype} holds. "
            f"Received: {np.abs(vectors).max():,.6g} from {name}. Use trained weights, or an "
            "encoder whose output is scaled down."
        )
    return rounded
