"""Features: a vector for every sampled frame, computed once and kept on disk.

What cannot learn gives the same features of a frame in every epoch, so training computes them once:
saving nearly all the work where that is a backbone.

Threads decode some videos ahead; the engine takes their frames in batches filled across videos.
Videos are computed in *blocks*: a batch never holds frames of two blocks, and the last one of a
block is filled up with zeros, so what is computed does not depend on where the work was interrupted
before. Where several processes want the same features, one computes and the others wait.
"""

from __future__ import annotations

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
from functools import cached_property
from itertools import chain
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from vidlab.data.augment import Augment
from vidlab.data.index import VideoIndex
from vidlab.data.sampling import Sampler, choose
from vidlab.data.store import FeatureStore, content_digest
from vidlab.data.streams import Rgb
from vidlab.errors import DatasetError, ModelError, ResultError
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
_AHEAD_BYTES = 64 * 2**20  # of frames decoded or being decoded, ahead of the engine
_READ_BYTES = 32 * 2**20  # of frames read in one go, where a video gives more than that


def extract(
    index: VideoIndex,
    encoder: keras.Model,
    *,
    sampling: Sampler,
    out: str | os.PathLike[str],
    streams: Mapping[str, Rgb] | None = None,
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
    sampling
        Which frames of each video; samplers that draw at random take their fixed choice.
    out
        A folder. The store is a folder inside it, named by all that the features follow from:
        content and order of the videos, frame numbers, the encoder's layers and weights, precision.
    streams
        For an encoder of several inputs, or of other inputs than RGB frames: what each one is.
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
    if streams is None:
        _check_encoder(encoder)
        streams = {input_names(encoder)[0]: Rgb(sampling, encoder.input_shape[1:3])}
    streams = {name: streams[name] for name in input_names(encoder)}
    records = list(index.table.itertuples())
    numbers = {record.video_id: choose(sampling, record) for record in records}
    digest = engines.encoder_digest(encoder)
    inputs = [stream.kind for stream in streams.values()]
    key = _key(index, numbers, facts=[_VERSION, precision, digest, *inputs, repr(variation)])
    size = encoder.output_shape[-1]
    dtype = "float32" if precision == "float32" else "float16"
    store = FeatureStore(Path(out) / key, numbers, size=size, dtype=dtype)
    work = _Extraction(store, records, streams, variation, encoder, digest, chosen, precision, flow)
    if not store.holds(numbers):
        about = {"encoder": encoder.name, "inputs": inputs, "sampling": str(sampling)}
        about |= {"size": size, "variation": str(variation), "precision": precision}
        write_text(store.folder / "store.json", json.dumps(about, indent=1) + "\n")
        with locked(store.folder):
            todo = work.unfinished()  # after waiting for a process that had the same to compute
            frames = _announce(work, todo) if todo else 0
            with counter(desc="features", total=frames, unit="frame") as bar:
                _compute(work, todo, bar=bar)
    return store


def _check_encoder(encoder: keras.Model) -> None:
    frames, vectors = encoder.input_shape, encoder.output_shape
    if len(frames) != 4 or frames[3] != 3 or None in frames[1:] or len(vectors) != 2:
        raise ModelError(
            "Expected an encoder: frames (height, width, 3) to vectors. Received: "
            f"{encoder.name}, {frames} to {vectors}. Pool its maps, or flatten them."
        )


@dataclass(frozen=True)
class _Extraction:
    """What is computed, of which videos, and how."""

    store: FeatureStore
    records: list
    streams: dict[str, Rgb]  # in the order of the encoder's inputs
    variation: tuple[Augment, int] | None
    encoder: keras.Model
    digest: str
    engine_name: str
    precision: str
    flow: Path | None

    @property
    def engine(self) -> engines.Engine:
        """The encoder ready to compute; made at first use, which takes seconds."""
        return engines.compiled(
            self.encoder,
            self.digest,
            engine=self.engine_name,
            precision=self.precision,
            batch_size=BATCH_SIZE,
            dtypes=[stream.dtype for stream in self.streams.values()],
        )

    @cached_property
    def blocks(self) -> list[list]:
        """The records of the videos that are computed together."""
        most = max(1, min(BLOCK_FRAMES, BLOCK_BYTES // (4 * self.store.size)))
        blocks, rows = [[]], 0
        for record in self.records:
            count = len(self.store.frame_numbers[record.video_id])
            if blocks[-1] and rows + count > most:
                blocks.append([])
                rows = 0
            blocks[-1].append(record)
            rows += count
        return blocks

    @cached_property
    def frame_bytes(self) -> int:
        """Memory that one frame of all inputs takes."""
        return sum(
            math.prod(stream.frame_shape) * np.dtype(stream.dtype).itemsize
            for stream in self.streams.values()
        )

    def frames(self, block: int) -> int:
        """Count the frames of a block."""
        return sum(len(self.store.frame_numbers[r.video_id]) for r in self.blocks[block])

    def unfinished(self) -> list[int]:
        """Return the blocks of which a video's features are absent, cut off or changed."""
        ids = [[record.video_id for record in block] for block in self.blocks]
        return [block for block, own in enumerate(ids) if not self.store.holds(own)]

    def pieces(self, block: int) -> Iterator[tuple]:
        """Cut the videos of a block into pieces small enough to be read at once."""
        step = max(1, _READ_BYTES // self.frame_bytes)
        for record in self.blocks[block]:
            numbers = self.store.frame_numbers[record.video_id]
            for first in range(0, len(numbers), step):
                yield record, numbers[first : first + step]

    def read(self, record, numbers: np.ndarray) -> list[np.ndarray]:
        """Read frames of a video for each input, (frames, …), varied where a view is wanted."""
        found = []
        for stream in self.streams.values():
            read = stream.read(stream.opened(record, flow=self.flow), numbers)
            if self.variation is not None:
                augment, view = self.variation
                read = stream.vary(read, augment.view(record.video_id, view))
            found.append(np.asarray(read, stream.dtype))
        return found


def _announce(work: _Extraction, todo: list[int]) -> int:
    """Estimate, by one batch and one video, what `todo` takes; return how many frames it has."""
    frames = sum(map(work.frames, todo))
    started = time.perf_counter()
    read = work.read(*next(work.pieces(todo[0])))
    decoding = (time.perf_counter() - started) / len(read[0])
    each = work.engine.seconds + decoding / min(_DECODERS, os.cpu_count() or 1)
    needed = frames * work.store.size * work.store.dtype.itemsize
    free = shutil.disk_usage(work.store.folder).free
    if free < needed:
        raise ResultError(
            f"Expected {needed / 1e6:,.0f} MB of free disk for {work.store.folder}. Received: "
            f"{free / 1e6:,.0f} MB. Make room, sample fewer frames, or choose another folder."
        )
    if os.environ.get("VIDLAB_QUIET", "") in ("", "0"):
        minutes, seconds = divmod(round(frames * each), 60)
        videos = sum(len(work.blocks[block]) for block in todo)
        print(
            f"features: {frames:,} frames of {videos:,} videos, {needed / 1e6:,.1f} MB on disk, "
            f"about {f'{minutes} min ' if minutes else ''}{seconds} s "
            f"({work.engine_name}, {work.precision})"
        )
    return frames


def _compute(work: _Extraction, todo: list[int], *, bar: tqdm) -> None:
    """Compute blocks of videos, and write what is finished."""
    for block, features, seconds in _computed(work, todo, bar=bar):
        ids = [record.video_id for record in work.blocks[block]]
        ends = np.cumsum([len(work.store.frame_numbers[id_]) for id_ in ids])
        parts = np.split(features, ends[:-1])
        work.store.write(dict(zip(ids, parts, strict=True)), block=block, seconds=seconds)
    for leftover in work.store.folder.rglob(".*.npy"):  # of processes that were killed
        leftover.unlink(missing_ok=True)


def _computed(
    work: _Extraction, blocks: Iterable[int], *, bar: tqdm
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Compute blocks: each one's number, its features (rows, size), and the seconds it took."""
    with ThreadPoolExecutor(_DECODERS) as pool:
        try:
            started, vectors = time.perf_counter(), []
            for (block, count), computed in work.engine.map(_batches(_frames(work, blocks, pool))):
                vectors.append(_rounded(computed[:count], work.store.dtype, work.encoder.name))
                bar.update(count)
                if sum(map(len, vectors)) == work.frames(block):
                    now = time.perf_counter()
                    yield block, np.concatenate(vectors), now - started
                    started, vectors = now, []
        finally:
            pool.shutdown(cancel_futures=True)


def _batches(
    frames: Iterable[tuple[int, list[np.ndarray]]],
) -> Iterator[tuple[tuple[int, int], list[np.ndarray]]]:
    """Fill batches of all inputs, each with its block and how many of its frames count."""
    batch, filled, current = None, 0, None
    for block, arrays in frames:
        if filled and block != current:
            yield (current, filled), batch
            filled = 0
        current, first = block, 0
        while first < len(arrays[0]):
            if not filled:
                batch = [np.zeros((BATCH_SIZE, *array.shape[1:]), array.dtype) for array in arrays]
            taken = min(BATCH_SIZE - filled, len(arrays[0]) - first)
            for rows, array in zip(batch, arrays, strict=True):
                rows[filled : filled + taken] = array[first : first + taken]
            filled, first = filled + taken, first + taken
            if filled == BATCH_SIZE:
                yield (current, filled), batch
                filled = 0
    if filled:
        yield (current, filled), batch


def _frames(
    work: _Extraction, blocks: Iterable[int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Decode in threads, some videos ahead, and give frames in the order of the blocks."""
    jobs = chain.from_iterable(
        ((block, *piece) for piece in work.pieces(block)) for block in blocks
    )
    waiting, ahead = deque(), 0
    while True:
        while not waiting or ahead < _AHEAD_BYTES:
            block, record, numbers = next(jobs, (None, None, None))
            if record is None:
                break
            size = len(numbers) * work.frame_bytes
            waiting.append((block, size, pool.submit(work.read, record, numbers)))
            ahead += size
        if not waiting:
            return
        block, size, arrays = waiting.popleft()
        yield block, arrays.result()
        ahead -= size


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
