"""What the second highest probability reaches when there is no second meter.

A polyrhythm is believed only when its second probability passes this floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beatmeter_mert.diagnostics.accuracy import top_class, true_class
from beatmeter_mert.diagnostics.predictions import Booleans, Floats

PERCENTILES = (90, 95, 99)


@dataclass(frozen=True)
class Floor:
    """The second probabilities of some single-label clips.

    Attributes
    ----------
    n : int
        Clips.
    mean, median : float or None
        None when there are no clips.
    p90, p95, p99 : float or None
        Percentiles; None from fewer clips than :func:`smallest_n`.
    """

    n: int
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True)
class NoiseFloor:
    """The floor over all single-label clips, and by class.

    Attributes
    ----------
    overall : Floor
    by_true, by_predicted : tuple of Floor, length 6
        Of the clips with this label, and of those with this top class.
    """

    overall: Floor
    by_true: tuple[Floor, ...]
    by_predicted: tuple[Floor, ...]


def smallest_n(percentile: int) -> int:
    """How many clips a percentile needs: so many that one of them is expected to lie above it."""
    return -(-100 // (100 - percentile))


def second_probabilities(probabilities: Floats) -> Floats:
    """Return the second highest probability of each clip: shape (n,), in [0, 1]."""
    return np.asarray(np.sort(probabilities, axis=1)[:, -2])


def noise_floor(probabilities: Floats, labels: Booleans) -> NoiseFloor:
    """Measure the floor on the clips that have one label; the others are passed over."""
    single = labels.sum(axis=1) == 1
    probabilities, labels = probabilities[single], labels[single]
    second = second_probabilities(probabilities)
    true, top = true_class(probabilities, labels), top_class(probabilities)
    columns = range(labels.shape[1])
    return NoiseFloor(
        overall=_floor(second),
        by_true=tuple(_floor(second[true == column]) for column in columns),
        by_predicted=tuple(_floor(second[top == column]) for column in columns),
    )


def _floor(second: Floats) -> Floor:
    n = len(second)
    percentiles = [
        float(np.percentile(second, q)) if n >= smallest_n(q) else None for q in PERCENTILES
    ]
    if n == 0:
        return Floor(0, None, None, *percentiles)
    return Floor(n, float(second.mean()), float(np.median(second)), *percentiles)
