"""How fast does training go, and what takes the time? Frames a second, parts side by side.

``scratch``: everything learns (`frame-scratch`). The bare step on a batch in memory, the same fed
by decoding threads without and with augmentation, and a whole training as `training.fit` does it.
``frozen``: a frozen backbone (`frame-pretrained`). The whole model in every epoch against the rest
on what is computed once, the computing included and left out.
"""

import tempfile
import time
from pathlib import Path

from tests.benchmarks.turns import Method, rates, remark

EPOCHS, VIDEOS = 6, 96


def measure(which):
    from vidlab import load_index

    index = load_index("pantomime", size="quick")
    train, validation, _ = index.split(1, validation=0.1)
    parts = train.select(range(VIDEOS)), validation.select(range(12))
    return {"scratch": scratch, "frozen": frozen}[which](parts)


def scratch(parts):
    import numpy as np

    from vidlab import recipes, training
    from vidlab.course.lab import Lab
    from vidlab.data.dataset import Clips
    from vidlab.training import fitting

    lab = Lab("quick")
    recipe = lab.recipe("frame-scratch").adapted(size=112)
    (phase,) = recipe.phases
    model = recipes.build(recipe, len(parts[0].classes))
    fitting._compile(model, recipe, phase, labels=fitting._labels(parts[0], recipe))
    stream, cache = recipe.inputs["rgb"], lab.home / "cache"
    fed = {
        augment: Clips(
            parts[0],
            stream,
            batch_size=phase.batch_size,
            shuffle=True,
            augment=recipe.augment if augment else None,
            cache=cache,
        )
        for augment in (False, True)
    }
    frames = len(fed[True].video_positions)
    x, y = fed[False][0]

    def bare():
        for _ in range(len(fed[True])):
            model.train_on_batch(x, y)

    def fit(augment):
        return lambda: model.fit(fed[augment], epochs=1, shuffle=False, verbose=0)

    found = rates(
        {
            "bare step": Method(bare, len(fed[True]) * len(x)),
            "decoded": Method(fit(False), frames),
            "augmented": Method(fit(True), frames),
        },
        rounds=3,
    )
    short = recipe.adapted(phases=[recipes.Phase(EPOCHS, "adam", 1e-3, 32, "all")], patience=EPOCHS)
    settings = training.Settings(cache=cache)
    history = training.fit(short, parts, settings=settings).history
    seconds = history["seconds"].iloc[1:].mean()  # the first epoch holds the trace
    remark(f"first epoch {history['seconds'].iloc[0]:.1f} s, the others {seconds:.1f} s on average")
    assert np.isfinite(history["loss"]).all()
    return {"vidlab": round(frames / seconds, 3), **found}


def frozen(parts):
    from vidlab import training
    from vidlab.course.lab import Lab

    lab = Lab("quick")
    recipe = lab.recipe("frame-pretrained").adapted(patience=EPOCHS)
    frames = EPOCHS * VIDEOS * recipe.train_sampling.length
    found = {}
    with tempfile.TemporaryDirectory(prefix="vidlab-bench-") as folder:
        for name, features in (("whole model", None), ("vidlab", Path(folder))):
            settings = training.Settings(cache=lab.home / "cache", features=features)
            started = time.perf_counter()
            fitted = training.fit(recipe, parts, settings=settings)
            found[name] = round(frames / (time.perf_counter() - started), 3)
            remark(f"{name}: {fitted.seconds:.1f} s in {EPOCHS} epochs")
        remark(f"computed once: {fitted.learner.feature_seconds:.1f} s")
    return found
