"""Intervals from resampling whole works.

References
----------
B. Efron and R. Tibshirani, An introduction to the bootstrap (1993), chapter 13 (percentiles).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beatmeter.fusion.agreement import Floats

RESAMPLES = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval.

    Attributes
    ----------
    value, low, high : float
        NaN where it is not defined.
    """

    value: float
    low: float
    high: float


def resampled_sums(each: Floats, works: Sequence[str], seed: int = 0) -> Floats:
    """Column sums over works drawn with replacement, as many as there are.

    Parameters
    ----------
    each : ndarray, shape (n, k)
        A row for each fixture.
    works : sequence of str, length n
    seed : int

    Returns
    -------
    ndarray, shape (2000, k)
    """
    by_work = sums_by_work(each, works)
    drawn = np.random.default_rng(seed).multinomial(
        len(by_work), np.full(len(by_work), 1.0 / len(by_work)), size=RESAMPLES
    )
    return np.asarray(drawn @ by_work)


def sums_by_work(each: Floats, works: Sequence[str]) -> Floats:
    """Column sums of each work's rows: (n, k) to (works, k)."""
    names, place = np.unique(np.asarray(works), return_inverse=True)
    sums = np.zeros((len(names), each.shape[1]))
    np.add.at(sums, place, each)
    return sums


def interval(value: Floats, resampled: Floats) -> Interval:
    """Percentile interval of a figure; resamplings in which it is undefined are left out.

    Parameters
    ----------
    value : ndarray, shape ()
    resampled : ndarray, shape (r,)
        May hold infinities, which count as the largest values.
    """
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return Interval(float(value), np.nan, np.nan)
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(value), float(low), float(high))
