"""Rhythm sections in the styles of Musical MIDI Accompaniment, made into a folder of scores.

The program ``mma`` (https://www.mellowood.ca/mma/) comes with a library of *grooves*: what drums,
bass, chords and more play in a style, in bars of a known time signature. Here each plays chords
that are drawn, at a tempo that suits the style.
"""

from __future__ import annotations

import hashlib
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from beatmeter._util.atomic import replacing
from beatmeter._util.progress import say_nothing
from beatmeter.corpora.random import between, happens, pick
from beatmeter.corpora.scores.index import counts, write_index
from beatmeter.errors import DatasetError

SOURCE = "accompaniments"
PROGRAM = "mma"
LICENCE = "generated; the grooves are GPL-2.0-or-later"

_TIME = re.compile(r"time\s+(\d+)(?:\s*/\s*(\d+))?", re.IGNORECASE)
_SIGNATURE = re.compile(r"timesig\s+(\d+)\s*/?\s*(\d+)", re.IGNORECASE)
_GROOVE = re.compile(r"defgroove\s+(\S+)\s*(.*)", re.IGNORECASE)
_FILL = re.compile("fill", re.IGNORECASE)
_INTRODUCTION = re.compile("intro", re.IGNORECASE)
_NOT_PLAYED = re.compile(
    r"intro|end(ing)?\d*$|fill|metronome|break|tag|count|-?44$|none", re.IGNORECASE
)
"""Grooves that are no accompaniment of a verse: introductions, endings, fills, clicks."""
_VARIATION = re.compile(r"(sus|plus|\d)+$", re.IGNORECASE)

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
_INTRODUCED = 0.25
_SLOW_CHANGES = 0.2
"""Share of the songs whose chords stay twice as long."""
_COMMON = "4/4"
_MORE = 3
"""Songs in a rarer time signature than 4/4, for each one in 4/4 by a groove."""
_SONG_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Groove:
    """What a band plays in a style.

    Attributes
    ----------
    style : str
        File of the library that defines it, without suffix, and its folder: ``stdlib/waltz``.
    description : str
        Words of the library on it, to choose a tempo by.
    bar_beats : int
        Beats of a bar as mma counts them.
    fills, introductions : tuple of str
        Grooves of the same style to play before a section or the song.
    """

    style: str
    name: str
    description: str
    time_signature: str
    bar_beats: int
    fills: tuple[str, ...]
    introductions: tuple[str, ...]

    @property
    def quarters_a_beat(self) -> Fraction:
        """Quarter notes, by the time signature, of one beat of mma."""
        upper, lower = map(int, self.time_signature.split("/"))
        return Fraction(4 * upper, lower * self.bar_beats)


def list_grooves(library: Path) -> list[Groove]:
    """The grooves of mma's library, each folder of files after the other.

    Introductions, fills, endings and metronomes are left out, and grooves whose bars are none of
    the six meters.
    """
    grooves = [groove for path in sorted(library.glob("*/*.mma")) for groove in _grooves_of(path)]
    if not grooves:
        raise DatasetError(f"library: no groove in {library} (allowed: the folder lib of mma)")
    return grooves


def _grooves_of(path: Path) -> Iterator[Groove]:
    defined = list(_definitions(path))
    for name, description, beats, signature in defined:
        if beats and counts(signature) and not _NOT_PLAYED.search(name):
            stem = _VARIATION.sub("", name).casefold()
            near = [other for other, *_ in defined if other.casefold().startswith(stem)]
            yield Groove(
                f"{path.parent.name}/{path.stem.casefold()}",
                name,
                description,
                signature,
                beats,
                tuple(filter(_FILL.search, near)),
                tuple(filter(_INTRODUCTION.search, near)),
            )


def _definitions(path: Path) -> Iterator[tuple[str, str, int, str]]:
    """Name and description of every groove, beats of its bars, and their time signature.

    Where the signature is in quarters, the beats decide: a waltz of the library says 4/4.
    """
    beats, signature = 0, ""
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        line = text.partition("//")[0].strip()
        if found := _SIGNATURE.match(line):
            signature = f"{found[1]}/{found[2]}"
        elif found := _TIME.match(line):
            beats = int(found[1])
            if found[2] or not signature:
                signature = f"{beats}/{found[2] or 4}"
        elif found := _GROOVE.match(line):
            in_quarters = signature.endswith("/4")
            yield found[1], found[2], beats, f"{beats}/4" if in_quarters else signature


