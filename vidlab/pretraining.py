"""Makes the weights the package ships: a small network taught on drawn still pictures.

Takes bodies, props and scenes from `pantomime` and a network from `backbones`; gives the file
behind ``weights="pantomime"``. The pictures are single stills of bodies in random poses among
random things, never frames of a Pantomime video; what is taught is what a still can show (which
things are there, how the body is bent, what the place looks like), never an action. It stands in
for ImageNet where nothing can be downloaded, and is a far smaller world than ImageNet.

Run it with ``python -m vidlab.pretraining``; a quarter of an hour on two cores.
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from vidlab.pantomime.body import SIDES, Skeleton, random_build, random_pose, skeleton
from vidlab.pantomime.camera import FRAME, Film, random_camera
from vidlab.pantomime.figure import draw_figure, random_look
from vidlab.pantomime.paint import Pen
from vidlab.pantomime.props import PROPS, Placement, draw_prop, random_prop_style
from vidlab.pantomime.scenes import draw_scene, random_scene
from vidlab.progress import progress

__all__ = ["ATTRIBUTES", "draw_stills", "stills", "train"]

_THINGS = tuple(name for name in PROPS if name != "wall")
_PLACES = (
    "plain", "stripes", "dots", "panels", "bricks", "tiles", "sky",
    "planks", "carpet", "grass", "sand", "paving",
)  # fmt: skip
_SECTORS = 8  # of 45 degrees each
_STILLS_A_SCENE = 4  # drawing the place takes longest

ATTRIBUTES: tuple[str, ...] = (
    *(f"thing: {name}" for name in _THINGS),
    "thing: door ajar",
    *(f"trunk towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a hand towards {45 * i}°" for i in range(_SECTORS)),
    *(f"a foot towards {45 * i}°" for i in range(_SECTORS)),
    "elbow bent",
    "knee bent",
    "seen from the front",
    "faces right",
    *(f"place: {name}" for name in _PLACES),
)
"""What is taught about each still, one yes or no each."""


def draw_stills(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the few stills that share a scene.

    Parameters
    ----------
    seed
        Decides everything.

    Returns
    -------
    pictures : uint8, (4, 240, 320, 3)
        RGB.
    attributes : float32, (4, attributes)
        1 where `ATTRIBUTES` holds, else 0.
    """
    rng = np.random.default_rng(np.random.SeedSequence((20, seed)))
    scene = random_scene(rng)
    canvas = draw_scene(scene)
    film = Film(rng, grain=float(rng.uniform(2, 6)), vignette=float(rng.uniform(0.15, 0.45)))
    pictures, attributes = [], []
    for _ in range(_STILLS_A_SCENE):
        matrix = random_camera(rng).path(2, rng=rng)[0]
        picture = cv2.warpAffine(canvas, matrix, FRAME, borderMode=cv2.BORDER_REPLICATE)
        found = _draw_content(picture, rng, light=scene.light)
        found |= {f"place: {scene.wall_pattern}", f"place: {scene.ground_pattern}"}
        pictures.append(film.develop(picture))
        attributes.append([name in found for name in ATTRIBUTES])
    return np.stack(pictures), np.asarray(attributes, np.float32)


