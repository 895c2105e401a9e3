"""Folders as datasets and people have them: what is found in each, and what is not used."""

import json
import os
import unicodedata

import cv2
import numpy as np
import pytest

from vidlab.data import layouts, video, video_files
from vidlab.data.groups import leakage
from vidlab.data.index import VideoIndex
from vidlab.errors import FrameIndexError, LayoutError, LeakageError, SplitError

pytestmark = pytest.mark.filterwarnings("ignore:vidlab")


@pytest.fixture
def folder(tmp_path):
    """Write tiny videos, each with a content of its own, and texts: (videos, texts) -> Path."""
    drawn = iter(range(255))

    def make(videos, texts=None):
        root = tmp_path / "dataset"
        for name in videos:
            frames = np.full((2, 16, 16, 3), next(drawn), np.uint8)
            written = video.write(tmp_path / "one.avi", frames)
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            written.rename(root / name)
        for name, text in (texts or {}).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return root

    return make


def classes_of(index):
    names = [os.path.relpath(path, index.root) for path in index.table["path"]]
    return dict(zip(names, index.table["class_name"], strict=True))


def parts_of(index, k=1):
    return [sorted(part.table["video_id"]) for part in index.split(k)]


UCF = {
    "ucfTrainTestlist/classInd.txt": "1 Jump\r\n2 Run\r\n",
    "ucfTrainTestlist/trainlist01.txt": "Jump/v_Jump_g02_c01.avi 1\r\nRun/v_Run_g02_c01.avi 2\r\n",
    "ucfTrainTestlist/testlist01.txt": "Jump/v_Jump_g01_c01.avi\r\nRun/v_Run_g01_c01.avi\r\n",
}
NAMES = [f"v_{name}_g0{group}_c01.avi" for name in ("Jump", "Run") for group in (1, 2)]


@pytest.mark.parametrize("inner", ["UCF-101", "UCF-101/UCF-101/{}", "videos/{}", "{}/{}", ""])
@pytest.mark.parametrize("where", ["ucfTrainTestlist", "annotations", "../annotations", "."])
def test_official_lists_find_their_videos_flat_or_nested(folder, inner, where):
    videos = [f"{inner.format(n.split('_')[1], n.split('_')[1])}/{n}" for n in NAMES]
    texts = {name.replace("ucfTrainTestlist", where): text for name, text in UCF.items()}
    index = VideoIndex.from_folder(folder([name.lstrip("/") for name in videos], texts))
    assert index.report.empty
    assert set(classes_of(index).values()) == {"Jump", "Run"}
    assert parts_of(index)[2] == ["v_Jump_g01_c01", "v_Run_g01_c01"]


def test_lists_may_count_from_zero_and_name_blanks(folder):
    names = [f"drinking water/drinking ({n}).avi" for n in (1, 2)] + ["b/b (1).avi", "b/b (2).avi"]
    lists = {
        "classInd.txt": "0 drinking water\n1 b",
        "trainlist01.txt": f"{names[0]} 0\n{names[2]} 1",
        "testlist01.txt": f"{names[1]} 0\n{names[3]} 1",
    }
    index = VideoIndex.from_folder(folder([f"videos/{name}" for name in names], lists))
    assert index.classes == ["drinking water", "b"]
    assert parts_of(index)[2] == ["b (2)", "drinking (2)"]


def test_groups_are_the_folders_between_class_and_video(folder):
    videos = [f"{c}/v_{c}_0{g}/v_{c}_0{g}_0{n}.avi" for c in "ab" for g in (1, 2) for n in (1, 2)]
    index = VideoIndex.from_folder(folder(videos, {"a/Annotation/readme.xgtf": "x"}))
    assert index.notes == (
        "Layout: class/group.",
        "Not used: 1 .xgtf, first a/Annotation/readme.xgtf.",
    )
    assert sorted(set(index.groups)) == ["v_a_01", "v_a_02", "v_b_01", "v_b_02"]
    assert parts_of(index)[2] == ["v_a_01_01", "v_a_01_02", "v_b_01_01", "v_b_01_02"]


def test_numbered_folders_around_classes_are_groups(folder):
    root = folder([f"subject{p}/{c}/{p}{c}.avi" for p in (1, 2, 3) for c in ("run", "sit")])
    index = VideoIndex.from_folder(root)
    assert (index.classes, len(index.folds())) == (["run", "sit"], 3)
    assert index.notes[0] == "Layout: group/class."


