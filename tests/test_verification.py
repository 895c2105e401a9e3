"""What is said of a dataset before training on it."""

import numpy as np
import pytest

from vidlab.data import verification, video
from vidlab.data.index import VideoIndex

COUNTS = ["listed", "readable", "unreadable", "missing", "unlisted", "unused"]


def verified(root, **options):
    return verification.verify(VideoIndex.from_folder(root, **options))


def test_a_complete_folder_is_verified_and_without_lists_none_is(toy_folder, small_toys):
    found = verified(toy_folder)
    assert found.is_complete
    counts = dict(zip(COUNTS, [12, 12, 0, 0, 0, 0], strict=True))
    assert found.per_class.loc["Run"].to_dict() == counts
    assert str(found).startswith("3 classes; videos: 36 listed, 36 readable")
    assert str(found).endswith(": complete")
    found = verified(small_toys)
    assert not found.is_complete
    assert "no official lists" in str(found)


@pytest.mark.filterwarnings("ignore:vidlab")
def test_what_is_damaged_missing_or_too_much_is_counted_by_class(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=2)
    jump = root / "UCF-101" / "Jump"
    (jump / "v_Jump_g01_c01.avi").write_bytes(b"")
    (jump / "v_Jump_g02_c01.avi").unlink()
    (jump / "v_Jump_g03_c01.avi").rename(jump / "v_Jump_g09_c01.avi")
    (root / "UCF-101" / "loose.avi").write_bytes((jump / "v_Jump_g03_c02.avi").read_bytes())
    found = verified(root)
    assert not found.is_complete
    assert found.per_class.loc["Jump"].tolist() == [6, 4, 1, 2, 1, 0]
    assert found.per_class.loc["Run"].tolist() == [6, 6, 0, 0, 0, 0]
    assert found.per_class.loc["(no class)", "unlisted"] == 1
    kinds = ["missing", "missing", "unlisted", "unlisted", "unreadable"]
    assert sorted(found.faults["kind"]) == kinds
    assert len(found.videos) == 10 + 4  # readable ones, and what is not among them
    assert str(found).endswith("not complete")
    path = jump / "v_Jump_g03_c02.avi"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # damage in the middle
    assert verified(root, count=True).per_class.loc["Jump", "unreadable"] == 2


@pytest.mark.filterwarnings("ignore:vidlab")
def test_a_video_damaged_in_its_middle_is_listed(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=1, frames=30, lists=False)
    file = root / "UCF-101" / "Run" / "v_Run_g02_c01.avi"
    content = file.read_bytes()
    third = len(content) // 3
    file.write_bytes(content[:third] + bytes(third) + content[2 * third :])
    found = verified(root, count=True)
    assert found.faults[["path", "kind"]].values.tolist() == [[str(file), "damaged"]]
    assert "30 frames, of which" in found.faults["reason"][0]
    assert found.per_class.loc["Run"].tolist() == [0, 3, 0, 0, 0, 0]


@pytest.mark.filterwarnings("ignore:vidlab")
def test_what_spoils_a_training_without_being_a_fault_is_said(tmp_path):
    def write(name, *, frames=20, size=(24, 32), fps=25.0, shade=0):
        pictures = np.full((frames, *size, 3), shade, np.uint8)
        video.write(tmp_path / name, pictures, fps=fps)

    for clip in range(6):
        write(f"Jump/v_Jump_g0{clip + 1}_c01.avi", shade=10 * clip)
    write("Run/v_Run_g01_c01.avi", frames=3, size=(32, 24), fps=10.0)
    write("Run/v_Run_g01_c02.avi", shade=10)  # as a video of Jump
    found = verified(tmp_path)
    assert found.faults.empty
    said = "\n".join(found.findings)
    for words in (
        "Unbalanced classes: 6 videos of Jump, 2 of Run",
        "single group, which cannot be both trained and tested: Run.",
        "Picture sizes differ: 32×24 (7), 24×32 (1)",
        "Frame rates differ: 25 (7), 10 (1)",
        "Shorter than 16 frames, 1 videos: v_Run_g01_c01.",
        "the same as another, 1 videos: ",
    ):
        assert words in said
    copied = found.videos.dropna(subset="kind")
    assert copied["reason"].str.contains("of class Jump: one of the two labels is wrong").tolist()