def stills(
    count: int, *, seed: int = 0, size: tuple[int, int] = (112, 112), jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` stills, rounded up to whole scenes.

    Parameters
    ----------
    count
        How many.
    seed
        Stills of different seeds share no scene.
    size
        Height and width in pixels.
    jobs
        Processes; all cores unless given.

    Returns
    -------
    pictures : uint8, (count, height, width, 3)
    attributes : float32, (count, attributes)
    """
    scenes = -(-count // _STILLS_A_SCENE)
    seeds = range(seed * 10_000_000, seed * 10_000_000 + scenes)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=context) as pool:
        drawn = pool.map(partial(_shrunk, size=size), seeds, chunksize=25)
        parts = list(progress(drawn, desc="stills", total=scenes, unit="scene"))
    return np.concatenate([p for p, _ in parts]), np.concatenate([a for _, a in parts])


def train(
    *, count: int = 16_000, epochs: int = 14, held_out: int = 2_000, seed: int = 0
) -> tuple[object, pd.DataFrame]:
    """Teach a MobileNetV2 α=0.35 the attributes of drawn stills.

    Parameters
    ----------
    count
        Stills to learn from.
    epochs
        How often each is seen, varied by rotation, shift, zoom and brightness.
    held_out
        Stills of other scenes, for the scores.
    seed
        Of the stills and the network.

    Returns
    -------
    backbone : keras.Model
        As `backbones.build` gives it.
    scores : pandas.DataFrame
        By attribute, on the held-out stills: share, accuracy, roc_auc, average_precision; 0–1.
    """
    import keras

    from vidlab import backbones
    from vidlab.augment import Augment

    keras.utils.set_random_seed(seed)
    size = (112, 112)
    pictures, attributes = stills(count, seed=seed, size=size)
    unseen, truth = stills(held_out, seed=seed + 1, size=size)
    backbone = backbones.build("mobilenetv2-0.35", size=size)
    frames = keras.Input((*size, 3))
    varied = Augment(flip=False, crop=0.8, seed=seed)(frames)
    pooled = keras.layers.GlobalAveragePooling2D()(backbone(varied))
    pooled = keras.layers.Dropout(0.1)(pooled)
    answers = keras.layers.Dense(len(ATTRIBUTES), activation="sigmoid")(pooled)
    learner = keras.Model(frames, answers)
    batch = 64
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, epochs * len(pictures) // batch, warmup_target=4e-3, warmup_steps=300
    )
    learner.compile(keras.optimizers.AdamW(rate, weight_decay=1e-4), "binary_crossentropy")
    learner.fit(pictures, attributes, batch_size=batch, epochs=epochs, verbose=2)
    said = learner.predict(unseen, batch_size=batch, verbose=0)
    return backbone, _scores(truth, said)


def _draw_content(picture: np.ndarray, rng: np.random.Generator, *, light) -> set[str]:
    """Draw a body and things into `picture`; return the attributes that hold."""
    figure = skeleton(random_build(rng), random_pose(rng))
    height, width = picture.shape[:2]
    scale = height * rng.uniform(0.6, 0.95) * (1.8 if rng.random() < 0.25 else 1.0)
    side = float(rng.choice((-1, 1)))
    x, bottom = width * rng.uniform(0.25, 0.75), height * rng.uniform(0.86, 0.98)
    if scale > height:  # so close that only the upper body is in the picture
        bottom += scale * 0.45
    pen = Pen(picture, matrix=np.array([[side * scale, 0, x], [0, -scale, bottom]]), light=light)
    style, things = random_prop_style(rng), _random_things(rng, figure)
    behind = int(rng.integers(len(things) + 1))
    look = random_look(rng)
    for thing in (*things[:behind], None, *things[behind:]):
        if thing is None:
            draw_figure(pen, figure, look)
            continue
        with pen.marking(thing.kind):
            draw_prop(pen, thing, style)
    seen = {kind for kind, box in pen.boxes().items() if _share_inside(box) > 0.4}
    found = {f"thing: {kind}" for kind in seen}
    if any(thing.kind == "door" and thing.opening > 25 for thing in things if thing.kind in seen):
        found.add("thing: door ajar")
    return found | _bearing(figure, side)


def _share_inside(box: tuple[float, float, float, float]) -> float:
    """Return how much of a box, (x0, y0, x1, y1) in pixels, is in the picture, 0–1."""
    x0, y0, x1, y1 = box
    across = max(0.0, min(x1, FRAME[0]) - max(x0, 0.0))
    down = max(0.0, min(y1, FRAME[1]) - max(y0, 0.0))
    return across * down / max((x1 - x0) * (y1 - y0), 1e-9)


def _random_things(rng: np.random.Generator, figure: Skeleton) -> list[Placement]:
    """Put up to three things anywhere near the body, small ones often at a hand or the mouth."""
    things = []
    for kind in rng.choice(_THINGS, size=rng.integers(0, 4), replace=False):
        small = kind in ("flute", "toothbrush", "foam", "cup", "bow", "box")
        if small and rng.random() < 0.6:
            near = figure["near_hand"] if rng.random() < 0.7 else figure.mouth
            position = near + rng.normal(0, 0.03, 2)
        else:
            position = np.array([rng.uniform(-0.6, 0.6), 0.0])
            if kind not in ("door", "chair", "stool"):
                position[1] = rng.uniform(0, 0.9)
        upright = kind in ("door", "chair", "stool")
        things.append(
            Placement(
                str(kind),
                (float(position[0]), float(position[1])),
                angle=0.0 if upright else float(rng.uniform(-60, 60)),
                size=float(rng.uniform(0.85, 1.25)),
                opening=float(rng.uniform(0, 100)) if kind == "door" else 0.0,
            )
        )
    return things


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


def _shrunk(seed: int, *, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    cv2.setNumThreads(1)
    pictures, attributes = draw_stills(seed)
    height, width = size
    small = [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in pictures]
    return np.stack(small), attributes


def _scores(truth: np.ndarray, said: np.ndarray) -> pd.DataFrame:
    rows = []
    for name, true, answer in zip(ATTRIBUTES, truth.T, said.T, strict=True):
        both = 0 < true.mean() < 1
        rows.append(
            {
                "attribute": name,
                "share": float(true.mean()),
                "accuracy": float(((answer > 0.5) == true).mean()),
                "roc_auc": roc_auc_score(true, answer) if both else float("nan"),
                "average_precision": average_precision_score(true, answer) if both else np.nan,
            }
        )
    return pd.DataFrame(rows).set_index("attribute")


def _note(scores: pd.DataFrame, *, file_name: str, count: int, held_out: int, epochs: int) -> str:
    kinds = scores.groupby(scores.index.str.split(" ").str[0].str.rstrip(":"), sort=False)
    table = kinds[["accuracy", "roc_auc", "average_precision"]].mean().round(3)
    table.loc["all"] = scores[table.columns].mean().round(3)
    rows = "\n".join(
        f"| {kind} | {numbers.accuracy:.3f} | {numbers.roc_auc:.3f} "
        f"| {numbers.average_precision:.3f} |"
        for kind, numbers in table.iterrows()
    )
    return f"""# The shipped weights

`{file_name}`: MobileNetV2 with alpha 0.35 without its classifier, in half precision,
made by `python -m vidlab.pretraining` (seed 0) on drawn still pictures: {count:,} stills,
each seen {epochs} times at 112×112 pixels. The stills show bodies in random poses among random
things in random places; none is a frame of a Pantomime video, and no action is taught.

The weights stand in for ImageNet's where nothing can be downloaded. They have seen drawings only:
do not expect them to help on photographs.

On {held_out:,} held-out stills of other scenes, the mean over the yes-or-no attributes of a kind:

| kind | accuracy | ROC AUC | average precision |
|---|---|---|---|
{rows}
"""


def main() -> None:
    """Train, write the weights file and the note beside it."""
    from vidlab import backbones

    options = {"count": 16_000, "epochs": 14, "held_out": 2_000}
    backbone, scores = train(**options)
    file = backbones.save_weights(backbone, backbones.PANTOMIME_WEIGHTS)
    Path(file.parent, "README.md").write_text(
        _note(scores, file_name=file.name, **options), encoding="utf-8"
    )
    print(scores.round(3).to_string())
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