def test_lists_of_another_dataset_beside_are_not_used(folder):
    texts = {name.replace("ucf", "../ucf"): text for name, text in UCF.items()}
    index = VideoIndex.from_folder(folder(["a/a1.avi", "b/b1.avi"], texts))
    assert index.classes == ["a", "b"]
    assert index.lists is None


def test_the_part_folders_are_the_split_and_are_checked_for_shared_groups(folder):
    videos = [
        f"top/{part}/{name}/v_{name}_g0{group}_c01.avi"
        for name in "ab"
        for part, group in (("Train", 1), ("Train", 2), ("val", 3), ("test", 4))
    ]
    index = VideoIndex.from_folder(folder(videos))
    assert parts_of(index)[1:] == [["v_a_g03_c01", "v_b_g03_c01"], ["v_a_g04_c01", "v_b_g04_c01"]]
    assert [len(part) for part in index.split(1, validation=0)] == [6, 0, 2]
    shared = folder(["top/test/a/v_a_g01_c02.avi"])
    with pytest.raises(LeakageError, match=r"a g01 \(videos: 1 in train, 1 in test\)"):
        VideoIndex.from_folder(shared).split(1)
    apart = VideoIndex.from_folder(shared, layout="unsplit")
    assert (apart.lists, apart.notes[0]) == (None, "Layout: */split/class.")
    assert leakage(*apart.split(1)).empty
    with pytest.raises(SplitError, match=r"official splits \[1\]\. Received: 2"):
        index.split(2)


def test_validation_videos_test_where_there_are_no_others(folder):
    index = VideoIndex.from_folder(
        folder(
            [
                f"{part}/{c}/{part}{c}{n}.avi"
                for part in ("train", "val")
                for c in "ab"
                for n in "123"
            ]
        )
    )
    assert any("its validation videos test" in note for note in index.notes)
    assert [len(part) for part in index.split(1)] == [4, 2, 6]


def test_hmdb_split_files_say_which_part_each_video_is_in(folder):
    names = {c: [f"#{n}_film_{c}_u_0.avi" for n in range(1, 5)] for c in ("brush_hair", "wave")}
    texts = {
        f"splits/{c}_test_split{k}.txt": "".join(
            f"{name} {digit} \n" for name, digit in zip(names[c], digits, strict=True)
        )
        for c in names
        for k, digits in ((1, "1120"), (2, "2111"))
    }
    root = folder([f"videos/{c}/{name}" for c in names for name in names[c]], texts)
    for at in (root, root / "videos"):
        index = VideoIndex.from_folder(at)
        assert sorted(index.lists) == [1, 2]
        assert [len(part) for part in index.split(1)] == [2, 2, 2]
        assert parts_of(index, 2)[2] == ["#1_film_brush_hair_u_0", "#1_film_wave_u_0"]
        assert len(index) == 8


def test_names_of_hmdb_tell_the_film_in_one_class_and_the_clip(folder):
    names = [
        f"{film}_{c}_{seen}_nm_np1_{side}_goo_{n}.avi"
        for film, seen, side in (
            ("Two_Towers_4", "u", "fr"),
            ("#1_hug", "f", "ba"),
            ("x", "h", "le"),
        )
        for c in ("wave", "brush_hair")
        for n in (0, 12)
    ]
    texts = {
        f"splits/{c}_test_split1.txt": "".join(
            f"{n} {2 if n.startswith('x_') else 1}\n" for n in names if f"_{c}_" in n
        )
        for c in ("wave", "brush_hair")
    }
    videos = [f"{'wave' if '_wave_' in n else 'brush_hair'}/{n}" for n in names]
    index = VideoIndex.from_folder(folder(videos, texts))
    assert (index.notes[0], index.groups_from, index.ungrouped) == ("Layout: hmdb51.", "names", 0)
    assert sorted(set(index.groups)) == ["#1_hug", "Two_Towers_4", "x"]
    assert sorted(set(index.table["clip"])) == [0, 12]
    assert [len(part) for part in index.split(1, validation=0)] == [8, 0, 4]
    (index.root / "splits/wave_test_split1.txt").write_text(
        texts["splits/wave_test_split1.txt"].replace(
            "x_wave_h_nm_np1_le_goo_0.avi 2", "x_wave_h_nm_np1_le_goo_0.avi 1"
        )
    )
    with pytest.raises(LeakageError, match=r"first wave x \(videos: 1 in train, 1 in test\)"):
        VideoIndex.from_folder(index.root).split(1, validation=0)