def write_accompaniments(
    library: Path,
    out: Path,
    songs: int,
    seed: int,
    on_progress: Callable[[int, int], None] = say_nothing,
) -> int:
    """Have each groove of a library play songs, and write a folder of scores in MIDI.

    A song that is there already is not made again.

    Parameters
    ----------
    library : Path
        Folder ``lib`` of mma.
    out : Path
        Folder for the files and their ``index.csv``, new or begun.
    songs : int
        Of each groove in 4/4; there are three times as many in other time signatures.

    Returns
    -------
    int
        How many songs there are; those that mma refuses are left out.

    Raises
    ------
    DatasetError
        If mma is not installed, or the library holds no groove.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise DatasetError(f"{PROGRAM}: not found (allowed: Musical MIDI Accompaniment installed)")
    out.mkdir(parents=True, exist_ok=True)
    wanted = [
        (groove, number)
        for groove in list_grooves(library)
        for number in range(songs if groove.time_signature == _COMMON else songs * _MORE)
    ]
    rows = []
    for done, (groove, number) in enumerate(wanted, start=1):
        name = _file_name(groove, number)
        if (out / name).is_file() or _play(program, groove, out / name, [seed, number]):
            rows.append(
                {
                    "source": SOURCE,
                    "file": name,
                    "licence": LICENCE,
                    "work": groove.style,
                    "time_signature": groove.time_signature,
                }
            )
        on_progress(done, len(wanted))
    write_index(out, rows)
    return len(rows)


def _file_name(groove: Groove, number: int) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{groove.style} {groove.name} {number}".casefold()) + ".mid"


def _play(program: str, groove: Groove, out: Path, seed: list[int]) -> bool:
    """Have mma play a song; whether it could."""
    name = int.from_bytes(hashlib.sha256(groove.name.encode()).digest()[:4], "big")
    written = out.with_suffix(".mma")
    made = out.with_suffix(".made")
    written.write_text(song(np.random.default_rng([*seed, name]), groove), encoding="utf-8")
    try:
        subprocess.run(
            [program, "-f", str(made.resolve()), str(written.resolve())],  # none begins with "-"
            capture_output=True,
            check=True,
            timeout=_SONG_TIMEOUT_S,
        )
        with replacing(out) as part:
            _counted(made, groove, part)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return False
    finally:
        written.unlink()
        made.unlink(missing_ok=True)
    return True


def song(rng: np.random.Generator, groove: Groove) -> str:
    """Draw a song, in the language of mma: tempo, chords, perhaps an introduction and fills."""
    tempo = _tempo(rng, groove)
    lines = [f"Tempo {tempo:.1f}", f"RndSeed {int(rng.integers(1_000_000))}"]
    chords: list[str] = []
    key = int(rng.integers(len(_ROOTS)))
    verse, bridge = pick(rng, _PROGRESSIONS), pick(rng, _PROGRESSIONS)
    form = (*verse, *verse, *bridge, *verse) if happens(rng, 0.6) else verse
    stay = 2 if happens(rng, _SLOW_CHANGES) else 1
    bars = math.ceil(_SONG_S * tempo / 60 / groove.bar_beats)
    while len(chords) < bars:
        chords.extend(_bar(chord, key, groove.bar_beats) for chord in form for _ in range(stay))
    if groove.introductions and happens(rng, _INTRODUCED):
        lines.append(f"Groove {pick(rng, groove.introductions)}")
        lines.extend(_bar(chord, key, groove.bar_beats) for chord in ("I", "vi", "ii", "V"))
    lines.append(f"Groove {groove.name}")
    section = pick(rng, (len(chords), 4, 8)) if groove.fills else len(chords)
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


def _counted(made: Path, groove: Groove, out: Path) -> None:
    """Write mma's MIDI so that its quarter notes are those of the time signature.

    mma counts a bar of 6/8 as 2, 4 or 6 quarter notes, and says 6/8 nevertheless.
    """
    import mido

    document = mido.MidiFile(made)
    scale = 1 / groove.quarters_a_beat
    document.ticks_per_beat = round(document.ticks_per_beat * scale)
    upper, lower = map(int, groove.time_signature.split("/"))
    for track in document.tracks:
        waited = 0
        kept = []
        for message in track:
            if message.type == "time_signature":
                waited += message.time
                continue
            if message.type == "set_tempo":
                message = message.copy(tempo=round(message.tempo * scale))
            kept.append(message.copy(time=message.time + waited))
            waited = 0
        track[:] = kept
    signature = mido.MetaMessage("time_signature", numerator=upper, denominator=lower)
    document.tracks[0].insert(0, signature)
    document.save(out)
