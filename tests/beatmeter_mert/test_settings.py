from __future__ import annotations

import shutil

import pytest

from beatmeter_mert import settings
from beatmeter_mert.errors import CheckpointError
from beatmeter_mert.settings import (
    CHECKPOINT_VARIABLE,
    MertSettings,
    find_checkpoint,
    load_settings,
)


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(CHECKPOINT_VARIABLE, raising=False)
    monkeypatch.setattr(settings, "EMBEDDED", tmp_path / "checkpoints")


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        folder = tmp_path / "config" / "beatmeter"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(text)

    return write_config


def test_everything_has_its_default_without_a_file():
    assert load_settings() == MertSettings(None, "auto", "auto", 512)


def test_the_file_is_in_the_users_config_folder(write):
    write('[mert]\ncheckpoint = "me/meter"\ndevice = "cpu"\ncache_mb = 0\n[other]\nx = 1\n')
    assert load_settings() == MertSettings("me/meter", "cpu", "auto", 0)


def test_without_a_config_home_it_is_under_the_home(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert settings.config_path() == tmp_path / ".config" / "beatmeter" / "config.toml"


@pytest.mark.parametrize(
    "text",
    [
        "[mert",
        "mert = 3",
        "[mert]\nchekpoint = 'a'",
        "[mert]\ncheckpoint = 3",
        "[mert]\ncache_mb = -1",
        "[mert]\ncache_mb = true",
        "a = " + 20_000 * "[",
    ],
)
def test_a_file_that_is_wrong_is_named(write, text):
    write(text)
    with pytest.raises(CheckpointError, match=r"config\.toml: "):
        load_settings()


def test_the_environment_comes_before_the_file_and_the_file_before_the_package(
    tiny_checkpoint, tmp_path, monkeypatch
):
    embedded, configured, named = (
        shutil.copytree(tiny_checkpoint, tmp_path / name)
        for name in ("checkpoints/small", "configured", "named")
    )
    assert find_checkpoint(MertSettings()) == str(embedded)
    assert find_checkpoint(MertSettings(checkpoint=str(configured))) == str(configured)
    monkeypatch.setenv(CHECKPOINT_VARIABLE, str(named))
    assert find_checkpoint(MertSettings(checkpoint=str(configured))) == str(named)


def test_a_home_and_a_repository_can_be_named(tiny_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(tiny_checkpoint, tmp_path / "mine")
    assert find_checkpoint(MertSettings(checkpoint="~/mine")) == str(tmp_path / "mine")
    assert find_checkpoint(MertSettings(checkpoint="me/meter")) == "me/meter"


def test_a_name_that_no_folder_can_have_is_one_line():
    with pytest.raises(CheckpointError, match="cannot be read"):
        find_checkpoint(MertSettings(checkpoint="x" * 300))


@pytest.mark.parametrize("name", [None, "no-such-folder", "/etc"])
def test_without_a_checkpoint_it_says_how_to_get_one(name):
    with pytest.raises(CheckpointError, match="beatmeter mert finetune"):
        find_checkpoint(MertSettings(checkpoint=name))
