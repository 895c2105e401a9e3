"""Why a file cannot be decoded, the second decoder, and names that OpenCV cannot take."""

import os
import resource
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.benchmarks import hostile
from vidlab.data import decoding, video
from vidlab.errors import MissingVideoError, UnreadableVideoError

JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
PNG = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\nsize 9\n",
            "a Git LFS pointer.*git lfs pull",
        ),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page.*download the video again"),
        ("跑步 and more\n".encode() * 9, "a text"),
        ("跑步 and more\n".encode("gbk") * 9, "a text"),
        (JPEG, "a picture"),
        (PNG, "a picture"),
        (b"PK\3\4" + bytes(40), "an archive.*Unpack"),
        (b"\0\1damaged" * 90, "start is damaged"),
        (b"\0\0\0\x18ftypmp42" + bytes(12) + b"\0\0\1\0mdat" + bytes(90), "cut off"),
    ],
    ids=["pointer", "page", "text", "GBK", "JPEG", "PNG", "archive", "start", "end"],
)
def test_what_is_no_video_is_called_by_its_name(tmp_path, capfd, content, message):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableVideoError, match=rf"clip\.mp4.*{message}"):
        video.probe(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "aac"), ("a.mkv", "aac"), ("a.avi", "libmp3lame"), ("a.ogv", "libopus")],
)
def test_sound_alone_is_no_video(tmp_path, name, codec):
    path = tmp_path / name
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=48000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 9600), np.int16), "s16", "mono")
        sound.sample_rate, sound.pts = 48000, 0
        for part in av.AudioResampler(stream.format, stream.layout, 48000).resample(sound):
            file.mux(stream.encode(part))
        file.mux(stream.encode())
    with pytest.raises(UnreadableVideoError, match=rf"{name}, which holds sound and no pictures"):
        video.probe(path)


@pytest.mark.parametrize(
    ("given", "message"),
    [("0", "Cameras are not read"), ("https://a.org/clip.mp4", "an address.*Download")],
)
def test_a_camera_or_an_address_is_no_file(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingVideoError, match=message):
        video.probe(Path(given))


# ---- the second decoder


@pytest.fixture
def unknown_codec(numbered_video):
    path = numbered_video(frames=12)
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"XQZ7"))
    return path


def test_a_codec_without_decoder_is_named_with_a_way_out(unknown_codec, monkeypatch, capfd):
    with pytest.raises(UnreadableVideoError, match="XQZ7, which neither OpenCV nor PyAV can"):
        video.probe(unknown_codec)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnreadableVideoError, match=r"XQZ7, which.*pip install av"):
        video.probe(unknown_codec)
    assert capfd.readouterr().err == ""


def test_av1_is_decoded_by_the_second_decoder(shared, monkeypatch):
    path = shared / "reports/36/av1.mkv"
    if not path.is_file():
        pytest.skip("needs the folder of users' videos")
    info = video.probe(path)
    assert (info.frames, info.codec, info.fps) == (50, "av1", 25)
    assert video.read_frames(path, [49, 0]).shape == (2, info.height, info.width, 3)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnreadableVideoError, match=r"AV1, which this OpenCV cannot decode\."):
        video.probe(path, count=True)


def test_the_second_decoder_gives_what_the_first_does(numbered_video, frame_number, monkeypatch):
    path = numbered_video(frames=12)
    first, frames = video.probe(path), video.read_frames(path, [11, 3])
    monkeypatch.setattr(decoding, "OpenCv", decoding.PyAv)
    second = video.probe(path, count=True)
    assert (second.frames, second.fps, second.named) == (first.frames, first.fps, first.named)
    again = video.read_frames(path, [11, 3])
    assert [frame_number(frame) for frame in again] == [11, 3]
    assert np.abs(again.astype(int) - frames).mean() < 3


# ---- names


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_a_name_that_is_no_utf_8_is_read_and_written(numbered_video, tmp_path, frame_number):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    path = video.write(
        folder / os.fsdecode(b"clip\xff.avi"), video.read_frames(numbered_video(), range(7))
    )
    assert os.listdir(os.fsencode(folder)) == [b"clip\xff.avi"]
    assert video.probe(path).frames == 7
    assert frame_number(video.read_frames(path, [6])[0]) == 6


# ---- hostile files


def test_damaged_files_neither_crash_nor_hang_nor_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    rows = hostile.measure(tmp_path, count=200, seed=0)
    assert {row[0] for row in rows} == {"all frames", "some frames", "UnreadableVideoError"}
    assert max(memory for _, _, memory in rows) < 1000  # MB


@pytest.mark.parametrize("side", [8_000, 30_000, 60_000])
def test_a_header_that_promises_a_huge_picture_takes_no_memory(numbered_video, side):
    path = numbered_video(frames=5)
    data = bytearray(path.read_bytes())
    for start in (data.index(b"avih") + 40, data.index(b"strf") + 12):
        data[start : start + 8] = side.to_bytes(4, "little") * 2
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    info = video.probe(path)  # the pictures themselves say how large they are
    assert video.read_frames(path, [0]).shape == (1, info.height, info.width, 3)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB
