from __future__ import annotations

from pathlib import Path

import pytest

from beatmeter.corpora.reserved import Reserved, ReservedError, reserved


@pytest.fixture
def own() -> Reserved:
    return Reserved(
        works={"lieder/lc1.mxl": "Wolf, Hugo /   / Der Soldat"},
        seeds=range(900, 1000),
        soundfonts=("General_Bank",),
        styles=frozenset({"waltz"}),
    )


@pytest.mark.parametrize(
    "name",
    ["lieder/lc1.mxl", "/elsewhere/lc1.mxl", "lc1.musicxml", "lc1", "Wolf, Hugo / / Der  Soldat"],
)
def test_a_reserved_work_is_known_by_file_and_title(own: Reserved, name: str) -> None:
    assert own.has_work(name)
    assert not own.has_work("lieder/lc10.mxl")


@pytest.mark.parametrize("seed", [900, 999])
def test_reserved_seeds_are_refused(own: Reserved, seed: int) -> None:
    with pytest.raises(ReservedError, match="outside 900 to 999"):
        own.refuse_seed(seed)


def test_a_reserved_soundfont_is_refused_behind_a_link_too(own: Reserved, tmp_path: Path) -> None:
    bank = tmp_path / "General_Bank_Lite.sf3"
    bank.touch()
    link = tmp_path / "default.sf3"
    link.symlink_to(bank)
    for path in (bank, link):
        with pytest.raises(ReservedError, match="soundfont"):
            own.refuse_soundfont(path)


def test_the_project_reserves_the_butterworth_and_the_fixtures_sound() -> None:
    kept = reserved()
    assert kept.has_work("6 Songs from A Shropshire Lad") is False
    assert kept.has_work("openscore-lieder/lc6214845.mxl")
    assert kept.has_soundfont("sf_GMbank.sf2")
    assert not kept.has_soundfont("FluidR3_GM.sf2")
    assert 0 not in kept.seeds
