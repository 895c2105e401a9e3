"""What the bytes of a file tell before a decoder is asked."""

import pytest

from vidlab.data import containers

RIFF = b"RIFF\x0c\0\0\0AVI "
MP4 = b"\0\0\0\x18ftypmp42" + bytes(12)
MATROSKA = b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67"
CUT_OFF = {
    "whole AVI": (RIFF + bytes(8), False),
    "AVI without its end": (RIFF + bytes(7), True),
    "open-ended MP4": (MP4 + b"\0\0\0\x08moov" + b"\0\0\0\0mdat" + bytes(3), False),
    "MP4 whose long box is short": (MP4 + b"\0\0\0\x01mdat" + (20).to_bytes(8, "big"), True),
    "MP4 whose recording broke off": (MP4 + b"\0\0\0\x0cmdat" + bytes(4), True),
    "whole Matroska": (MATROSKA + b"\x84" + bytes(4), False),
    "Matroska without its end": (MATROSKA + b"\x40\x05" + bytes(4), True),
    "Matroska of unknown length": (MATROSKA + b"\x01" + b"\xff" * 7 + bytes(4), False),
    "Matroska cut off in its header": (MATROSKA, True),
    "a text": (b"RIFT", False),
}


@pytest.mark.parametrize("kind", CUT_OFF)
def test_a_file_shorter_than_its_boxes_say_is_cut_off(tmp_path, kind):
    content, is_cut_off = CUT_OFF[kind]
    (tmp_path / "clip").write_bytes(content)
    assert containers.is_cut_off(tmp_path / "clip") is is_cut_off


@pytest.mark.parametrize(
    ("start", "names"),
    [(RIFF, True), (MP4, True), (b"\x1a\x45\xdf\xa3", False), (b"FLV\1\5", False)],
    ids=["AVI", "MP4", "Matroska", "FLV"],
)
def test_only_some_containers_name_a_number_of_frames(tmp_path, start, names):
    (tmp_path / "clip").write_bytes(start)
    assert containers.names_frames(tmp_path / "clip") is names
