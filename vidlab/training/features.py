"""Features: a vector for every sampled frame, computed once and kept on disk.

What cannot learn gives the same features of a frame in every epoch, so training computes them once:
saving nearly all the work where that is a backbone.

Threads decode some videos ahead; the engine takes their frames in batches filled across videos.
Videos are computed in *blocks*: a batch never holds frames of two blocks, and the last one of a
block is filled up with zeros, so what is computed does not depend on where the work was interrupted
before. Where several processes want the same features, one computes and the others wait.
"""

import hashlib
import json
import math
import os
import shutil
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, choose
from vidlab.data.store import FeatureStore
from vidlab.data.streams import Rgb
from vidlab.data.video_files import content_digest
from vidlab.errors import DatasetError, ResultError
from vidlab.files import locked, write_text
from vidlab.models.graph import input_names
from vidlab.progress import counter, progress
from vidlab.training import engines

__all__ = ["BATCH_SIZE", "FeatureStore", "extract"]

BATCH_SIZE = 32
"""Frames computed at a time."""

BLOCK_FRAMES = 2048
"""Frames of a block, of whole videos: with the slowest backbone a minute's work on two cores."""

BLOCK_BYTES = 64 * 2**20
"""What a block of long vectors takes instead, so that memory stays flat."""

_VERSION = "4"  # of the files; part of every key
_DECODERS = 2  # videos read at a time
_AHEAD = 8  # pieces of videos decoded or being decoded, ahead of the engine
_PIECE_BYTES = 16 * 2**20  # of frames read in one go, where a video gives more than that


def extract(
    index: VideoIndex,
    encoder: keras.Model,
    *,
    streams: Mapping[str, Rgb],
    sampling: Sampler,
    out: str | os.PathLike[str],
    variation: tuple[Augment, int] | None = None,
    precision: str = "float32",
    engine: str = "auto",
    flow: Path | None = None,
) -> FeatureStore:
    """Compute a vector for each sampled frame, or find those computed before.

    An interrupted call is simply repeated: what is there unharmed is not computed again. Several
    processes may extract the same features at once: the first one computes, the others wait for it.

    Parameters
    ----------
    index
        The videos.
    encoder
        From frames to vectors, such as a backbone and ``GlobalAveragePooling2D``.
    streams
        What each input of the encoder is, by its name.
    sampling
        Which frames of each video; samplers that draw at random take their fixed choice.
    out
        A folder. The store is a folder inside it, named by all that the features follow from:
        content and order of the videos, frame numbers, the encoder's layers and weights, precision.
    variation
        Augmentation, and which of its views of each video is computed; None: videos as they are.
    precision
        ``"float32"``: the same features on every machine, to about 1e-4 of their maximum; or
        ``"fast"``: ``bfloat16`` where OpenVINO and the CPU have it, twice as fast and off by up to
        a tenth of the maximum. A warning tells where they have it not.
    engine
        As for `vidlab.training.engines.choose`: ``"auto"`` takes the fastest here.
    flow
        A folder for optical flow, where an input is one; see `FlowCache`.

    Raises
    ------
    VideoError
        If a video cannot be read; the finished blocks are kept.
    ResultError
        If the disk is too small, or a feature is too large to be stored.
    """
    if len(index) == 0:
        raise DatasetError(
            "Expected at least one video. Received: an empty index. Choose other classes or parts."
        )
    chosen, precision = engines.choose(engine, precision, encoder)
    inputs = [streams[name] for name in input_names(encoder)]
    records = list(index.table.itertuples())
    numbers = {record.video_id: choose(sampling, record) for record in records}
    digest, kinds = engines.encoder_digest(encoder), [stream.kind for stream in inputs]
    key = _key(index, numbers, facts=[_VERSION, precision, digest, *kinds, repr(variation)])
    size = encoder.output_shape[-1]
    dtype = "float32" if precision == "float32" else "float16"
    store = FeatureStore(Path(out) / key, numbers, size=size, dtype=dtype)
    if store.holds(numbers):
        return store
    about = {"encoder": encoder.name, "inputs": kinds, "sampling": str(sampling)}
    about |= {"size": size, "variation": str(variation), "precision": precision}
    write_text(store.folder / "store.json", json.dumps(about, indent=1) + "\n")
    with locked(store.folder):
        work = _Work(store, _blocks(records, store), inputs, variation, flow)
        todo = work.unfinished()  # after waiting for a process that had the same to compute
        if todo:
            how = {"engine": chosen, "precision": precision, "batch_size": BATCH_SIZE}
            dtypes = [stream.dtype for stream in inputs]
            made = engines.compiled(encoder, digest, **how, dtypes=dtypes)
            frames = _announce(work, todo, f"{chosen}, {precision}")
            with counter(desc="features", total=frames, unit="frame") as bar:
                _compute(work, todo, made, bar=bar)
    return store


