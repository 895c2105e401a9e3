import av
import numpy as np
import pytest

from vidlab.data import video


def piece(name, content):
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


def avi(entries, *, listed=True, behind=b""):
    """Build an AVI file's outline: pictures, a list that names `entries`, and what comes after."""
    rows = b"".join(name + bytes(12) for name in entries)
    index = piece(b"idx1", rows) if listed else b""
    return piece(b"RIFF", b"AVI " + piece(b"LIST", b"movi" + bytes(7)) + index) + behind


@pytest.fixture
def saved(tmp_path):
    def save(content, name="clip.avi"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return save


@pytest.mark.parametrize(
    ("entries", "frames"),
    [
        ([b"00dc"] * 7, 7),
        ([b"00db"] * 3, 3),
        ([b"01wb", b"00dc", b"01wb", b"00dc"], 2),
        ([b"00dc", b"02dc", b"00dc"], 2),
        ([b"01wb"] * 4, None),
        ([], None),
    ],
    ids=["compressed", "plain", "beside sound", "two streams", "sound alone", "empty"],
)
def test_pictures_in_the_list_are_counted(saved, entries, frames):
    assert video._listed_frames(saved(avi(entries))) == frames


@pytest.mark.parametrize(
    "content",
    [
        avi([b"00dc"] * 7, listed=False),
        avi([b"00dc"] * 7, behind=piece(b"RIFF", b"AVIX" + bytes(40))),
        avi([b"00dc"] * 7)[:40],
        b"RIFF\x00\x00\x00\x00WAVE",
        b"\x00\x00\x00\x18ftypmp42" + bytes(12),
        b"",
    ],
    ids=["no list", "continued in a second piece", "cut off", "sound", "MP4", "empty"],
)
def test_no_count_is_given_where_the_list_says_none_or_not_all(saved, content):
    assert video._listed_frames(saved(content)) is None


def test_a_list_that_ends_early_counts_what_is_there(saved):
    assert video._listed_frames(saved(avi([b"00dc"] * 7)[:-20])) == 5


def test_counts_agree_with_packets_read_by_a_second_library(tmp_path, numbered_video):
    own = numbered_video(frames=13)
    other = tmp_path / "other.avi"
    with av.open(str(other), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(31):
            picture = np.full((48, 64, 3), 8 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
    for path in (own, other):
        with av.open(str(path)) as file:
            packets = sum(packet.size > 0 for packet in file.demux(video=0))
        assert video._listed_frames(path) == packets


@pytest.mark.parametrize(
    ("content", "cut_off"),
    [
        (avi([b"00dc"] * 2), False),
        (avi([b"00dc"] * 2)[:-1], True),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(12) + b"\x00\x00\x00\x0cmdat" + bytes(4), False),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(12) + b"\x00\x00\x00\x0cmdat" + bytes(3), True),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(12) + b"\x00\x00\x00\x00mdat" + bytes(3), False),
        (
            b"\x00\x00\x00\x18ftypmp42"
            + bytes(12)
            + b"\x00\x00\x00\x01mdat"
            + (20).to_bytes(8, "big")
            + bytes(3),
            True,
        ),
        (b"something else", False),
    ],
    ids=["AVI", "short AVI", "MP4", "short MP4", "open-ended MP4", "short long box", "other"],
)
def test_files_shorter_than_their_structure_says_are_told(saved, content, cut_off):
    assert video._is_cut_off(saved(content)) is cut_off
