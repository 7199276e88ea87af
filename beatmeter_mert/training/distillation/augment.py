"""Cheap changes to a chunk of audio that leave its meter as it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from beatmeter.audio.decode import Samples
from beatmeter_mert.training.distillation.settings import AugmentSettings

_KNOTS_HZ = np.array([40.0, 100.0, 250.0, 600.0, 1500.0, 4000.0, 12000.0])
_QUIETEST_NOISE_DB = -50.0
_LONGEST_GAP_S = 0.4
_LONGEST_GAP_FRAMES = 8
_MOST_CHANNELS = 0.3

Features = npt.NDArray[np.float32]
"""What convolutions say of a clip: shape (frames, channels)."""


def draw_speed(settings: AugmentSettings, rng: np.random.Generator) -> float:
    """Draw a playback rate, as much above 1 as below, in octaves."""
    widest = np.log1p(settings.speed)
    return float(np.exp(rng.uniform(-widest, widest)))


def augment(
    samples: Samples, sample_rate: int, settings: AugmentSettings, rng: np.random.Generator
) -> Samples:
    """Change the sound of a chunk: shape (n,) to (n,).

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.
    settings : AugmentSettings
    rng : numpy.random.Generator
    """
    changed = samples
    if settings.equalizer_db:
        changed = _equalized(changed, sample_rate, settings.equalizer_db, rng)
    if rng.random() < settings.dropout:
        changed = changed * _envelope(len(changed), sample_rate, rng)
    if rng.random() < settings.noise:
        changed = changed + _noise(changed, sample_rate, settings.noise_db, rng)
    gain = 10 ** (rng.uniform(-1, 1) * settings.gain_db / 20)
    if rng.random() < settings.invert:
        gain = -gain
    return np.asarray(changed * gain, np.float32)


def augment_features(
    features: Features, settings: AugmentSettings, rng: np.random.Generator
) -> Features:
    """Change what convolutions say of a chunk: shape (frames, channels) to the same.

    Noise and gaps as for sound, and channels fall silent where an equaliser would silence them.

    Parameters
    ----------
    features : ndarray of float32, shape (frames, channels)
    settings : AugmentSettings
    rng : numpy.random.Generator
    """
    frames, channels = features.shape
    changed = features.copy()
    silent = features.min(axis=0)
    if settings.equalizer_db:
        muted = rng.random(channels) < rng.uniform(0.0, _MOST_CHANNELS)
        changed[:, muted] = silent[muted]
    if rng.random() < settings.noise:
        level = rng.uniform(0.0, 10 ** (settings.noise_db / 20))
        noise = rng.standard_normal(features.shape, np.float32)
        changed += level * features.std(axis=0) * noise
    if rng.random() < settings.dropout:
        start = int(rng.integers(frames))
        changed[start : start + int(rng.integers(1, _LONGEST_GAP_FRAMES + 1))] = silent
    return changed


def _equalized(samples: Samples, rate: int, spread_db: float, rng: np.random.Generator) -> Samples:
    """Filter with a smooth random response, drawn in decibels at seven frequencies."""
    return _filtered(samples, rate, rng.normal(0.0, spread_db, len(_KNOTS_HZ)))


def _noise(samples: Samples, rate: int, loudest_db: float, rng: np.random.Generator) -> Samples:
    colour = rng.uniform(-4.0, 4.0) * np.arange(len(_KNOTS_HZ))
    noise = _filtered(rng.standard_normal(len(samples), np.float32), rate, colour)
    level_db = rng.uniform(_QUIETEST_NOISE_DB, loudest_db)
    return noise * (10 ** (level_db / 20) * _rms(samples) / max(_rms(noise), 1e-9))


def _filtered(samples: Samples, rate: int, response_db: npt.NDArray[np.floating]) -> Samples:
    import scipy.fft

    spectrum = scipy.fft.rfft(samples)
    coarse_hz = np.linspace(0.0, rate / 2, 2048)
    coarse_db = np.interp(np.log(np.maximum(coarse_hz, 1.0)), np.log(_KNOTS_HZ), response_db)
    fine = np.interp(
        np.linspace(0.0, 1.0, len(spectrum)), np.linspace(0.0, 1.0, 2048), 10 ** (coarse_db / 20)
    )
    spectrum *= fine.astype(np.float32)
    filtered: Samples = scipy.fft.irfft(spectrum, n=len(samples))
    return filtered


def _envelope(length: int, rate: int, rng: np.random.Generator) -> Samples:
    """Either a swell over the chunk, or a short gap somewhere in it."""
    if rng.random() < 0.5:
        ends_db = rng.uniform(-12.0, 0.0, 3)
        swell_db = np.interp(np.linspace(0, 2, length), [0, 1, 2], ends_db)
        return (10 ** (swell_db / 20)).astype(np.float32)
    envelope = np.ones(length, np.float32)
    gap = int(rng.uniform(0.02, _LONGEST_GAP_S) * rate)
    start = rng.integers(0, max(1, length - gap))
    envelope[start : start + gap] = 0.0
    return envelope


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
