"""How well does the heat of `frame-finetuned` point? All frames of all test videos of a profile.

``python -m tests.benchmarks.pointing`` takes the finished run of the quick profile (trained now
where there is none), explains every frame of its test videos, and prints the share of frames whose
hottest point lies on the object or a moving limb, over the videos that the model names rightly;
beside it the centre of the picture, a random point of the person's box, and the same network with
random weights. With ``--layer NAME`` or ``--wrong`` (another class than the right one is explained)
it measures what the choice of layer and class does. A few minutes on two cores.
"""

import argparse
import os

import numpy as np


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pointing")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--recipe", default="frame-finetuned")
    parser.add_argument("--split", type=int, default=1)
    parser.add_argument("--layer")
    parser.add_argument("--wrong", action="store_true")
    chosen = parser.parse_args(arguments)
    os.environ["VIDLAB_QUIET"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "1", "3"
    table = grades(chosen)
    columns = ["frames", "pointing", "energy", "area", "evidence"]
    print(table[columns].round(3).to_string())


def grades(chosen):
    """Explain, and grade by method and class."""
    import pandas as pd

    from vidlab import Lab, explanation, pantomime
    from vidlab.data import video

    lab = Lab(chosen.profile)
    recipe, model = lab.recipe(chosen.recipe), lab.run(chosen.recipe).model()
    test = lab.split(chosen.split)[2]
    boxes = dict(list(pantomime.annotations(test.root).groupby("video_id")))
    blank = explanation.randomise(model, seed=0)
    centre = (160.0, 120.0)
    parts = []
    for place, row in enumerate(test.table.itertuples()):
        numbers = np.arange(row.frames)
        clip = video.read_frames(row.path, numbers, size=recipe.size)
        said = explanation.grad_cam(model, clip, layer=chosen.layer)
        if said.target != row.label:
            continue
        target = (row.label + 1 + place % 11) % len(test.classes) if chosen.wrong else row.label
        found = [
            explanation.grad_cam(each, clip, target=target, layer=chosen.layer)
            for each in (model, blank)
        ]
        about = {"classes": [row.class_name], "numbers": [numbers]}
        there = [boxes[row.video_id]]
        points = {
            "centre": np.full((len(numbers), 2), centre),
            "person": explanation.random_points(there[0], numbers=numbers, seed=place),
        }
        graded = [
            explanation.grade_frames([found[0]], there, **about),
            explanation.grade_frames([found[1]], there, **about).assign(method="random weights"),
            *(
                explanation.grade_points([at], there, method=name, **about)
                for name, at in points.items()
            ),
        ]
        parts.append(pd.concat(graded).assign(video=place))
    return explanation.summary(pd.concat(parts, ignore_index=True))


if __name__ == "__main__":
    main()
