import re

import pytest

from vidlab import recipes
from vidlab.course import profiles
from vidlab.data.sampling import Segments, Uniform
from vidlab.errors import ProfileError


@pytest.fixture
def own_profile(tmp_path, monkeypatch):
    """Return a function that writes a profile file and loads it."""
    monkeypatch.setattr(profiles, "folder", lambda: tmp_path)

    def write(text):
        (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
        return profiles.load("mine")

    return write


def test_the_shipped_profiles_are_known():
    assert profiles.names() == ["full", "quick", "smoke", "ucf101"]


@pytest.mark.parametrize("name", profiles.names())
def test_every_shipped_profile_fits_every_recipe(name):
    profile = profiles.load(name)
    for recipe in map(recipes.get, recipes.names()):
        if recipe.name in profile.left_out:
            with pytest.raises(
                ProfileError, match=f"same system as {profile.left_out[recipe.name]}"
            ):
                profiles.adapt(recipe, profile)
        else:
            assert len(profiles.adapt(recipe, profile).phases) == len(recipe.phases)


def test_an_unknown_profile_is_answered_with_the_known_ones():
    with pytest.raises(ProfileError, match=r"full, quick, smoke, ucf101.*'slow'.*slow\.yaml"):
        profiles.load("slow")


def test_a_profile_is_named_by_its_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("about: mine\nimage_size: 64\n")
    profile = profiles.load(str(path))
    assert (profile.name, profile.image_size) == ("mine", 64)
    assert profiles.find(str(path)) == path


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"quick.*a YAML file.*absent\.yaml"):
        profiles.load(str(tmp_path / "absent.yaml"))


def test_the_home_s_profiles_come_before_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    (tmp_path / "nbconfig").mkdir()
    for name in ("mine", "quick"):
        (tmp_path / "nbconfig" / f"{name}.yaml").write_text("about: of the home\n")
    assert profiles.names() == ["full", "mine", "quick", "smoke", "ucf101"]
    assert profiles.load("mine").about == profiles.load("quick").about == "of the home"
    assert profiles.load("smoke").about != "of the home"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("epoch: 3", "epoch"),
        ("split: 4", "split"),
        ("validation: 1.5", "validation"),
        ("recipes: {frame-vote: {epochs: [0]}}", "recipes.frame-vote.epochs.0"),
        ("recipes: {frame-vote: {dropout: [0.1]}}", "recipes.frame-vote.dropout"),
        ("limits: {silence: 60, total: 3600}", "limits.total"),
    ],
)
def test_an_unfit_setting_is_named_with_its_file(own_profile, line, key):
    with pytest.raises(ProfileError, match=rf"mine\.yaml.*{key}"):
        own_profile(f"about: mine\n{line}\n")


def test_a_profile_replaces_size_backbone_and_samplers(own_profile):
    profile = own_profile(
        "about: mine\nbackbone: mobilenetv2\nimage_size: 64\n"
        "sampling: Segments(3)\ntest: Uniform(6)\n"
    )
    recipe = profiles.adapt(recipes.get("frame-vote"), profile)
    assert (recipe.backbone, recipe.size) == ("mobilenetv2", (64, 64))
    assert (recipe.train_sampling, recipe.test_sampling) == (Segments(3), Uniform(6))


def test_weights_replace_pretrained_ones_but_never_random_ones(own_profile):
    profile = own_profile("about: mine\nweights: pantomime\n")
    assert profiles.adapt(recipes.get("frame-pretrained"), profile).weights == "pantomime"
    assert profiles.adapt(recipes.get("frame-scratch"), profile).weights is None


def test_a_value_for_a_phase_that_is_not_there_is_refused(own_profile):
    profile = own_profile("about: mine\nrecipes: {frame-vote: {epochs: [1, 2]}}\n")
    with pytest.raises(ProfileError, match=r"1 value.*epochs for frame-vote.*\[1, 2\]"):
        profiles.adapt(recipes.get("frame-vote"), profile)


def test_an_optimizer_may_be_another_and_is_shown_beside_the_original(own_profile):
    profile = own_profile("about: mine\nrecipes: {convgru-fixed: {optimizer: [adam]}}\n")
    assert profiles.adapt(recipes.get("convgru-fixed"), profile).phases[0].optimizer == "adam"
    row = profiles.changes([recipes.get("convgru-fixed")], profile).squeeze()
    assert (row["setting"], row["original"], row["here"]) == ("optimizer", "sgd", "adam")


@pytest.mark.parametrize("text", ["Uniform", "Random(3)", "Uniform(x)", "__import__('os')"])
def test_a_sampler_that_does_not_exist_is_refused(own_profile, text):
    profile = own_profile(f'about: mine\nsampling: "{text}"\n')
    with pytest.raises(ProfileError, match=r"Expected a sampler.*Samplers: .*Uniform"):
        profiles.adapt(recipes.get("frame-vote"), profile)


def test_clips_have_samplers_of_their_own(own_profile):
    profile = own_profile(
        "about: mine\nsampling: Segments(3)\nclip_sampling: Segments(9)\nclip_test: Uniform(9)\n"
    )
    assert profiles.adapt(recipes.get("frame-vote"), profile).train_sampling == Segments(3)
    clips = profiles.adapt(recipes.get("convgru-fixed"), profile)
    assert (clips.train_sampling, clips.test_sampling) == (Segments(9), Uniform(9))


