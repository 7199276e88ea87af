"""How good, and how honest, predicted distributions are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions of similar confidence.

    Attributes
    ----------
    low, high : float
        Bounds of the confidence.
    count : int
    confidence : float
        Mean confidence of these predictions.
    accuracy : float
        Share of them that are right.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def correct(predicted: Floats, target: Floats) -> npt.NDArray[np.bool_]:
    """Whether the most probable meter is among the true ones: (n, 6), (n, 6) to (n,)."""
    return np.asarray(target[np.arange(len(target)), predicted.argmax(axis=1)] > 0)


def recall_by_meter(predicted: Floats, target: Floats) -> Floats:
    """Share of each meter's single-meter clips predicted right: shape (6,), NaN without clips."""
    single = (target > 0).sum(axis=1) == 1
    right = correct(predicted, target)[single]
    labels = target[single].argmax(axis=1)
    counts = np.bincount(labels, minlength=target.shape[1])
    hits = np.bincount(labels, right, minlength=target.shape[1])
    return np.divide(hits, counts, out=np.full(len(counts), np.nan), where=counts > 0)


def balanced_accuracy(predicted: Floats, target: Floats) -> float:
    """Mean recall over the meters that have clips."""
    return float(np.nanmean(recall_by_meter(predicted, target)))


def log_loss(predicted: Floats, target: Floats) -> float:
    """Mean negative log-likelihood of the true meters, in nats."""
    return float(-(target * np.log(np.maximum(predicted, 1e-12))).sum(axis=1).mean())


def reliability(predicted: Floats, target: Floats, bins: int = 10) -> list[ReliabilityBin]:
    """Accuracy by confidence over clips of one meter, in equal bins; empty ones are left out."""
    single = (target > 0).sum(axis=1) == 1
    confidence, right = predicted[single].max(axis=1), correct(predicted, target)[single]
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    return [
        ReliabilityBin(
            float(edges[i]),
            float(edges[i + 1]),
            int((place == i).sum()),
            float(confidence[place == i].mean()),
            float(right[place == i].mean()),
        )
        for i in range(bins)
        if (place == i).any()
    ]


def calibration_error(table: list[ReliabilityBin]) -> float:
    """Expected calibration error: mean gap of confidence and accuracy, weighted by count.

    References
    ----------
    M. Naeini, G. Cooper and M. Hauskrecht, Obtaining well calibrated probabilities using Bayesian
    binning, AAAI 2015.
    """
    total = sum(row.count for row in table)
    return sum(row.count * abs(row.confidence - row.accuracy) for row in table) / total
