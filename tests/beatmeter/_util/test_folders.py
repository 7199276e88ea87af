"""Users of whom the system knows no home."""

from __future__ import annotations

from pathlib import Path

import pytest

from beatmeter._util import folders
from beatmeter._util.fitted import DATA_VARIABLE, user_path


@pytest.fixture
def homeless(monkeypatch) -> None:
    """As for a user number that no passwd entry has, with HOME unset."""
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)


def test_without_a_home_nothing_is_kept_below_the_working_folder(homeless):
    assert folders.home() == Path("/")
    assert folders.data_folder() == Path("/.local/share/beatmeter")
    with pytest.raises(FileNotFoundError, match="set HOME or XDG_CACHE_HOME"):
        folders.cache_folder()


def test_named_folders_need_no_home(homeless, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folders.cache_folder() == folders.data_folder() == tmp_path / "beatmeter"


def test_the_home_of_a_stranger_stays_as_it_is_written():
    assert folders.expanded("~no-such-user/x") == Path("~no-such-user/x")
    assert folders.expanded("~") == folders.home()


@pytest.mark.parametrize(
    ("named", "meant"), [("data", "data"), ("../data", "../data"), ("/data", "/data")]
)
def test_a_named_data_folder_is_that_of_the_working_folder(monkeypatch, tmp_path, named, meant):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_VARIABLE, named)
    assert user_path("weights.toml") == tmp_path / meant / "weights.toml"
    monkeypatch.setenv(DATA_VARIABLE, "~/data")
    assert user_path("weights.toml") == folders.home() / "data" / "weights.toml"
