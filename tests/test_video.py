from fractions import Fraction

import av
import numpy as np
import pytest

from vidlab.data import video
from vidlab.errors import FrameIndexError, MissingVideoError, UnreadableVideoError, VideoError

REAL_CLIP = "videos/v_ApplyEyeMakeup_g01_c01.avi"


def encode(path, frames, *, codec, rate=25, container=None, gop=12, options=None):
    """Write frames with a second, independent library; `options` go to the encoder."""
    height, width, _ = frames[0].shape
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = gop
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return path


def decode(path):
    """Read all frames with a second, independent library, in order of presentation."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


@pytest.mark.parametrize(
    "indices",
    [[0], [19], list(range(20)), [3, 11, 4], [7, 7, 7], [19, 0, 19, 5, 0]],
    ids=["first", "last", "all", "unsorted", "repeated", "unsorted and repeated"],
)
def test_exactly_the_frames_asked_for_come_in_the_order_asked_for(
    numbered_video, frame_number, indices
):
    frames = video.read_frames(numbered_video(frames=20), indices)
    assert frames.dtype == np.uint8
    assert frames.shape == (len(indices), 48, 80, 3)
    assert [frame_number(frame) for frame in frames] == indices


def test_indices_may_be_an_array(numbered_video, frame_number):
    frames = video.read_frames(numbered_video(frames=9), np.array([8, 2], np.int32))
    assert [frame_number(frame) for frame in frames] == [8, 2]


@pytest.mark.parametrize(
    ("codec", "ending"),
    [("mpeg4", ".avi"), ("libx264", ".mp4"), ("libx264", ".mkv"), ("mpeg4", ".mov")],
    ids=["MPEG-4 in AVI", "H.264 in MP4", "H.264 in Matroska", "MPEG-4 in QuickTime"],
)
def test_frames_that_depend_on_others_are_found_exactly(
    tmp_path, draw_numbered_frame, frame_number, codec, ending
):
    drawn = [draw_numbered_frame(number, size=(96, 160)) for number in range(40)]
    path = encode(tmp_path / f"dependent{ending}", drawn, codec=codec)
    wanted = [38, 1, 13, 12, 39, 0, 25]
    frames = video.read_frames(path, wanted)
    assert [frame_number(frame) for frame in frames] == wanted
    assert video.probe(path).frames == 40


def test_a_real_video_agrees_with_a_second_decoder(shared):
    path = shared / REAL_CLIP
    reference = decode(path).astype(np.int16)
    wanted = [163, 0, 7, 80, 81, 120]
    frames = video.read_frames(path, wanted).astype(np.int16)
    for number, frame in zip(wanted, frames, strict=True):
        distances = np.abs(reference - frame).mean(axis=(1, 2, 3))
        assert distances.argmin() == number
        assert distances[number] < 1.5  # the two convert YUV to RGB with other roundings
    assert len(reference) == video.probe(path).frames == video.probe(path, count=True).frames


def test_frames_can_be_resized_while_they_are_read(numbered_video, frame_number):
    path = numbered_video(frames=12, size=(96, 160))
    small = video.read_frames(path, [11, 3], size=(30, 50))
    large = video.read_frames(path, [4], size=(100, 200))
    assert small.shape == (2, 30, 50, 3)
    assert large.shape == (1, 100, 200, 3)
    assert [frame_number(frame) for frame in [*small, *large]] == [11, 3, 4]


def test_colours_are_red_green_blue(tmp_path):
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]], np.uint8)
    frames = np.broadcast_to(colours[:, None, None], (3, 32, 32, 3))
    path = video.write(tmp_path / "colours.avi", frames)
    read = video.read_frames(path, range(3)).astype(int)
    assert np.abs(read - frames).max() < 12


def test_probe_tells_what_the_file_holds(numbered_video):
    path = numbered_video(frames=30, size=(48, 80), fps=12)
    info = video.probe(path)
    assert info == video.VideoInfo(path, 30, 12.0, 80, 48, "MJPG", 0)
    assert info.seconds == pytest.approx(2.5)


def change_avi_frame_count(path, count):
    """Overwrite both places of an AVI header that hold the number of frames."""
    data = bytearray(path.read_bytes())
    main = data.index(b"avih") + 8 + 16
    stream = data.index(b"strh") + 8 + 32
    data[main : main + 4] = data[stream : stream + 4] = count.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    "lie", [0, 2_000_000_000, 16, 5], ids=["none", "absurd", "one less", "too few"]
)
def test_frames_are_counted_where_the_header_cannot_be_right(numbered_video, lie):
    path = numbered_video(frames=17)
    change_avi_frame_count(path, lie)
    assert video.probe(path).frames == 17


def test_frames_are_counted_where_the_container_holds_no_count(tmp_path, draw_numbered_frame):
    drawn = [draw_numbered_frame(number) for number in range(23)]
    path = encode(tmp_path / "clip.mkv", drawn, codec="mpeg4", rate=Fraction(30000, 1001))
    assert video.probe(path).frames == 23


def test_frames_beyond_a_header_that_says_too_few_can_be_read(numbered_video, frame_number):
    path = numbered_video(frames=17)
    change_avi_frame_count(path, 5)
    assert video.probe(path, count=True).frames == 17
    assert frame_number(video.read_frames(path, [16])[0]) == 16


def rotated_copy(data, degrees_clockwise):
    """Change the display matrix in an MP4 file's track header."""
    turn = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees_clockwise]
    a, b, c, d = ((value << 16) & 0xFFFFFFFF for value in turn)
    matrix = [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    start = data.index(b"tkhd") + 4 + 40
    packed = b"".join(value.to_bytes(4, "big") for value in matrix)
    return data[:start] + packed + data[start + 36 :]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_video_filmed_turned_comes_out_upright(
    tmp_path, draw_numbered_frame, frame_number, degrees
):
    drawn = [draw_numbered_frame(number, size=(96, 160)) for number in range(6)]
    lying = [np.ascontiguousarray(np.rot90(frame, degrees // 90)) for frame in drawn]
    path = encode(tmp_path / "turned.mp4", lying, codec="libx264", options={"crf": "12"})
    path.write_bytes(rotated_copy(path.read_bytes(), degrees))
    info = video.probe(path)
    assert (info.width, info.height) == (160, 96)
    assert info.rotation % 180 == degrees % 180
    frames = video.read_frames(path, [5, 2])
    assert frames.shape == (2, 96, 160, 3)
    assert [frame_number(frame) for frame in frames] == [5, 2]
    red, *_ = frames[0, 8, 8]
    assert red > 200


def test_missing_video_is_named(tmp_path):
    path = tmp_path / "gone.avi"
    for read in (video.probe, lambda p: video.read_frames(p, [0])):
        with pytest.raises(MissingVideoError, match=r"gone\.avi \(no such file\).*spelling"):
            read(path)


def test_a_folder_is_no_video(tmp_path):
    with pytest.raises(MissingVideoError, match="a folder"):
        video.probe(tmp_path)


def test_empty_file_is_named_with_its_size(tmp_path):
    path = tmp_path / "empty.avi"
    path.touch()
    with pytest.raises(UnreadableVideoError, match=r"empty\.avi \(0 bytes\).*get it again"):
        video.read_frames(path, [0])


def test_text_with_a_video_name_is_refused_without_chatter(tmp_path, capfd):
    path = tmp_path / "notes.avi"
    path.write_text("not a video\n" * 40)
    with pytest.raises(UnreadableVideoError, match=r"notes\.avi \(480 bytes.*not a video"):
        video.probe(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kept", [0.5, 0.9], ids=["half", "most"])
@pytest.mark.parametrize("ending", [".avi", ".mp4"])
def test_cut_off_file_says_how_much_can_be_read(tmp_path, draw_numbered_frame, kept, ending):
    drawn = [draw_numbered_frame(number, size=(96, 160)) for number in range(40)]
    path = tmp_path / f"cut{ending}"
    if ending == ".avi":
        video.write(path, drawn)
    else:  # the index in front, as in files made for the web, so that a part of it opens
        with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
            stream = file.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt, stream.gop_size = 160, 96, "yuv420p", 1
            for frame in drawn:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            file.mux(stream.encode())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(
        UnreadableVideoError, match=rf"Expected 40 .*cut\{ending}.* cut off"
    ) as told:
        video.probe(path)
    readable = int(str(told.value).split("of which ")[1].split(" ")[0])
    assert 0 < readable < 40
    with pytest.raises(UnreadableVideoError, match=f"cut{ending}, of which {readable} can be read"):
        video.read_frames(path, [39])
    assert len(video.read_frames(path, [0])) == 1


def test_a_file_cut_off_in_its_header_is_unreadable(numbered_video):
    path = numbered_video()
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UnreadableVideoError, match=r"numbered\.avi"):
        video.probe(path)


def test_frame_past_the_end_is_refused_with_the_last_number(numbered_video):
    with pytest.raises(FrameIndexError, match=r"0 to 19.*numbered\.avi: 20"):
        video.read_frames(numbered_video(frames=20), [3, 20])


def test_negative_frame_is_refused(numbered_video):
    with pytest.raises(FrameIndexError, match=r"numbered\.avi: -1"):
        video.read_frames(numbered_video(), [-1, 3])


@pytest.mark.parametrize("indices", [[], [0.5], [[0, 1]]], ids=["none", "float", "nested"])
def test_what_is_no_list_of_frame_numbers_is_refused(numbered_video, indices):
    with pytest.raises(FrameIndexError, match=r"whole frame numbers.*numbered\.avi"):
        video.read_frames(numbered_video(), indices)


def test_a_written_frame_does_not_depend_on_its_neighbours(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    forward = video.read_frames(video.write(tmp_path / "forward.avi", noise), range(12))
    backward = video.read_frames(video.write(tmp_path / "backward.avi", noise[::-1]), range(12))
    assert np.array_equal(forward, backward[::-1])


def test_every_written_frame_is_a_key_frame(numbered_video):
    with av.open(str(numbered_video(frames=8))) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
        assert [packet.is_keyframe for packet in packets] == [True] * 8


def test_quality_trades_size_for_faithfulness(tmp_path, draw_numbered_frame):
    frames = [draw_numbered_frame(number) for number in range(4)]
    sizes = [
        video.write(tmp_path / f"q{quality}.avi", frames, quality=quality).stat().st_size
        for quality in (20, 60, 95)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_frames_may_come_from_a_generator_and_the_folder_is_made(tmp_path, draw_numbered_frame):
    path = tmp_path / "new" / "folder" / "clip.avi"
    assert video.write(path, (draw_numbered_frame(i) for i in range(3))) == path
    assert [file.name for file in path.parent.iterdir()] == ["clip.avi"]
    assert video.probe(path).frames == 3


def test_an_interrupted_write_leaves_nothing(tmp_path, draw_numbered_frame):
    def interrupted():
        yield draw_numbered_frame(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        video.write(tmp_path / "clip.avi", interrupted())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ([], "at least one frame"),
        (np.zeros((2, 8, 8, 3), np.float32), r"frame 0: float32 \(8, 8, 3\)"),
        (np.zeros((2, 8, 8), np.uint8), r"frame 0: uint8 \(8, 8\)"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)], r"frame 1.*\(8, 9, 3\)"),
        (["picture"], "frame 0: str"),
    ],
    ids=["none", "float", "grey", "two sizes", "not a picture"],
)
def test_what_is_no_rgb_video_is_not_written(tmp_path, frames, told):
    with pytest.raises(VideoError, match=rf"clip\.avi.*{told}|{told}.*clip\.avi"):
        video.write(tmp_path / "clip.avi", frames)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("clip.mp4", {}, r"ending in \.avi.*clip\.mp4"),
        ("clip.avi", {"fps": 0}, "fps=0"),
        ("clip.avi", {"fps": 29.97}, "fps=29.97"),
        ("clip.avi", {"quality": 101}, "quality=101"),
    ],
    ids=["ending", "no fps", "broken fps", "quality"],
)
def test_options_out_of_range_are_refused(tmp_path, draw_numbered_frame, name, options, told):
    with pytest.raises(VideoError, match=told):
        video.write(tmp_path / name, [draw_numbered_frame(0)], **options)