TABLES = {
    "CSV": {"labels.csv": "filename,label\nx1.avi,walking\ny1.avi,sitting\n"},
    "CSV of Windows": {
        "labels.csv": "\ufeffPath;Class;Notes\r\nclips\\x1.avi;walking;a\r\ny1.avi;sitting;\r\n"
    },
    "label not last": {"labels.csv": "vid,label,who\nx1,walking,Ann\ny1,sitting,Bo"},
    "numbered rows": {"train.csv": ",video_name,tag\n0,x1.avi,walking\n1,y1.avi,sitting\n"},
    "JSON lines": {
        "metadata.jsonl": '{"file_name": "clips/x1.avi", "label": "walking"}\n'
        '{"file_name": "clips/y1.avi", "label": "sitting"}\n'
    },
    "tabs": {"a/all.tsv": "x1.avi\twalking\ny1.avi\tsitting\n"},
    "no endings": {"train.csv": "x1;walking\ny1;sitting\n"},
    "text": {"annotations/list.txt": "/far/away/x1.avi walking\n/far/away/y1.avi sitting"},
    "numbers": {
        "train.txt": "clips/x1.avi 10\nclips/y1.avi 9",
        "labels.txt": "a\n" * 9 + "sitting\nwalking",
    },
    "numbers from one": {
        "train.txt": "x1.avi 100 2\ny1.avi 64 1",
        "label_map.txt": "sitting\nwalking",
    },
    "UTF-16": {"labels.csv": "path,label\nx1.avi,walking\ny1.avi,sitting".encode("utf-16")},
    "Something-Something": {
        "something-train.json": json.dumps(
            [
                {"id": "x1", "label": "walking a dog", "template": "[walking]"},
                {"id": "y1", "label": "sitting down", "template": "sitting"},
            ]
        )
    },
    "Kinetics": {
        "k.json": json.dumps(
            {"x1": {"annotations": {"label": "walking"}}, "y1": {"label": "sitting"}}
        )
    },
}


@pytest.mark.parametrize("texts", TABLES.values(), ids=TABLES)
def test_a_table_gives_the_classes(folder, texts):
    index = VideoIndex.from_folder(folder(["clips/x1.avi", "clips/y1.avi"], texts))
    assert classes_of(index) == {"clips/x1.avi": "walking", "clips/y1.avi": "sitting"}
    assert index.report.empty
    assert not any("Not used" in note for note in index.notes if "label" not in note)


def test_a_table_gives_groups_and_parts(folder):
    rows = [
        "p1_a,train,p1",
        "p1_b,train,p1",
        "p2_a,val,p2",
        "p2_b,val,p2",
        "p3_a,test,p3",
        "p3_b,test,p3",
    ]
    lines = [f"{row.split(',')[0]}.avi,{row[3]},{','.join(row.split(',')[1:])}" for row in rows]
    text = "\n".join(["video,action,split,subject", *lines])
    root = folder([f"{row.split(',')[0]}.avi" for row in rows], {"x.csv": text})
    index = VideoIndex.from_folder(root)
    assert index.groups_from == "list"
    assert parts_of(index) == [["p1_a", "p1_b"], ["p2_a", "p2_b"], ["p3_a", "p3_b"]]
    (root / "x.csv").write_text(text.replace("test,p3", "test,p1"))
    with pytest.raises(LeakageError, match=r"first a, b p1 \(videos: 2 in train, 2 in test\)"):
        VideoIndex.from_folder(root).split(1)
    (root / "x.csv").write_text(text.replace("test,p3", "later,p3"))
    with pytest.raises(LayoutError, match=r"one of train.*'later' in .*x\.csv"):
        VideoIndex.from_folder(root)


def test_a_table_leaves_parts_to_folders(folder):
    texts = {
        f"{part}/metadata.csv": f"file_name,label\n{part}1.avi,a\n{part}2.avi,b\n"
        for part in ("train", "test")
    }
    videos = [f"{part}/{part}{n}.avi" for part in ("train", "test") for n in (1, 2)]
    index = VideoIndex.from_folder(folder(videos, texts))
    assert [len(part) for part in index.split(1, validation=0)] == [2, 0, 2]


