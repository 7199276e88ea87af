"""Melodies over plain loops: a phrase of one, two or four bars, repeated exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beatmeter.corpora.compose.harmony import Scale
from beatmeter.corpora.frames.loop_kinds import Kind
from beatmeter.corpora.piece import Note
from beatmeter.corpora.random import between, happens, pick

_PHRASES = ("A", "AB", "AB", "AAAB")
"""Bars of a phrase; bars with one letter are alike."""
_DENSE = 0.35
"""Share of melodies that strike every step."""
_SPARSEST = 0.25
"""Least share of the steps of a bar that a melody strikes."""
_ACCENTED = 0.5
"""Share of melodies that are louder on the strong beats of the bar."""
_DEGREES = 8
"""Steps of the scale that a melody reaches: an octave."""
_LOWEST_DEGREE = 4
"""Above the tonic near middle C."""


@dataclass(frozen=True)
class Tone:
    """A note of the phrase.

    Attributes
    ----------
    at : float
        In beats from the start of the phrase.
    degree : int
        Of the scale.
    is_strong : bool
        On a strong beat of the bar.
    """

    at: float
    degree: int
    is_strong: bool


@dataclass(frozen=True)
class Phrase:
    """What a melody repeats.

    Attributes
    ----------
    beats : int
        After which it is repeated.
    tones : tuple of Tone
        At least one.
    """

    beats: int
    tones: tuple[Tone, ...]


def draw_phrase(rng: np.random.Generator, kind: Kind, pulse: float) -> Phrase:
    """Draw the phrase of a melody that strikes some or all steps of its bars."""
    letters = pick(rng, _PHRASES)
    density = 1.0 if happens(rng, _DENSE) else between(rng, _SPARSEST, 0.9)
    divisions = kind.divisions_at(pulse)
    bars = {letter: _draw_bar(rng, kind, divisions, density) for letter in sorted(set(letters))}
    return Phrase(
        kind.beats * len(letters),
        tuple(
            Tone(bar * kind.beats + step / divisions, degree, step / divisions in kind.strong)
            for bar, letter in enumerate(letters)
            for step, degree in bars[letter]
        ),
    )


def _draw_bar(
    rng: np.random.Generator, kind: Kind, divisions: int, density: float
) -> list[tuple[int, int]]:
    """Steps of a bar that are struck, and on which degree each; at least one."""
    steps = kind.beats * divisions
    struck = np.flatnonzero(rng.random(steps) < density)
    if not len(struck):
        struck = rng.integers(steps, size=1)
    degrees = _LOWEST_DEGREE + rng.integers(_DEGREES, size=len(struck))
    return list(zip(struck.tolist(), degrees.tolist(), strict=True))


def melody(rng: np.random.Generator, phrase: Phrase, scale: Scale, end: int) -> list[Note]:
    """The phrase, over and over for `end` beats."""
    level, accent = between(rng, 60.0, 100.0), between(rng, 6.0, 24.0) * happens(rng, _ACCENTED)
    ring = between(rng, 0.3, 0.98)
    ends = [*(tone.at for tone in phrase.tones[1:]), float(phrase.beats)]
    return [
        Note(
            start + tone.at,
            (stop - tone.at) * ring,
            scale.pitch(tone.degree),
            int(level + accent * tone.is_strong),
        )
        for start in range(0, end, phrase.beats)
        for tone, stop in zip(phrase.tones, ends, strict=True)
        if start + tone.at < end
    ]
