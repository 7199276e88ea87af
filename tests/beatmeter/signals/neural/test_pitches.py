"""The semitone spectrogram, on tones whose pitch is known."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.signals.neural.pitches import (
    FRAMES_PER_SECOND,
    LOWEST,
    N_PITCHES,
    log_pitches,
)
from beatmeter.signals.neural.spectrogram import SAMPLE_RATE, log_mel


def tone(midi: float, seconds: float) -> np.ndarray:
    """A sinusoid."""
    frequency = 440.0 * 2.0 ** ((midi - 69) / 12)
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


@pytest.mark.parametrize("midi", range(LOWEST, LOWEST + N_PITCHES, 5))
def test_a_tone_is_loudest_at_its_pitch(midi):
    middle = log_pitches(tone(midi, 3.0))[FRAMES_PER_SECOND]
    assert middle.argmax() == midi - LOWEST


def test_a_tone_begins_in_its_frame():
    found = log_pitches(np.concatenate([np.zeros(SAMPLE_RATE), tone(69, 1.0)]))[:, 69 - LOWEST]
    half = np.expm1(found) > np.expm1(found[-FRAMES_PER_SECOND // 2]) / 2
    assert half.argmax() == pytest.approx(FRAMES_PER_SECOND, abs=1)


def test_the_level_of_a_recording_says_nothing():
    samples = np.random.default_rng(0).normal(size=SAMPLE_RATE)
    np.testing.assert_allclose(log_pitches(samples), log_pitches(0.01 * samples), atol=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 440, 441, 881, 882, 883, 22050])
def test_there_is_a_frame_for_every_second_one_of_the_bands(samples):
    found = log_pitches(np.zeros(samples))
    assert found.shape == (-(-len(log_mel(np.zeros(samples))) // 2), N_PITCHES)
    assert not found.any()
