"""The videos that are measured: as UCF-101's are, in content too.

What a video shows decides how long decoding takes, and so how methods compare: noise costs the
decoder several times as much as a filmed scene, and a flat drawing next to nothing. So the videos
are copies of a real UCF-101 clip where there is one (``VIDLAB_SHARED``, or the folder ``shared``
beside the repository). Elsewhere they are written to be like it: MPEG-4 in AVI, 164 frames of
320×240, a single key frame, two of three frames predicted from both sides, and a textured, grainy
scene filmed by a moving camera, compressed until decoding takes about as long as the real clip's.
"""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.turns import remark
from vidlab.data.sampling import Uniform

FRAMES, HEIGHT, WIDTH = 164, 240, 320
SAMPLING = Uniform(25)
CHOSEN = SAMPLING.indices(FRAMES).tolist()

SHARED = Path(__file__).resolve().parents[3] / "shared"
REAL = "videos/v_ApplyEyeMakeup_g01_c01.avi"


def make_videos(folder, count):
    """Put `count` videos, alike but for their names, into a folder in UCF-101 layout."""
    names = [f"v_Clip_g{number + 1:02d}_c01.avi" for number in range(count)]
    paths = [Path(folder, "Clip", name) for name in names]
    paths[0].parent.mkdir(parents=True)
    real = Path(os.environ.get("VIDLAB_SHARED", SHARED), REAL)
    if real.is_file():
        shutil.copyfile(real, paths[0])
    else:
        remark("videos written for this, as there is no real clip")
        write_video(paths[0])
    for path in paths[1:]:
        shutil.copyfile(paths[0], path)
    return paths


def write_video(path):
    """Write a video in which a camera turns, and comes closer to, a rough and grainy picture."""
    import av

    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    scene = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 200_000
        stream.codec_context.gop_size = 300
        stream.codec_context.max_b_frames = 2
        for number in range(FRAMES):
            moved = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), number / 8, 1 + number / 500)
            seen = cv2.warpAffine(scene, moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
            grainy = seen + rng.normal(0, 2, (HEIGHT, WIDTH, 1))
            picture = np.clip(grainy, 0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())
