"""How strongly the onsets recur at the bar rate, against the beat rate."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from beatmeter.features.beatsync import subdivide, with_final_beat
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS, Floats

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_CELLS_PER_BEAT = 8
_OVERTONES = 3


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
            rows.append(
                np.concatenate(
                    [
                        _bar_energies(np.interp(grid, frames, envelope))
                        for envelope in (rhythm.onset_envelope, rhythm.low_envelope)
                    ]
                )
            )
        return np.array(rows)


def _bar_energies(cells: Floats) -> Floats:
    window = np.hanning(len(cells))
    windowed = (cells - cells.mean()) * window
    beats = np.arange(len(cells)) / _CELLS_PER_BEAT
    rates = [[k / n for k in range(1, _OVERTONES * n) if gcd(k, n) == 1] for n in LENGTHS]
    every = np.unique(np.round(np.concatenate(rates), 9))
    energy = np.abs(np.exp(-2j * np.pi * every[:, None] * beats) @ windowed) ** 2
    background = float(energy.mean()) + 1e-12
    found = [energy[np.searchsorted(every, np.round(r, 9))].mean() for r in rates]
    return np.log(np.array(found) / background + 1e-3)
