"""How alike beats are that lie one bar of n beats apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.features.beatsync import standardise, unit_rows
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS, lag_similarity

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm


class BarSimilarity(PulseSignal):
    """Similarity of onset patterns, chroma and timbre at lags of n beats.

    Each similarity is taken against the mean over all lags, so that music which resembles itself
    everywhere says nothing.

    References
    ----------
    J. Foote and S. Uchihashi, The beat spectrum, ICME 2001.
    """

    name = "bar_similarity"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Relative similarity of patterns, chroma and timbre per n: shape (pulses, 33)."""
        rows = []
        for beats in rhythm.beat_features:
            patterns = beats.patterns.reshape(len(beats.patterns), -1)
            chroma = beats.chroma - beats.chroma.mean(axis=0)
            views = (standardise(patterns), chroma, beats.timbre)
            rows.append(np.concatenate([_relative_similarity(unit_rows(v)) for v in views]))
        return np.array(rows)


def _relative_similarity(rows: np.ndarray) -> Floats:
    similarity = np.array([lag_similarity(rows, n) for n in LENGTHS])
    return similarity - similarity.mean()
