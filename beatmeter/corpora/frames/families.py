"""Ways of making music with known beats, from composing to playing a score as it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from beatmeter.corpora.compose import STYLES, compose, compose_bars
from beatmeter.corpora.compose.composer import draw_pulse
from beatmeter.corpora.compose.remeter import regroup, remeter
from beatmeter.corpora.frames import dances
from beatmeter.corpora.frames.compound import compound
from beatmeter.corpora.frames.expression import ornamented
from beatmeter.corpora.frames.loops import loops
from beatmeter.corpora.frames.material import AS_WRITTEN, COMPOUND
from beatmeter.corpora.frames.playing import SPARE_S, Request, expressive, played, recast
from beatmeter.corpora.frames.tunes import tunes
from beatmeter.corpora.perform.ensembles import DRUM_KITS, cast
from beatmeter.corpora.perform.performing import Touch, draw_touch, perform, play
from beatmeter.corpora.perform.tempo import draw_tempo
from beatmeter.corpora.piece import Meter, Note, Origin, Part, Performance, Piece, bar_beats
from beatmeter.corpora.random import between, happens, log_between, pick
from beatmeter.errors import DatasetError
from beatmeter.meters import METERS

_LEAST_NOTES = 15
"""Notes of a clip that a player alone has at least."""
_TRIES = 8
"""Scores drawn at most, until one suits the family."""
_CUT = 1.5
"""What a score is longer by before beats are left out."""
_SLOWING = 0.4, 0.85
_SLOWEST_PULSE = 45.0
"""Beats a minute, below which nobody counts."""
_ON_BEAT = 0.13
"""Beats about a beat within which a note is on it."""
_STROKE_BEATS = 0.5
"""What a stroke of a drum counts for, in beats of a note."""
_AGREEING = 0.8
"""Least weight of the first beat of a bar, of that of the heaviest."""

_VOICES = (52, 53, 54, 40, 42, 56, 60, 65, 66, 68, 71, 73, 75)
_PIANOS = (0, 0, 0, 1, 2, 3)
_RUBATO_PROGRAMS = (*_PIANOS, 4, 6, 8, 11, 19, 24, 46, 107)
_SOLO_PROGRAMS = (
    *(0, 6, 11, 13, 15, 19, 21, 22, 24, 25, 26, 40, 40, 41, 42, 46, 52, 53, 54, 56, 57, 59),
    *(60, 64, 65, 66, 68, 70, 71, 72, 73, 74, 75, 77, 79, 80, 85, 104, 105, 106, 107, 109, 110),
    *(111, 114),
)
_DRUM_KEYS = (35, 36, 37, 38, 39, 40, 42, 44, 45, 49, 51, 53, 54, 56, 60, 62, 70, 75, 76, 77)
_QUARTETS: tuple[tuple[int, ...], ...] = (
    (40, 40, 41, 42),
    (40, 40, 41, 42),
    (40, 40, 41, 42),
    (48, 48, 48, 48),
    (73, 68, 71, 70),
    (64, 65, 66, 67),
    (56, 56, 60, 58),
    (0, 0, 0, 0),
    (19, 19, 19, 19),
    (52, 52, 52, 52),
)

SWINGING_STYLES = ("jazz", "jazz", "rock", "pop", "folk", "eclectic")

_DRUMS_ON_BEATS = 0.3
"""Of swing, where drums play on the beats alone."""

UNCOMMON: tuple[Meter, ...] = (
    Meter((4,), "2/4", (2,)),
    Meter((3,), "6/8", (3, 3)),
    Meter((3,), "6/4", (2, 2, 2)),
    Meter((4,), "8/8", (3, 3, 2)),
    Meter((4,), "8/4", (4, 4)),
    Meter((5,), "10/8", (3, 2, 2, 3)),
    Meter((5,), "10/8", (2, 2, 3, 3)),
    Meter((), "12/8", (3, 3, 2, 2, 2)),
    Meter((), "13/8", (3, 3, 3, 2, 2)),
    Meter((), "13/8", (2, 2, 2, 2, 2, 3)),
    Meter((7,), "14/8", (2, 2, 3, 2, 2, 3)),
    Meter((), "15/8", (2, 2, 2, 2, 2, 2, 3)),
)
"""Bars of other lengths than the six meters, counted in their small beats."""


def _composed(request: Request) -> Performance:
    return perform(_slower(request.rng, _composition(request)), request.seconds, request.rng)


def _composition(request: Request) -> Piece:
    style = pick(request.rng, request.material.pool.styles)
    return compose(request.seed, (pick(request.rng, METERS),), style, request.seconds + SPARE_S)


def _from_pool(family: str) -> Callable[[Request], Performance]:
    def draw(request: Request) -> Performance:
        meters = (pick(request.rng, METERS),)
        piece = request.material.pool.draw_piece(request.seed, family, meters)
        return perform(_slower(request.rng, piece), request.seconds, request.rng)

    return draw


def _slower(rng: np.random.Generator, piece: Piece) -> Piece:
    """Slow half of the pieces down.

    What is made up has the same pulses in all meters, around 165 beats a minute; scores in two,
    three and four as they are written are slower. Without this, a slow pulse would speak against
    the other meters.
    """
    if happens(rng, 0.5):
        return piece
    pulse = max(piece.pulse_bpm * between(rng, *_SLOWING), _SLOWEST_PULSE)
    return replace(piece, pulse_bpm=pulse)


def _uncommon(request: Request) -> Performance:
    """Bars of two, six, eight and of more beats than eleven."""
    style = pick(request.rng, request.material.pool.styles)
    meter, pulse = pick(request.rng, UNCOMMON), draw_pulse(request.rng)
    piece = compose_bars(request.rng, style, meter, pulse, request.seconds + SPARE_S)
    return perform(piece, request.seconds, request.rng)


def _swing(request: Request) -> Performance:
    """Swing and shuffle: the second half of each beat late, up to triplets and beyond."""
    rng = request.rng
    style = STYLES[pick(rng, SWINGING_STYLES)]
    meter = pick(rng, (*METERS, 4, 4, 4, 4, 3))
    grouping = {4: (4,), 3: (3,), 5: (3, 2), 7: (4, 3), 9: (4, 5), 11: (4, 4, 3)}[meter]
    pulse = between(rng, 65.0, 240.0)
    bars = Meter((meter,), f"{sum(grouping)}/4", grouping)
    piece = compose_bars(rng, style, bars, pulse, request.seconds + SPARE_S, 2)
    if happens(rng, _DRUMS_ON_BEATS):
        piece = _with_drums_on_beats(piece)
    touch = replace(draw_touch(rng, pulse), swing=between(rng, 0.07, 0.2))
    return played(request, piece, touch)


def _with_drums_on_beats(piece: Piece) -> Piece:
    """No ride or hat between the beats: others tell that they swing."""
    parts = [
        replace(part, notes=tuple(note for note in part.notes if note.onset % 1.0 == 0))
        if part.is_drums
        else part
        for part in piece.parts
    ]
    return replace(piece, parts=tuple(parts))


def _changes(request: Request) -> Performance:
    """Two meters, one after the other, over one pulse and with one band."""
    rng = request.rng
    style, pulse = pick(rng, request.material.pool.styles), draw_pulse(rng)
    first, second = rng.permutation(len(METERS))[:2]
    halves = [
        compose_bars(
            rng,
            style,
            Meter((METERS[place],), "", _simple(METERS[place])),
            pulse,
            request.seconds / 2,
        )
        for place in (first, second)
    ]
    return played(request, _joined(*halves), draw_touch(rng, pulse))


def _simple(meter: int) -> tuple[int, ...]:
    return {3: (3,), 4: (4,), 5: (3, 2), 7: (2, 2, 3), 9: (2, 2, 2, 3), 11: (3, 3, 3, 2)}[meter]


def _joined(first: Piece, second: Piece) -> Piece:
    end = first.beats[-1]
    parts = {part.role: part for part in first.parts}
    for part in second.parts:
        later = tuple(replace(note, onset=note.onset + end) for note in part.notes)
        same = parts.get(part.role, replace(part, notes=()))
        parts[part.role] = replace(same, notes=same.notes + later)
    return replace(
        first,
        parts=tuple(parts.values()),
        beats=(*first.beats, *(end + beat for beat in second.beats[1:])),
        downbeats=(*first.downbeats, *(end + line for line in second.downbeats[1:])),
        meter=Meter((), "", first.meter.grouping),
    )


def _lieder(request: Request) -> Performance:
    return _sung(request, request.material.excerpt(request.rng, "lieder", request.seconds).piece)


def _rebarred(request: Request) -> Performance:
    """Songs and quartets in other bars than written, sung and played as if they were.

    No song in 5, 7, 9 or 11 is left to learn from; without these, its sound would speak against
    those meters. Half of them are in compound time.
    """
    rng = request.rng
    if happens(rng, 0.5):
        piece = request.material.excerpt(rng, COMPOUND, request.seconds * _CUT).piece
        piece = regroup(rng, piece, pick(rng, (2, 3, 3, 4)))
    else:
        family = pick(rng, ("lieder", "lieder", "quartets"))
        piece = request.material.excerpt(rng, family, request.seconds * _CUT).piece
        piece = remeter(rng, piece, pick(rng, METERS))
    bowed = piece.origin.source in AS_WRITTEN["quartets"]
    return _bowed(request, piece) if bowed else _sung(request, piece)


def _sung(request: Request, piece: Piece) -> Performance:
    voice = pick(request.rng, _VOICES)
    keys = pick(request.rng, _PIANOS)
    parts = tuple(
        replace(part, program=voice if part.role == "melody" else keys) for part in piece.parts
    )
    return expressive(request, recast(request.rng, replace(piece, parts=parts)))


def _quartets(request: Request) -> Performance:
    return _bowed(request, request.material.excerpt(request.rng, "quartets", request.seconds).piece)


def _chorales(request: Request) -> Performance:
    """Hymns in four parts; what little moves in them would have them sung too fast."""
    rng = request.rng
    piece = request.material.excerpt(rng, "chorales", request.seconds).piece
    return _bowed(request, replace(piece, pulse_bpm=piece.pulse_bpm * between(rng, *_SLOWING)))


def _bowed(request: Request, piece: Piece) -> Performance:
    players = pick(request.rng, _QUARTETS)
    parts = tuple(
        replace(part, program=players[min(place, len(players) - 1)])
        for place, part in enumerate(piece.parts)
    )
    return expressive(request, recast(request.rng, replace(piece, parts=parts)))


def _bands(request: Request) -> Performance:
    piece = _trusted_band(request)
    touch = draw_touch(request.rng, piece.pulse_bpm)
    written = replace(touch, swing=0.0, lag_s=0.0, velocity=touch.velocity / 3)
    return played(request, recast(request.rng, piece), written)


def _trusted_band(request: Request) -> Piece:
    """An arrangement whose notes agree with its bar lines.

    Sequencers write 4/4 when nobody says anything, so a piece in two or four whose notes are
    longest elsewhere in the bar is not taken.
    """
    for _ in range(_TRIES):
        piece = request.material.excerpt(request.rng, "bands", request.seconds).piece
        weight = np.zeros(bar_beats(piece))
        for part in piece.parts:
            for note in part.notes:
                if abs(note.onset - round(note.onset)) < _ON_BEAT:
                    length = _STROKE_BEATS if part.is_drums else min(note.duration, 4.0)
                    weight[round(note.onset) % len(weight)] += length
        if len(weight) not in (2, 4) or weight[0] >= _AGREEING * weight.max():
            return piece
    raise DatasetError("family: 'bands' found no arrangement that agrees with its bar lines")


def _groove(request: Request) -> Performance:
    piece = request.material.excerpt(request.rng, "groove", request.seconds).piece
    _, parts = cast(request.rng, piece.parts)
    still = Touch(0.0, 0.0, 0.0, 1.0, 0.0, 10.0, 0.0)
    return played(request, replace(piece, parts=parts), still)


def _dances(request: Request) -> Performance:
    excerpt = request.material.excerpt(request.rng, "dances", request.seconds)
    piece = dances.danced(request.rng, excerpt.piece, excerpt.dance)
    touch = draw_touch(request.rng, 1000.0)
    return played(request, recast(request.rng, piece, 0.8), touch)


def _rubato(request: Request) -> Performance:
    """A piano, or something like it, in free tempo."""
    rng = request.rng
    if happens(rng, 0.25):
        piece = _composition(request)
    else:
        family = pick(rng, ("lieder", "lieder", "quartets"))
        piece = request.material.excerpt(rng, family, request.seconds).piece
    program = pick(rng, _RUBATO_PROGRAMS)
    parts = [replace(part, program=program) for part in piece.parts if not part.is_drums]
    if len(parts) > 2 and happens(rng, 0.4):
        parts = [part for part in parts if part.role != "melody"]
    return expressive(
        request, ornamented(rng, replace(piece, parts=tuple(parts))), between(rng, 0.5, 1.5)
    )


def _solo(request: Request) -> Performance:
    """One melody without accompaniment, in strict or free tempo."""
    rng = request.rng
    for _ in range(_TRIES):
        source = pick(rng, ("lieder", "quartets", "dances", "bands", "composed", "remetered"))
        if source in ("composed", "remetered"):
            meters = (pick(rng, METERS),)
            piece = request.material.pool.draw_piece(request.seed, source, meters)
        else:
            piece = request.material.excerpt(rng, source, request.seconds).piece
        alone = [part for part in piece.parts if not part.is_drums and part.role != "bass"]
        if not alone:
            continue
        part = alone[0] if happens(rng, 0.5) else pick(rng, alone)
        line = _top_line(part, pick(rng, _SOLO_PROGRAMS))
        piece = replace(piece, parts=(line,))
        depth = 0.0 if happens(rng, 0.35) else between(rng, 0.2, 1.3)
        performance = expressive(request, ornamented(rng, piece), depth)
        if sum(len(player.notes) for player in performance.parts) >= _LEAST_NOTES:
            return performance
    raise DatasetError("family: 'solo' found no melody (allowed: scores with melodies)")


def _top_line(part: Part, program: int) -> Part:
    """The highest note of every chord."""
    highest: dict[float, Note] = {}
    for note in part.notes:
        onset = round(note.onset, 2)
        if onset not in highest or note.pitch > highest[onset].pitch:
            highest[onset] = note
    return replace(part, program=program, notes=tuple(highest.values()))


def _pulses(request: Request) -> Performance:
    """One note or chord on every beat, none unlike the others: beats without a bar."""
    rng = request.rng
    bpm = log_between(rng, 35.0, 320.0)
    beats = tuple(float(beat) for beat in range(round(request.seconds * bpm / 60 * 1.4) + 4))
    is_drums = happens(rng, 0.5)
    pitches = rng.choice(_DRUM_KEYS if is_drums else np.arange(36, 84), pick(rng, (1, 1, 1, 2, 3)))
    length, velocity = between(rng, 0.1, 1.0), int(rng.integers(40, 120))
    notes = tuple(Note(beat, length, int(key), velocity) for beat in beats for key in pitches)
    program = pick(rng, DRUM_KITS) if is_drums else int(rng.integers(120))
    piece = Piece(
        parts=(Part("drums" if is_drums else "chords", program, is_drums, notes),),
        meter=Meter((), "", ()),
        beats=beats,
        downbeats=(),
        pulse_bpm=bpm,
        origin=Origin("composed", f"pulses/{request.seed}", "CC0", request.seed),
    )
    _, tempo = draw_tempo(rng, bpm, beats[0], beats[-1])
    even = Touch(0.0, between(rng, 0.0, 0.01), 0.0, between(rng, 0.0, 4.0), 0.0, 10.0, 0.0)
    return play(rng, piece, tempo, even, 0, request.seconds)


FAMILIES: dict[str, tuple[float, Callable[[Request], Performance]]] = {
    "composed": (0.19, _composed),
    "remetered": (0.13, _from_pool("remetered")),
    "arranged": (0.13, _from_pool("arranged")),
    "uncommon": (0.03, _uncommon),
    "changes": (0.03, _changes),
    "swing": (0.04, _swing),
    "compound": (0.06, compound),
    "loops": (0.09, loops),
    "lieder": (0.08, _lieder),
    "quartets": (0.05, _quartets),
    "bands": (0.1, _bands),
    "dances": (0.04, _dances),
    "groove": (0.03, _groove),
    "rubato": (0.06, _rubato),
    "solo": (0.06, _solo),
    "pulses": (0.015, _pulses),
    "rebarred": (0.06, _rebarred),
    "tunes": (0.1, tunes),
    "chorales": (0.02, _chorales),
}
"""Families of music with beats: how often each is drawn, and what draws from it."""
