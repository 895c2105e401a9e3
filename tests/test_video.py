"""Video files: exact frames from every container, headers that lie, damage, and what is written."""

import av
import numpy as np
import pytest

from vidlab.data import video
from vidlab.errors import FrameIndexError, MissingVideoError, UnreadableVideoError, VideoError

REAL_CLIP = "videos/v_ApplyEyeMakeup_g01_c01.avi"


@pytest.fixture
def numbered(draw_numbered_frame):
    """Draw frames that tell their numbers: (how many, size=) -> list of pictures."""
    return lambda count, size=(96, 160): [draw_numbered_frame(i, size=size) for i in range(count)]


def encode(path, frames, *, codec, gop=12, container=None, **options):
    """Write frames with a second, independent library; `options` go to the encoder."""
    height, width, _ = frames[0].shape
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = gop
        for frame in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        file.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    "indices",
    [[0], range(20), [3, 11, 4], [19, 0, 19, 5, 0], np.array([8, 2], np.int32)],
    ids=["one", "all", "unsorted", "repeated", "array"],
)
def test_exactly_the_frames_wanted_come_in_the_order_wanted(numbered_video, frame_number, indices):
    frames = video.read_frames(numbered_video(frames=20), indices)
    assert (frames.dtype, frames.shape) == (np.uint8, (len(indices), 48, 80, 3))
    assert [frame_number(frame) for frame in frames] == list(indices)


@pytest.mark.parametrize(
    ("codec", "ending"),
    [("mpeg4", ".avi"), ("libx264", ".mp4"), ("libx264", ".mkv"), ("mpeg4", ".mov")],
    ids=["MPEG-4 in AVI", "H.264 in MP4", "H.264 in Matroska", "MPEG-4 in QuickTime"],
)
def test_frames_that_depend_on_others_are_found_exactly(
    tmp_path, numbered, frame_number, codec, ending
):
    path = encode(tmp_path / f"dependent{ending}", numbered(40), codec=codec)
    wanted = [38, 1, 13, 12, 39, 0, 25]
    assert [frame_number(frame) for frame in video.read_frames(path, wanted)] == wanted
    assert video.probe(path).frames == 40  # a Matroska file holds no count


def test_a_real_video_agrees_with_a_second_decoder(shared):
    path = shared / REAL_CLIP
    with av.open(str(path)) as file:
        decoded = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    reference, wanted = np.stack(decoded).astype(np.int16), [163, 0, 81]
    for number, frame in zip(wanted, video.read_frames(path, wanted), strict=True):
        distances = np.abs(reference - frame).mean(axis=(1, 2, 3))
        assert distances.argmin() == number
        assert distances[number] < 1.5  # the two convert YUV to RGB with other roundings
    assert len(reference) == video.probe(path).frames


@pytest.mark.parametrize("size", [(30, 50), (100, 200)], ids=["smaller", "larger"])
def test_frames_can_be_resized_while_they_are_read(numbered_video, frame_number, size):
    frames = video.read_frames(numbered_video(frames=12, size=(96, 160)), [11, 3], size=size)
    assert frames.shape == (2, *size, 3)
    assert [frame_number(frame) for frame in frames] == [11, 3]


def test_probe_tells_what_the_file_holds(numbered_video):
    path = numbered_video(frames=30, size=(48, 80), fps=12)
    info = video.probe(path)
    assert info == video.VideoInfo(path, 30, 12.0, 80, 48, "MJPG", 0, named=30)
    assert info.seconds == pytest.approx(2.5)


