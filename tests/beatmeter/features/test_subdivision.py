"""Whether beats are divided in two or in three."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.features.subdivision import (
    CELLS,
    subdivision_profiles,
    ternary_probability,
    thirds_over_half,
)

FRAME_RATE = 86.1328125


def struck(
    bpm: float, fractions: tuple[float, ...], beats: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """An onset envelope with something at some fractions of every beat, and the beats."""
    times = np.arange(beats + 1) * 60.0 / bpm
    envelope = np.zeros(round(times[-1] * FRAME_RATE) + 50, dtype=np.float32)
    for fraction in fractions:
        at = (times[:-1] + fraction * 60.0 / bpm) * FRAME_RATE
        envelope[np.round(at).astype(int)] = 1.0
    return envelope / envelope.std(), times


def ternary(bpm: float, fractions: tuple[float, ...]) -> float:
    envelope, beats = struck(bpm, fractions)
    return float(ternary_probability(subdivision_profiles(envelope, FRAME_RATE, [beats]))[0])


@pytest.mark.parametrize("bpm", [45.0, 70.0, 100.0, 140.0])
def test_even_thirds_are_ternary_at_every_tempo(bpm):
    assert ternary(bpm, (0.0, 1 / 3, 2 / 3)) > 0.9


@pytest.mark.parametrize("bpm", [45.0, 70.0, 100.0, 140.0])
@pytest.mark.parametrize(
    "fractions", [(0.0,), (0.0, 0.5), (0.0, 0.25, 0.5, 0.75), (0.0, 2 / 3)], ids=str
)
def test_halves_quarters_and_swing_are_not(bpm, fractions):
    assert ternary(bpm, fractions) < 0.3


def test_a_profile_peaks_where_something_begins():
    envelope, beats = struck(60.0, (0.0, 0.5))
    profile = subdivision_profiles(envelope, FRAME_RATE, [beats])[0]
    assert set(np.argsort(profile)[-2:]) == {0, 6}


def test_too_few_beats_are_not_divided():
    envelope, beats = struck(100.0, (0.0, 1 / 3, 2 / 3))
    profiles = subdivision_profiles(envelope, FRAME_RATE, [beats[:1], beats[:0]])
    assert profiles.shape == (2, CELLS)
    np.testing.assert_array_equal(thirds_over_half(profiles), 0.0)
