"""What files, folders and globs stand for, and where reports of them belong."""

from __future__ import annotations

from pathlib import Path

import pytest

from beatmeter.audio.inputs import destinations, search
from beatmeter.errors import ReportError


@pytest.fixture
def library(tmp_path, monkeypatch) -> Path:
    for name in ("b.wav", "a.MP3", "notes.txt", ".hidden.wav", "sub/c.opus", ".git/d.wav"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*names: str) -> list[str]:
    return [str(found.path) for found in search(names).found]


def test_a_folder_is_searched_in_depth_for_audio_that_is_not_hidden(library):
    assert paths(str(library)) == [str(library / n) for n in ("a.MP3", "b.wav", "sub/c.opus")]


def test_a_named_file_is_taken_whatever_its_suffix_and_whether_it_is_there(library):
    assert paths("notes.txt", "missing.wav") == ["notes.txt", "missing.wav"]


def test_globs(library):
    assert paths("*.wav") == [".hidden.wav", "b.wav"]
    assert paths("**/*.opus") == ["sub/c.opus"]


def test_a_name_that_exists_is_no_glob(library):
    (library / "x[1].wav").touch()
    assert paths("x[1].wav") == ["x[1].wav"]


def test_each_file_comes_once_in_the_order_named(library):
    assert paths("sub", "b.wav", "sub/c.opus", "*.wav") == ["sub/c.opus", "b.wav", ".hidden.wav"]


def test_what_stands_for_nothing_is_a_problem_and_the_rest_is_found(library):
    wanted = search(["empty", "*.flac", "b.wav"])
    assert [str(problem) for problem in wanted.problems] == [
        "empty: holds no audio (.aac, .aif, .aiff, .flac, .m4a, .mka, .mkv, .mp3, .mp4, .oga, "
        ".ogg, .opus, .wav, .webm, .wma)",
        "*.flac: matches no file",
    ]
    assert [str(found.path) for found in wanted.found] == ["b.wav"]


@pytest.mark.parametrize(
    ("names", "batch"),
    [
        (["b.wav"], False),
        (["missing.wav"], False),
        (["empty"], False),
        (["*.flac"], False),
        (["sub"], True),
        (["sub/*"], True),
        (["b.wav", "b.wav"], True),
    ],
)
def test_only_one_named_file_is_no_batch(library, names, batch):
    assert search(names).batch is batch


def test_a_link_in_a_circle_ends(library):
    (library / "sub" / "up").symlink_to(library, target_is_directory=True)
    assert paths("sub") == ["sub/c.opus"]


def test_reports_mirror_the_folders(library):
    for name in (str(library), "**/*.opus", "sub/../sub/c.opus"):
        found = [f for f in search([name]).found if f.path.name == "c.opus"]
        place = "c.opus.json" if name.endswith("/c.opus") else "sub/c.opus.json"
        assert destinations(found, "out", ".json") == [Path("out", place)]


def test_two_recordings_never_share_a_report(library):
    (library / "c.opus").touch()
    found = search(["c.opus", "sub/c.opus"]).found
    with pytest.raises(ReportError, match=r"c\.opus\.json: would hold both"):
        destinations(found, "out", ".json")
