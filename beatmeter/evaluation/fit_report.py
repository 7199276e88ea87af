"""What ``beatmeter calibrate`` tells of a fit."""

from __future__ import annotations

import numpy as np

from beatmeter._util.arrays import Booleans, Floats
from beatmeter.evaluation.metrics import balanced_accuracy, log_loss, primary_accuracy, recalls
from beatmeter.evaluation.reliability import calibration_error, reliability
from beatmeter.evaluation.report.section import Row, Section, number
from beatmeter.fusion.fit.ensemble_fit import EnsembleFit
from beatmeter.fusion.pool import REFERENCE_S
from beatmeter.meters import METERS

SHORT_S = 15.0
"""Clips of which no more is heard are told apart from those heard whole."""


def sections(fit: EnsembleFit) -> list[Section]:
    """Accuracy by signal and of the pool, by family, and reliability, on what was left out."""
    return [_accuracies(fit), _families(fit), _priors(fit), _pool(fit), _reliability(fit)]


def _accuracies(fit: EnsembleFit) -> Section:
    rows = [
        _accuracy_row(name, number(weight), np.exp(fit.held_out[:, column]), fit.target)
        for column, (name, weight) in enumerate(sorted(fit.weights.items()))
    ]
    rows.append(_accuracy_row("ensemble", "", fit.pooled, fit.target))
    note = f"{len(fit.target)} clips, every figure on music that the fit has not seen"
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


def _families(fit: EnsembleFit) -> Section:
    """By family: under the fit's prior, and what the uniform one would answer."""
    names = np.array([clip.clip.family or "all" for clip in fit.clips])
    seconds = np.array([clip.seconds for clip in fit.clips])
    rows = []
    for name in [*np.unique(names), "together"]:
        of_family = (names == name) | (name == "together")
        for what, heard in (("whole", seconds > SHORT_S), ("short", seconds <= SHORT_S)):
            if (of_family & heard).any():
                rows.append((name, what, *_family_figures(fit, of_family & heard)))
    header = (
        "family",
        "heard",
        "clips",
        "right",
        "balanced",
        "log loss",
        "surest",
        "uniform prior",
    )
    return Section(note="", header=header, rows=rows)


def _family_figures(fit: EnsembleFit, rows: Booleans) -> Row:
    without_prior = fit.pooled / np.array([fit.prior[meter] for meter in METERS])
    surest = number(float(fit.pooled[rows].max(axis=1).mean()), 2)
    single = rows & _has_one_meter(fit.target)
    if not single.any():
        return (str(int(rows.sum())), "-", "-", "-", surest, "-")
    labels = fit.target[single] > 0
    return (
        str(int(rows.sum())),
        number(primary_accuracy(fit.pooled[single], labels)),
        number(balanced_accuracy(fit.pooled[single], labels)),
        number(log_loss(fit.pooled[single], fit.target[single])),
        surest,
        number(primary_accuracy(without_prior[single], labels)),
    )


def _priors(fit: EnsembleFit) -> Section:
    rows = [
        (
            " ".join(f"{meter}:{prior[meter]:.3f}" for meter in METERS),
            number(loss),
            "chosen" if prior == fit.prior else "",
        )
        for prior, loss in zip(fit.priors, fit.losses, strict=True)
    ]
    return Section(header=("prior", "log loss", ""), rows=rows)


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
