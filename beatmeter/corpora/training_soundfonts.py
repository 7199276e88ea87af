"""The soundfonts of this machine that training may hear."""

from __future__ import annotations

from pathlib import Path

from beatmeter.corpora.reserved import reserved
from beatmeter.corpora.soundfonts import find_soundfonts
from beatmeter.errors import DatasetError


def training_soundfonts() -> tuple[Path, ...]:
    """List the soundfonts of the system that are not kept for the fixtures.

    Raises
    ------
    DatasetError
        If there is none.
    """
    found = tuple(
        soundfont.path
        for soundfont in find_soundfonts()
        if not reserved().has_soundfont(soundfont.path)
    )
    if not found:
        raise DatasetError("soundfonts: none found in the system (allowed: name one)")
    return found
