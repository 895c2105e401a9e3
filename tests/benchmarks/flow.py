"""How good and how fast is optical flow? Each method and preset against known motions.

``python -m tests.benchmarks flow``. A texture is moved, turned and zoomed by known amounts, and so
is the background of a drawn scene, as Pantomime's camera does it. The error is the mean distance in
pixels between the end of the flow and where the point really went (*endpoint error*), away from the
border; the rate is that of one thread at 320×240. Then Pantomime's own camera films drawn scenes,
with its trembling and with film grain. vidlab's own choice is ``dis-fast``.

``python -m tests.benchmarks.flow DATASET`` also computes the flow of a whole dataset, then reads it
from the store, and tells the memory both took.
"""

import resource
import sys
import tempfile
import time
from itertools import pairwise

import cv2
import numpy as np

from tests.benchmarks import turns
from vidlab.data import flow
from vidlab.data.store import FlowCache
from vidlab.pantomime import camera, scenes

SIDES = np.array([320, 240])
CENTRE = (SIDES - 1) / 2
BORDER, ROUNDS, CAMERAS = 24, 3, 5


def measure():
    textures = {"texture": texture(), "drawn room": room()}
    for name, picture in textures.items():
        for motion, matrix in MOTIONS.items():
            pair = [seen(picture, one) for one in (np.eye(2, 3), matrix)]
            errors = {m: endpoint_error(m, pair, matrix) for m in flow.METHODS}
            tell(f"{name}, {motion}", errors)
    films = [filmed(seed) for seed in range(CAMERAS)]
    errors = {
        m: np.mean([endpoint_error(m, *one) for film in films for one in film])
        for m in flow.METHODS
    }
    moved = np.mean([mean_length(true_flow(move)) for film in films for _, move in film])
    tell(f"Pantomime's camera, {moved:.2f} px on average, {CAMERAS} scenes", errors)
    pair = [seen(textures["texture"], one) for one in (np.eye(2, 3), MOTIONS["4 px right, 3 up"])]
    cv2.setNumThreads(1)
    rates = turns.rates(
        {m: turns.Method(lambda m=m: flow.dense_flow(*pair, method=m), 1) for m in flow.METHODS},
        rounds=5 * ROUNDS,
    )
    return {"vidlab": rates.pop("dis-fast"), **rates}


def tell(what, errors):
    told = ", ".join(f"{method} {error:.2f}" for method, error in errors.items())
    turns.remark(f"{what}: endpoint error in pixels: {told}")


def filmed(seed, *, frames=36):
    """Film an empty scene as Pantomime does: pairs of frames, and how the points of the view move.

    Returns
    -------
    list
        Of each pair its two grey frames, and the map of `seen` between them, about the centre.
    """
    rng = np.random.default_rng(seed)
    canvas = scenes.draw_scene(scenes.random_scene(rng))
    paths = camera.random_camera(rng).path(frames, rng=rng)
    look = camera.FilmLook(grain=2.1, vignette=0.3, balance=(1.0, 1.0, 1.0))  # a clip's on average
    film = camera.Film(rng, look, frames=frames)
    views = [cv2.warpAffine(canvas, one, camera.FRAME, flags=cv2.INTER_LINEAR) for one in paths]
    grey = [
        cv2.cvtColor(film.develop(view, number=number), cv2.COLOR_RGB2GRAY)
        for number, view in enumerate(views)
    ]
    square = [np.vstack([one, [0, 0, 1]]) for one in paths]
    moves = [after @ np.linalg.inv(before) for before, after in pairwise(square)]
    about = np.eye(3)
    about[:2, 2] = CENTRE
    moves = [(np.linalg.inv(about) @ move @ about)[:2] for move in moves]
    return list(zip(pairwise(grey), moves, strict=True))


def turned(degrees, scale=1.0):
    angle = np.deg2rad(degrees)
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0]])


MOTIONS = {
    "1 px right": np.array([[1, 0, 1.0], [0, 1, 0]]),
    "4 px right, 3 up": np.array([[1, 0, 4.0], [0, 1, -3]]),
    "turned 2°": turned(2),
    "zoomed 3%": turned(0, 1.03),
}


def texture():
    noise = np.random.default_rng(0).integers(0, 256, (3 * SIDES[1], 3 * SIDES[0]), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, None, 2.5), None, 0, 255, cv2.NORM_MINMAX)


def room():
    """Draw a scene of Pantomime, larger than the view, so that a camera can move over it."""
    scene = scenes.draw_scene(scenes.random_scene(np.random.default_rng(0)))
    grey = cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (3 * SIDES).tolist(), interpolation=cv2.INTER_LINEAR)


def seen(picture, matrix):
    """Look at the middle of a picture after the points x of the view went to matrix @ x."""
    matrix = matrix.copy()
    linear = matrix[:, :2]
    matrix[:, 2] = CENTRE - linear @ (CENTRE + SIDES) + matrix[:, 2]
    return cv2.warpAffine(picture, matrix, SIDES.tolist(), flags=cv2.INTER_LINEAR)


def endpoint_error(method, pair, matrix):
    return mean_length(flow.dense_flow(*pair, method=method) - true_flow(matrix))


def true_flow(matrix):
    points = np.stack(np.meshgrid(*map(np.arange, SIDES)), axis=-1) - CENTRE
    return points @ matrix[:, :2].T + matrix[:, 2] - points


def mean_length(vectors):
    lengths = np.linalg.norm(vectors, axis=-1)
    return float(lengths[BORDER:-BORDER, BORDER:-BORDER].mean())


def whole_dataset(profile, *, most=None):
    """Compute the flow of a dataset, read it from the store, and tell time and memory."""
    from vidlab import Lab

    records = list(Lab(profile).index.table.itertuples())[:most]
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as folder:
        cache, pairs = FlowCache(folder, size=(112, 112)), sum(r.frames - 1 for r in records)
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            cache.fill(records)
            for record in records:
                cache.read(record, range(0, record.frames - 1, 8))
            seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(records)} videos, {pairs} pairs: computed in {seconds[0]:.1f} s,", end=" ")
    print(f"from the store {seconds[1]:.2f} s ({seconds[0] / seconds[1]:.0f}×), peak {peak:.0f} MB")


if __name__ == "__main__":
    whole_dataset(sys.argv[1], most=int(sys.argv[2]) if len(sys.argv) > 2 else None)
