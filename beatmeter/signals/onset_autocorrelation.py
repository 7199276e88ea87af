"""How well the onsets agree with themselves one bar of n beats later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.features.pulses import autocorrelation, interpolate
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_TOLERANCE = np.linspace(-0.02, 0.02, 5)
"""Shares by which the beat's period may be off; over n beats errors even out, by the root of n."""


class OnsetAutocorrelation(PulseSignal):
    """Autocorrelation of the onset envelope at lags of n beats, for every candidate pulse.

    References
    ----------
    J. C. Brown, Determination of the meter of musical scores by autocorrelation, JASA 94 (1993).
    """

    name = "onset_autocorrelation"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Autocorrelation at n beats, all bands and low band: shape (pulses, 22)."""
        everything = rhythm.autocorrelation
        low = autocorrelation(rhythm.low_envelope, len(everything) - 1)
        lengths = np.array(LENGTHS)
        rows = []
        for pulse in rhythm.pulses:
            lags = lengths[:, None] * (1 + _TOLERANCE / np.sqrt(lengths)[:, None])
            lags = lags * rhythm.frame_rate * 60.0 / pulse.bpm
            rows.append(
                np.concatenate([interpolate(acf, lags).max(axis=1) for acf in (everything, low)])
            )
        return np.array(rows)
