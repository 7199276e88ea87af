"""How much of the accents a bar of n beats explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import explained_variance

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm


class AccentFolding(PulseSignal):
    """Folds onset strength, low-band onset strength and harmonic change into bars."""

    name = "accent_folding"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Adjusted explained variance per accent and bar length: shape (pulses, 33)."""
        return np.array(
            [explained_variance(beats.accents).ravel() for beats in rhythm.beat_features]
        )
