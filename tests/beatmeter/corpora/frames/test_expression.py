from __future__ import annotations

import numpy as np
import pytest

from beatmeter.corpora.frames.expression import expressive_tempo, ornamented
from beatmeter.corpora.piece import Meter, Note, Origin, Part, Piece


@pytest.fixture
def piece() -> Piece:
    chords = tuple(
        Note(float(beat), 0.5, pitch, 80) for beat in range(48) for pitch in (48, 60, 64, 67)
    )
    tune = tuple(Note(beat / 2, 0.4, 72 + beat % 5, 90) for beat in range(96))
    return Piece(
        parts=(Part("melody", 40, False, tune), Part("chords", 0, False, chords)),
        meter=Meter((3,), "3/4", (3,)),
        beats=tuple(float(beat) for beat in range(49)),
        downbeats=tuple(float(beat) for beat in range(0, 49, 3)),
        pulse_bpm=90.0,
        origin=Origin("composed", "test", "CC0", 1),
    )


def test_without_depth_the_tempo_is_strict(piece):
    tempo = expressive_tempo(np.random.default_rng(0), piece, 0.0, ends=False)
    np.testing.assert_allclose(np.diff(tempo.seconds(piece.beats)), 60 / 90, rtol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_free_tempo_goes_on_and_stays_playable(piece, seed):
    tempo = expressive_tempo(np.random.default_rng(seed), piece, 1.3, ends=True)
    lengths = np.diff(tempo.seconds(piece.beats)) * 90 / 60
    assert lengths.std() > 0.01
    assert 0.5 < lengths.min() < lengths.max() < 3.4


def test_a_final_ritardando_slows_the_last_beats(piece):
    tempo = expressive_tempo(np.random.default_rng(3), piece, 0.0, ends=True)
    lengths = np.diff(tempo.seconds(piece.beats))
    assert (np.diff(lengths[-3:]) > 0).all()
    assert lengths[-1] > 1.1 * lengths[0]


@pytest.mark.parametrize("seed", range(6))
def test_ornaments_move_no_chord_off_its_beat(piece, seed):
    played = ornamented(np.random.default_rng(seed), piece)
    first_of_chords = {}
    for note in played.parts[1].notes:
        beat = round(note.onset)
        first_of_chords[beat] = min(first_of_chords.get(beat, 99.0), note.onset)
        assert 0 <= note.onset - beat < 0.2
    assert all(onset == beat for beat, onset in first_of_chords.items())
    onsets = [note.onset for note in played.parts[0].notes]
    assert onsets == sorted(onsets)
