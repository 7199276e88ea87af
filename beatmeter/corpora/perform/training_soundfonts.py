"""The soundfonts that corpora are played on unless the user names others."""

from __future__ import annotations

from pathlib import Path

from beatmeter._util.folders import cache_folder
from beatmeter.corpora.perform.soundfonts import SYNTHETIC, find_soundfonts
from beatmeter.corpora.perform.synthetic_soundfont import write_synthetic_soundfont
from beatmeter.corpora.reserved import reserved

_SEEDS = range(4)
"""Of the soundfonts that are made up where the system has none."""


def training_soundfonts() -> tuple[Path, ...]:
    """List the soundfonts of the system that are not kept for the fixtures, else made-up ones."""
    found = tuple(
        soundfont.path
        for soundfont in find_soundfonts()
        if not reserved().has_soundfont(soundfont.path)
    )
    return found or _made_up()


def _made_up() -> tuple[Path, ...]:
    folder = cache_folder() / "soundfonts"
    paths = tuple(folder / f"{SYNTHETIC}-{seed}.sf2" for seed in _SEEDS)
    for seed, path in zip(_SEEDS, paths, strict=True):
        write_synthetic_soundfont(path, seed)
    return paths
