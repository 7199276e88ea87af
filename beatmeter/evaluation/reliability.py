"""Reliability of probabilities: how often predictions of some probability are true.

References
----------
M. Naeini, G. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
binning, AAAI 2015 (expected calibration error).
C. Guo et al., On calibration of modern neural networks, ICML 2017, equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter._util.arrays import Booleans, Floats

BINS = 10  # of equal width


@dataclass(frozen=True)
class ReliabilityBin:
    """The predictions whose probability lies in one bin.

    Attributes
    ----------
    low, high : float
        The bin's ends; the lower one belongs to it, and 1.0 to the last.
    n : int
        Predictions.
    mean_probability, share_true : float in [0, 1]
    """

    low: float
    high: float
    n: int
    mean_probability: float
    share_true: float


def reliability(probabilities: Floats, true: Booleans) -> list[ReliabilityBin]:
    """Sort predictions into bins of equal width; empty bins are left out.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n,), in [0, 1]
    true : ndarray of bool, shape (n,)
        Whether what was predicted is so.
    """
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.clip(np.digitize(probabilities, edges) - 1, 0, BINS - 1)
    return [
        ReliabilityBin(
            low=float(edges[b]),
            high=float(edges[b + 1]),
            n=int(np.sum(place == b)),
            mean_probability=float(probabilities[place == b].mean()),
            share_true=float(true[place == b].mean()),
        )
        for b in np.unique(place)
    ]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error, in [0, 1]: mean gap of the bins, weighted by predictions."""
    total = sum(bin_.n for bin_ in bins)
    return sum(bin_.n / total * abs(bin_.mean_probability - bin_.share_true) for bin_ in bins)