@pytest.mark.parametrize(
    "header", [0, 2_000_000_000, 16, 5], ids=["none", "absurd", "one less", "too few"]
)
def test_frames_are_counted_where_the_header_cannot_be_right(numbered_video, frame_number, header):
    path = numbered_video(frames=17)
    data = bytearray(path.read_bytes())
    for start in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data[start : start + 4] = header.to_bytes(4, "little")
    path.write_bytes(data)
    assert video.probe(path).frames == 17
    assert frame_number(video.read_frames(path, [16])[0]) == 16


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_video_filmed_turned_comes_out_upright(tmp_path, numbered, frame_number, degrees):
    lying = [np.ascontiguousarray(np.rot90(frame, degrees // 90)) for frame in numbered(6)]
    path = encode(tmp_path / "turned.mp4", lying, codec="libx264", crf="12")
    turn = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    a, b, c, d = ((value << 16) & 0xFFFFFFFF for value in turn)
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # the display matrix in the track header
    data[start : start + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">u4").tobytes()
    path.write_bytes(data)
    info = video.probe(path)
    assert (info.width, info.height, info.rotation % 180) == (160, 96, degrees % 180)
    frames = video.read_frames(path, [5, 2])
    assert frames.shape == (2, 96, 160, 3)
    assert [frame_number(frame) for frame in frames] == [5, 2]
    assert frames[0, 8, 8, 0] > 200  # red


# ---- files that cannot be read


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, MissingVideoError, r"clip\.avi \(no such file\).*spelling"),
        ("folder", MissingVideoError, r"clip\.avi \(a folder\)"),
        (b"", UnreadableVideoError, r"clip\.avi \(0 bytes\).*get it again"),
        (b"\0\1damaged" * 40, UnreadableVideoError, r"clip\.avi \(360 bytes.*start is damaged"),
        ("header", UnreadableVideoError, r"clip\.avi"),
    ],
    ids=["missing", "folder", "empty", "zeros", "cut off in its header"],
)
def test_what_is_no_video_is_named_without_chatter(
    numbered_video, tmp_path, capfd, content, error, message
):
    path = tmp_path / "clip.avi"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        start = numbered_video().read_bytes()[:60] if content == "header" else content
        path.write_bytes(start)
    for read in (video.probe, lambda path: video.read_frames(path, [0])):
        with pytest.raises(error, match=message):
            read(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kept", [0.5, 0.9], ids=["half", "most"])
@pytest.mark.parametrize("ending", [".avi", ".mkv", ".mp4"])
def test_cut_off_file_says_how_much_can_be_read(tmp_path, numbered, kept, ending):
    path = tmp_path / f"cut{ending}"
    if ending == ".avi":
        video.write(path, numbered(40))
    elif ending == ".mkv":
        encode(path, numbered(40), codec="mpeg4", gop=1)
    else:  # the index in front, as in files made for the web, so that a part of it opens
        faststart = {"movflags": "faststart"}
        encode(path, numbered(40), codec="mpeg4", gop=1, container=faststart)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(
        UnreadableVideoError, match=rf"Expected 40 .*cut\{ending}.* cut off"
    ) as raised:
        video.probe(path)
    readable = int(str(raised.value).split("of which ")[1].split(" ")[0])
    assert 0 < readable < 40
    with pytest.raises(
        UnreadableVideoError, match=f"cut{ending}, of which {readable} frames can be read"
    ):
        video.read_frames(path, [39])
    assert len(video.read_frames(path, [0])) == 1


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ([3, 20], r"0 to 19.*numbered\.avi: 20"),
        ([-1, 3], r"numbered\.avi: -1"),
        ([], r"whole frame numbers.*numbered\.avi"),
        ([0.5], r"whole frame numbers.*numbered\.avi"),
        ([[0, 1]], r"whole frame numbers.*numbered\.avi"),
    ],
    ids=["past the end", "negative", "none", "float", "nested"],
)
def test_what_is_no_list_of_the_video_s_frames_is_refused(numbered_video, indices, message):
    with pytest.raises(FrameIndexError, match=message):
        video.read_frames(numbered_video(frames=20), indices)


# ---- writing


def test_a_written_frame_is_a_key_frame_and_does_not_depend_on_its_neighbours(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)
    noise[:3] = np.reshape([[200, 30, 30], [30, 200, 30], [30, 30, 200]], (3, 1, 1, 3))
    forward = video.read_frames(video.write(tmp_path / "forward.avi", noise), range(12))
    backward = video.read_frames(video.write(tmp_path / "backward.avi", noise[::-1]), range(12))
    assert np.array_equal(forward, backward[::-1])
    assert np.abs(forward[:3].astype(int) - noise[:3]).max() < 12  # red, green, blue
    with av.open(str(tmp_path / "forward.avi")) as file:
        packets = [packet for packet in file.demux(video=0) if packet.size]
    assert [packet.is_keyframe for packet in packets] == [True] * 12


def test_quality_trades_size_for_faithfulness(tmp_path, numbered):
    sizes = [
        video.write(tmp_path / f"q{quality}.avi", numbered(4), quality=quality).stat().st_size
        for quality in (20, 60, 95)
    ]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("fps", [0.5, 12.5, 29.97, 211.222, 240])
def test_a_file_has_the_rate_it_was_written_with(tmp_path, numbered, fps):
    path = video.write(tmp_path / "clip.avi", numbered(5), fps=fps)
    with av.open(str(path)) as file:
        assert float(file.streams.video[0].average_rate) == pytest.approx(fps)
    info = video.probe(path)
    assert (info.fps, info.frames, info.times) == (pytest.approx(fps), 5, None)


def test_frames_may_come_from_a_generator_and_an_interrupted_write_leaves_nothing(
    tmp_path, numbered
):
    def interrupted():
        yield from numbered(2)
        raise KeyboardInterrupt

    path = tmp_path / "new" / "folder" / "clip.avi"
    with pytest.raises(KeyboardInterrupt):
        video.write(path, interrupted())
    assert list(path.parent.iterdir()) == []
    assert video.write(path, iter(numbered(3))) == path
    assert [file.name for file in path.parent.iterdir()] == ["clip.avi"]
    assert video.probe(path).frames == 3


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, "at least one frame"),
        (np.zeros((2, 8, 8, 3), np.float32), {}, r"frame 0: float32 \(8, 8, 3\)"),
        ([np.zeros((8, width, 3), np.uint8) for width in (8, 9)], {}, r"frame 1.*\(8, 9, 3\)"),
        (["picture"], {}, "frame 0: str"),
        ([], {"path": "clip.mp4"}, r"ending in \.avi.*clip\.mp4"),
        ([], {"fps": 0}, "fps=0"),
        ([], {"quality": 101}, "quality=101"),
    ],
    ids=["none", "float", "two sizes", "no picture", "ending", "no fps", "quality"],
)
def test_what_is_no_rgb_video_is_not_written(tmp_path, frames, options, message):
    path = tmp_path / options.get("path", "clip.avi")
    options = {name: value for name, value in options.items() if name != "path"}
    with pytest.raises(VideoError, match=message) as raised:
        video.write(path, frames, **options)
    assert path.name in str(raised.value)
    assert list(tmp_path.iterdir()) == []
