"""What ``beatmeter calibrate`` tells of a fit."""

from __future__ import annotations

import numpy as np

from beatmeter._util.arrays import Booleans, Floats
from beatmeter.evaluation.metrics import balanced_accuracy, log_loss, recalls
from beatmeter.evaluation.reliability import calibration_error, reliability
from beatmeter.evaluation.report.section import Row, Section, number
from beatmeter.fusion.fit.ensemble_fit import EnsembleFit
from beatmeter.fusion.pool import REFERENCE_S
from beatmeter.meters import METERS


def sections(fit: EnsembleFit) -> list[Section]:
    """Accuracy by signal and of the pool, and the pool's reliability, on unseen works."""
    return [_accuracies(fit), _pool(fit), _reliability(fit)]


def _accuracies(fit: EnsembleFit) -> Section:
    rows = [
        _accuracy_row(name, number(weight), np.exp(fit.held_out[:, column]), fit.target)
        for column, (name, weight) in enumerate(sorted(fit.weights.items()))
    ]
    rows.append(_accuracy_row("ensemble", "", fit.pooled, fit.target))
    note = f"{len(fit.target)} clips, every figure on works that the fit has not seen"
    header = ("signal", "weight", "balanced", "log loss", *map(str, METERS))
    return Section(note=note, header=header, rows=rows)


def _accuracy_row(name: str, weight: str, predicted: Floats, target: Floats) -> Row:
    single = _has_one_meter(target)
    answers = predicted[single], target[single] > 0
    return (
        name,
        weight,
        number(balanced_accuracy(*answers)),
        number(log_loss(predicted, target)),
        *(number(recall, 2) for recall in recalls(*answers)),
    )


def _pool(fit: EnsembleFit) -> Section:
    return Section(note=f"all weights times (seconds heard / {REFERENCE_S:g}) ** {fit.growth:.3f}")


def _reliability(fit: EnsembleFit) -> Section:
    single = _has_one_meter(fit.target)
    predicted, labels = fit.pooled[single], fit.target[single] > 0
    right = labels[np.arange(len(labels)), predicted.argmax(axis=1)]
    bins = reliability(predicted.max(axis=1), right)
    rows = [
        (
            f"{bin_.low:.1f}-{bin_.high:.1f}",
            str(bin_.n),
            number(bin_.mean_probability, 2),
            number(bin_.share_true, 2),
        )
        for bin_ in bins
    ]
    note = f"reliability (expected calibration error {number(calibration_error(bins))})"
    return Section(note=note, header=("confidence", "clips", "mean", "right"), rows=rows)


def _has_one_meter(target: Floats) -> Booleans:
    return np.asarray((target > 0).sum(axis=1) == 1)
