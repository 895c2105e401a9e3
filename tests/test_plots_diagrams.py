"""A recurrent network drawn with a video's own frames, judged by its labels and pictures."""

import numpy as np
import pytest

from vidlab import plots
from vidlab.errors import MetricError


def clip(count, *, height=24, width=32):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [2, 6])
def test_unrolled_draws_the_cell_once_rolled_up_and_once_a_frame(count):
    frames = clip(count)
    (axes,) = plots.unrolled(frames, cell="LSTM").axes
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("LSTM") == 1 + count
    assert [name for name in texts if name.startswith("$x")] == [
        f"$x_{{{number}}}$" for number in range(1, count + 1)
    ]
    shown = [image.get_array() for image in axes.images]
    assert np.array_equal(shown, [frames[0], *frames])


def test_unrolled_hands_each_state_on_and_the_last_to_the_answer():
    (axes,) = plots.unrolled(clip(3), answer="the class").axes
    texts = {text.get_text(): text.get_position() for text in axes.texts}
    places = [image.get_extent()[0] for image in axes.images][1:]
    assert places[0] < texts["$h_{1}$"][0] < texts["$h_{2}$"][0]
    assert texts["the class"][1] > texts["$h_{3}$"][1] > texts["$h_{2}$"][1]


def test_unrolled_fits_upright_frames_below_the_cells():
    (axes,) = plots.unrolled(clip(2, height=64, width=36)).axes
    left, right, bottom, top = axes.images[0].get_extent()
    assert (right - left) / (top - bottom) == pytest.approx(36 / 64)
    assert top <= 0.8


def test_unrolled_refuses_a_single_frame():
    with pytest.raises(MetricError, match=r"two frames or more.*Received: one.*Read more"):
        plots.unrolled(clip(1))
