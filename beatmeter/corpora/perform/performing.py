"""Playing a piece: tempo, touch, dynamics and instruments, then the excerpt that is recorded.

Every choice is drawn without a look at the meter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import within
from beatmeter.corpora.perform.ensembles import cast
from beatmeter.corpora.perform.tempo import TempoMap, draw_tempo
from beatmeter.corpora.piece import Note, Part, Performance, Piece
from beatmeter.corpora.random import between, happens

_SLACK = 1.35  # times the beats that the length takes at an even tempo
_SHORTEST_S = 0.03  # seconds that a note lasts at least
_SWINGING_BELOW_BPM = 210.0  # pulses; at faster ones nobody swings


@dataclass(frozen=True)
class Touch:
    """How notes leave the written grid.

    Attributes
    ----------
    swing : float in [0, 0.22]
        How far, in beats, the middle of the beat is played late; 0.17 is triplet swing.
    timing_s : float
        Standard deviation of a note's onset.
    lag_s : float
        Standard deviation of a whole part's lag.
    velocity : float
        Standard deviation of a note's velocity.
    arc : float
        Depth of the swell, in velocity steps.
    arc_s : float
        Its period in seconds.
    arc_phase : float
        In radians.
    """

    swing: float
    timing_s: float
    lag_s: float
    velocity: float
    arc: float
    arc_s: float
    arc_phase: float


def perform(piece: Piece, seconds: float, rng: np.random.Generator) -> Performance:
    """Play an excerpt of a piece.

    The excerpt begins at any phase of the bar. A piece too short for it is played again from its
    first bar line.

    Parameters
    ----------
    seconds : float > 0
        Duration of the excerpt.

    Returns
    -------
    Performance
        From 0 to `seconds`; beats, downbeats and onsets outside are left out, and notes do not
        sound beyond the end.
    """
    piece = repeated(piece, seconds * piece.pulse_bpm / 60 * _SLACK)
    manner, tempo = draw_tempo(rng, piece.pulse_bpm, piece.beats[0], piece.beats[-1])
    touch = draw_touch(rng, piece.pulse_bpm)
    ensemble, parts = cast(rng, piece.parts)
    transposition = int(rng.integers(-5, 7))
    performance = play(rng, replace(piece, parts=parts), tempo, touch, transposition, seconds)
    return replace(
        performance,
        style={
            "pulse_bpm": f"{piece.pulse_bpm:.1f}",
            "parts": str(len(performance.parts)),
            "ensemble": ensemble,
            "drums": "yes" if any(part.is_drums for part in performance.parts) else "no",
            "tempo": manner,
            "swing": f"{touch.swing:.2f}",
        },
    )


def play(
    rng: np.random.Generator,
    piece: Piece,
    tempo: TempoMap,
    touch: Touch,
    transposition: int,
    seconds: float,
) -> Performance:
    """Play an excerpt that begins anywhere in a piece, in a given manner.

    Parameters
    ----------
    rng : np.random.Generator
        Draws the beginning, and where each note leaves the grid.
    piece : Piece
        At least as long as the excerpt; if it is shorter, silence follows.
    tempo : TempoMap
        From the first to the last beat.
    transposition : int
        Semitones; drums keep their keys.
    seconds : float > 0
    """
    room = max(float(tempo.times[-1]) - seconds, 0.0)
    start = between(rng, 0.0, room)
    played = tuple(
        _played(rng, part, tempo, touch, 0 if part.is_drums else transposition, start, seconds)
        for part in piece.parts
    )
    return Performance(
        parts=tuple(part for part in played if part.notes),
        meter=piece.meter,
        beats=within(tempo.seconds(piece.beats) - start, seconds),
        downbeats=within(tempo.seconds(piece.downbeats) - start, seconds),
        duration_s=seconds,
        origin=piece.origin,
    )


def draw_touch(rng: np.random.Generator, pulse_bpm: float) -> Touch:
    """A manner of playing at a pulse; only slow ones swing."""
    swings = happens(rng, 0.3) and pulse_bpm < _SWINGING_BELOW_BPM
    tight = happens(rng, 0.3)
    return Touch(
        swing=between(rng, 0.03, 0.17) if swings else 0.0,
        timing_s=0.0 if tight else between(rng, 0.002, 0.018),
        lag_s=0.0 if tight else between(rng, 0.0, 0.012),
        velocity=between(rng, 1.0, 9.0),
        arc=between(rng, 0.0, 16.0),
        arc_s=between(rng, 6.0, 25.0),
        arc_phase=between(rng, 0.0, 2 * math.pi),
    )


def repeated(piece: Piece, beats: float) -> Piece:
    """The piece, gone through again until it has at least so many beats."""
    first, last = piece.downbeats[0], piece.downbeats[-1]
    times = math.ceil(max(beats - piece.beats[-1], 0.0) / (last - first))
    if not times:
        return piece
    shifts = [(last - first) * time for time in range(1, times + 1)]
    return replace(
        piece,
        parts=tuple(_again(part, first, shifts) for part in piece.parts),
        beats=piece.beats
        + tuple(beat + shift for shift in shifts for beat in piece.beats if beat > first),
        downbeats=piece.downbeats
        + tuple(line + shift for shift in shifts for line in piece.downbeats[1:]),
    )


def _again(part: Part, first: float, shifts: list[float]) -> Part:
    body = [note for note in part.notes if note.onset >= first]
    again = [replace(note, onset=note.onset + shift) for shift in shifts for note in body]
    return replace(part, notes=part.notes + tuple(again))


def _played(
    rng: np.random.Generator,
    part: Part,
    tempo: TempoMap,
    touch: Touch,
    transposition: int,
    start: float,
    seconds: float,
) -> Part:
    written = np.array([(n.onset, n.duration, n.pitch, n.velocity) for n in part.notes])
    onset, duration, pitch, velocity = written.reshape(-1, 4).T
    begins = tempo.seconds(_swung(onset, touch.swing))
    ends = tempo.seconds(_swung(onset + duration, touch.swing))
    begins_heard = begins - start + rng.normal(0.0, touch.lag_s)
    begins_heard = begins_heard + rng.normal(0.0, touch.timing_s, len(begins))
    lengths = np.maximum(ends - begins, _SHORTEST_S)
    swell = touch.arc * np.sin(2 * math.pi * begins / touch.arc_s + touch.arc_phase)
    loud = velocity + swell + rng.normal(0.0, touch.velocity, len(begins))
    keep = (begins_heard >= 0) & (begins_heard < seconds - _SHORTEST_S)
    order = np.flatnonzero(keep)[np.argsort(begins_heard[keep], kind="stable")]
    return replace(
        part,
        notes=tuple(
            Note(*values)
            for values in zip(
                begins_heard[order].tolist(),
                np.minimum(lengths, seconds - begins_heard)[order].tolist(),
                np.clip(pitch + transposition, 0, 127).astype(int)[order].tolist(),
                np.clip(loud, 1, 127).astype(int)[order].tolist(),
                strict=True,
            )
        ),
    )


def _swung(beats: npt.NDArray[np.float64], swing: float) -> npt.NDArray[np.float64]:
    whole = np.floor(beats)
    middle = 0.5 + swing
    return whole + np.interp(beats - whole, [0.0, 0.5, 1.0], [0.0, middle, 1.0])
