"""How a pianist or a singer leaves the beat: phrase arcs, fermatas, ritardandos, ornaments.

Tempo follows phrases: faster towards the middle, slower at the end, as the square of the distance
from the middle (Todd, *The dynamics of dynamics*, JASA 91, 1992). Half of the phrases keep to bar
lines, half do not, so that a slowing says little of the bar.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from beatmeter.corpora.perform.tempo import TempoMap
from beatmeter.corpora.piece import Note, Part, Piece, bar_beats
from beatmeter.corpora.random import between, happens, pick

_POINTS_PER_BEAT = 4
_TOGETHER = 0.02
"""Beats within which notes are one chord."""
_SLOWEST = 1.2
"""Natural logarithm of the longest stretching of a beat: 3.3 times."""


def expressive_tempo(
    rng: np.random.Generator, piece: Piece, depth: float, *, ends: bool
) -> TempoMap:
    """Draw the tempo of an expressive player over a whole piece.

    Parameters
    ----------
    depth : float
        0 is strict; 1 is as free as romantic piano music is played.
    ends : bool
        Whether the last beats are a final ritardando.
    """
    first, last = piece.beats[0], piece.beats[-1]
    positions = np.linspace(first, last, max(round((last - first) * _POINTS_PER_BEAT), 2) + 1)
    slowing = np.zeros_like(positions)
    bounds = _phrases(rng, piece)
    arc, lengthening = depth * between(rng, 0.02, 0.16), depth * between(rng, 0.0, 0.4)
    for start, end in itertools.pairwise(bounds):
        inside = (positions >= start) & (positions < end)
        place = (positions[inside] - start) / (end - start)
        own = rng.uniform(0.5, 1.5, 2)
        slowing[inside] += own[0] * arc * (np.square(2 * place - 1) - 0.4)
        slowing[inside] += own[1] * lengthening * np.square(np.clip((place - 0.8) / 0.2, 0, None))
    beats = np.arange(np.floor(first), np.ceil(last) + 1)
    unrest = rng.normal(0.0, depth * between(rng, 0.005, 0.05), len(beats))
    slowing += np.interp(positions, beats, unrest)
    for bound in bounds[1:-1]:
        if happens(rng, 0.12 * depth):
            slowing += between(rng, 0.4, 1.0) * (np.abs(positions - bound + 1) < 0.5)
    if ends:
        slowing += between(rng, 0.2, 0.9) * np.square(
            np.clip(1 - (last - positions) / between(rng, 2.0, 8.0), 0, None)
        )
    slowing = np.minimum(slowing, _SLOWEST)
    lengths = np.diff(positions) * 60 / piece.pulse_bpm
    lengths *= np.exp((slowing[1:] + slowing[:-1]) / 2)
    return TempoMap(positions, np.concatenate([[0.0], np.cumsum(lengths)]))


def _phrases(rng: np.random.Generator, piece: Piece) -> npt.NDArray[np.float64]:
    first, last = piece.beats[0], piece.beats[-1]
    if happens(rng, 0.5):
        bar = bar_beats(piece)
        lines = np.arange(piece.downbeats[0], last, bar * pick(rng, (2, 4, 4, 8)))
    else:
        lines = first + np.cumsum(rng.uniform(5.0, 20.0, int((last - first) / 5) + 1))
    inner = lines[(lines > first) & (lines < last)]
    return np.concatenate([[first], inner, [last]])


def ornamented(rng: np.random.Generator, piece: Piece) -> Piece:
    """Spread chords, add grace notes, let a pedal hold what has been struck."""
    spread = max(between(rng, -0.08, 0.16), 0.0)
    graces = max(between(rng, -0.05, 0.1), 0.0)
    pedal = between(rng, 1.0, 4.0) if happens(rng, 0.6) else 0.0
    parts = tuple(
        part if part.is_drums else _ornamented(rng, part, spread, graces, pedal)
        for part in piece.parts
    )
    return replace(piece, parts=parts)


def _ornamented(
    rng: np.random.Generator, part: Part, spread: float, graces: float, pedal: float
) -> Part:
    notes: list[Note] = []
    chord: list[Note] = []
    rolled = between(rng, 0.1, 1.0)
    for note in (*part.notes, None):
        if note is not None and (not chord or note.onset - chord[0].onset < _TOGETHER):
            chord.append(note)
            continue
        chord.sort(key=lambda struck: struck.pitch)
        rolls = len(chord) > 1 and happens(rng, rolled)
        for place, struck in enumerate(chord):
            late = place * spread / len(chord) if rolls else 0.0
            held = max(struck.duration, pedal - struck.onset % pedal) if pedal else struck.duration
            notes.append(replace(struck, onset=struck.onset + late, duration=held))
        if len(chord) == 1 and chord[0].onset > 0.2 and happens(rng, graces):
            grace, above = between(rng, 0.06, 0.2), pick(rng, (-2, -1, 1, 2))
            pitch = int(np.clip(chord[0].pitch + above, 0, 127))
            notes.append(Note(chord[0].onset - grace, grace, pitch, chord[0].velocity))
        chord = [] if note is None else [note]
    return replace(part, notes=tuple(sorted(notes, key=lambda sounded: sounded.onset)))
