"""Twins of reversed pairs share a scene."""

import pandas as pd

from vidlab import pantomime


def test_twins_share_group_and_clip_across_a_reversed_pair():
    names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    rows = [
        ("s1", "SitDown", "g01", 1, 30, 25.0, "s1.avi"),
        ("s2", "SitDown", "g02", 1, 31, 25.0, "s2.avi"),
        ("u1", "StandUp", "g01", 1, 30, 25.0, "u1.avi"),
        ("u2", "StandUp", "g02", 2, 31, 25.0, "u2.avi"),
        ("j1", "JumpingJack", "g01", 1, 30, 25.0, "j1.avi"),
    ]
    found = pantomime.twins(pd.DataFrame(rows, columns=names))
    assert found[["video_id", "twin_id"]].to_numpy().tolist() == [["s1", "u1"]]


def test_a_dataset_without_reversed_pairs_has_no_twins():
    names = ["video_id", "class_name", "group", "clip", "frames", "fps", "path"]
    table = pd.DataFrame([("d", "Diving", "g01", 1, 30, 25.0, "d.avi")], columns=names)
    assert pantomime.twins(table).empty
