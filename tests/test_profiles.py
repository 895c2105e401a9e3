import pytest

from vidlab import recipes
from vidlab.course import adapting, profiles
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
    assert profiles.names() == ["full", "own", "quick", "smoke", "ucf101"]


@pytest.mark.parametrize("name", profiles.names())
def test_every_shipped_profile_fits_every_recipe(name):
    profile = profiles.load(name)
    for recipe in map(recipes.get, recipes.names()):
        if recipe.name in profile.left_out:
            with pytest.raises(ProfileError, match=profile.left_out[recipe.name]):
                adapting.adapt(recipe, profile)
        else:
            assert len(adapting.adapt(recipe, profile).phases) == len(recipe.phases)


def test_profiles_are_those_of_the_home_the_shipped_ones_and_any_file(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDLAB_HOME", str(tmp_path))
    (tmp_path / "nbconfig").mkdir()
    for name in ("mine", "quick"):
        (tmp_path / "nbconfig" / f"{name}.yaml").write_text("about: of the home\n")
    assert profiles.names() == ["full", "mine", "own", "quick", "smoke", "ucf101"]
    assert profiles.load("mine").about == profiles.load("quick").about == "of the home"
    assert profiles.load("smoke").about != "of the home"
    path = tmp_path / "other.yaml"
    path.write_text("about: mine\nimage_size: 64\n")
    assert (profiles.load(str(path)).name, profiles.find(str(path))) == ("other", path)
    for unknown in ("slow", str(tmp_path / "slow.yaml")):
        with pytest.raises(ProfileError, match=r"full, mine, own, quick, smoke.*slow\.yaml"):
            profiles.load(unknown)


def test_a_profile_may_begin_with_the_settings_of_another(own_profile, tmp_path):
    (tmp_path / "other.yaml").write_text(
        "about: other\npatience: 7\nimage_size: 64\nfolders: own\n"
        "recipes: {frame-vote: {epochs: [3]}, cnn-lstm: {epochs: [4]}}\n"
    )
    text = "base: other\nabout: mine\nimage_size: 96\nrecipes: {frame-vote: {epochs: [5]}}\n"
    profile = own_profile(text)
    assert (profile.name, profile.about, profile.patience) == ("mine", "mine", 7)
    assert (profile.image_size, profile.folders) == (96, "")
    epochs = {name: change.epochs for name, change in profile.recipes.items()}
    assert epochs == {"frame-vote": [5], "cnn-lstm": [4]}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("epoch: 3", "epoch"),
        ("split: 4", "split"),
        ("validation: 1.5", "validation"),
        ("recipes: {frame-vote: {epochs: [0]}}", "recipes.frame-vote.epochs.0"),
        ("recipes: {frame-vote: {dropout: [0.1]}}", "recipes.frame-vote.dropout"),
        ("filters: {steps: 60, total: 3600}", "filters.total"),
        *(
            (f'sampling: "{text}"', "sampling: .*Expected a sampler.*Samplers: .*Uniform")
            for text in ("Uniform", "Random(3)", "Uniform(x)", "__import__('os')")
        ),
    ],
)
def test_an_unfit_setting_is_named_with_its_file(own_profile, line, key):
    with pytest.raises(ProfileError, match=rf"mine\.yaml.*{key}"):
        own_profile(f"about: mine\n{line}\n")


def test_a_profile_replaces_size_backbone_weights_and_samplers_where_they_apply(own_profile):
    profile = own_profile(
        "about: mine\nbackbone: mobilenetv2\nimage_size: 64\nsampling: Segments(3)\n"
        "weights: pantomime\ntest: Uniform(6)\nclip_sampling: Segments(9)\nclip_test: Uniform(9)\n"
    )
    names = ("frame-vote", "convgru-fixed", "gru-pixels")
    frames, clips, pixels = (adapting.adapt(recipes.get(name), profile) for name in names)
    assert (frames.backbone, frames.size) == ("mobilenetv2", (64, 64))
    assert (frames.train_sampling, frames.test_sampling) == (Segments(3), Uniform(6))
    assert (clips.train_sampling, clips.test_sampling) == (Segments(9), Uniform(9))
    assert (pixels.backbone, pixels.size) == (None, (50, 50))
    assert adapting.adapt(recipes.get("frame-pretrained"), profile).weights == "pantomime"
    assert adapting.adapt(recipes.get("frame-scratch"), profile).weights is None


