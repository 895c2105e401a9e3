"""What `probe` finds out about a file by decoding it, and what is kept of that."""

import os
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest

from vidlab.data import groups, index, video, video_files
from vidlab.data.decoding import OpenCv
from vidlab.errors import FrameIndexError


@pytest.fixture
def encode(tmp_path, draw_numbered_frame):
    """Write numbered frames with PyAV: (name, frames=, codec=, times=) -> path."""

    def write(name, *, frames=30, codec="mpeg4", times=None, size=(96, 160), aspect=1, **options):
        path = tmp_path / name
        with av.open(str(path), "w") as file:
            stream = file.add_stream(codec, rate=25, options=options)
            stream.height, stream.width = size
            stream.sample_aspect_ratio = Fraction(aspect)
            stream.pix_fmt, stream.gop_size = "yuv420p", 12
            for i in range(frames):
                picture = av.VideoFrame.from_ndarray(draw_numbered_frame(i, size=size), "rgb24")
                if times is not None:
                    picture.pts, picture.time_base = round(times[i] * 1000), Fraction(1, 1000)
                file.mux(stream.encode(picture))
            file.mux(stream.encode())
        return path

    return write


def second_count(path):
    with av.open(str(path)) as file:
        return sum(1 for _ in file.decode(video=0))


@pytest.mark.parametrize(
    ("ending", "codec"),
    [
        (".mpg", "mpeg2video"),
        (".ts", "mpeg2video"),
        (".flv", "flv"),
        (".wmv", "wmv2"),
        (".ogv", "libvpx"),
        (".mkv", "libx264"),
        (".webm", "libvpx"),
        (".3gp", "mpeg4"),
        (".mov", "libx264"),
    ],
)
def test_every_container_gives_the_frames_that_decode(encode, frame_number, ending, codec):
    path = encode(f"clip{ending}", codec=codec)
    assert ending in video.SUFFIXES
    assert video.probe(path).frames == second_count(path) == 30
    assert frame_number(video.read_frames(path, [29])[0]) == 29


@pytest.mark.parametrize("ending", [".mpg", ".ts"])
def test_recordings_joined_end_to_end_are_one_video(encode, frame_number, tmp_path, ending):
    first, second = (
        encode(f"{name}{ending}", codec="mpeg2video", frames=frames)
        for name, frames in (("first", 49), ("second", 50))
    )
    joined = tmp_path / f"joined{ending}"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    info = video.probe(joined)
    assert (info.frames, info.named, info.times) == (99, None, None)
    numbers = [frame_number(frame) for frame in video.read_frames(joined, [0, 48, 49, 98])]
    assert numbers == [0, 48, 0, 49]


def damaged_in_its_middle(path):
    """Overwrite a part of a file's pictures; its header and index stay."""
    data = bytearray(path.read_bytes())
    start, end = len(data) // 3, len(data) * 2 // 3
    data[start:end] = bytes(end - start)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["clip.avi", "clip.mp4"])
def test_a_file_damaged_in_its_middle_has_the_frames_that_decode_everywhere(
    encode, numbered_video, name
):
    if name == "clip.avi":
        path = numbered_video(name, frames=50, size=(96, 160))
    else:
        path = encode(name, codec="libx264", frames=50, crf="3")
    damaged_in_its_middle(path)
    ((info,), (row,)) = index.probe_all([path], count=False)
    assert 0 < info.frames < info.named == 50
    assert (
        info.frames == video.probe(path).frames == len(video.read_frames(path, range(info.frames)))
    )
    assert row["kind"] == "damaged"
    assert f"50 frames, of which {info.frames} can" in row["reason"]
    with pytest.raises(FrameIndexError, match=rf"0 to {info.frames - 1}.*{name}: 49"):
        video.read_frames(path, [49])


def test_a_clip_cut_without_loss_has_the_frames_its_edit_list_shows(encode, frame_number):
    path = encode("clip.mp4", frames=40)
    data = bytearray(path.read_bytes())
    length = data.index(b"elst") + 12
    data[length : length + 4] = (17 * 40).to_bytes(4, "big")  # milliseconds at 25 frames a second
    path.write_bytes(data)
    ((info,), rows) = index.probe_all([path], count=False)
    assert (info.frames, info.named, rows) == (17, 17, [])
    assert frame_number(video.read_frames(path, [16])[0]) == 16


def test_an_estimated_count_is_no_promise(encode):
    path = encode("clip.mkv", codec="libx264")
    with pytest.raises(FrameIndexError, match=r"0 to 29.*clip\.mkv: 310"):
        video.read_frames(path, [310])


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("35/ucf/Kayaking/v_Kayaking_g12_c03.avi", 371),
        ("01/cut.mp4", 17),
        ("39/turned.mpg", 49),
        ("39/turned.ts", 50),
        ("39/q1.mpg", 25),
    ],
    ids=["a UCF-101 file", "cut on a phone", "joined MPEG-PS", "joined MPEG-TS", "MPEG-PS"],
)
def test_real_files_whose_headers_give_another_number(shared, name, frames):
    path = shared / "reports" / name
    if not path.is_file():
        pytest.skip("needs the folder of users' videos")
    assert video.probe(path).frames == second_count(path) == frames
    assert len(video.read_frames(path, range(frames), size=(8, 8))) == frames