def test_options_go_to_recipes_that_have_them(own_profile):
    profile = own_profile(
        "about: mine\noptions: {units: 32, momentum: 0.9}\n"
        "recipes: {convgru-fixed: {options: {units: 8}}}\n"
    )
    adapted = {name: profiles.adapt(recipes.get(name), profile) for name in recipes.names()}
    assert adapted["convgru-fixed"].options == {"units": 8, "momentum": 0.9}
    assert adapted["frame-vote"].options == {"units": 32}
    assert adapted["lstm-pixels"].options == {"cell": "lstm", "units": 32}
    assert adapted["inception-single"].options == {"momentum": 0.9}


def test_an_option_that_a_recipe_does_not_have_is_refused(own_profile):
    profile = own_profile("about: mine\nrecipes: {frame-vote: {options: {wings: 2}}}\n")
    with pytest.raises(ProfileError, match=r"mine: Expected options of frame_vote: .*wings"):
        profiles.adapt(recipes.get("frame-vote"), profile)


def test_one_recipe_may_have_its_own_frames_size_backbone_and_no_augmentation(own_profile):
    profile = own_profile(
        "about: mine\nimage_size: 64\nbackbone: mobilenetv2\nsampling: Segments(3)\n"
        "recipes: {frame-pretrained: {size: 48, backbone: inceptionv3, weights: pantomime,\n"
        "  sampling: Uniform(2), test: Uniform(7), augment: false}}\n"
    )
    recipe = profiles.adapt(recipes.get("frame-pretrained"), profile)
    assert (recipe.size, recipe.backbone, recipe.weights) == ((48, 48), "inceptionv3", "pantomime")
    assert (recipe.train_sampling, recipe.test_sampling) == (Uniform(2), Uniform(7))
    assert recipe.augment is None
    assert profiles.adapt(recipes.get("frame-scratch"), profile).augment is not None


def test_training_settings_of_a_profile_replace_the_literatures_where_given(own_profile):
    own = recipes.get("frame-vote")
    assert profiles.adapt(own, own_profile("about: mine\n")) == own
    profile = own_profile("about: mine\nvalidation: 0.2\npatience: 3\nfreeze_batchnorm: true\n")
    adapted = profiles.adapt(own, profile)
    assert (adapted.validation, adapted.patience, adapted.freeze_batchnorm) == (0.2, 3, True)
    told = profiles.changes([own], profile)["setting"]
    assert set(told) == {"validation", "patience", "batch normalisation"}


def test_a_network_on_pixels_keeps_its_size_and_gets_no_backbone(own_profile):
    profile = own_profile("about: mine\nimage_size: 112\nbackbone: mobilenetv2\n")
    adapted = profiles.adapt(recipes.get("gru-pixels"), profile)
    assert (adapted.size, adapted.backbone) == ((50, 50), None)


def test_results_of_other_videos_are_named_after_their_folder_and_what_decides(tmp_path):
    own = profiles.load("quick")
    assert profiles.run_name(own, own, fingerprint=lambda: "a") == "quick"
    split = profiles.replace(own, split=2)
    assert profiles.run_name(own, split, fingerprint=lambda: "a") == "quick"
    used = profiles.replace(own, dataset=str(tmp_path / "holiday"))
    name = profiles.run_name(own, used, fingerprint=lambda: "a")
    assert re.fullmatch(r"quick-holiday-[0-9a-f]{6}", name)
    assert profiles.run_name(own, used, fingerprint=lambda: "a") == name
    others = [
        (used, "b"),
        (profiles.replace(used, weights="imagenet"), "a"),
        (profiles.replace(used, backbone="inceptionv3"), "a"),
        (profiles.replace(used, image_size=32), "a"),
    ]
    names = {
        profiles.run_name(own, profile, fingerprint=lambda videos=videos: videos)
        for profile, videos in others
    }
    assert len(names | {name}) == 5


def test_the_working_folder_gives_its_name_to_results(tmp_path, monkeypatch):
    (tmp_path / "holiday").mkdir()
    monkeypatch.chdir(tmp_path / "holiday")
    used = profiles.replace(profiles.load("quick"), dataset=".")
    assert profiles.dataset_name(used) == "holiday"


def test_changes_stand_beside_the_original():
    table = profiles.changes([recipes.get("frame-vote")], profiles.load("quick"))
    epochs = table.set_index("setting").loc["epochs"]
    assert epochs["original"] == "225"
    assert int(epochs["here"]) < 225


def test_the_real_profile_changes_nothing_of_a_recipe():
    assert profiles.changes(map(recipes.get, recipes.names()), profiles.load("ucf101")).empty


def test_filters_climb_longer_in_larger_profiles():
    steps = [profiles.load(name).filters.steps for name in ("smoke", "quick", "full", "ucf101")]
    assert steps == sorted(set(steps))


def test_a_recipe_may_wait_longer_than_the_others(own_profile):
    own = own_profile("about: mine\npatience: 5\nrecipes:\n  mobilenet-gru: {patience: 15}\n")
    assert profiles.adapt(recipes.get("mobilenet-gru"), own).patience == 15
    assert profiles.adapt(recipes.get("cnn-lstm"), own).patience == 5
