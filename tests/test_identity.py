"""Which run it is: settings in force, and folders that no other videos or weights share."""

import re

import pytest

from vidlab.course import identity, profiles, report
from vidlab.course.lab import Lab
from vidlab.evaluation import runs
from vidlab.models.backbones import weights
from vidlab.training import experiment


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Keep runs in a folder of the test's own; ImageNet weights are there."""
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(weights, "imagenet_problem", lambda name, size: "")


def test_results_of_other_videos_are_named_after_their_folder_and_what_decides(tmp_path):
    own = profiles.load("quick")
    used = profiles.replace(own, dataset=str(tmp_path / "holiday"))
    assert identity.run_name(own, own, fingerprint=lambda: "a") == "quick"
    assert identity.run_name(own, profiles.replace(own, split=2), fingerprint=str) == "quick"
    names = [identity.run_name(own, used, fingerprint=lambda digits=x: digits) for x in "aab"]
    assert re.fullmatch(r"quick-holiday-[0-9a-f]{6}", names[0])
    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("profile", ["smoke", "quick", "full", "ucf101"])
def test_the_built_in_datasets_keep_the_folder_of_the_profile(profile, tmp_path):
    assert Lab(profile).runs == tmp_path / "home" / "runs" / profile


def test_no_default_of_backbone_weights_and_size_shares_a_folder_with_another(toy_folder):
    given = {"backbone": "mobilenetv2-0.35", "weights": "pantomime", "image_size": 96}
    choices = [{}, *({name: value} for name, value in given.items()), given]
    folders = {Lab("quick", dataset=str(toy_folder), **choice).runs for choice in choices}
    assert len(folders) == len(choices)


