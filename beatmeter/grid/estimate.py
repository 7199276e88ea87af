"""Reading a counted meter as a time signature and bars: a reading, not a fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.signals.folding import explained_variance

if TYPE_CHECKING:
    from beatmeter.features.pulses import Pulse
    from beatmeter.features.rhythm import Rhythm

Times = npt.NDArray[np.float64]

_EIGHTH_BPM = 190.0
_COMPOUND_BPM = 160.0
_AUDIBLE = 0.3


@dataclass(frozen=True)
class MetricalGrid:
    """How a recording may be counted in a given meter.

    Attributes
    ----------
    beats, downbeats : ndarray of float, shape (n,)
        Seconds: counted beats, and those that begin a bar.
    bpm : float
        Counted beats a minute.
    time_signature : str
    """

    beats: Times
    downbeats: Times
    bpm: float
    time_signature: str

    def shifted(self, offset_s: float) -> MetricalGrid:
        """The same reading with every time moved by an offset in seconds."""
        return replace(self, beats=self.beats + offset_s, downbeats=self.downbeats + offset_s)


def estimate_grid(rhythm: Rhythm, meter: int) -> MetricalGrid:
    """The most convincing way to count `meter` in a recording.

    The pulse is the one on whose beats bars of `meter` explain the accents best; the phase the one
    that puts the strongest accents on the downbeat.
    """
    best, position, strength = rhythm.tactus, 0, -np.inf
    for pulse, features in zip(rhythm.pulses, rhythm.beat_features, strict=True):
        if len(pulse.beats) < 2 * meter:
            continue
        explained = explained_variance(features.accents, meter).sum()
        worth = explained + 0.15 * pulse.salience - 0.1 * np.log2(pulse.bpm / 130.0) ** 2
        if worth > strength:
            best, strength = pulse, worth
            position = _downbeat_position(features.accents, meter)
    return MetricalGrid(
        best.beats, best.beats[position::meter], best.bpm, _time_signature(rhythm, best, meter)
    )


def _downbeat_position(accents: npt.NDArray[np.float32], meter: int) -> int:
    positions = np.arange(len(accents)) % meter
    spread = np.maximum(accents.std(axis=0), 1e-9)
    standard = ((accents - accents.mean(axis=0)) / spread).sum(axis=1)
    means = np.bincount(positions, standard, meter) / np.bincount(positions, minlength=meter)
    return int(means.argmax())


def _time_signature(rhythm: Rhythm, pulse: Pulse, meter: int) -> str:
    if meter in (9, 11):
        return f"{meter}/8"
    if meter in (5, 7):
        return f"{meter}/8" if pulse.bpm >= _EIGHTH_BPM else f"{meter}/4"
    if meter == 3 and pulse.bpm >= _EIGHTH_BPM:
        return "6/8"
    if meter == 4 and pulse.bpm < _COMPOUND_BPM and _is_ternary(rhythm, pulse):
        return "12/8"
    return f"{meter}/4"


def _is_ternary(rhythm: Rhythm, pulse: Pulse) -> bool:
    if len(pulse.beats) < 2:
        return False
    thirds = min(_strength_at(rhythm, pulse, 1 / 3), _strength_at(rhythm, pulse, 2 / 3))
    return thirds > max(_strength_at(rhythm, pulse, 1 / 2), _AUDIBLE)


def _strength_at(rhythm: Rhythm, pulse: Pulse, fraction: float) -> float:
    times = pulse.beats[:-1] + fraction * np.diff(pulse.beats)
    frames = np.round(times * rhythm.frame_rate).astype(int)
    envelope = rhythm.onset_envelope
    return float(envelope[np.clip(frames, 0, len(envelope) - 1)].mean())
