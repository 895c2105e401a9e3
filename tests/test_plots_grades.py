import numpy as np
import pandas as pd
import pytest

from vidlab import explanation, plots
from vidlab.errors import MetricError

CLASSES = [f"Class{place}" for place in range(12)]


@pytest.fixture(autouse=True, scope="module")
def style():
    plots.use_style()


@pytest.fixture
def grades():
    """Make grades of two methods: 0.5 for the bars, 0.25 for the baseline."""
    index = pd.MultiIndex.from_product(
        [["grad_cam", "centre"], [*CLASSES, "all classes"]], names=["method", "class_name"]
    )
    return pd.DataFrame({"pointing": np.repeat([0.5, 0.25], 13)}, index=index)


def test_pointing_bars_show_all_classes_first_and_baselines_as_marks(grades):
    figure = plots.pointing_bars(grades, method="grad_cam", baselines=("centre",))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["all classes", *CLASSES]
    assert [bar.get_width() for bar in axes.patches] == [0.5] * 13
    (marks,) = axes.lines
    assert marks.get_xdata().tolist() == [0.25] * 13
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["grad_cam", "centre"]


def test_an_unknown_method_is_named_with_the_known_ones(grades):
    with pytest.raises(MetricError, match=r"grad_cam, centre.*Received: saliency"):
        plots.pointing_bars(grades, method="saliency")


def test_pointing_bars_of_videos_without_boxes_say_so():
    grades = explanation.grade([], [], classes=[])
    figure = plots.pointing_bars(grades, method="grad_cam", baselines=("centre",))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["all classes"]
    assert np.isnan([bar.get_width() for bar in axes.patches]).all()
    assert [text.get_text() for text in axes.texts] == ["these videos have no boxes"]


def test_curves_are_drawn_as_they_are():
    curve = pd.DataFrame({"share": [0, 0.5, 1], "score": [0.9, 0.2, 0.1]})
    figure = plots.deletion_curves({"by heat": curve, "at random": curve.assign(score=0.5)})
    (axes,) = figure.axes
    assert axes.lines[0].get_ydata().tolist() == [0.9, 0.2, 0.1]
    assert axes.lines[1].get_ydata().tolist() == [0.5] * 3
    with pytest.raises(MetricError, match="Compute one"):
        plots.deletion_curves({})


@pytest.mark.parametrize("count", [1, 12, 101])
def test_every_class_has_its_mean_map(count):
    names = [f"Class{place}" for place in range(count)]
    table = pd.DataFrame({"centre": 0.25, "border": 0.4}, index=names)
    figure = plots.mean_heat({name: np.ones((7, 7)) for name in names}, table=table)
    titles = [axes.get_title(loc="center") for axes in figure.axes]
    assert [title.splitlines()[0] for title in titles if title] == names
    assert titles[0].endswith("centre 25%, border 40%")
    with pytest.raises(MetricError, match="Explain some videos"):
        plots.mean_heat({})


def test_the_share_of_the_scene_is_drawn_with_its_interval_and_verdict():
    table = pd.DataFrame(
        {
            "told": [1.0, 0.9, 0.6],
            "share": [0.7, -0.02, np.nan],
            "low": [0.55, -0.1, np.nan],
            "high": [1.1, 0.06, np.nan],
            "looks_at": ["scene", "act", "unclear"],
        },
        index=["A", "B", "C"],
    )
    figure = plots.scene_or_act(table, limits=(0.1, 0.2))
    told, shares = figure.axes
    assert [bar.get_width() for bar in told.patches] == [1.0, 0.9, 0.6]
    intervals, points = shares.collections
    ends = [line[:, 0].tolist() for line in intervals.get_segments() if len(line)]
    assert ends[:2] == [[0.55, 1.0], [0.0, 0.06]]
    assert points.get_offsets()[:2].tolist() == [[0.7, 0], [0.0, 1]]
    (band,) = shares.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((0.1, 0.1))
    assert len({tuple(colour) for colour in intervals.get_colors()}) == 3
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["told by the act", "leans on the scene", "unclear", "the limits, 10% and 20%"]
