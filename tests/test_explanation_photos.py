"""On real photographs, ImageNet's MobileNetV2 looks at what it names."""

import cv2
import numpy as np
import pytest

from vidlab import explanation

# What was seen when looking at the pictures: boxes (x0, y0, x1, y1) as shares of width and height.
SEEN = {
    "cat.png": ({281, 282, 285}, [(0.10, 0.10, 0.72, 1.0)]),  # tabby, tiger cat, Egyptian cat
    "parrot.jpg": ({88}, [(0.18, 0.10, 0.92, 0.84)]),  # macaw
    "grace_hopper.png": ({652}, [(0.28, 0.04, 0.74, 0.55), (0.04, 0.55, 1.0, 1.0)]),  # uniform
}


@pytest.fixture(scope="module")
def mobilenet(shared):
    import keras

    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
    return keras.applications.MobileNetV2(weights=str(shared / "keras_home/models" / name))


@pytest.fixture(scope="module")
def explain(shared, mobilenet):
    """Explain what MobileNetV2 says of a photograph: (name, target) -> Explanation."""

    def make(name, target=None):
        picture = cv2.cvtColor(cv2.imread(str(shared / "photos" / name)), cv2.COLOR_BGR2RGB)
        picture = cv2.resize(picture, (224, 224), interpolation=cv2.INTER_AREA)
        return explanation.grad_cam(mobilenet, picture[None] / 127.5 - 1, target=target)

    return make


@pytest.mark.parametrize("name", SEEN)
def test_the_heat_lies_on_what_the_photograph_shows(name, explain):
    found = explain(name)
    labels, boxes = SEEN[name]
    assert found.target in labels
    assert found.layer == "out_relu"
    inside = np.zeros((224, 224), bool)
    for x0, y0, x1, y1 in boxes:
        inside[round(224 * y0) : round(224 * y1), round(224 * x0) : round(224 * x1)] = True
    (heat,) = found.heat
    assert inside[np.unravel_index(heat.argmax(), heat.shape)]
    assert heat[inside].sum() / heat.sum() > 1.15 * inside.mean()


def test_another_thing_in_the_photograph_has_its_heat_elsewhere(explain):
    curtain = explain("cat.png", target=854)  # a striped curtain, at the upper left of the cat
    (heat,) = curtain.heat
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert column < 0.35 * 224
    assert row < 0.5 * 224
    assert curtain.score < 0.01
