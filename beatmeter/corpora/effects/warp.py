"""Changes of tempo and pitch of finished recordings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beatmeter.audio.samples import Samples

UNCHANGED = 1.0
_STRETCHED = 0.12
_SPED = 0.18
_TRANSPOSED = 0.12


@dataclass(frozen=True)
class Warp:
    """How a recording is changed.

    Attributes
    ----------
    tempo : float > 0
        Factor on the tempo at which the pitch stays.
    speed : float > 0
        Factor on tempo and pitch together, as of a tape.
    semitones : int
        Change of the pitch at which the tempo stays.
    """

    tempo: float = UNCHANGED
    speed: float = UNCHANGED
    semitones: int = 0

    @property
    def rate(self) -> float:
        """Factor on the tempo altogether: a time ``t`` moves to ``t / rate``."""
        return self.tempo * self.speed

    def describe(self) -> tuple[str, ...]:
        """Name what is changed, for the labels."""
        changes = []
        if self.tempo != UNCHANGED:
            changes.append(f"tempo x{self.tempo:.3f}")
        if self.speed != UNCHANGED:
            changes.append(f"speed x{self.speed:.3f}")
        if self.semitones:
            changes.append(f"pitch {self.semitones:+d}")
        return tuple(changes)


def draw_warp(rng: np.random.Generator) -> Warp:
    """Draw a change; most of the time there is none."""
    tempo = float(rng.uniform(0.85, 1.15)) if rng.random() < _STRETCHED else UNCHANGED
    speed = float(rng.uniform(0.94, 1.06)) if rng.random() < _SPED else UNCHANGED
    semitones = int(rng.integers(1, 4) * rng.choice((-1, 1))) if rng.random() < _TRANSPOSED else 0
    return Warp(tempo, speed, semitones)


def warp(samples: Samples, sample_rate: int, change: Warp) -> Samples:
    """Apply a change: a recording of n samples becomes one of about ``n / change.rate``.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.
    change : Warp

    Returns
    -------
    ndarray of float32, shape (m,)
    """
    if change.semitones:
        samples = _shift(samples, sample_rate, change.semitones)
    if change.tempo != UNCHANGED:
        samples = _stretch(samples, sample_rate, change.tempo)
    if change.speed != UNCHANGED:
        import soxr

        samples = soxr.resample(samples, sample_rate * change.speed, sample_rate).astype(np.float32)
    return samples


def _shift(samples: Samples, sample_rate: int, semitones: int) -> Samples:
    from audiomentations import PitchShift

    shift = PitchShift(min_semitones=semitones, max_semitones=semitones, p=1.0)
    shifted: Samples = shift(samples, sample_rate=sample_rate)
    return shifted


def _stretch(samples: Samples, sample_rate: int, tempo: float) -> Samples:
    from audiomentations import TimeStretch

    stretch = TimeStretch(min_rate=tempo, max_rate=tempo, leave_length_unchanged=False, p=1.0)
    stretched: Samples = stretch(samples, sample_rate=sample_rate)
    return stretched
