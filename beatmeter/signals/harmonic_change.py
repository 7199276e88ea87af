"""Where the harmony changes, in beats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.features.beatsync import standardise
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS, explained_variance, lag_similarity

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm


class HarmonicChange(PulseSignal):
    """Chords change at bar lines: the distances between changes tell the bar.

    References
    ----------
    C. Harte, M. Sandler and M. Gasser, Detecting harmonic change in musical audio, AMCMM 2006.
    """

    name = "harmonic_change"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Self-similarity and folding of the strongest changes per n: shape (pulses, 22)."""
        return np.array([_evidence_of(beats.accents[:, 2:3]) for beats in rhythm.beat_features])


def _evidence_of(change: np.ndarray) -> Floats:
    strongest = (change > np.quantile(change, 0.75)).astype(np.float32)
    scaled = standardise(change)
    return np.concatenate(
        [
            [lag_similarity(scaled, n) for n in LENGTHS],
            explained_variance(strongest)[:, 0],
        ]
    )
