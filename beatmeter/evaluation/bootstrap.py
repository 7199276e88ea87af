"""Intervals from resampling whole works, since clips of one work are alike.

As many works as there are are drawn with replacement, each with all of its clips; a figure is
computed on every such resample, and the interval holds 95 % of what comes out.

References
----------
B. Efron and R. Tibshirani, An introduction to the bootstrap (1993), chapter 13 (percentiles).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats, Integers

RESAMPLES = 2000  # of whole works
COVERAGE = 0.95  # of an interval
_SEED = 0  # of the draws, the same for every figure


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


def resampled_rows(works: Sequence[str], resamples: int = RESAMPLES) -> Iterator[Integers]:
    """Rows of each resample, ascending; those of a work drawn twice are there twice.

    For figures that are no ratio of sums; :func:`resampled_sums` is much faster for those.

    Parameters
    ----------
    works : sequence of str, length n
        Of each clip.
    resamples : int > 0
    """
    names, place = np.unique(np.asarray(works), return_inverse=True)
    for times in _draw(len(names), resamples):
        yield np.repeat(np.arange(len(works)), times[place])


def resampled_sums(each: Floats, works: Sequence[str]) -> Floats:
    """Column sums over the rows of each resample.

    Parameters
    ----------
    each : ndarray, shape (n, k)
        A row for each clip.
    works : sequence of str, length n

    Returns
    -------
    ndarray, shape (2000, k)
    """
    by_work = sums_by_work(each, works)
    return np.asarray(_draw(len(by_work), RESAMPLES) @ by_work)


def sums_by_work(each: Floats, works: Sequence[str]) -> Floats:
    """Column sums of each work's rows: (n, k) to (works, k)."""
    names, place = np.unique(np.asarray(works), return_inverse=True)
    sums = np.zeros((len(names), each.shape[1]))
    np.add.at(sums, place, each)
    return sums


def interval(value: npt.ArrayLike, resampled: npt.ArrayLike) -> Interval:
    """Percentile interval of a figure; resamples in which it is undefined are left out.

    Parameters
    ----------
    resampled : array_like, shape (r,)
        May hold infinities, which count as the largest values.
    """
    drawn = np.asarray(resampled, np.float64)
    defined = drawn[~np.isnan(drawn)]
    if not len(defined):
        return Interval(float(np.asarray(value)), np.nan, np.nan)
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(np.asarray(value)), float(low), float(high))


def mean_interval(values: npt.ArrayLike, works: Sequence[str]) -> Interval:
    """Mean of one value for each clip, such as whether it is answered right, and its interval."""
    each = np.asarray(values, np.float64)
    sums = resampled_sums(np.stack([each, np.ones_like(each)], axis=1), works)
    return interval(each.mean(), sums[:, 0] / sums[:, 1])


def _draw(works: int, resamples: int) -> Integers:
    """How many times each resample holds each work: shape (resamples, works)."""
    rng = np.random.default_rng(_SEED)
    return rng.multinomial(works, np.full(works, 1.0 / works), size=resamples)