def test_lists_of_parts_with_split_numbers_and_flat_folders(folder):
    texts = {
        f"ucf_{part}_split_{k}_videos.txt": f"{part}/a{n}.avi 0\n{part}/b{n}.avi 1"
        for part, k, n in (("train", 1, 1), ("val", 1, 2))
    }
    videos = ["train/a1.avi", "train/b1.avi", "val/a2.avi", "val/b2.avi", "val/c.avi"]
    index = VideoIndex.from_folder(folder(videos, texts))
    assert index.classes == ["0", "1"]
    assert any("write their names into labels.txt" in note for note in index.notes)
    assert [len(part) for part in index.split(1, validation=0)] == [2, 0, 2]
    assert index.report[["kind", "class_name"]].values.tolist() == [["unlisted", ""]]


def test_kinetics_clips_are_named_by_their_times(folder):
    header = "label,youtube_id,time_start,time_end,split\n"
    texts = {
        "kinetics_train.csv": header
        + 'abseiling,-3B32lodo2M,59,69,train\n"air drumming",gone,1,11,train',
        "kinetics_val.csv": header + '"air drumming",-KbXfOFhO4I,28,38,validate',
    }
    videos = ["train/abseiling/-3B32lodo2M_000059_000069.avi", "val/-KbXfOFhO4I.avi"]
    index = VideoIndex.from_folder(folder(videos, texts))
    assert index.classes == ["abseiling", "air drumming"]
    assert index.groups.tolist() == ["-3B32lodo2M", "-KbXfOFhO4I"]
    assert index.report["kind"].tolist() == ["missing"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,label\nx.avi,a\nx.avi,b\n", r"one class.*x\.avi as 'a' and as 'b' in labels\.csv"),
        ("path,label,split\nx.avi,a,train\nx.avi,a,test", "'train' and as 'test'"),
        ("path,label\nx.avi,a\n", r"tells one video.*x\.avi in labels\.csv, which may be"),
    ],
    ids=["two classes", "two parts", "two videos"],
)
def test_tables_that_contradict_themselves_are_refused(folder, table, message):
    videos = ["one/x.avi", *["two/x.avi"] * ("two" in message or "tells" in message)]
    with pytest.raises(LayoutError, match=message):
        VideoIndex.from_folder(folder(sorted(set(videos)), {"labels.csv": table}))


def test_tables_that_name_other_things_are_mentioned_and_not_used(folder):
    texts = {
        "results.csv": "name,set,score\nsvm,fast,3\n",
        "t.csv": "a1.avi,1.5,x\nb1.avi,2,y\n",
        "readme.txt": "Größe".encode("latin-1"),
    }
    index = VideoIndex.from_folder(folder(["a/a1.avi", "a/a2.avi", "b/b1.avi"], texts))
    assert index.classes == ["a", "b"]
    assert index.notes[1] == "Not used: 2 .csv, 1 .txt, first readme.txt."


def test_a_list_of_few_files_does_not_replace_the_folders(folder):
    videos = [f"{c}/{c}{n}.avi" for c in "ab" for n in range(4)]
    texts = {"todo.csv": "path,label\na0.avi,nice\n", "files.txt": "\n".join(videos)}
    index = VideoIndex.from_folder(folder(videos, texts))
    assert index.classes == ["a", "b"]
    assert "Not used: 1 .txt, 1 .csv, first files.txt." in index.notes


# ---- groups


def test_a_pattern_tells_groups_which_are_the_same_in_all_classes(folder):
    videos = [
        f"{c}/person{p:02d}_{c}_d{d}.avi" for c in ("box", "run") for p in (1, 2, 10) for d in "12"
    ]
    root = folder(videos)
    with pytest.warns(UserWarning, match=r"12 videos name no group.*--groups 'person\(\\d\+\)'"):
        unknown = VideoIndex.from_folder(root)
    assert unknown.groups_from == ""
    index = VideoIndex.from_folder(root, groups=r"person(\d+)")
    assert [sorted(set(test.groups)) for *_, test in index.folds()] == [["01"], ["02"], ["10"]]
    train, test = index.select(index.table["class_name"] == "box"), index.select(index.labels == 1)
    assert leakage(train, test)["class_name"].tolist() == ["box, run"] * 3
    for wrong, message in ((r"pers(", "regular expression"), ("q", "in none of them")):
        with pytest.raises(LayoutError, match=message):
            VideoIndex.from_folder(root, groups=wrong)


