"""Ostinati and riffs: a short figure that goes round, sometimes doubled in octaves or fifths."""

from __future__ import annotations

import numpy as np

from beatmeter.corpora.compose.frame import Frame
from beatmeter.corpora.compose.groupings import Grouping
from beatmeter.corpora.compose.rhythm import (
    Rhythm,
    durations,
    euclidean,
    grouped,
    patterns,
    syncopated,
)
from beatmeter.corpora.piece import Note
from beatmeter.corpora.random import between, pick

OSTINATI = ("riff", "bell pattern", "sequencer")
"""Ways of going round."""


def ostinato(rng: np.random.Generator, frame: Frame, manner: str, level: float) -> list[Note]:
    """Play one of :data:`OSTINATI`; parameters as of :func:`bass.bass_line`."""
    rate = between(rng, 1.5, 5.0)
    low = int(rng.integers(40, 70))
    ring = between(rng, 0.3, 1.0)
    doubling = pick(rng, (None, None, None, 12, 7))
    figures: dict[tuple[str, int], list[int]] = {}
    notes: list[Note] = []
    for bar, rhythm in patterns(
        rng, frame, "ostinato", lambda g: _rhythm(rng, frame, manner, g, rate)
    ):
        figure = figures.setdefault(
            (bar.section.letter, len(rhythm)), rng.integers(0, 5, len(rhythm)).tolist()
        )
        lengths = durations(rhythm, frame.bar_length)
        for onset, length, place in zip(rhythm, lengths, figure, strict=True):
            beat = bar.start + onset
            pitch = _rung(frame, beat, place, low)
            notes.append(frame.note(beat, length * ring, pitch, level))
            if doubling is not None:
                notes.append(frame.note(beat, length * ring, pitch + doubling, level - 8))
    return notes


def _rhythm(
    rng: np.random.Generator, frame: Frame, manner: str, grouping: Grouping, rate: float
) -> Rhythm:
    steps = frame.bar_length * frame.divisions
    count = int(np.clip(round(steps * frame.density(rate)), 2, steps))
    match manner:
        case "bell pattern":
            return tuple(step * frame.step for step in euclidean(count, steps, 0))
        case "sequencer":
            return tuple(float(beat) for beat in range(frame.bar_length))
    rhythm = grouped(rng, grouping, frame.divisions, frame.density(rate))
    return syncopated(rng, rhythm, frame.step, frame.syncopation)


def _rung(frame: Frame, beat: float, place: int, low: int) -> int:
    tones = frame.harmony.at(beat).pitch_classes
    ladder = sorted(low + (tone - low) % 12 for tone in tones)
    octave, rung = divmod(place, len(ladder))
    return ladder[rung] + 12 * octave
