"""A melody that is added to a rhythm section."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.corpora.compose.arrange import add_melody
from beatmeter.corpora.piece import Meter, Note, Origin, Part, Piece

BARS = 16


def rhythm_section(divisions: int) -> Piece:
    """Four beats a bar, each divided evenly, one chord."""
    steps = [step / divisions for step in range(4 * BARS * divisions)]
    chords = tuple(Note(at, 0.3, pitch, 80) for at in steps for pitch in (48, 52, 55))
    return Piece(
        parts=(Part("chords", 0, False, chords),),
        meter=Meter((4,), "4/4", (4,)),
        beats=tuple(float(beat) for beat in range(4 * BARS + 1)),
        downbeats=tuple(float(beat) for beat in range(0, 4 * BARS + 1, 4)),
        pulse_bpm=120.0,
        origin=Origin("accompaniments", "a work", "CC0", None),
    )


def added(divisions: int, seed: int) -> Part:
    piece = add_melody(np.random.default_rng(seed), rhythm_section(divisions), 73)
    assert piece.parts[0] == rhythm_section(divisions).parts[0]
    return piece.parts[-1]


def test_the_melody_is_played_on_the_instrument_that_is_asked_for():
    part = added(2, 0)
    assert (part.role, part.program, part.is_drums) == ("melody", 73, False)
    assert all(0 <= note.onset < 4 * BARS for note in part.notes)


@pytest.mark.parametrize(("divisions", "foreign"), [(2, 3), (4, 3), (3, 2)])
def test_its_beats_are_divided_as_those_of_the_others(divisions, foreign):
    onsets = np.array([note.onset for seed in range(12) for note in added(divisions, seed).notes])
    off = onsets[np.abs(onsets - np.round(onsets)) > 0.15]  # a grace note comes before the beat
    as_others = np.abs(off * divisions - np.round(off * divisions)) < 1e-6
    as_foreign = np.abs(off * foreign - np.round(off * foreign)) < 1e-6
    assert as_others.mean() > 0.8
    assert as_foreign.mean() < 0.2