def test_a_person_who_is_alone_in_a_class_cannot_be_left_out(folder):
    index = VideoIndex.from_folder(
        folder(["a/p1_x.avi", "a/p2_x.avi", "b/p1_y.avi", "b/p3_y.avi"]), groups=r"p\d"
    )
    assert [len(part) for part in index.folds(validation=0)[0]] == [2, 0, 2]
    few = index.select([0, 1, 2])
    with pytest.raises(SplitError, match=r"training video of every class in fold .*none of b"):
        few.folds(validation=0)


# ---- copies


def test_copies_are_said_and_have_the_group_of_the_first(folder):
    root = folder([f"{c}/v_{c}_g0{g}_c01.avi" for c in "ab" for g in (1, 2, 3)])
    for group in (1, 2, 3):
        first = root / "a" / f"v_a_g0{group}_c01.avi"
        first.with_name(f"{first.stem} (1).avi").write_bytes(first.read_bytes())
    (root / "b" / "link.avi").symlink_to(root / "b" / "v_b_g02_c01.avi")
    index = VideoIndex.from_folder(root)
    groups = dict(zip(index.table["video_id"], index.groups, strict=True))
    assert (groups["v_a_g03_c01 (1)"], groups["link"]) == ("g03", "g02")
    assert index.report["kind"].tolist() == ["copied"] * 4
    assert index.report["reason"][0].startswith("Byte for byte the same as ")
    for k in (1, 2, 3):
        assert leakage(*index.split(k)).empty


def test_copies_in_two_parts_are_said(folder):
    root = folder([f"{c}/v_{c}_g0{g}_c01.avi" for c in "ab" for g in (1, 2, 3)])
    (root / "a" / "v_a_g02_c01.avi").write_bytes((root / "a" / "v_a_g01_c01.avi").read_bytes())
    with pytest.warns(UserWarning, match=r"1 videos are in two parts of split 1.*v_a_g0[12]_c01"):
        VideoIndex.from_folder(root).split(1, validation=0)


# ---- nothing is left out in silence


def test_loose_and_deep_videos_are_reported(folder):
    root = folder(
        ["a/1.avi", "a/2.avi", "b/1.avi", "b/old/3.avi", "loose.avi"], {"a/notes.txt": ""}
    )
    index = VideoIndex.from_folder(root)
    assert len(index) == 3
    assert sorted(os.path.relpath(path, index.root) for path in index.report["path"]) == [
        os.path.join("b", "old", "3.avi"),
        "loose.avi",
    ]
    assert set(index.report["kind"]) == {"unused"}
    assert "Not used: 1 .txt, first a/notes.txt." in index.notes


def test_names_tell_classes_where_folders_do_not(folder):
    index = VideoIndex.from_folder(folder([f"UCF-101/{name}" for name in NAMES]))
    assert index.classes == ["Jump", "Run"]
    assert index.notes == ("Layout: names.",)


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        (["x.avi"], r"1 videos outside a class folder.*labels\.csv.*--layout"),
        (["train/x.avi", "val/y.avi"], "2 in folders"),
        ([f"{p}/{c}/x{p}.avi" for p in "AB" for c in ("run", "sit")], "--layout class/group"),
        (["sport/tennis/x.avi", "sport/golf/x.avi", "home/sleep/y.avi"], "--layout class/group"),
        ([], "other files: 1 .rm"),
    ],
    ids=["loose", "flat parts", "persons by name", "two levels", "none"],
)
def test_what_is_not_understood_says_how_to_say_it(folder, videos, message):
    root = folder(videos, {"film.rm": "x"})
    with pytest.raises(LayoutError, match=message):
        VideoIndex.from_folder(root)


