"""The benchmarks run on tiny amounts, and their table and file say what was measured."""

import importlib
import json
import re
from pathlib import Path

import cv2
import keras
import nbformat
import numpy as np
import pytest

from vidlab.data.index import ReversedPair
from vidlab.evaluation import CYCLIC
from vidlab.evaluation.predictions import Predictions

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Give any module of the benchmarks by its name; results and videos are the test's own."""
    monkeypatch.syspath_prepend(ROOT)
    main = importlib.import_module("tests.benchmarks.__main__")
    monkeypatch.setattr(main, "RESULTS", tmp_path / "bench" / "bench.json")
    for name, value in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("VIDLAB_QUIET", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VIDLAB_SHARED", str(tmp_path / "absent"))
    return lambda name: importlib.import_module(f"tests.benchmarks.{name}")


def test_tasks_are_kept_beside_each_other_and_those_left_out_are_removed(
    bench, monkeypatch, capsys
):
    main, results = bench("__main__"), {"decode": {"vidlab": 30.0, "pyav": 20.0}}
    results["memory"] = {"vidlab": {"50": 400.0, "500": 420.0}}
    for task, found in results.items():
        monkeypatch.setattr(bench(task), "measure", lambda found=found: found)
        main.main([task])
    assert json.loads(main.RESULTS.read_text()) == results
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith(("decode", "memory"))] == [
        ["decode", "vidlab", "30.00", "1.00×"],
        ["decode", "pyav", "20.00", "1.50×"],
        ["memory", "vidlab", "400", "MB", "for", "50", "videos,", "1.00×"],
        ["memory", "vidlab", "420", "MB", "for", "500", "videos,", "1.05×"],
    ]
    monkeypatch.setattr(bench("decode"), "measure", dict)
    main.main(["decode"])
    assert list(json.loads(main.RESULTS.read_text())) == ["memory"]
    with pytest.raises(SystemExit):
        main.main(["decoding"])
    assert (
        "no task decoding; there are decode, flow, features.mobilenetv2," in capsys.readouterr().err
    )


def test_the_median_round_counts_and_methods_take_turns(bench, monkeypatch):
    turns = bench("turns")
    now, called = [0.0], []

    def work(name, seconds):
        lasts = iter(seconds)

        def run():
            called.append(name)
            now[0] += next(lasts)

        return run

    monkeypatch.setattr(turns.time, "perf_counter", lambda: now[0])
    methods = {
        "vidlab": turns.Method(work("vidlab", [99, 1, 2, 8]), 4),
        "pyav": turns.Method(work("pyav", [99, 2, 4, 1]), 2),
    }
    assert turns.rates(methods, rounds=3) == {"vidlab": 2.0, "pyav": 1.0}
    assert called == ["vidlab", "pyav"] * 4


def test_every_decoder_gives_the_same_frames_and_absent_ones_are_left_out(
    bench, monkeypatch, tmp_path, capsys
):
    decode, clips = bench("decode"), bench("clips")
    (path,) = clips.make_videos(tmp_path / "videos", 1)
    pictures = [read(path) for read in decode.available(decode.METHODS).values()]
    for picture in pictures:
        assert picture.shape == (25, clips.HEIGHT, clips.WIDTH, 3)
        assert np.abs(picture.astype(int) - pictures[0]).mean() < 3
    monkeypatch.setattr(decode, "find_spec", lambda library: None)
    assert set(decode.available(decode.METHODS)) == {"vidlab", "cv2-read-all", "cv2-seek"}
    assert "without pyav: av is not installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("module", "options", "methods"),
    [
        ("features", ("mobilenetv2", "float32"), ["predict-per-frame", "predict-per-video"]),
        ("cam", ("frames",), ["tf-keras-vis-batch", "tf-keras-vis-single"]),
        ("cam", ("clip",), ["forward", "forward-and-backward"]),
    ],
    ids=str,
)
def test_speeds_are_measured_beside_those_of_others(
    bench, monkeypatch, tiny_backbone, module, options, methods
):
    timed = bench(module)
    small = timed.backbones.build(tiny_backbone, size=(32, 32))
    monkeypatch.setattr(timed.backbones, "build", lambda name: small)
    pooled = keras.layers.GlobalAveragePooling2D()(small.output)
    whole = keras.Model(small.input, keras.layers.Dense(9, activation="softmax")(pooled))
    monkeypatch.setattr(keras.applications, "MobileNetV2", lambda **options: whole)
    if module == "features":
        amount = timed.Amount(videos=1, videos_to_predict=1, rounds=1)
        monkeypatch.setitem(timed.AMOUNTS, "mobilenetv2", amount)
    else:
        for name, value in (("FRAMES", 2), ("ROUNDS", 1), ("SIZE", (32, 32))):
            monkeypatch.setattr(timed, name, value)
    results = timed.measure(*options)
    assert list(results)[:3] == ["vidlab", *methods]
    assert min(results.values()) > 0


def test_memory_is_that_of_the_work_that_grows_most(bench, monkeypatch, tmp_path):
    memory = bench("memory")
    folder = memory.make_videos(tmp_path / "videos", 5)
    assert 20 < memory.peak_of("index", folder) < 20_000
    peaks = {"index": [100, 105], "train": [900, 910], "train-cached": [9, 9], "features": [5, 5]}
    monkeypatch.setattr(memory, "make_videos", lambda folder, count: count)
    monkeypatch.setattr(
        memory, "peak_of", lambda work, count: float(peaks[work][memory.COUNTS.index(count)])
    )
    assert memory.measure() == {"vidlab": {"50": 100.0, "500": 105.0}}


