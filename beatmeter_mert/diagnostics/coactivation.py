"""Label co-activation: classes whose probabilities rise and fall together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from beatmeter._util.arrays import Floats, Integers
from beatmeter.meters import METERS

COOCCURRENCE_THRESHOLD = 0.4
"""Probability from which a meter counts as present beside another."""
LEAKAGE_CORRELATION = 0.3
"""Above it two meters are said to leak into each other; a convention."""
ALWAYS_SHOWN = ((3, 4), (4, 5))
"""Pairs of meters that are easily confused."""
ADVICE = "Lower the label smoothing to 0.05 or 0.02."


@dataclass(frozen=True)
class PairCount:
    """How many clips have both meters at or above the co-occurrence threshold."""

    meters: tuple[int, int]
    count: int


@dataclass(frozen=True)
class PairCorrelation:
    """How two meters' probabilities correlate.

    Attributes
    ----------
    correlation : float in [-1, 1]
        Pearson's; NaN when one of the two never changes.
    leaks : bool
        Whether it is above :data:`LEAKAGE_CORRELATION`.
    """

    meters: tuple[int, int]
    correlation: float
    leaks: bool


def cooccurrence(probabilities: Floats) -> Integers:
    """Count clips in which two classes both reach :data:`COOCCURRENCE_THRESHOLD`.

    Returns
    -------
    ndarray of int, shape (6, 6)
        Symmetric; the diagonal counts each class by itself.
    """
    active = (probabilities >= COOCCURRENCE_THRESHOLD).astype(np.int64)
    return np.asarray(active.T @ active)


def commonest_pairs(probabilities: Floats) -> list[PairCount]:
    """List the pairs that co-occur at all, the commonest first."""
    counts = cooccurrence(probabilities)
    pairs = [
        PairCount((METERS[a], METERS[b]), int(counts[a, b]))
        for a, b in combinations(range(len(METERS)), 2)
        if counts[a, b]
    ]
    return sorted(pairs, key=lambda pair: (-pair.count, pair.meters))


def correlations(probabilities: Floats) -> Floats:
    """Pearson's correlation of each two classes' probabilities over the clips.

    Returns
    -------
    ndarray of float, shape (6, 6), in [-1, 1]
        Rows and columns of a class that never changes are NaN.
    """
    centred = probabilities - probabilities.mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    constant = np.ptp(probabilities, axis=0) == 0
    norms[constant] = np.nan
    return np.asarray(np.clip(centred.T @ centred / np.outer(norms, norms), -1.0, 1.0))


def shown_correlations(probabilities: Floats) -> list[PairCorrelation]:
    """List the pairs that leak, the strongest first, then the rest of :data:`ALWAYS_SHOWN`."""
    matrix = correlations(probabilities)
    pairs = []
    for a, b in combinations(range(len(METERS)), 2):
        correlation = float(matrix[a, b])
        pairs.append(
            PairCorrelation((METERS[a], METERS[b]), correlation, correlation > LEAKAGE_CORRELATION)
        )
    shown = [pair for pair in pairs if pair.leaks or pair.meters in ALWAYS_SHOWN]
    return sorted(shown, key=lambda pair: (not pair.leaks, -np.nan_to_num(pair.correlation)))