def test_a_link_to_a_folder_is_the_folder(toy_folder, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(toy_folder, target_is_directory=True)
    assert Lab("smoke", dataset=str(link)).runs == Lab("smoke", dataset=str(toy_folder)).runs


def test_two_profiles_of_one_name_that_name_other_videos_share_no_folder(toy_dataset, tmp_path):
    folders = []
    for owner, clips in (("mine", 1), ("yours", 2)):
        toy_dataset(name=f"{owner}/data", groups=3, clips=clips, frames=4)
        file = tmp_path / owner / "my.yaml"
        file.write_text("about: mine\ndataset: data\n")  # relative: to the profile
        folders.append(Lab(str(file)).runs)
    assert folders[0] != folders[1]
    assert all(folder.name.startswith("my-data-") for folder in folders)


def test_a_folder_of_ones_own_has_the_profile_own_with_imagenet_weights(toy_folder):
    used = Lab("quick", dataset=str(toy_folder)).profile
    assert (used.name, used.backbone, used.weights) == ("own", "mobilenetv2", "imagenet")
    assert (used.line, used.refit, used.dataset) == ("cnn-linear", True, str(toy_folder.resolve()))
    assert Lab("quick").profile.name == "quick"
    assert Lab("ucf101", dataset=str(toy_folder)).profile.name == "ucf101"  # as published


def test_without_imagenet_weights_the_shipped_encoder_looks_and_a_sentence_says_so(
    toy_folder, monkeypatch
):
    monkeypatch.setattr(weights, "imagenet_problem", lambda name, size: "No network.")
    with pytest.warns(UserWarning, match=r"no ImageNet weights.* No network\."):
        used = Lab("quick", dataset=str(toy_folder)).profile
    assert (used.backbone, used.weights, used.image_size) == ("residual", "pantomime", 112)
    with pytest.warns(UserWarning, match="no ImageNet weights"):
        light = Lab("quick", dataset=str(toy_folder), backbone="residual-0.25").profile
    assert (light.backbone, light.weights) == ("residual-0.25", "pantomime")
    asked = Lab("quick", dataset=str(toy_folder), weights="imagenet").profile  # not replaced
    assert (asked.backbone, asked.weights) == ("mobilenetv2", "imagenet")


def test_imagenet_weights_that_cannot_be_fetched_are_a_problem_and_cached_ones_none(
    tmp_path, monkeypatch
):
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert "for the weights 'imagenet'" in weights.imagenet_problem("residual", 112)
    file = tmp_path / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    assert weights.imagenet_problem("mobilenetv2", 224) == ""


def test_random_weights_are_left_out_for_videos_of_ones_own(toy_folder):
    lab = Lab("quick", dataset=str(toy_folder))
    for name in ("frame-scratch", "convgru-scratch"):
        with pytest.raises(profiles.ProfileError, match=f"{name}: few videos teach"):
            lab.recipe(name)


def test_what_own_videos_change_about_a_head_is_listed_and_stays_theirs(toy_folder):
    changed = Lab("quick", dataset=str(toy_folder)).changes("convgru-fixed").set_index("setting")
    listed = changed.loc[["pooling", "dropout", "augmentation"], "here"]
    assert listed.tolist() == ["statistics", "0.5", "none"]
    for profile in ("smoke", "quick", "full", "ucf101"):
        settings = set(Lab(profile).changes("convgru-fixed", "mobilenet-gru")["setting"])
        assert not settings & {"pooling", "dropout", "augmentation"}


@pytest.fixture
def trained(monkeypatch):
    """Replace training by runs of an accuracy set here by recipe -> {recipe: accuracy}."""
    accuracies = {}

    def pretend(recipe, parts, *, folder, record, **options):
        for name in ("model.keras", "history.csv", "predictions.npz"):
            folder.path.mkdir(parents=True, exist_ok=True)
            (folder.path / name).write_text("epoch\n1\n")
        folder.write(metrics={"top1": accuracies[recipe.name]}, recipe=record)

    monkeypatch.setattr(experiment, "train_and_evaluate", pretend)
    return accuracies


def test_the_linear_line_runs_first_and_networks_are_measured_by_it(toy_folder, trained, capsys):
    trained |= {"cnn-linear": 0.9, "mobilenet-gru": 0.6, "mobilenet-single": 0.8}
    lab = Lab("quick", dataset=str(toy_folder))
    lab.run("mobilenet-gru")
    line, network, verdict = capsys.readouterr().out.splitlines()
    assert line.startswith("cnn-linear: trained now (own profile")
    assert network.startswith("mobilenet-gru: trained now")
    assert verdict == (
        "mobilenet-gru: top-1 60.0%; the line to pass is cnn-linear, 90.0%. 30 points below it: "
        "for these videos use cnn-linear."
    )
    lab.run("mobilenet-single")
    network, verdict = capsys.readouterr().out.splitlines()  # the line is known by now
    assert network.startswith("mobilenet-single: trained now")
    assert verdict == "mobilenet-single: top-1 80.0%; the line to pass is cnn-linear, 90.0%."
    page = report._results(runs.find_runs(lab.runs), lab.profile.line)
    assert page.index("<th>cnn-linear</th>") < page.index("<th>mobilenet-gru</th>")
    assert "<p>mobilenet-gru: top-1 60.0%; the line to pass" in page


def test_a_fold_of_few_videos_is_not_judged_alone_but_all_of_them_together(
    toy_dataset, trained, capsys
):
    trained |= {"cnn-linear": 0.9, "mobilenet-gru": 0.0}
    lab = Lab("quick", dataset=str(toy_dataset(groups=3, lists=False)))
    found = {name: [] for name in ("mobilenet-gru", "cnn-linear")}
    for split in lab.folds():
        for name, folders in found.items():
            folders.append(lab.run(name, split=split))
        trained["mobilenet-gru"] += 0.9
    assert "line to pass" not in capsys.readouterr().out
    assert runs.against_line(*found.values()) == (
        "mobilenet-gru: top-1 90.0%, the mean of 3 runs; the line to pass is cnn-linear, 90.0%."
    )
    page = report._results(runs.find_runs(lab.runs), lab.profile.line)
    assert page.count("line to pass") == 1


@pytest.mark.parametrize(("network", "is_far"), [(0.7, True), (0.71, False)])
def test_a_network_twenty_points_below_the_line_is_advised_against(
    toy_folder, trained, capsys, network, is_far
):
    trained |= {"cnn-linear": 0.9, "mobilenet-gru": network}
    Lab("quick", dataset=str(toy_folder)).run("mobilenet-gru")
    assert ("20 points below it: for these videos use" in capsys.readouterr().out) == is_far


def test_a_finished_run_of_another_configuration_is_replaced_with_a_word(
    toy_folder, trained, capsys, tmp_path
):
    trained["mobilenet-single"] = 0.5
    file = tmp_path / "my.yaml"
    about = f"dataset: {toy_folder}\nabout: mine\nbackbone: residual\nweights: pantomime\n"
    for earlier, patience in enumerate((3, 4)):
        file.write_text(f"{about}patience: {patience}\n")
        Lab(str(file)).run("mobilenet-single")
        shown = capsys.readouterr().out
        replaced = re.findall(r"is replaced, for it differs in (.*)", shown)
        assert replaced == ["patience"] * earlier


def test_other_lists_of_the_same_videos_are_another_run(toy_dataset, trained, capsys):
    trained["gru-pixels"] = 0.5
    root = toy_dataset(groups=6)
    lab = Lab("smoke", dataset=str(root))
    lab.run("gru-pixels")
    lists = root / "ucfTrainTestlist"
    train, test = (next(lists.glob(f"{part}list01.txt")) for part in ("train", "test"))
    lines = train.read_text().splitlines()
    moved = [line for line in lines if "_g03_" in line]
    train.write_text("\n".join(line for line in lines if line not in moved) + "\n")
    with test.open("a") as file:
        file.write("".join(line.rsplit(" ", 1)[0] + "\n" for line in moved))
    Lab("smoke", dataset=str(root)).run("gru-pixels")
    assert "differs in parts" in capsys.readouterr().out


def test_a_path_that_is_there_becomes_absolute_and_a_name_stays(tmp_path, monkeypatch):
    for folder in ("mine", "pantomime"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    assert identity.absolute("mine") == str(tmp_path / "mine")
    assert [identity.absolute(name) for name in ("pantomime", "", "nowhere")] == [
        "pantomime",
        "",
        "nowhere",
    ]