def _blocks(records: list, store: FeatureStore) -> list[list]:
    """Put the records of the videos that are computed together into one list each."""
    most = max(1, min(BLOCK_FRAMES, BLOCK_BYTES // (4 * store.size)))
    blocks, rows = [[]], 0
    for record in records:
        count = len(store.frame_numbers[record.video_id])
        if blocks[-1] and rows + count > most:
            blocks.append([])
            rows = 0
        blocks[-1].append(record)
        rows += count
    return blocks


@dataclass(frozen=True)
class _Work:
    """What is computed, of which videos, and what the encoder takes of them."""

    store: FeatureStore
    blocks: list[list]
    inputs: list[Rgb]
    variation: tuple[Augment, int] | None
    flow: Path | None

    def frames(self, block: int) -> int:
        """Count the frames of a block."""
        return sum(len(self.store.frame_numbers[r.video_id]) for r in self.blocks[block])

    def unfinished(self) -> list[int]:
        """Return the blocks of which a video's features are absent, cut off or changed."""
        ids = [[record.video_id for record in block] for block in self.blocks]
        return [block for block, own in enumerate(ids) if not self.store.holds(own)]

    def pieces(self, block: int) -> Iterator[tuple]:
        """Cut the videos of a block into pieces small enough to be read at once."""
        frame_bytes = sum(
            math.prod(stream.frame_shape) * np.dtype(stream.dtype).itemsize
            for stream in self.inputs
        )
        step = max(1, _PIECE_BYTES // frame_bytes)
        for record in self.blocks[block]:
            numbers = self.store.frame_numbers[record.video_id]
            for first in range(0, len(numbers), step):
                yield block, record, numbers[first : first + step]

    def read(self, block: int, record, numbers: np.ndarray) -> tuple[int, list[np.ndarray]]:
        """Read frames of a video for each input, (frames, …), varied where a view is wanted."""
        found = []
        for stream in self.inputs:
            read = stream.read(stream.opened(record, flow=self.flow), numbers)
            if self.variation is not None:
                augment, view = self.variation
                read = stream.vary(read, augment.view(record.video_id, view))
            found.append(np.asarray(read, stream.dtype))
        return block, found


def _announce(work: _Work, todo: list[int], engine: str) -> int:
    """Say what `todo` is and how much disk it takes; return how many frames it has."""
    frames, store = sum(map(work.frames, todo)), work.store
    needed = frames * store.size * store.dtype.itemsize
    free = shutil.disk_usage(store.folder).free
    if free < needed:
        raise ResultError(
            f"Expected {needed / 1e6:,.0f} MB of free disk for {store.folder}. Received: "
            f"{free / 1e6:,.0f} MB. Make room, sample fewer frames, or choose another folder."
        )
    if os.environ.get("VIDLAB_QUIET", "") in ("", "0"):
        videos = sum(len(work.blocks[block]) for block in todo)
        print(
            f"features: {frames:,} frames of {videos:,} videos, {needed / 1e6:,.1f} MB on disk "
            f"({engine})"
        )
    return frames


def _compute(work: _Work, todo: list[int], engine: engines.Engine, *, bar: tqdm) -> None:
    """Compute blocks of videos, and write what is finished."""
    store, vectors, started = work.store, [], time.perf_counter()
    with ThreadPoolExecutor(_DECODERS) as pool:
        try:
            for (block, count), computed in engine(_batches(_frames(work, todo, pool))):
                vectors.append(_rounded(computed[:count], store))
                bar.update(count)
                if sum(map(len, vectors)) < work.frames(block):
                    continue
                ids = [record.video_id for record in work.blocks[block]]
                ends = np.cumsum([len(store.frame_numbers[video_id]) for video_id in ids])
                rows = dict(zip(ids, np.split(np.concatenate(vectors), ends[:-1]), strict=True))
                now = time.perf_counter()
                store.write(rows, block=block, seconds=now - started)
                vectors, started = [], now
        finally:
            pool.shutdown(cancel_futures=True)
    for leftover in store.folder.rglob(".*.npy"):  # of processes that were killed
        leftover.unlink(missing_ok=True)


def _frames(
    work: _Work, todo: list[int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Decode in threads, some pieces ahead, and give frames in the order of the blocks."""
    waiting = deque()
    for piece in chain.from_iterable(map(work.pieces, todo)):
        waiting.append(pool.submit(work.read, *piece))
        if len(waiting) > _AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _batches(
    frames: Iterable[tuple[int, list[np.ndarray]]],
) -> Iterator[tuple[tuple[int, int], list[np.ndarray]]]:
    """Fill batches of all inputs, each with its block and how many of its frames count."""
    for block, pieces in groupby(frames, key=lambda piece: piece[0]):
        held = None
        for _, arrays in pieces:
            both = [arrays] if held is None else [held, arrays]
            held = [np.concatenate(parts) for parts in zip(*both, strict=True)]
            while len(held[0]) >= BATCH_SIZE:
                yield (block, BATCH_SIZE), [array[:BATCH_SIZE] for array in held]
                held = [array[BATCH_SIZE:] for array in held]
        count = len(held[0])
        if count:
            blank = [np.zeros((BATCH_SIZE - count, *a.shape[1:]), a.dtype) for a in held]
            filled = zip(held, blank, strict=True)
            yield (block, count), [np.concatenate(parts) for parts in filled]


def _rounded(vectors: np.ndarray, store: FeatureStore) -> np.ndarray:
    """Round to what is stored; a value beyond its range would silently spoil every training."""
    with np.errstate(over="ignore"):
        rounded = vectors.astype(store.dtype)
    if not np.isfinite(rounded).all():
        raise ResultError(
            f"Expected finite features, up to {np.finfo(store.dtype).max:,.0f}, as {store.dtype} "
            f"holds. Received: {np.abs(vectors).max():,.6g}. Use trained weights, or an encoder "
            "whose output is scaled down."
        )
    return rounded


def _key(index: VideoIndex, numbers: Mapping[str, np.ndarray], *, facts: list) -> str:
    """Digest everything the content of a store follows from.

    Where and when files lie does not count; what they hold does.
    """
    facts = [*facts, BLOCK_FRAMES, BATCH_SIZE]
    digest = hashlib.sha256(json.dumps(facts).encode())
    with ThreadPoolExecutor(_DECODERS) as pool:
        found, total = pool.map(content_digest, index.paths), len(index)
        contents = progress(found, desc="checking videos", total=total, unit="video")
        for video_id, content in zip(index.table["video_id"], contents, strict=True):
            digest.update(json.dumps([video_id, content]).encode())
            digest.update(numbers[video_id].astype("<i8").tobytes())
    return digest.hexdigest()[:16]
