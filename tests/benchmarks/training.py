"""How fast does training go, and what takes the time? Frames a second, whole trainings compared.

``scratch``: everything learns (`frame-scratch`), with and without augmentation; the first epoch,
which holds the trace, is left out. ``frozen``: a frozen backbone (`frame-pretrained`), the whole
model in every epoch against the rest on what is computed once, the computing included.
"""

import tempfile
import time
from pathlib import Path

from tests.benchmarks.turns import remark

EPOCHS, VIDEOS = 6, 96


def measure(which):
    from vidlab import load_index

    index = load_index("pantomime", size="quick")
    train, validation, _ = index.split(1, validation=0.1)
    parts = train.select(range(VIDEOS)), validation.select(range(12))
    return {"scratch": scratch, "frozen": frozen}[which](parts)


def scratch(parts):
    from vidlab import recipes, training
    from vidlab.course.lab import Lab

    lab, found = Lab("quick"), {}
    recipe = lab.recipe("frame-scratch").adapted(size=112, patience=EPOCHS)
    phases = [recipes.Phase(EPOCHS, "adam", 1e-3, 32, "all")]
    frames = VIDEOS * recipe.train_sampling.length
    for name, augment in (("vidlab", recipe.augment), ("without augmentation", None)):
        short = recipe.adapted(phases=phases, augment=augment)
        settings = training.Settings(cache=lab.home / "cache")
        seconds = training.fit(short, parts, settings=settings).history["seconds"]
        remark(f"{name}: the first epoch took {seconds.iloc[0]:.1f} s")
        found[name] = round(float(frames / seconds.iloc[1:].mean()), 3)
    return found


def frozen(parts):
    from vidlab import training
    from vidlab.course.lab import Lab

    lab, found = Lab("quick"), {}
    recipe = lab.recipe("frame-pretrained").adapted(patience=EPOCHS)
    frames = EPOCHS * VIDEOS * recipe.train_sampling.length
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as folder:
        for name, features in (("vidlab", Path(folder)), ("whole model", None)):
            settings = training.Settings(cache=lab.home / "cache", features=features)
            started = time.perf_counter()
            fitted = training.fit(recipe, parts, settings=settings)
            found[name] = round(frames / (time.perf_counter() - started), 3)
            remark(f"{name}: {fitted.seconds:.1f} s in {EPOCHS} epochs")
    return found
