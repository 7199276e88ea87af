from __future__ import annotations

import numpy as np
import pytest

from beatmeter.corpora.frames.effects import apply_effects

RATE = 22050


@pytest.fixture
def burst() -> np.ndarray:
    """Silence, then a decaying tone at one second."""
    samples = np.zeros(3 * RATE, np.float32)
    time = np.arange(RATE) / RATE
    samples[RATE : 2 * RATE] = np.sin(2 * np.pi * 700 * time) * np.exp(-time / 0.1)
    return samples


@pytest.mark.parametrize("seed", range(20))
def test_attacks_keep_their_place(burst, seed):
    samples, names = apply_effects(burst, RATE, np.random.default_rng(seed))
    assert samples.shape == burst.shape
    assert samples.dtype == np.float32
    assert np.isfinite(samples).all()
    power = np.square(samples[: 3 * RATE // 441 * 441].reshape(-1, 441)).sum(axis=1)
    rise = np.argmax(np.diff(np.log(power + power.max() * 1e-3))) + 1
    assert rise * 441 / RATE == pytest.approx(1.0, abs=0.03), names


def test_silence_stays_finite():
    for seed in range(10):
        samples, _ = apply_effects(np.zeros(RATE, np.float32), RATE, np.random.default_rng(seed))
        assert np.isfinite(samples).all()
