import pytest

from beatmeter_mert.training.ablation.studies import read_study, study_names
from beatmeter_mert.training.settings import SettingsError

GIVEN = {"data_dir": "data", "extra_data": ["more"]}


def test_there_are_seven_studies_of_which_no_two_variants_agree():
    assert study_names() == ["crop", "extra-data", "inputs", "lora", "pooling", "rank", "smoothing"]
    for study in study_names():
        assert len(read_study(study, GIVEN)) >= 2


@pytest.mark.parametrize(
    ("study", "name", "values"),
    [
        ("smoothing", "label_smooth", [0.0, 0.02, 0.05, 0.1, 0.2]),
        ("rank", "lora_rank", [4, 8, 16, 32]),
        ("lora", "lora", [False, True]),
        ("crop", "random_crop", [False, True]),
    ],
)
def test_variants_differ_in_what_is_studied_alone(study, name, values):
    variants = read_study(study, GIVEN)
    assert [getattr(variant.settings, name) for variant in variants] == values
    differing = {
        key
        for variant in variants
        for key, value in vars(variant.settings).items()
        if value != getattr(variants[0].settings, key)
    }
    assert differing - {"lora_alpha"} == {name}


def test_without_extra_data_there_is_nothing_to_compare():
    with pytest.raises(SettingsError, match="with and without are the same"):
        read_study("extra-data", {"data_dir": "data"})


def test_what_is_given_wins_over_the_default_and_a_variant_over_that():
    variants = read_study("rank", {"max_layer": 2, "lora_rank": 1})
    assert {variant.settings.max_layer for variant in variants} == {2}
    assert variants[0].settings.lora_rank == 4


def test_a_folder_that_is_called_like_a_study_does_not_hide_it(tmp_path, monkeypatch):
    (tmp_path / "rank").mkdir()
    (tmp_path / "rank" / "one.toml").write_text("epochs = 1\n")
    monkeypatch.chdir(tmp_path)
    assert len(read_study("rank")) == 4
    assert len(read_study("./rank")) == 1


def test_a_study_of_ones_own(tmp_path):
    (tmp_path / "one.toml").write_text("epochs = 1\n")
    (variant,) = read_study(str(tmp_path))
    assert (variant.name, variant.settings.epochs) == ("one", 1)
    with pytest.raises(SettingsError, match="allowed: crop"):
        read_study("sizes")
