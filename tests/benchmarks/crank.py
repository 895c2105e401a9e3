"""Does anything but motion tell which way a crank is turned, and how many videos does motion take?

``python -m tests.benchmarks.crank`` draws 300 pairs of twins with each of five data seeds, and
fits logistic regressions on the built-in encoder's features of 16 frames: their mean, the last
frame, the first and the last, and the mean with the difference of the two halves. It prints how
many of the twins each names rightly, cross-validated by groups. Half is chance; a line above 57.5%
would have found something that tells the classes without following the motion. It takes three
minutes.

``python -m tests.benchmarks.crank --gru`` then trains a GRU on the same features of 36 pairs (as
many as quick has to train on) and more, of all data seeds but the last, and tests it on the 300
pairs of the last one: mean and standard deviation over three training seeds.
"""

import argparse
import os

import cv2
import numpy as np

GROUPS, CLIPS, FRAMES = 25, 12, 16
LIMIT = 0.575
LINES = {
    "mean": lambda x: x.mean(axis=1),
    "last": lambda x: x[:, -1],
    "first + last": lambda x: np.concatenate([x[:, 0], x[:, -1]], axis=1),
    "mean + difference": lambda x: np.concatenate([x.mean(axis=1), difference(x)], axis=1),
}
"""What each line is given: a function from features, (videos, time, channels), to (videos, …)."""
CURVE = {36: 60, 72: 60, 144: 40, 288: 30, 576: 20}
"""Epochs by pairs of twins; at all of them the training videos are all named rightly."""


def difference(x):
    """Return the mean of the second half less that of the first."""
    half = x.shape[1] // 2
    return x[:, half:].mean(axis=1) - x[:, :half].mean(axis=1)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.crank")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--gru", action="store_true", help="train a GRU as well")
    given, drawn = parser.parse_args(arguments), []
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(f"{'seed':6}" + "".join(f"{name:>20}" for name in LINES))
    for seed in given.seeds:
        drawn.append(features(seed))
        found = accuracies(*drawn[-1])
        print(f"{seed:<6}" + "".join(f"{found[name]:>20.1%}" for name in LINES), flush=True)
    *known, (unseen, _) = drawn
    for pairs, epochs in CURVE.items() if given.gru else ():
        known_pairs = np.concatenate([x for x, _ in known])
        right = [gru(known_pairs, unseen, pairs=pairs, epochs=epochs, seed=s) for s in range(3)]
        print(
            f"GRU, {pairs:4} pairs: {np.mean(right):.1%} ± {np.std(right, ddof=1):.1%}", flush=True
        )


def features(seed, *, groups=GROUPS, clips=CLIPS):
    """Draw the first class's videos; return their features and the group of each.

    Float64: the sum of a video's features is then the same in either order.
    """
    from tests import built
    from vidlab.data.sampling import Uniform
    from vidlab.models import backbones
    from vidlab.pantomime.rendering import FPS, Shot

    encoder = built.pooled(backbones.build("residual", weights="pantomime"))
    found = []
    for group in range(1, groups + 1):
        for clip in range(1, clips + 1):
            shot = Shot("CrankForwards", group, clip, seed)
            frames = shot.render(Uniform(FRAMES).indices(shot.count, fps=FPS))
            small = [cv2.resize(f, (112, 112), interpolation=cv2.INTER_AREA) for f in frames.frames]
            found.append(encoder.predict_on_batch(np.array(small)))
    return np.array(found, np.float64), np.repeat(np.arange(groups), clips)


def accuracies(x, groups):
    """Give the accuracy of each line between videos and their twins, which no fold divides."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    both, y = _twins(x)
    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    folds = {"cv": GroupKFold(5), "groups": np.tile(groups, 2)}
    with threadpool_limits(1):
        return {
            name: cross_val_score(line, given(both), y, **folds).mean()
            for name, given in LINES.items()
        }


def gru(known, unseen, *, pairs, epochs, seed):
    """Train a GRU on some pairs of twins; return its accuracy on unseen ones."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.GRU(128),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.002), "binary_crossentropy", metrics=["accuracy"])
    some = np.random.default_rng(seed).choice(len(known), pairs, replace=False)
    model.fit(*_twins(known[some]), batch_size=16, epochs=epochs, verbose=0)
    return model.evaluate(*_twins(unseen), verbose=0)[1]


def _twins(x):
    return np.concatenate([x, x[:, ::-1]]), np.repeat([0, 1], len(x))


if __name__ == "__main__":
    main()