# ---- time and shape


def test_frames_have_the_time_stamps_of_the_file(encode):
    times = [*(i / 25 for i in range(30)), *(1.2 + i / 5 for i in range(10))]
    info = video.probe(encode("clip.mkv", codec="libx264", frames=40, times=times))
    assert np.allclose(info.times, times, atol=0.002)
    assert info.seconds == pytest.approx(3.2, abs=0.01)
    assert info.seconds_at([0, 35]) == pytest.approx([0, 2.2], abs=0.002)
    index = pd.DataFrame([info])
    assert index["times"].notna().all()


def test_dropped_frames_leave_gaps_and_a_constant_rate_needs_no_stamps(encode):
    kept = [i for i in range(40) if i % 7 != 6]
    dropped = video.probe(encode("a.webm", codec="libvpx", frames=35, times=[i / 25 for i in kept]))
    assert np.allclose(dropped.times, [i / 25 for i in kept], atol=0.002)
    plain = video.probe(encode("b.webm", codec="libvpx", frames=35))
    assert (plain.times, plain.fps) == (None, 25)
    assert plain.seconds_at([0, 25]).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["02/mediarecorder.webm", "03/vfr.mp4"])
def test_time_stamps_of_real_files_agree_with_a_second_decoder(shared, name):
    path = shared / "reports" / name
    if not path.is_file():
        pytest.skip("needs the folder of users' videos")
    with av.open(str(path)) as file:
        stamps = np.array([frame.time for frame in file.decode(video=0)])
    assert np.allclose(video.probe(path).times, stamps - stamps[0], atol=1e-5)


def test_pixels_that_are_not_square_are_shown_as_they_should_be(encode, frame_number):
    path = encode("wide.mp4", size=(96, 120), frames=6, aspect=Fraction(64, 45))
    info = video.probe(path)
    assert (info.width, info.height) == (171, 96)  # 120 x 64 / 45
    frames = video.read_frames(path, [5, 2])
    assert frames.shape == (2, 96, 171, 3)
    assert [frame_number(frame) for frame in frames] == [5, 2]


# ---- kept


@pytest.fixture
def decoded(monkeypatch):
    """Count how many files are opened by a decoder."""
    opened = []
    monkeypatch.setattr(
        OpenCv,
        "__init__",
        lambda self, name, was=OpenCv.__init__: opened.append(name) or was(self, name),
    )
    return opened


def test_a_file_is_decoded_once_whatever_it_is_called(numbered_video, tmp_path, decoded):
    path = numbered_video(frames=12)
    decoded.clear()
    info = video.probe(path)
    moved = path.rename(tmp_path / "moved.avi")
    (tmp_path / "link.avi").hardlink_to(moved)
    assert video.probe(moved).frames == video.probe(tmp_path / "link.avi").frames == info.frames
    assert len(decoded) == 1
    assert video.probe(moved, count=True).frames == 12
    assert len(decoded) == 2


def test_another_process_finds_what_was_kept_and_a_changed_file_is_decoded_anew(
    numbered_video, decoded
):
    path = numbered_video(frames=12)
    info = video.probe(path)
    video_files._entries.cache_clear()
    decoded.clear()
    assert video.probe(path) == info
    assert not decoded
    video.write(path, video.read_frames(path, range(7)))
    assert video.probe(path).frames == 7


def test_a_file_at_rest_is_not_opened_again(numbered_video, monkeypatch):
    monkeypatch.setattr(video_files, "_SETTLED", -1)
    path = numbered_video(frames=12)
    info = video.probe(path)
    video_files._entries.cache_clear()
    assert video.known(path) == info
    monkeypatch.setattr(type(path), "open", lambda *_, **__: pytest.fail("opened"))
    assert video.known(path) == video.probe(path) == info
    assert groups.find_copies([path, path.parent / "link.avi"]) == {}


def test_a_change_that_leaves_length_and_time_as_they_were_is_seen(numbered_video):
    path = numbered_video(frames=12)
    about, ends = path.stat(), video_files.ends_of(path)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert video_files.ends_of(path) != ends


@pytest.mark.parametrize("damage", ["torn", "changed", "noise"])
def test_a_damaged_cache_costs_time_and_nothing_else(numbered_video, decoded, damage):
    path = numbered_video(frames=12)
    video.probe(path)
    file = video_files._file()
    data = file.read_bytes()
    last = data.splitlines()[-1]
    file.write_bytes(
        {
            "torn": data[:-9],
            "changed": data.replace(last, last.replace(b'"frames": 12', b'"frames": 13')),
            "noise": b"\xff\0noise\n" + data[len(data) - len(last) // 2 :],
        }[damage]
    )
    video_files._entries.cache_clear()
    decoded.clear()
    assert video.probe(path).frames == 12
    assert decoded


def test_a_folder_that_cannot_be_written_to_stops_nothing(numbered_video, tmp_path, monkeypatch):
    (tmp_path / "a file").touch()
    monkeypatch.setattr(video_files, "home", lambda: tmp_path / "a file")
    assert video.probe(numbered_video(frames=12)).frames == 12
