from __future__ import annotations

from pathlib import Path

import pytest

from beatmeter.corpora.perform import soundfonts
from beatmeter.corpora.perform.soundfonts import (
    SYNTHETIC,
    find_soundfonts,
    open_soundfont,
    training_soundfonts,
)
from beatmeter.errors import DatasetError


def test_a_file_is_found_once_however_many_links_lead_to_it(tmp_path: Path):
    (tmp_path / "FluidR3_GM.sf2").write_bytes(b"")
    (tmp_path / "default-GM.sf2").symlink_to("FluidR3_GM.sf2")
    (tmp_path / "readme.txt").write_text("not sound")
    found = find_soundfonts([tmp_path, tmp_path / "absent"])
    assert [(font.name, font.material, font.licence) for font in found] == [
        ("FluidR3_GM", "fluid", "MIT")
    ]


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("MuseScore_General_Full.sf3", "FluidR3Mono_GM.sf3", True),
        ("TimGM6mb.sf2", "sf_GMbank.sf2", True),
        ("OPL-3_FM_128M.sf2", "FluidR3_GM.sf2", False),
        ("mine.sf2", "yours.sf2", False),
    ],
)
def test_kin_share_their_material(tmp_path: Path, first: str, second: str, alike: bool):
    for name in (first, second):
        (tmp_path / name).write_bytes(b"")
    materials = {font.material for font in find_soundfonts([tmp_path])}
    assert (len(materials) == 1) == alike


def test_only_soundfonts_are_opened(tmp_path: Path):
    song = tmp_path / "song.sf2"
    song.write_bytes(b"MThd and some more bytes")
    with pytest.raises(DatasetError, match="not a soundfont"):
        open_soundfont(song)
    with pytest.raises(DatasetError, match=r"absent.sf2: cannot be read"):
        open_soundfont(tmp_path / "absent.sf2")


def test_where_the_system_has_none_they_are_made_up(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(soundfonts, "system_folders", lambda: (shared,))
    monkeypatch.setattr(soundfonts, "_MADE_UP_SEEDS", range(2))  # each takes a second to make
    made = training_soundfonts()
    assert len(made) > 1
    assert {open_soundfont(path).material for path in made} == {SYNTHETIC}
    assert len({path.read_bytes() for path in made}) == len(made)
    dates = [path.stat().st_mtime_ns for path in made]
    assert training_soundfonts() == made
    assert [path.stat().st_mtime_ns for path in made] == dates  # kept, not made again
    (shared / "FluidR3_GM.sf2").touch()
    assert training_soundfonts() == (shared / "FluidR3_GM.sf2",)
