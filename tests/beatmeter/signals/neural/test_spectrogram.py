"""The spectrogram of the frame network: when, how loud, and as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.signals.neural.spectrogram import SAMPLE_RATE, STEPS, log_mel, to_bytes


def test_a_click_is_in_the_frame_of_its_time():
    samples = np.zeros(3 * SAMPLE_RATE, np.float32)
    samples[round(1.5 * SAMPLE_RATE)] = 1.0
    found = log_mel(samples)
    assert found.shape == (151, 81)
    assert found.sum(axis=1).argmax() == 75


def test_level_does_not_matter():
    samples = np.random.default_rng(0).normal(size=SAMPLE_RATE)
    np.testing.assert_allclose(log_mel(samples), log_mel(0.01 * samples), atol=1e-4)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(5000)])
def test_silence_is_silent(samples):
    assert not log_mel(samples).any()


def test_bytes_are_within_half_a_step():
    values = np.linspace(0, 7.9, 81, dtype=np.float32)[None]
    assert np.abs(to_bytes(values) / STEPS - values).max() <= 0.5 / STEPS
    assert to_bytes(np.float32([[99.0]]))[0, 0] == 255
