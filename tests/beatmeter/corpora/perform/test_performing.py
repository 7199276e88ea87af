import numpy as np
import pytest

from beatmeter.corpora.compose import compose
from beatmeter.corpora.perform.performing import perform
from beatmeter.corpora.perform.tempo import draw_tempo
from beatmeter.meters import METERS


@pytest.mark.parametrize("meter", METERS)
def test_labels_and_notes_lie_in_the_excerpt(meter):
    for seed in range(8):
        piece = compose(seed, (meter,), seconds=40.0)
        played = perform(piece, 20.0, np.random.default_rng(seed))
        assert played.duration_s == 20.0
        assert set(played.downbeats) <= set(played.beats)
        beats = np.array(played.beats)
        assert np.all(np.diff(beats) > 0)
        assert beats[0] >= 0
        assert beats[-1] < 20.0
        places = [played.beats.index(line) for line in played.downbeats]
        assert set(np.diff(places)) <= {sum(piece.meter.grouping)}
        tempo = 60 / np.median(np.diff(beats))
        assert tempo == pytest.approx(piece.pulse_bpm, rel=0.3)
        for part in played.parts:
            onsets = np.array([note.onset for note in part.notes])
            assert np.all(np.diff(onsets) >= 0)
            assert onsets[0] >= 0
            assert all(note.onset + note.duration <= 20.0 + 1e-9 for note in part.notes)
            assert all(note.duration > 0 and 1 <= note.velocity <= 127 for note in part.notes)


def test_notes_stay_with_the_beats_they_were_written_on():
    """Head strokes written on a beat are heard within a human deviation of it."""
    for seed in range(12):
        piece = compose(seed, (7,), seconds=40.0)
        played = perform(piece, 20.0, np.random.default_rng(seed))
        onsets = np.concatenate([[note.onset for note in part.notes] for part in played.parts])
        beats = np.array(played.beats)[2:-2]
        nearest = np.abs(onsets[:, None] - beats).min(axis=0)
        assert np.mean(nearest < 0.06) > 0.5


def test_excerpts_begin_at_any_phase_of_the_bar():
    piece = compose(1, (4,), seconds=60.0)
    bar = sum(piece.meter.grouping) * 60 / piece.pulse_bpm
    phases = [
        perform(piece, 10.0, np.random.default_rng(seed)).downbeats[0] / bar for seed in range(60)
    ]
    counts, _ = np.histogram(phases, bins=4, range=(0, 1))
    assert counts.min() >= 5


def test_a_short_piece_is_played_again():
    piece = compose(2, (5,), seconds=5.0)
    played = perform(piece, 60.0, np.random.default_rng(0))
    assert played.beats[-1] > 57.0
    assert max(note.onset for part in played.parts for note in part.notes) > 50.0


def test_the_same_seed_gives_the_same_performance():
    piece = compose(3, (9,))
    first, second = (perform(piece, 15.0, np.random.default_rng(4)) for _ in range(2))
    assert first == second
    assert first != perform(piece, 15.0, np.random.default_rng(5))


def test_time_never_runs_backwards():
    for seed in range(50):
        _, tempo = draw_tempo(np.random.default_rng(seed), 120.0, 0.0, 100.0)
        assert np.all(np.diff(tempo.times) > 0)
        assert tempo.times[-1] == pytest.approx(50.0, rel=0.2)
