"""What is said of a dataset before training on it."""

import numpy as np
import pytest

from vidlab.data import verification, video
from vidlab.data.index import VideoIndex


def verified(root, **options):
    """Index a folder; give what is said of it, and its faults."""
    index = VideoIndex.from_folder(root, **options)
    return verification.summary(index), verification.faults(index)


def test_a_complete_folder_is_verified_and_without_lists_none_is(toy_folder, small_toys):
    said, faults = verified(toy_folder)
    assert said == "3 classes; videos: 36 listed, 36 readable: complete"
    assert faults.empty
    said, _ = verified(small_toys)
    assert said.endswith("readable: there are no official lists to compare with")


@pytest.mark.filterwarnings("ignore:vidlab")
def test_what_is_damaged_missing_or_too_much_is_counted(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=2)
    jump = root / "UCF-101" / "Jump"
    (jump / "v_Jump_g01_c01.avi").write_bytes(b"")
    (jump / "v_Jump_g02_c01.avi").unlink()
    (jump / "v_Jump_g03_c01.avi").rename(jump / "v_Jump_g09_c01.avi")
    (root / "UCF-101" / "loose.avi").write_bytes((jump / "v_Jump_g03_c02.avi").read_bytes())
    said, faults = verified(root)
    assert said == (
        "2 classes; videos: 12 listed, 10 readable, 1 unreadable, 2 missing, 2 unlisted: "
        "not complete"
    )
    kinds = ["missing", "missing", "unlisted", "unlisted", "unreadable"]
    assert sorted(faults["kind"]) == kinds
    index = VideoIndex.from_folder(root)
    assert len(verification.videos(index)) == 10 + 4  # readable ones, and what is not among them
    path = jump / "v_Jump_g03_c02.avi"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])  # damage in the middle
    assert "2 unreadable" in verified(root, count=True)[0]


@pytest.mark.filterwarnings("ignore:vidlab")
def test_a_video_damaged_in_its_middle_is_listed(toy_dataset):
    root = toy_dataset(classes=("Jump", "Run"), groups=3, clips=1, frames=30, lists=False)
    file = root / "UCF-101" / "Run" / "v_Run_g02_c01.avi"
    content = file.read_bytes()
    third = len(content) // 3
    file.write_bytes(content[:third] + bytes(third) + content[2 * third :])
    said, faults = verified(root, count=True)
    assert faults[["path", "kind"]].values.tolist() == [[str(file), "damaged"]]
    assert "30 frames, of which" in faults["reason"][0]
    assert "6 readable" in said


@pytest.mark.filterwarnings("ignore:vidlab")
def test_what_spoils_a_training_without_being_a_fault_is_said(tmp_path):
    def write(name, *, frames=20, size=(24, 32), fps=25.0, shade=0):
        pictures = np.full((frames, *size, 3), shade, np.uint8)
        video.write(tmp_path / name, pictures, fps=fps)

    for clip in range(6):
        write(f"Jump/v_Jump_g0{clip + 1}_c01.avi", shade=10 * clip)
    write("Run/v_Run_g01_c01.avi", frames=3, size=(32, 24), fps=10.0)
    write("Run/v_Run_g01_c02.avi", shade=10)  # as a video of Jump
    index = VideoIndex.from_folder(tmp_path)
    assert verification.faults(index).empty
    said = "\n".join(verification.findings(index))
    for words in (
        "Unbalanced classes: 6 videos of Jump, 2 of Run",
        "single group, which cannot be both trained and tested: Run.",
        "Picture sizes differ: 32×24 (7), 24×32 (1)",
        "Frame rates differ: 25 (7), 10 (1)",
        "Shorter than 16 frames, 1 videos: v_Run_g01_c01.",
        "the same as another, 1 videos: ",
    ):
        assert words in said
    copied = verification.videos(index).dropna(subset="kind")
    assert copied["reason"].str.contains("of class Jump: one of the two labels is wrong").tolist()
