"""What files, folders and globs stand for, and where reports of them belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from beatmeter._util.atomic import replacing
from beatmeter.audio.formats import AUDIO_SUFFIXES
from beatmeter.audio.inputs import Found, destinations, search
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
    assert paths("*.wav") == ["b.wav"]
    assert paths("**/*.opus") == ["sub/c.opus"]


def test_a_glob_matches_hidden_names_only_where_it_has_the_point_itself(library):
    (library / "._b.wav").touch()  # what macOS leaves beside a file on foreign disks
    assert paths("*.wav", "**/*.wav", "*/d.wav") == ["b.wav"]
    assert paths("._*", ".git/*.wav") == ["._b.wav", ".git/d.wav"]


def test_a_glob_does_not_lead_above_the_folder_of_its_wildcard(library):
    (problem,) = search(["*/../b.wav"]).problems
    assert str(problem) == "*/../b.wav: has '..' after a wildcard (allowed: before it)"
    assert paths("sub/../*.wav") == ["sub/../b.wav"]


def test_a_name_that_exists_is_no_glob(library):
    (library / "x[1].wav").touch()
    assert paths("x[1].wav") == ["x[1].wav"]


def test_each_file_comes_once_in_the_order_named(library):
    assert paths("sub", "b.wav", "sub/c.opus", "*.[Mm]*") == ["sub/c.opus", "b.wav", "a.MP3"]


def test_what_stands_for_nothing_is_a_problem_and_the_rest_is_found(library):
    wanted = search(["empty", "*.flac", "b.wav"])
    assert [str(problem) for problem in wanted.problems] == [
        f"empty: holds no audio ({', '.join(sorted(AUDIO_SUFFIXES))})",
        "*.flac: matches no file",
    ]
    assert [str(found.path) for found in wanted.found] == ["b.wav"]


def test_an_empty_name_is_not_the_working_folder(library):
    wanted = search([""])
    assert (wanted.found, wanted.batch) == ((), False)
    (problem,) = wanted.problems
    assert str(problem) == "'': is no name (allowed: a file, a folder or a glob)"


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


def test_recordings_behind_links_are_found_once(library):
    (library / "elsewhere").mkdir()
    (library / "elsewhere" / "e.flac").touch()
    (library / "sub" / "album").symlink_to(library / "elsewhere", target_is_directory=True)
    (library / "sub" / "same album").symlink_to("album", target_is_directory=True)
    assert paths("sub") == ["sub/c.opus", "sub/album/e.flac"]
    assert paths("sub/**/*.flac") == ["sub/album/e.flac"]
    assert paths(".") == ["a.MP3", "b.wav", "elsewhere/e.flac", "sub/c.opus"]


def test_circles_of_links_end_and_hide_nothing(library):
    (library / "sub" / "itself").symlink_to("itself")
    (library / "sub" / "up").symlink_to(library, target_is_directory=True)
    (library / "sub" / "one").mkdir()
    (library / "sub" / "one" / "two").symlink_to("../one", target_is_directory=True)
    (library / "sub" / "one" / "f.wav").touch()
    expected = ["sub/c.opus", "sub/one/f.wav", "sub/up/a.MP3", "sub/up/b.wav"]
    assert paths("sub") == expected
    assert paths("sub/**/*.[wom]*", "sub/**/*.MP3") == [
        "sub/c.opus", "sub/one/f.wav", "sub/up/b.wav", "sub/up/a.MP3",
    ]  # fmt: skip


def test_a_folder_that_may_not_be_read_is_named_and_the_rest_is_found(library, monkeypatch):
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "sub":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    for name in (".", "**/*.*"):
        wanted = search([name])
        assert [str(problem) for problem in wanted.problems] == [
            "sub: cannot be read (Permission denied)"
        ]
        assert Path("b.wav") in [found.path for found in wanted.found]
    assert [str(problem) for problem in search(["sub"]).problems] == [
        "sub: cannot be read (Permission denied)"
    ]


def test_a_folder_that_may_not_be_entered_is_named_and_the_rest_is_found(library, monkeypatch):
    status = Path.stat

    def refuse(path, **options):
        if path == Path("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return status(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    wanted = search(["."])
    assert [str(problem) for problem in wanted.problems] == [
        "sub: cannot be read (Permission denied)"
    ]
    assert Path("b.wav") in [found.path for found in wanted.found]


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


@pytest.mark.parametrize("letter", ["n", "\u00e4", "\U0001d11e", "\udcff"])
def test_a_name_too_long_for_its_report_is_cut_and_stays_its_own(tmp_path, letter):
    long = letter * (251 // len(os.fsencode(letter)))
    found = [Found(Path(name), Path("album", name)) for name in (f"{long}.wav", f"{long}.ogg")]
    reports = destinations(found, tmp_path, ".json")
    assert len(set(reports)) == 2
    assert reports == destinations(found, tmp_path, ".json")
    for report in reports:
        with replacing(report) as partial:
            partial.touch()
        assert report.parent == tmp_path / "album"
        assert report.name.startswith(letter * 50)
        assert report.suffix == ".json"