def test_claims_are_found_under_a_seed_by_running_only_what_they_depend_on(
    bench, monkeypatch, tmp_path, capsys
):
    claims = bench("claims")
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    cells = [
        'profile: str = "smoke"  # how big a run is',
        "import keras\nfrom vidlab import Lab\nimport no_such_module\nlab = Lab(profile)",
        "keras.utils.set_random_seed(0)\ndrawn = [float(keras.random.uniform(()))]\nunused = 1 / 0",
        "import inspect\nknown = []\n@known.append\ndef kept():\n    'As a recipe is.'",
        "def total():\n    lines = inspect.getsource(known[0])\n"
        "    return sum(drawn) + lab.profile.seed + ('recipe' not in lines)\n",
        "path = 'numbers'\nfile = open(path, 'w')\nfile.write('0.5')\nfile.close()",
        "drawn.append(float(open(path).read()) * 2)\nprint(1 / 0)\ndisplay(unused)",
        'lab.claim("Sums", holds=total() > 1, measured=f"{total():.3f} of 3")\nlab.claims',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "01_sums.ipynb")
    kept = claims.script(tmp_path / "01_sums.ipynb")
    for left_out in ("no_such_module", "unused", "print", "display", "lab.claims"):
        assert left_out not in kept
    found = {
        seed: claims.claims_of(tmp_path / "01_sums.ipynb", profile="quick", seed=seed)
        for seed in (0, 1)
    }
    assert [claim.sentence for claim in found[0]] == ["Sums"]
    assert all(claim.holds is True for (claim,) in found.values())
    first, second = (float(claim.measured.split()[0]) for (claim,) in found.values())
    assert 1 < first < 2 < second < 3
    assert second - first != 1  # the notebook's own seed has changed as well


def test_the_sweep_tells_claims_that_hold_from_those_that_flip(bench):
    claims = bench("claims")
    made = {
        seed: [
            claims.Claim("A", True, f"{80 + seed}.0% against 75.0%"),
            claims.Claim("B", seed > 0, "one of two" if seed else "none"),
            claims.Claim("C", False, "1,234"),
        ]
        for seed in (0, 1)
    }
    text = claims.table({"01_sums": made}, [0, 1])
    assert "| 01 | A | ✓ | ✓ | 80.5 ± 0.7% against 75.0% |" in text
    assert "| 01 | B | ✗ | ✓ | none; one of two |" in text
    assert "| 01 | C | ✗ | ✗ | 1,234 |" in text
    assert "3 claims under 2 seeds: 1 hold in all, 1 flip, 1 never hold." in text


def test_accuracy_inside_pairs_counts_a_video_once_with_its_mean_over_seeds(bench):
    cyclic = bench("cyclic")
    classes = ("Open", "Close", "Jump")
    truth, groups = np.array([0, 1, 0, 1, 2]), np.array(["g1", "g1", "g2", "g2", "g1"])
    favoured = {0: [0, 1, 0, 0, 0], 1: [0, 1, 1, 1, 2]}
    seeds = [
        Predictions(
            video_ids=np.array(list("abcde")),
            groups=groups,
            y_true=truth,
            probabilities=np.eye(3)[classes_of],
            classes=classes,
            reversed_pairs=(ReversedPair("Open", "Close", cyclic=True),),
        )
        for classes_of in favoured.values()
    ]
    np.testing.assert_array_equal(
        cyclic.inside(seeds[0], [("Open", "Close")]), [1, 1, 1, 0, np.nan]
    )
    row = cyclic.row(seeds)
    assert list(row) == ["all classes", CYCLIC, f"{CYCLIC}: sd of seeds, units"]
    assert row[CYCLIC] == "75.0 (50.0 to 100.0)"
    assert row[f"{CYCLIC}: sd of seeds, units"] == "0.0, 2"


def test_what_a_light_encoder_loses_and_wins_back_is_counted_by_video(bench):
    encoders = bench("encoders")
    right = {
        ("residual", "single"): [np.array([1, 1, 1, 1]), np.array([1, 1, 1, 0])],
        ("residual", "gru"): [np.array([1, 1, 1, 1])] * 2,
        ("narrow", "single"): [np.array([1, 0, 0, 0])] * 2,
        ("narrow", "gru"): [np.array([1, 1, 0, 1])] * 2,
    }
    units = {"clusters": np.arange(4), "strata": np.zeros(4, int)}
    text = encoders.tables(right, ["single", "gru"], units)
    accuracy, gaps, back = text.split("\n\n")
    assert "87.5 ± 17.7" in accuracy
    assert re.search(r"narrow +\+62\.5 \(.*\) +\+25\.0 \(", gaps)
    assert re.search(r"narrow +\+37\.5 \(", back)


def test_the_camera_of_pantomime_moves_its_scene_as_the_benchmark_of_flow_says(bench):
    """Undoing a move puts the second frame onto the first, but for grain."""
    measured = bench("flow")
    pairs = measured.filmed(0, frames=4)
    assert len(pairs) == 3
    for (first, second), move in pairs:
        about = move.copy()
        about[:, 2] += measured.CENTRE - move[:, :2] @ measured.CENTRE
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        back = cv2.warpAffine(second, about, first.shape[::-1], flags=flags)
        inside = np.s_[20:-20, 20:-20]
        smooth = (
            cv2.GaussianBlur(one.astype(np.float32), None, 2.0) for one in (first, second, back)
        )
        one, moved, undone = (picture[inside] for picture in smooth)
        assert np.abs(one - undone).mean() < 0.5 * np.abs(one - moved).mean()
