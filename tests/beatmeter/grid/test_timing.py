"""Beats between frames, and their rate."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.grid.timing import beats_a_minute, refined

FRAME_RATE = 86.13


def bumps(times: np.ndarray) -> np.ndarray:
    frames = np.arange(900)[:, None]
    return np.exp(-0.5 * ((frames - times * FRAME_RATE) / 1.2) ** 2).sum(axis=1).astype(np.float32)


def test_times_move_to_the_peaks_between_frames():
    times = 0.5 + np.arange(30) * 0.317
    on_frames = np.round(times * FRAME_RATE) / FRAME_RATE
    assert np.abs(on_frames - times).max() > 0.004
    finer = refined(on_frames, bumps(times), FRAME_RATE)
    np.testing.assert_allclose(finer, times, atol=5e-4)


def test_where_nothing_begins_times_stay():
    times = np.array([0.0, 1.0, 2.0, 500.0])
    np.testing.assert_array_equal(refined(times, np.zeros(900, np.float32), FRAME_RATE), times)
    assert len(refined(np.zeros(0), bumps(times[:1]), FRAME_RATE)) == 0


def test_a_rate_is_not_rounded_to_frames():
    beats = np.round(np.arange(60) * 60 / 211 * FRAME_RATE) / FRAME_RATE
    assert 60 / np.median(np.diff(beats)) != pytest.approx(211, rel=0.01)
    assert beats_a_minute(beats) == pytest.approx(211, rel=0.003)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_beats_have_a_rate(count):
    assert beats_a_minute(np.arange(count) * 0.5) == pytest.approx(120)
