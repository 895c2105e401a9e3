import importlib
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
METHODS = {"vidlab", "cv2-read-all", "cv2-seek", "pyav", "decord"}


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """Give any module of the benchmarks by its name; results go to a folder of the test's own."""
    monkeypatch.syspath_prepend(ROOT)
    main = importlib.import_module("tests.benchmarks.__main__")
    monkeypatch.setattr(main, "RESULTS", tmp_path / "bench" / "bench.json")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setenv("VIDLAB_QUIET", "1")
    return lambda name: importlib.import_module(f"tests.benchmarks.{name}")


@pytest.fixture
def measured(bench, monkeypatch):
    """Put known results in the place of what a module measures: (module, results)."""

    def put(module, results):
        monkeypatch.setattr(bench(module), "measure", lambda *options: results)

    return put


def kept(bench):
    return json.loads(bench("__main__").RESULTS.read_text())


def test_a_task_is_measured_alone_and_kept_beside_the_others(bench, measured, capsys):
    measured("decode", {"vidlab": 30.0, "pyav": 20.0})
    measured("memory", {"vidlab": {"50": 400.0, "500": 420.0}})
    bench("__main__").main(["decode"])
    bench("__main__").main(["memory"])
    assert kept(bench) == {
        "decode": {"vidlab": 30.0, "pyav": 20.0},
        "memory": {"vidlab": {"50": 400.0, "500": 420.0}},
    }
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith(("decode", "memory"))] == [
        ["decode", "vidlab", "30.00", "1.00×"],
        ["decode", "pyav", "20.00", "1.50×"],
        ["memory", "vidlab", "400", "MB", "for", "50", "videos,", "1.00×"],
        ["memory", "vidlab", "420", "MB", "for", "500", "videos,", "1.05×"],
    ]


def test_a_task_that_is_left_out_keeps_no_old_result(bench, measured):
    measured("decode", {"vidlab": 30.0})
    bench("__main__").main(["decode"])
    measured("decode", {})
    bench("__main__").main(["decode"])
    assert kept(bench) == {}


def test_an_unknown_task_names_those_there_are(bench, capsys):
    with pytest.raises(SystemExit):
        bench("__main__").main(["decoding"])
    assert "no task decoding; there are decode, features.mobilenetv2," in capsys.readouterr().err


def test_all_tasks_have_a_module_that_measures(bench):
    tasks = bench("__main__").TASKS
    assert list(tasks) == [
        "decode",
        "features.mobilenetv2",
        "features.mobilenetv2.fast",
        "features.inceptionv3",
        "features.inceptionv3.fast",
        "cam",
        "cam.clip",
        "training.scratch",
        "training.frozen",
        "memory",
    ]
    assert {task: module for task, (module, _) in tasks.items()} == {
        task: task.split(".")[0] for task in tasks
    }
    for module, _ in tasks.values():
        assert callable(bench(module).measure)


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
    assert turns.ratios({"vidlab": 3.0, "pyav": 2.0, "bare-engine": 4.0}) == {
        "vidlab": 1.0,
        "pyav": 1.5,
        "bare-engine": 0.75,
    }


def test_a_decoder_that_is_not_installed_is_left_out_and_said(bench, monkeypatch, capsys):
    decode = bench("decode")
    assert set(decode.METHODS) == METHODS
    monkeypatch.setattr(decode, "find_spec", lambda library: None)
    assert set(decode.available(decode.METHODS)) == {"vidlab", "cv2-read-all", "cv2-seek"}
    said = capsys.readouterr().out
    assert "without pyav: av is not installed" in said
    assert "without decord: decord is not installed" in said


def test_every_decoder_gives_the_same_frames(bench, monkeypatch, tmp_path, capsys):
    decode, clips = bench("decode"), bench("clips")
    monkeypatch.setenv("VIDLAB_SHARED", str(tmp_path / "absent"))
    monkeypatch.setattr(decode, "VIDEOS", 2)
    monkeypatch.setattr(decode, "ROUNDS", 1)
    paths = clips.make_videos(tmp_path / "videos", 2)
    pictures = [read(paths[1]) for read in decode.available(decode.METHODS).values()]
    for picture in pictures:
        assert picture.shape == (25, clips.HEIGHT, clips.WIDTH, 3)
        assert np.abs(picture.astype(int) - pictures[0]).mean() < 3
    capsys.readouterr()
    assert set(decode.measure()) == set(decode.available(decode.METHODS))
    assert "frames are others" not in capsys.readouterr().out


def test_features_of_all_methods_are_measured(bench, monkeypatch, tmp_path, capsys):
    features = bench("features")
    monkeypatch.setenv("VIDLAB_SHARED", str(tmp_path / "absent"))
    amount = features.Amount(videos=2, videos_to_predict=1, rounds=1)
    monkeypatch.setitem(features.AMOUNTS, "mobilenetv2", amount)
    small = features.backbones.build("mobilenetv2-0.35", size=(32, 32))
    monkeypatch.setattr(features.backbones, "build", lambda name: small)
    results = features.measure("mobilenetv2", "float32")
    assert list(results) == ["vidlab", "predict-per-frame", "predict-per-video", "bare-engine"]
    assert min(results.values()) > 0
    assert "random weights" in capsys.readouterr().out


def test_fast_features_are_left_out_and_said_where_they_are_not_to_be_had(
    bench, monkeypatch, capsys
):
    features = bench("features")
    monkeypatch.setattr(features.engines, "find_spec", lambda library: None)
    assert features.measure("mobilenetv2", "fast") == {}
    assert "mobilenetv2 without fast" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("of", "others"),
    [
        ("frames", ["tf-keras-vis-batch", "tf-keras-vis-single"]),
        ("clip", ["forward", "forward-and-backward"]),
    ],
)
def test_grad_cam_is_measured_beside_others(bench, monkeypatch, capsys, of, others):
    cam = bench("cam")
    monkeypatch.setattr(cam, "FRAMES", 2)
    monkeypatch.setattr(cam, "ROUNDS", 1)
    monkeypatch.setattr(cam, "SIZE", (96, 96))
    small = cam.backbones.build("mobilenetv2-0.35", size=(96, 96))
    monkeypatch.setattr(cam.backbones, "build", lambda name: small)
    results = cam.measure(of)
    assert list(results) == ["vidlab", *others]
    assert min(results.values()) > 0
    remark = {"frames": "cam at out_relu", "clip": "cam.clip at backbone/out_relu"}[of]
    assert remark in capsys.readouterr().out


def test_memory_is_that_of_the_work_that_grows_most(bench, monkeypatch, capsys):
    memory = bench("memory")
    peaks = {"index": [100, 105], "train": [900, 910], "train-cached": [9, 9], "features": [5, 5]}
    monkeypatch.setattr(memory, "make_videos", lambda folder, count: count)
    monkeypatch.setattr(
        memory, "peak_of", lambda work, count: float(peaks[work][memory.COUNTS.index(count)])
    )
    assert memory.measure() == {"vidlab": {"50": 100.0, "500": 105.0}}
    assert "memory, train: 900 and 910 MB, 1.01×" in capsys.readouterr().out


def test_peak_of_one_work_is_measured_in_a_process_of_its_own(bench, tmp_path):
    memory = bench("memory")
    folder = memory.make_videos(tmp_path / "videos", 10)
    assert 20 < memory.peak_of("index", folder) < 20_000
