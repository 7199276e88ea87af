"""Compound time is told as such at every tempo, and swing is not compound."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.ensemble import Ensemble
from beatmeter.features.rhythm import Rhythm
from beatmeter.grid.estimate import estimate_grid
from beatmeter.grid.metrical import MetricalGrid

RATE = 22050
SECONDS = 24.0


def drummed(steps: int, step_s: float, **drums: tuple[int, ...]) -> np.ndarray:
    """Bars of so many steps, with the steps on which each drum is struck."""
    rng = np.random.default_rng(steps)
    time = np.arange(round(0.3 * RATE)) / RATE
    noise = rng.standard_normal(len(time))
    sounds = {
        "kick": np.sin(2 * np.pi * 60.0 * time) * np.exp(-time / 0.05),
        "snare": 0.6 * noise * np.exp(-time / 0.03),
        "hat": 0.3 * np.diff(noise, prepend=0.0) * np.exp(-time / 0.01),
    }
    samples = 1e-3 * rng.standard_normal(round((SECONDS + 1) * RATE))
    for step in range(int(SECONDS / step_s)):
        for drum, struck in drums.items():
            if step % steps in struck:
                start = round((0.1 + step * step_s) * RATE)
                samples[start : start + len(time)] += sounds[drum] * rng.uniform(0.85, 1.0)
    return samples.astype(np.float32)


def counted(samples: np.ndarray, meter: int) -> MetricalGrid:
    """The grid of a meter that is given."""
    ensemble, rhythm = Ensemble.installed(), Rhythm(samples, RATE)
    return estimate_grid([ensemble.grid_evidence(rhythm, ensemble.score_excerpt(rhythm))], meter)


@pytest.mark.parametrize("bpm", [70.0, 95.0, 125.0])
def test_two_ternary_beats_are_six_eighths(bpm):
    step_s = 20.0 / bpm
    samples = drummed(6, step_s, kick=(0,), snare=(3,), hat=(0, 1, 2, 3, 4, 5))
    grid = counted(samples, 3)
    assert grid.time_signature == "6/8"
    assert grid.bar_duration_s == pytest.approx(6 * step_s, rel=0.02)
    assert grid.tempo_bpm == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("bpm", [60.0, 90.0, 120.0])
def test_four_ternary_beats_are_twelve_eighths(bpm):
    step_s = 20.0 / bpm
    samples = drummed(12, step_s, kick=(0, 6), snare=(3, 9), hat=tuple(range(12)))
    grid = counted(samples, 4)
    assert grid.time_signature == "12/8"
    assert grid.tempo_bpm == pytest.approx(bpm, rel=0.02)


@pytest.mark.parametrize("bpm", [90.0, 120.0, 160.0])
def test_swing_is_no_compound_time(bpm):
    samples = drummed(12, 20.0 / bpm, kick=(0, 6, 11), snare=(3, 9), hat=(0, 3, 5, 6, 9, 11))
    grid = counted(samples, 4)
    assert not grid.ternary
    assert grid.beat_bpm == pytest.approx(bpm, rel=0.02)
