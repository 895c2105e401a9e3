import base64

import cv2
import nbformat
import numpy as np

from vidlab.course.report import lightened


def shown(picture, **metadata):
    """Make a notebook of one cell that shows a picture."""
    png = base64.b64encode(cv2.imencode(".png", picture)[1]).decode()
    output = nbformat.v4.new_output(
        "display_data", {"image/png": png, "text/plain": "a figure"}, metadata=metadata
    )
    cell = nbformat.v4.new_code_cell("figure", outputs=[output])
    return nbformat.v4.new_notebook(cells=[cell])


def filmed():
    """Draw what is hard to pack without loss: soft shapes with grain."""
    rng = np.random.default_rng(0)
    soft = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (320, 240))
    return np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


def data_of(notebook):
    return notebook.cells[0].outputs[0].data


def test_what_is_filmed_becomes_jpeg_that_looks_the_same():
    notebook = shown(filmed(), **{"image/png": {"width": 320}})
    lighter = lightened(notebook)
    assert set(data_of(lighter)) == {"image/jpeg", "text/plain"}
    packed = base64.b64decode(data_of(lighter)["image/jpeg"])
    again = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(again.astype(int) - filmed()).mean() < 4
    assert len(packed) < len(base64.b64decode(data_of(notebook)["image/png"])) / 2
    assert lighter.cells[0].outputs[0].metadata == {"image/jpeg": {"width": 320}}
    assert set(data_of(notebook)) == {"image/png", "text/plain"}  # itself is left alone


def test_what_is_drawn_or_transparent_stays_as_it_is():
    drawn = np.full((240, 320, 3), 255, np.uint8)
    cv2.line(drawn, (10, 200), (300, 20), (200, 80, 0), 2)
    transparent = np.dstack([filmed(), np.full((240, 320), 90, np.uint8)])
    for picture in (drawn, transparent):
        assert "image/png" in data_of(lightened(shown(picture)))
