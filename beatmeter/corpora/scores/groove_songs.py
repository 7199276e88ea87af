"""Songs for a groove: a tempo that suits its style, and chords, in the language of mma."""

from __future__ import annotations

import math
import re

import numpy as np

from beatmeter.corpora.random import between, happens, pick
from beatmeter.corpora.scores.groove_library import Groove

_PROGRESSIONS = tuple(
    tuple(progression.split())
    for progression in (
        "I IV I V",
        "I V vi IV",
        "vi IV I V",
        "I vi IV V",
        "I vi ii V",
        "ii V I I",
        "ii V I vi",
        "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
        "I7 IV7 I7 I7 IV7 IV7 I7 I7 ii7 V7 I7,vi7 ii7,V7",
        "i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 V7",
        "I,vi ii,V I,vi ii,V I,I7 IV,iv I,V I",
        "I I IV IV V V I I",
        "I I I V V V V I",
        "i bVII bVI V",
        "i iv V i",
        "i i iv iv V7 V7 i i",
        "I bVII IV I",
        "I iii IV V",
        "IM7 vi7 ii7 V7",
        "ii7 V7 IM7 IM7 vi7 ii7 V7 IM7",
        "i7 i7 i7 i7 bVII7 bVII7 i7 i7",
        "I I ii ii V V I I",
        "I IV,V I IV,V",
        "I,V vi,iii IV,I IV,V",
        "I I7 IV iv I V I V",
        "vi ii V I",
    )
)
"""Chords by their degree, a bar each, or half a bar where two are joined by a comma."""
_CHORD = re.compile(r"(b?)([iv]+)(.*)", re.IGNORECASE)
_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_ROOTS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

_COMPOUND_TEMPO = 40.0, 90.0
_MARCH_TEMPO = 85.0, 125.0
"""Dotted quarters a minute in 6/8, the slowest and the fastest."""
_TEMPI: tuple[tuple[int, str, tuple[float, float]], ...] = (
    (3, "fast|vien|french", (150.0, 215.0)),
    (3, "slow", (65.0, 110.0)),
    (3, "", (80.0, 190.0)),
    (0, "128|12/8", (44.0, 125.0)),
    (0, "slow|ballad|lullab|hymn|spiritual|bald", (52.0, 100.0)),
    (0, "fast|bebop|march|polka|quick|samba|punk|dnb|bluegrass|charleston", (120.0, 250.0)),
    (0, "dixie|ragtime|boog|bogg|gypsy|foxtrot|broadway|swing|jive", (120.0, 250.0)),
    (0, "salsa|mambo|merengue|calypso|son|zydeco|jazz", (100.0, 220.0)),
    (0, "hiphop|reggae|rnb|rb|soul|trip", (65.0, 120.0)),
    (0, "", (75.0, 165.0)),
)
"""Beats a bar (0: any), words in the name of a style, beats a minute; the first that fits."""
_SONG_S = 80.0
"""Least duration: long enough for clips of a minute, begun anywhere."""
_INTRODUCED = 0.25
_WITH_BRIDGE = 0.6
"""Shares of the songs that have an introduction, and a second progression."""
_SECTIONS = 4, 8
"""Bars after which a fill may be played."""
_SLOW_CHANGES = 0.2
"""Share of the songs whose chords stay twice as long."""


def song(rng: np.random.Generator, groove: Groove) -> str:
    """Draw a song, in the language of mma: tempo, chords, perhaps an introduction and fills."""
    tempo = _tempo(rng, groove)
    lines = [f"Tempo {tempo:.1f}", f"RndSeed {int(rng.integers(1_000_000))}"]
    chords: list[str] = []
    key = int(rng.integers(len(_ROOTS)))
    verse, bridge = pick(rng, _PROGRESSIONS), pick(rng, _PROGRESSIONS)
    form = (*verse, *verse, *bridge, *verse) if happens(rng, _WITH_BRIDGE) else verse
    stay = 2 if happens(rng, _SLOW_CHANGES) else 1
    bars = math.ceil(_SONG_S * tempo / 60 / groove.bar_beats)
    while len(chords) < bars:
        chords.extend(_bar(chord, key, groove.bar_beats) for chord in form for _ in range(stay))
    if groove.introductions and happens(rng, _INTRODUCED):
        lines.append(f"Groove {pick(rng, groove.introductions)}")
        lines.extend(_bar(chord, key, groove.bar_beats) for chord in ("I", "vi", "ii", "V"))
    lines.append(f"Groove {groove.name}")
    section = pick(rng, (len(chords), *_SECTIONS)) if groove.fills else len(chords)
    for number, chord in enumerate(chords, start=1):
        if number % section:
            lines.append(chord)
        else:
            lines += [f"Groove {pick(rng, groove.fills)}"] if groove.fills else []
            lines += [chord, f"Groove {groove.name}"]
    return "\n".join(lines) + "\n"


def _tempo(rng: np.random.Generator, groove: Groove) -> float:
    """Beats a minute, as mma counts beats."""
    words = f"{groove.name} {groove.style} {groove.description}".casefold()
    if groove.time_signature == "6/8":
        dotted = between(rng, *(_MARCH_TEMPO if "march" in words else _COMPOUND_TEMPO))
        return dotted * groove.bar_beats / 2
    slowest, fastest = next(
        tempi
        for beats, style, tempi in _TEMPI
        if beats in (0, groove.bar_beats) and re.search(style, words)
    )
    return math.exp(between(rng, math.log(slowest), math.log(fastest)))


def _bar(chords: str, key: int, beats: int) -> str:
    """A line of mma: one chord a bar, or two."""
    first, *second = (_chord(chord, key) for chord in chords.split(","))
    if not second:
        return first
    half = (beats + 1) // 2
    return " ".join([first, *["/"] * (half - 1), *second, *["/"] * (beats - half - 1)])


def _chord(symbol: str, key: int) -> str:
    found = _CHORD.fullmatch(symbol)
    assert found is not None
    flat, degree, suffix = found.groups()
    root = _ROOTS[(key + _DEGREES[degree.casefold()] - bool(flat)) % len(_ROOTS)]
    return root + "m" * degree.islower() + suffix