def test_a_layout_can_be_told(folder):
    root = folder(["sport/tennis/x.avi", "sport/golf/x.avi", "home/sleep/y.avi"])
    assert VideoIndex.from_folder(root, layout="*/class").classes == ["golf", "sleep", "tennis"]
    index = VideoIndex.from_folder(root, layout="class/group")
    assert (index.classes, sorted(index.groups)) == (["home", "sport"], ["golf", "sleep", "tennis"])
    with pytest.raises(LayoutError, match=r"ucf101, hmdb51, list.*Received: 'nested'"):
        VideoIndex.from_folder(root, layout="nested")
    with pytest.raises(LayoutError, match="Expected the layout list"):
        VideoIndex.from_folder(root, layout="list")


def test_a_relative_path_a_link_and_the_absolute_path_are_one_dataset(folder, monkeypatch):
    root = folder(["a/1.avi", "b/1.avi"])
    monkeypatch.chdir(root.parent)
    (root.parent / "link").symlink_to(root)
    found = {
        str(VideoIndex.from_folder(name).root) for name in (root, "dataset", "./dataset/../link")
    }
    found |= {str(VideoIndex.from_folder("link").root)}
    assert found == {str(root.resolve())}


def test_links_that_lead_back_end(folder):
    root = folder(["a/1.avi", "b/1.avi"])
    (root / "a" / "again").symlink_to(root)
    assert len(VideoIndex.from_folder(root)) == 2


# ---- encodings


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "utf-16", "big5"])
def test_lists_in_old_encodings_are_read_by_the_names_they_hold(folder, encoding):
    names = ("跑步", "打球")
    videos = [
        f"videos/{c}/v_{n}_g0{g}_c01.avi" for c, n in zip(names, "ab", strict=True) for g in (1, 2)
    ]
    lines = [name.removeprefix("videos/") for name in videos]
    texts = {
        "classInd.txt": "1 跑步\n2 打球",
        "trainlist01.txt": f"{lines[0]} 1\n{lines[2]} 2",
        "testlist01.txt": f"{lines[1]}\n{lines[3]}",
    }
    root = folder(videos, {name: text.encode(encoding) for name, text in texts.items()})
    index = VideoIndex.from_folder(root)
    assert index.classes == list(names)
    assert index.report.empty


def test_a_list_in_an_unknown_encoding_is_named(folder):
    texts = {**UCF, "ucfTrainTestlist/classInd.txt": "1 Übung\n2 Run".encode("latin-1")}
    root = folder([f"UCF-101/{name}" for name in NAMES], texts)
    with pytest.raises(LayoutError, match=r"classInd\.txt.*Save it as UTF-8"):
        VideoIndex.from_folder(root)


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_letters_with_marks_are_one_however_they_are_written(folder, form):
    def spelled(text, form):
        return unicodedata.normalize(form, text)

    other = {"NFD": "NFC", "NFC": "NFD"}[form]
    videos = [f"UCF-101/Übung/v_Übung_g0{g}_c01.avi" for g in (1, 2)]
    texts = {
        "classInd.txt": "1 Übung",
        "trainlist01.txt": "Übung/v_Übung_g01_c01.avi 1",
        "testlist01.txt": "Übung/v_Übung_g02_c01.avi",
    }
    root = folder(
        [spelled(name, form) for name in videos], {n: spelled(t, other) for n, t in texts.items()}
    )
    index = VideoIndex.from_folder(root)
    assert (index.classes, len(index)) == (["Übung"], 2)
    assert index.report.empty


def test_a_name_that_is_no_text_is_reported(folder):
    root = folder(["a/1.avi", "b/1.avi"])
    os.rename(root / "a" / "1.avi", os.fsencode(root / "a") + b"/\xff.avi")
    index = VideoIndex.from_folder(root)
    assert index.report[["kind", "path"]].values.tolist() == [
        ["unreadable", str(index.root / "a" / r"\udcff.avi")]
    ]
    assert index.classes == ["b"]


def test_any_bytes_are_a_list_or_none(folder):
    root = folder(["a/1.avi", "b/1.avi"])
    drawn = np.random.default_rng(0)
    for ending in ("csv", "json", "txt", "tsv"):
        for _ in range(20):
            (root / f"x.{ending}").write_bytes(drawn.bytes(int(drawn.integers(0, 200))))
            assert len(layouts.look(root).videos) == 2
        (root / f"x.{ending}").unlink()


# ---- folders of images


