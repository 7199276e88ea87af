"""Listing recordings and keeping parts, in local folders and behind addresses."""

from __future__ import annotations

import json
import os

import pytest

from beatmeter.archive.rows import Failed, read_rows
from beatmeter.archive.schema import failed_row, identity
from beatmeter.archive.store import Store, list_recordings, part_name
from beatmeter.errors import ArchiveError

fsspec = pytest.importorskip("fsspec", reason="fsspec comes with the extra 'ray'")
pytest.importorskip("pyarrow", reason="pyarrow comes with the extra 'ray'")


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    """A folder that is not there yet, with a name that a glob misreads, and an address."""
    if request.param == "memory":
        return f"memory://{tmp_path.name}/out"
    return str(tmp_path / "out[1]")


def rows(*paths: str) -> list[dict[str, object]]:
    return [failed_row(path, "lost") for path in paths]


def test_what_a_part_holds_is_known_again(place):
    store = Store(place)
    store.prepare()
    assert store.ids() == set()
    store.write(part_name(["a", "b"]), rows("a", "b"), lines=False)
    store.write(part_name(["c"]), rows("c"), lines=True)
    assert store.ids() == {identity("a"), identity("b"), identity("c")}


def test_a_part_that_is_written_again_replaces_itself(place):
    store = Store(place)
    store.prepare()
    for _ in range(2):
        store.write(part_name(["a", "b"]), rows("a", "b"), lines=False)
    files, root = fsspec.core.url_to_fs(place)
    assert len(files.find(root)) == 1


def test_parts_of_other_recordings_have_other_names():
    names = [part_name(paths) for paths in ([], ["a"], ["a", "b"], ["b", "a"], ["ab"])]
    assert len(set(names)) == len(names)


def test_lines_lie_beside_the_part_and_are_not_summed_twice(tmp_path):
    store = Store(str(tmp_path))
    store.write("part-1", rows("a"), lines=True)
    assert json.loads((tmp_path / "part-1.jsonl").read_text()) == {"path": "a", "failure": "lost"}
    assert list(read_rows(tmp_path)) == [Failed("a", "lost")]


def test_a_broken_part_is_named_before_anything_is_done(tmp_path):
    (tmp_path / "part-0.parquet").write_bytes(b"half a par")
    with pytest.raises(ArchiveError, match=r"part-0\.parquet: is no part of an archive"):
        Store(str(tmp_path)).ids()


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ArchiveError, match="cannot be written to"):
        Store(str(tmp_path)).prepare()


def test_an_output_below_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="cannot be written to"):
        Store(str(tmp_path / "file" / "out")).prepare()


@pytest.mark.parametrize("address", ["nosuch://a", "nosuch://a\nb"])
def test_an_unknown_address_is_one_line(address):
    left, total, problems = list_recordings([address], set())
    assert (left, total, len(problems)) == ([], 0, 1)
    assert "\n" not in problems[0]


def test_recordings_behind_an_address_are_found_in_depth():
    files = fsspec.filesystem("memory")
    for name in ("b.FLAC", "in/a.mp3", ".hidden/a.mp3", "in/.b.mp3", "notes.txt"):
        files.pipe_file(f"/found/{name}", b"x")
    assert list_recordings(["memory://found"], set())[0] == [
        "memory:///found/b.FLAC",
        "memory:///found/in/a.mp3",
    ]
    assert list_recordings(["memory://found/*.FLAC"], set())[0] == ["memory:///found/b.FLAC"]
    assert list_recordings(["memory://found/notes.txt"], set())[0] == ["memory://found/notes.txt"]
    assert list_recordings(["memory://nothing"], set())[2] == [
        "memory://nothing: holds no audio (" + ", ".join(sorted(suffixes())) + ")"
    ]


def suffixes() -> frozenset[str]:
    from beatmeter.audio.formats import AUDIO_SUFFIXES

    return frozenset(AUDIO_SUFFIXES)


def test_known_recordings_are_left_out_and_each_comes_once(tmp_path):
    for name in ("a.wav", "b.wav", "c.wav"):
        (tmp_path / name).touch()
    names = [str(tmp_path), str(tmp_path / "a.wav"), str(tmp_path / "nothing*.wav")]
    left, total, problems = list_recordings(names, {identity(str(tmp_path / "b.wav"))})
    assert left == [str(tmp_path / "a.wav"), str(tmp_path / "c.wav")]
    assert total == 3
    assert problems == [f"{tmp_path / 'nothing*.wav'}: matches no file"]


def test_a_name_that_is_no_text_is_listed_and_written(tmp_path):
    name = os.fsdecode(bytes(tmp_path) + b"/a\xff\n.wav")
    with open(name, "wb"):  # noqa: PTH123
        pass
    (path,), _, _ = list_recordings([str(tmp_path)], set())
    assert path == name
    store = Store(str(tmp_path / "out"))
    store.prepare()
    store.write(part_name([path]), [failed_row(path, f"{path}: lost")], lines=True)
    assert store.ids() == {identity(path)}
    (row,) = read_rows(tmp_path / "out")
    assert row.path == f"{tmp_path}/a\\udcff\\n.wav"
