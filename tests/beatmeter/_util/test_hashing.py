import os

from beatmeter._util.hashing import files_below, hash_files, hash_named


def test_a_hash_holds_names_contents_and_seed(tmp_path):
    (tmp_path / "a.py").write_text("one")
    first = hash_files(tmp_path, [tmp_path / "a.py"])
    assert hash_files(tmp_path, [tmp_path / "a.py"], seed="s") != first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert hash_files(tmp_path, [tmp_path / "b.py"]) != first
    (tmp_path / "a.py").write_text("two")
    assert hash_files(tmp_path, [tmp_path / "a.py"]) != first


def test_files_are_found_by_name_and_by_suffix(tmp_path):
    for name in ("sub/z.py", "sub/deep/a.py", "sub/note.txt", "top.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = files_below([tmp_path / "sub", tmp_path / "top.txt"], ".py")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "sub/deep/a.py",
        "sub/z.py",
        "top.txt",
    ]


def test_named_files_are_read_again_when_one_changed(tmp_path):
    path, names = tmp_path / "weights.bin", ("weights.bin", "sub/more.bin")
    path.write_bytes(b"one")
    first = hash_named(tmp_path, names)
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    second = hash_named(tmp_path, names)
    assert second != first
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.bin").touch()
    assert hash_named(tmp_path, names) not in (first, second)
    assert hash_named(tmp_path, names) == hash_named(tmp_path, names[::-1])
