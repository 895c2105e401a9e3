"""Makes the weights the package ships: a small network taught on drawn still pictures.

Takes bodies, props and scenes from `pantomime` and a network from `backbones`; gives the file
behind ``weights="pantomime"``. The pictures are single stills of bodies in random poses among
random things, never frames of a Pantomime video; what is taught is what a still can show (which
things are there, how the body is bent, what the place looks like), never an action. It stands in
for ImageNet where nothing can be downloaded, and is a far smaller world than ImageNet.

Run it with ``python -m vidlab.pretraining``; half an hour on two cores.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
import pandas as pd

from vidlab.pantomime.body import SIDES, Skeleton, random_build, random_pose, skeleton
from vidlab.pantomime.camera import FRAME, Film, random_camera
from vidlab.pantomime.casting import draw_group
from vidlab.pantomime.figure import draw_figure, random_look
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import PROPS, Placement, draw_prop, random_prop_style
from vidlab.pantomime.scenes import draw_scene
from vidlab.progress import progress

if TYPE_CHECKING:
    import keras

__all__ = ["ATTRIBUTES", "ROUNDS", "THINGS", "Round", "Stills", "draw_stills", "stills", "train"]

_PLACES = (
    "plain", "stripes", "dots", "panels", "bricks", "tiles", "sky",
    "planks", "carpet", "grass", "sand", "paving",
)  # fmt: skip
_SECTORS = 8  # of 45 degrees each
_SMALL = ("flute", "toothbrush", "foam", "cup", "bow")
_SIZE = (112, 112)
_BATCH = 32
_STILLS_A_SCENE = 4  # drawing the place takes longest

THINGS: tuple[str, ...] = ("nothing", *(name for name in PROPS if name != "wall"))
"""What a still may show beside the body: exactly one of these."""

ATTRIBUTES: tuple[str, ...] = (
    *(f"trunk towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a hand towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a foot towards {45 * i}°" for i in range(_SECTORS)),
    "elbow bent",
    "knee bent",
    "seen from the front",
    "faces right",
    "door ajar",
    *(f"place: {name}" for name in _PLACES),
)
"""What else is taught about each still, one yes or no each."""


@dataclass(frozen=True)
class Round:
    """One round of teaching, with stills of its own.

    Attributes
    ----------
    seed : int
        Stills of different seeds share no scene.
    epochs : int
        How often each still is seen, varied by rotation, shift, zoom and brightness.
    small_close : bool
        Show small things (flute, toothbrush, …) only close up, where they can be made out.
    covered : float
        How often the body is drawn over the thing rather than behind it, 0–1.
    count : int
        Stills.
    """

    seed: int
    epochs: int
    small_close: bool
    covered: float
    count: int = 12_000


ROUNDS = (
    Round(seed=0, epochs=16, small_close=False, covered=0.7),
    Round(seed=2, epochs=14, small_close=True, covered=0.35),
    Round(seed=3, epochs=12, small_close=True, covered=0.35),
)
"""Each round starts from what the one before has learned, on new stills and with new heads."""


class Stills(NamedTuple):
    """Drawn pictures and what is true of them.

    Attributes
    ----------
    pictures : uint8, (count, height, width, 3)
        RGB.
    things : int64, (count,)
        Position in `THINGS`.
    attributes : float32, (count, attributes)
        1 where `ATTRIBUTES` holds, else 0.
    """

    pictures: np.ndarray
    things: np.ndarray
    attributes: np.ndarray


def draw_stills(seed: int, *, small_close: bool = True, covered: float = 0.35) -> Stills:
    """Draw the few stills, 240×320, that share a scene.

    Parameters
    ----------
    seed
        Decides all that is random.
    small_close, covered
        As in `Round`.
    """
    rng = np.random.default_rng(np.random.SeedSequence((20, seed)))
    draw = draw_group(rng)
    scene, canvas = draw.scene, draw_scene(draw.scene)
    film = Film(
        rng,
        frames=_STILLS_A_SCENE,
        grain=draw.grain,
        vignette=draw.vignette,
        balance=draw.balance,
    )
    places = {f"place: {scene.wall_pattern}", f"place: {scene.ground_pattern}"}
    pictures, things, attributes = [], [], []
    for number in range(_STILLS_A_SCENE):
        matrix = random_camera(rng).path(2, rng=rng)[0]
        picture = cv2.warpAffine(canvas, matrix, FRAME, borderMode=cv2.BORDER_REPLICATE)
        thing, found = _draw_content(
            picture, rng, light=scene.light, small_close=small_close, covered=covered
        )
        pictures.append(film.develop(picture, number=number))
        things.append(THINGS.index(thing))
        attributes.append([name in found | places for name in ATTRIBUTES])
    return Stills(np.stack(pictures), np.array(things), np.asarray(attributes, np.float32))


def stills(
    count: int,
    *,
    seed: int = 0,
    size: tuple[int, int] = (112, 112),
    small_close: bool = True,
    covered: float = 0.35,
    jobs: int | None = None,
) -> Stills:
    """Draw `count` stills, rounded up to whole scenes.

    Parameters
    ----------
    count
        How many.
    seed, small_close, covered
        As in `Round`.
    size
        Height and width in pixels.
    jobs
        Processes; all cores unless given.
    """
    scenes = -(-count // _STILLS_A_SCENE)
    seeds = range(seed * 10_000_000, seed * 10_000_000 + scenes)
    draw = partial(_shrunk, size=size, small_close=small_close, covered=covered)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=context) as pool:
        drawn = pool.map(draw, seeds, chunksize=25)
        parts = list(progress(drawn, desc="stills", total=scenes, unit="scene"))
    return Stills(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def train(
    rounds: Sequence[Round] = ROUNDS, *, held_out: int = 2_000
) -> tuple[keras.Model, pd.DataFrame]:
    """Teach a MobileNetV2 α=0.35 what drawn stills show.

    Parameters
    ----------
    rounds
        One after the other; each starts from the backbone of the one before, with new heads.
    held_out
        Stills of other scenes, drawn as in the last round, for the scores.

    Returns
    -------
    backbone : keras.Model
        As `backbones.build` gives it.
    scores : pandas.DataFrame
        On the held-out stills, by what is asked: chance (always giving the commonest answer) and
        accuracy; 0–1.
    """
    from vidlab import backbones

    backbone = backbones.build("mobilenetv2-0.35", size=_SIZE)
    for part in rounds:
        learner = _teach(backbone, part)
    unseen = stills(
        held_out, seed=1, size=_SIZE, small_close=part.small_close, covered=part.covered
    )
    said = learner.predict(unseen.pictures, batch_size=64, verbose=0)
    return backbone, _scores(unseen, said)


def _teach(backbone: keras.Model, part: Round) -> keras.Model:
    """Teach one round; return the backbone with its heads."""
    import keras

    from vidlab.augment import Augment

    keras.utils.set_random_seed(part.seed)
    known = stills(
        part.count, seed=part.seed, size=_SIZE, small_close=part.small_close, covered=part.covered
    )
    frames = keras.Input((*_SIZE, 3))
    varied = Augment(flip=False, crop=0.85, rotation=8.0, seed=part.seed)(frames)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone(varied))
    learner = keras.Model(
        frames,
        {
            "things": keras.layers.Dense(len(THINGS), activation="softmax")(pooled),
            "attributes": keras.layers.Dense(len(ATTRIBUTES), activation="sigmoid")(pooled),
        },
    )
    steps = part.epochs * -(-len(known.pictures) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, steps, warmup_target=3e-3, warmup_steps=steps // 20
    )
    learner.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss={"things": "sparse_categorical_crossentropy", "attributes": "binary_crossentropy"},
        loss_weights={"things": 1.0, "attributes": 4.0},  # places alone are learned at once
        metrics={"things": "accuracy", "attributes": "binary_accuracy"},
    )
    answers = {"things": known.things, "attributes": known.attributes}
    learner.fit(known.pictures, answers, batch_size=_BATCH, epochs=part.epochs, verbose=2)
    return learner


def _draw_content(
    picture: np.ndarray, rng: np.random.Generator, *, light, small_close: bool, covered: float
) -> tuple[str, set[str]]:
    """Draw a body and at most one thing; return the thing and the attributes that hold."""
    figure = skeleton(random_build(rng), random_pose(rng))
    thing = _random_thing(rng, figure)
    height, width = picture.shape[:2]
    scale = height * rng.uniform(0.65, 0.95)
    x, bottom = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.88, 0.98)
    close = rng.random() < 0.3
    if close or (small_close and thing is not None and thing.kind in _SMALL):
        scale, bottom = 1.8 * scale, bottom + 0.8 * scale  # the upper body fills the picture
    side = float(rng.choice((-1, 1)))
    pen = Pen(picture, matrix=np.array([[side * scale, 0, x], [0, -scale, bottom]]), light=light)
    style, look = random_prop_style(rng), random_look(rng)
    in_front = rng.random() < covered
    if not in_front:
        draw_figure(pen, figure, look)
    with pen.marking("thing"):
        if thing is not None:
            draw_prop(pen, thing, style)
    if in_front:
        draw_figure(pen, figure, look)
    found = _bearing(figure, side)
    if thing is None or _share_inside(pen.boxes()["thing"]) < 0.4:
        return "nothing", found
    if thing.kind == "door" and thing.opening > 25:
        found.add("door ajar")
    return thing.kind, found


def _random_thing(rng: np.random.Generator, figure: Skeleton) -> Placement | None:
    """Put a thing near the body, a small one mostly at a hand or the mouth; or nothing."""
    kind = str(rng.choice(THINGS))
    if kind == "nothing":
        return None
    stands = kind in ("door", "chair", "stool")
    position = np.array([rng.uniform(-0.5, 0.5), 0.0 if stands else rng.uniform(0.1, 0.8)])
    if kind in (*_SMALL, "box") and rng.random() < 0.75:
        near = figure["near_hand"] if rng.random() < 0.6 else figure.mouth
        position = near + rng.normal(0, 0.03, 2)
    return Placement(
        kind,
        (float(position[0]), float(position[1])),
        angle=0.0 if stands else float(rng.uniform(-60, 60)),
        size=float(rng.uniform(0.9, 1.25)),
        opening=float(rng.uniform(0, 100)) if kind == "door" else 0.0,
    )


def _share_inside(box: tuple[float, float, float, float]) -> float:
    """Return how much of a box, (x0, y0, x1, y1) in pixels, is in the picture, 0–1."""
    x0, y0, x1, y1 = box
    across = max(0.0, min(x1, FRAME[0]) - max(x0, 0.0))
    down = max(0.0, min(y1, FRAME[1]) - max(y0, 0.0))
    return across * down / max((x1 - x0) * (y1 - y0), 1e-9)


def _bearing(figure: Skeleton, side: float) -> set[str]:
    """Name how the body is held; `side` is -1 where it is drawn mirrored."""

    def sector(start: str, end: str) -> int:
        across, up = (figure[end] - figure[start]) * (side, 1)
        return 45 * (round(np.degrees(np.arctan2(up, across)) / 45) % _SECTORS)

    def bend(start: str, joint: str, end: str) -> float:
        first, second = figure[joint] - figure[start], figure[end] - figure[joint]
        cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    found = {f"trunk towards {sector('pelvis', 'chest')}°"}
    for near in SIDES:
        found.add(f"a hand towards {sector(f'{near}_shoulder', f'{near}_hand')}°")
        found.add(f"a foot towards {sector(f'{near}_hip', f'{near}_ankle')}°")
        if bend(f"{near}_shoulder", f"{near}_elbow", f"{near}_hand") > 60:
            found.add("elbow bent")
        if bend(f"{near}_hip", f"{near}_knee", f"{near}_ankle") > 45:
            found.add("knee bent")
    if figure.turn >= 0.5:
        found.add("seen from the front")
    elif side > 0:
        found.add("faces right")
    return found


def _shrunk(seed: int, *, size: tuple[int, int], small_close: bool, covered: float) -> Stills:
    cv2.setNumThreads(1)
    drawn = draw_stills(seed, small_close=small_close, covered=covered)
    height, width = size
    small = [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in drawn.pictures]
    return drawn._replace(pictures=np.stack(small))


def _scores(unseen: Stills, said: dict[str, np.ndarray]) -> pd.DataFrame:
    common = np.bincount(unseen.things).max() / len(unseen.things)
    right = (said["things"].argmax(axis=1) == unseen.things).mean()
    rows = [("thing, one of 12", common, right)]
    share, agreed = unseen.attributes.mean(0), (said["attributes"] > 0.5) == unseen.attributes
    rows += zip(ATTRIBUTES, np.maximum(share, 1 - share), agreed.mean(0), strict=True)
    return pd.DataFrame(rows, columns=["asked", "chance", "accuracy"]).set_index("asked")


def _note(scores: pd.DataFrame, *, file_name: str, rounds: Sequence[Round], held_out: int) -> str:
    kinds = scores.groupby(scores.index.str.split(" towards|:").str[0], sort=False).mean()
    rows = "\n".join(
        f"| {kind} | {numbers.chance:.3f} | {numbers.accuracy:.3f} |"
        for kind, numbers in kinds.iterrows()
    )
    seen = " and ".join(f"{part.count:,} stills seen {part.epochs} times" for part in rounds)
    return f"""# The shipped weights

`{file_name}`: MobileNetV2 with alpha 0.35 without its classifier, in half precision,
made by `python -m vidlab.pretraining` on drawn still pictures of 112×112 pixels, in
{len(rounds)} rounds: {seen}.
The stills show bodies in random poses with random things in random places; none is a frame of a
Pantomime video, and no action is taught.

The weights stand in for ImageNet's where nothing can be downloaded. They have seen drawings only:
do not expect them to help on photographs.

On {held_out:,} held-out stills of other scenes (one question of each kind, or the mean over the
kind's yes-or-no questions; chance is always giving the commonest answer):

| asked | chance | accuracy |
|---|---|---|
{rows}
"""


def main() -> None:
    """Train, write the weights file and the note beside it."""
    from vidlab import backbones

    held_out = 2_000
    backbone, scores = train(held_out=held_out)
    file = backbones.save_weights(backbone, backbones.PANTOMIME_WEIGHTS)
    note = _note(scores, file_name=file.name, rounds=ROUNDS, held_out=held_out)
    Path(file.parent, "README.md").write_text(note, encoding="utf-8")
    print(scores.round(3).to_string())
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