def test_one_recipe_may_have_settings_of_its_own(own_profile):
    profile = own_profile(
        "about: mine\nimage_size: 64\nbackbone: mobilenetv2\nsampling: Segments(3)\npatience: 5\n"
        "recipes: {frame-pretrained: {size: 48, backbone: inceptionv3, weights: pantomime,\n"
        "  sampling: Uniform(2), test: Uniform(7), augment: false, patience: 15}}\n"
    )
    recipe = adapting.adapt(recipes.get("frame-pretrained"), profile)
    assert (recipe.size, recipe.backbone, recipe.weights) == ((48, 48), "inceptionv3", "pantomime")
    assert (recipe.train_sampling, recipe.test_sampling) == (Uniform(2), Uniform(7))
    assert (recipe.augment, recipe.patience) == (None, 15)
    other = adapting.adapt(recipes.get("frame-scratch"), profile)
    assert other.augment is not None
    assert other.patience == 5


def test_training_settings_of_a_profile_replace_the_literatures_where_given(own_profile):
    own = recipes.get("frame-vote")
    assert adapting.adapt(own, own_profile("about: mine\n")) == own
    profile = own_profile("about: mine\nvalidation: 0.2\npatience: 3\nfreeze_batchnorm: true\n")
    adapted = adapting.adapt(own, profile)
    assert (adapted.validation, adapted.patience, adapted.freeze_batchnorm) == (0.2, 3, True)
    changed = set(adapting.changes([own], profile)["setting"])
    assert changed == {"validation", "patience", "batch normalisation"}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("recipes: {frame-vote: {epochs: [1, 2]}}", r"1 value.*epochs for frame-vote.*\[1, 2\]"),
        (
            "recipes: {frame-vote: {options: {wings: 2}}}",
            r"mine: Expected options of frame_vote: .*wings",
        ),
    ],
)
def test_what_a_recipe_does_not_have_is_refused(own_profile, line, told):
    profile = own_profile(f"about: mine\n{line}\n")
    with pytest.raises(ProfileError, match=told):
        adapting.adapt(recipes.get("frame-vote"), profile)


def test_options_go_to_recipes_that_have_them(own_profile):
    profile = own_profile(
        "about: mine\noptions: {units: 32, momentum: 0.9}\n"
        "recipes: {convgru-fixed: {options: {units: 8}}}\n"
    )
    adapted = {name: adapting.adapt(recipes.get(name), profile) for name in recipes.names()}
    assert adapted["convgru-fixed"].options == {"units": 8, "momentum": 0.9}
    assert adapted["frame-vote"].options == {"units": 32}
    assert adapted["lstm-pixels"].options == {"cell": "lstm", "units": 32}
    assert adapted["inception-single"].options == {"momentum": 0.9}


def test_changes_stand_beside_the_original(own_profile):
    profile = own_profile(
        "about: mine\npatience: 3\nrecipes: {convgru-fixed: {optimizer: [adam]}}\n"
    )
    chosen = [recipes.get(name) for name in ("convgru-fixed", "frame-vote")]
    table = adapting.changes(chosen, profile).set_index(["recipe", "setting"])
    assert table.loc["convgru-fixed", "optimizer"].tolist() == ["sgd", "adam"]
    assert table.loc["frame-vote", "patience"]["here"] == "3 epoch(s)"


def test_the_profile_of_the_real_dataset_changes_no_recipe():
    published = profiles.load("ucf101")
    assert adapting.changes(map(recipes.get, recipes.names()), published).empty
