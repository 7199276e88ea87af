"""What the other signals find, taken together on one pulse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.signals.calibrated import PulseSignal

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm


class CommonPulse(PulseSignal):
    """Weighs all evidence at once, so that every part of it has to hold on the same pulse.

    The signals that it listens to each sum the pulses out by themselves, and may agree on a meter
    while they count at different rates.

    Parameters
    ----------
    signals : sequence of PulseSignal
    """

    name = "common_pulse"
    hidden_units = 32

    def __init__(self, signals: Sequence[PulseSignal]) -> None:
        self._signals = tuple(signals)

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Everything that the signals found: shape (pulses, sum of their values)."""
        return np.hstack([signal.hypotheses(rhythm)[1] for signal in self._signals])
