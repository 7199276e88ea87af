"""Files are there whole or not at all."""

from __future__ import annotations

import pytest

from beatmeter._util.atomic import longest_name, replacing, require_writable


def test_the_old_content_stays_until_the_new_is_whole(tmp_path):
    path = tmp_path / "new" / "file"
    with replacing(path) as partial:
        partial.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_failure_leaves_nothing_behind(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / ("n" * longest_name(tmp_path))
    with replacing(path) as one, replacing(path) as other:
        one.write_text("one")
        other.write_text("other")
        assert one != other
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("n" * 256, "File name too long"),
        ("folder", "Is a directory"),
        ("file/report", "Not a directory"),
        ("file/folder/report", "Not a directory"),
        ("dangling/report", "Not a directory"),
    ],
)
def test_what_cannot_be_written_is_known_before(tmp_path, name, error):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=error):
        require_writable(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError) as refused:
        require_writable(tmp_path / "new" / "report")
    assert refused.value.filename == str(tmp_path)


def test_what_can_be_written_passes_and_nothing_is_made(tmp_path):
    require_writable(tmp_path / "new" / "folder" / ("n" * longest_name(tmp_path)))
    assert list(tmp_path.iterdir()) == []
