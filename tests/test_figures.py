"""The pictures of README and notebooks."""

import cv2

from vidlab.course import figures


def test_the_contact_sheet_has_a_row_for_each_class_in_two_columns(tmp_path):
    (path,) = figures.make_all(tmp_path / "figures")
    assert cv2.imread(str(path)).shape == (6 * 96, 2 * 6 * 128, 3)
