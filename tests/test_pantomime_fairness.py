"""What a class must not be told by: colour, length, layout; and what gives a group away."""

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from vidlab.pantomime import CLASSES, clip_length, plan, render

pytestmark = pytest.mark.slow
CHANCE = 1 / len(CLASSES)
FOLDS = (range(1, 8), range(8, 15), range(15, 22))
PROBES = {
    "linear": lambda: LogisticRegression(max_iter=2000),
    "nearest": lambda: KNeighborsClassifier(1),
}


@pytest.fixture(scope="module")
def looks():
    """Return each quick video's class, group and simple features, from three of its frames."""
    rows = []
    for task in plan("quick"):
        video = (task.class_name, task.group, task.clip)
        count = clip_length(*video)
        picks = [0, count // 2, count - 1]
        mean = render(*video, indices=picks).frames.mean(axis=0).astype(np.float32)
        small = cv2.resize(mean, (8, 8), interpolation=cv2.INTER_AREA)
        features = ([count], mean.mean(axis=(0, 1)), small.ravel())
        rows += [(CLASSES.index(name), task.group, *features) for name in task.classes]
    names = ("label", "group", "frames", "colour", "thumbnail")
    return {
        name: np.array(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def accuracy(looks, feature, *, kind, train, test):
    probe = make_pipeline(StandardScaler(), PROBES[kind]())
    x, y = looks[feature], looks["label"]
    with threadpool_limits(1):  # for tables as small as this, more threads are slower
        return probe.fit(x[train], y[train]).score(x[test], y[test])


def across_groups(looks, feature, *, kind):
    parts = [np.isin(looks["group"], list(fold)) for fold in FOLDS]
    return np.mean([accuracy(looks, feature, kind=kind, train=~test, test=test) for test in parts])


def at_random(looks, feature, *, kind):
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    parts = folds.split(looks["label"], looks["label"])
    return np.mean(
        [accuracy(looks, feature, kind=kind, train=train, test=test) for train, test in parts]
    )


def test_the_test_split_has_168_videos(looks):
    assert len(looks["label"]) == 600
    assert np.isin(looks["group"], list(FOLDS[0])).sum() == 168


@pytest.mark.parametrize("kind", PROBES)
@pytest.mark.parametrize(
    ("feature", "limit"),
    [("colour", 1.6), ("frames", 1.6), ("thumbnail", 2.5)],
)
def test_across_groups_simple_looks_do_not_tell_the_class(looks, feature, limit, kind):
    assert across_groups(looks, feature, kind=kind) <= limit * CHANCE


@pytest.mark.parametrize(
    ("feature", "kind"), [("colour", "nearest"), ("thumbnail", "nearest"), ("thumbnail", "linear")]
)
def test_a_random_split_leaks_the_scene(looks, feature, kind):
    leaked = at_random(looks, feature, kind=kind)
    assert leaked >= 2.5 * CHANCE
    assert leaked >= 2 * across_groups(looks, feature, kind=kind)


@pytest.mark.parametrize(("feature", "kind"), [("colour", "linear"), ("frames", "nearest")])
def test_a_few_numbers_cannot_name_a_scene(looks, feature, kind):
    # Three sums of colours, or 13 lengths, for 300 scenes: here a random split has little to leak.
    assert at_random(looks, feature, kind=kind) <= 1.6 * CHANCE
