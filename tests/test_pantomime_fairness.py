"""What must not give a class away: colour, length, layout; and what gives a group away."""

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from tests.benchmarks import crank
from vidlab.pantomime import CLASSES
from vidlab.pantomime.dataset import plan

pytestmark = pytest.mark.slow
CHANCE = 1 / len(CLASSES)
GROUPS, FOLD = 14, 7
PROBES = {"linear": LogisticRegression(max_iter=2000), "nearest": KNeighborsClassifier(1)}


@pytest.fixture(scope="module")
def accuracy():
    """Give the mean accuracy of a probe on simple features of the quick videos.

    It is cross-validated across groups or at random: (feature, kind, at_random=) -> 0–1.
    """
    rows = []
    for shot in plan("quick"):
        if shot.group <= GROUPS:
            count = shot.count
            frames = shot.render([0, count // 2, count - 1]).frames
            mean = frames.mean(axis=0).astype(np.float32)
            small = cv2.resize(mean, (8, 8), interpolation=cv2.INTER_AREA)
            features = ([count], mean.mean(axis=(0, 1)), small.ravel())
            rows += [(name, shot.group, *features) for name in shot.classes]
    y, groups, *columns = map(np.array, zip(*rows, strict=True))
    features = dict(zip(("frames", "colour", "thumbnail"), columns, strict=True))
    assert len(y) == len(CLASSES) * GROUPS * 2

    def score(feature, kind, *, at_random=False):
        folds = StratifiedKFold(4, shuffle=True, random_state=0)
        folds = folds if at_random else PredefinedSplit((groups - 1) // FOLD)
        probe = make_pipeline(StandardScaler(), PROBES[kind])
        with threadpool_limits(1):  # for tables as small as this, more threads are slower
            return cross_val_score(probe, features[feature], y, cv=folds).mean()

    return score


@pytest.mark.parametrize("kind", PROBES)
@pytest.mark.parametrize(
    ("feature", "limit"), [("colour", 1.6), ("frames", 1.6), ("thumbnail", 2.5)]
)
def test_across_groups_simple_looks_do_not_tell_the_class(accuracy, feature, limit, kind):
    assert accuracy(feature, kind) <= limit * CHANCE


@pytest.mark.parametrize(
    ("feature", "kind"), [("colour", "nearest"), ("thumbnail", "nearest"), ("thumbnail", "linear")]
)
def test_a_random_split_leaks_the_scene(accuracy, feature, kind):
    leaked = accuracy(feature, kind, at_random=True)
    assert leaked >= 2.5 * CHANCE
    assert leaked >= 2 * accuracy(feature, kind)


@pytest.mark.parametrize(("feature", "kind"), [("colour", "linear"), ("frames", "nearest")])
def test_a_few_numbers_cannot_name_a_scene(accuracy, feature, kind):
    # Three sums of colours, or 13 lengths, for many scenes: here a random split has little to leak.
    assert accuracy(feature, kind, at_random=True) <= 1.6 * CHANCE


def test_no_frame_nor_first_and_last_nor_early_and_late_tell_how_a_crank_is_turned():
    found = crank.accuracies(*crank.features(seed=0))
    assert found.pop("mean") == 0.5
    assert max(found.values()) <= crank.LIMIT