@pytest.fixture
def image_folder(tmp_path, draw_numbered_frame):
    """Write videos as folders of numbered images: ({folder: frames}) -> Path."""

    def make(folders):
        for name, frames in folders.items():
            at = tmp_path / "images" / name
            at.mkdir(parents=True)
            for number in range(frames):
                frame = cv2.cvtColor(draw_numbered_frame(number), cv2.COLOR_RGB2BGR)
                for kind, image in (("img", frame), ("flow_x", frame[..., 0])):
                    cv2.imencode(".png", image)[1].tofile(at / f"{kind}_{number + 9}.png")
        return tmp_path / "images"

    return make


def test_a_folder_of_images_is_a_video(image_folder, frame_number):
    names = [f"{c}/v_{c}_g0{g}_c01" for c in ("Übung", "b") for g in (1, 2)]
    index = VideoIndex.from_folder(image_folder(dict(zip(names, (4, 5, 6, 7), strict=True))))
    columns = ["video_id", "class_name", "group", "frames", "fps", "width", "height"]
    assert index.table[columns].values.tolist()[0] == ["v_b_g01_c01", "b", "g01", 6, 25.0, 80, 48]
    frames = video.read_frames(index.paths[0], [5, 0, 3, 3], size=(24, 40))
    assert (frames.shape, frames.dtype) == ((4, 24, 40, 3), np.uint8)
    assert [frame_number(frame) for frame in frames] == [5, 0, 3, 3]
    with pytest.raises(FrameIndexError, match=r"frame numbers 0 to 5.*Received.*: 6"):
        video.read_frames(index.paths[0], [6])
    (index.paths[0] / "img_11.png").write_bytes(b"no image")
    whole = VideoIndex.from_folder(index.root, count=True)
    assert "img_11.png. Get it again" in whole.report["reason"][0]


@pytest.mark.parametrize(
    ("numbers", "named", "times"),
    [((1, 2, 3, 6), 6, (0, 0.04, 0.08, 0.2)), ((1, 6, 11), 3, None), ((3, 4), 2, None)],
    ids=["a gap", "every fifth", "whole"],
)
def test_gaps_in_the_numbers_of_images_are_reported(tmp_path, numbers, named, times):
    for name in ("a/1", "b/1"):
        (tmp_path / name).mkdir(parents=True)
        for number in numbers if name == "a/1" else (1, 2, 3):
            file = tmp_path / name / f"{number:06d}.png"
            cv2.imencode(".png", np.full((16, 16, 3), number, np.uint8))[1].tofile(file)
    index = VideoIndex.from_folder(tmp_path)
    info = video.probe(index.paths[0])
    assert (info.frames, info.named, info.times) == (len(numbers), named, times)
    found = index.report[["kind", "path"]].values.tolist()
    assert found == [["damaged", str(index.paths[0])]] * (times is not None)
    if times is not None:
        assert "numbered for 6 frames, of which 4 are there" in index.report["reason"][0]


def test_jester_lists_name_folders_of_images(image_folder):
    root = image_folder({"20bn-jester-v1/1": 3, "20bn-jester-v1/2": 4, "20bn-jester-v1/3": 2})
    (root / "jester-v1-train.csv").write_text("1;Swiping Left\n")
    (root / "jester-v1-validation.csv").write_text("2;Stop Sign\n")
    (root / "jester-v1-test.csv").write_text("3;\n")
    index = VideoIndex.from_folder(root)
    assert classes_of(index) == {
        os.path.join("20bn-jester-v1", "2"): "Stop Sign",
        os.path.join("20bn-jester-v1", "1"): "Swiping Left",
    }
    assert index.report["kind"].tolist() == ["unlisted"]
    assert sorted(index.lists[1].values()) == ["test", "train"]  # no test videos but these


def test_frames_of_an_image_folder_are_stored_by_content(image_folder):
    one, other = sorted(image_folder({"a/1": 3, "b/2": 3}).glob("*/*"))
    digest = video_files.content_digest(one)
    assert digest == video_files.content_digest(other)
    (other / "img_9.png").write_bytes((other / "img_10.png").read_bytes())
    assert digest != video_files.content_digest(other)
    print_of = VideoIndex.from_folder(other.parents[1]).fingerprint
    (one / "img_9.png").write_bytes((one / "img_10.png").read_bytes() + b"0")
    assert VideoIndex.from_folder(other.parents[1]).fingerprint != print_of
