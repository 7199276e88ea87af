"""Intervals that know that clips of one song are alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from beatmeter.evaluation.bootstrap import COVERAGE, Interval
from beatmeter_mert.diagnostics.predictions import Booleans, Floats

RESAMPLES = 1000

Statistic = Callable[[Floats, Booleans], float]


def resampled_rows(
    works: Sequence[str], resamples: int = RESAMPLES, seed: int = 0
) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Draw whole works with replacement, as many as there are (Efron and Tibshirani, 1993).

    Parameters
    ----------
    works : sequence of str, length n
    resamples : int > 0
    seed : int

    Returns
    -------
    list of ndarray of int
        For each resample the rows of its clips; a work drawn twice is there twice.
    """
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, work in enumerate(works):
        rows_of[work].append(row)
    groups = [np.array(rows, np.intp) for rows in rows_of.values()]
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(groups), size=(resamples, len(groups)))
    return [np.concatenate([groups[group] for group in draw]) for draw in drawn]


def interval(
    statistic: Statistic,
    probabilities: Floats,
    labels: Booleans,
    works: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Put a 95 % percentile interval, resampled by work, around a figure."""
    draws = [
        statistic(probabilities[rows], labels[rows])
        for rows in resampled_rows(works, resamples, seed)
    ]
    return percentile_interval(statistic(probabilities, labels), draws)


def percentile_interval(value: float, draws: Sequence[float]) -> Interval:
    """Put the 95 % percentile interval of what was resampled around a figure."""
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
