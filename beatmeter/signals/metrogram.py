"""How strongly the onsets recur at the bar rate, against the beat rate."""

from __future__ import annotations

from functools import cache, lru_cache
from math import gcd
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.features.beatsync import subdivide, with_final_beat
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS, table_size

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_CELLS_PER_BEAT = 8
_OVERTONES = 3  # rates are looked at below so many times the beat rate


class Metrogram(PulseSignal):
    """Energy of the onset envelope at fractions k/n of the beat rate, in beat time.

    The envelope is first read off on a grid that follows the beats, so that a drifting tempo
    does not smear its spectrum; of each n only fractions in lowest terms count, so that a bar of
    three does not pass for one of nine.

    References
    ----------
    G. Peeters, Rhythm classification using spectral rhythm patterns, ISMIR 2005; librosa's
    ``feature.metrogram`` for the ratios of bar rate to beat rate.
    """

    name = "metrogram"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Log energy at the rates of n over the mean at all slow rates: shape (pulses, 22)."""
        frames = np.arange(len(rhythm.onset_envelope)) / rhythm.frame_rate
        rows = []
        for pulse in rhythm.pulses:
            grid = subdivide(with_final_beat(pulse.beats, 60.0 / pulse.bpm), _CELLS_PER_BEAT)[:-1]
            cells = [
                np.interp(grid, frames, envelope)
                for envelope in (rhythm.onset_envelope, rhythm.low_envelope)
            ]
            rows.append(_bar_energies(np.array(cells)).ravel())
        return np.array(rows)


def _bar_energies(cells: Floats) -> Floats:
    """Log energy at the rates of each n, against all: (2, 8 beats) to (2, 11).

    A cell lies a whole number of beats, and a part of one, after the first. So the Fourier sum is
    taken over whole beats first, for each part by itself, and then over the parts.
    """
    windowed = (cells - cells.mean(axis=1, keepdims=True)) * np.hanning(cells.shape[1])
    by_part = windowed.reshape(len(cells), -1, _CELLS_PER_BEAT)
    every, means = _rates()
    whole = _turns(table_size(by_part.shape[1]))[:, : by_part.shape[1]]
    parts = np.exp(-2j * np.pi * every[:, None] * np.arange(_CELLS_PER_BEAT) / _CELLS_PER_BEAT)
    energy = np.abs(((whole @ by_part) * parts).sum(axis=-1)) ** 2
    background = energy.mean(axis=1, keepdims=True) + 1e-12
    return np.log(energy @ means / background + 1e-3)


@cache
def _rates() -> tuple[Floats, Floats]:
    """All rates that are asked for, ascending: (r,), and what takes the mean of each n: (r, 11)."""
    rates = [[k / n for k in range(1, _OVERTONES * n) if gcd(k, n) == 1] for n in LENGTHS]
    every: Floats = np.unique(np.round(np.concatenate(rates), 9)).astype(np.float64)
    members = [np.isin(every, np.round(of_one, 9)) for of_one in rates]
    return every, np.stack([wanted / wanted.sum() for wanted in members], axis=1)


@lru_cache(maxsize=2)
def _turns(beats: int) -> npt.NDArray[np.complex128]:
    """Of a Fourier sum at all rates, for so many beats: (rates, beats), half a megabyte."""
    return np.exp(-2j * np.pi * _rates()[0][:, None] * np.arange(beats))
