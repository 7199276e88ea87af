"""The report of ``beatmeter calibrate`` on a fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from beatmeter._util.arrays import Booleans, Floats
from beatmeter.evaluation.bootstrap import mean_interval
from beatmeter.evaluation.metrics import balanced_accuracy, log_loss, primary_accuracy, recalls
from beatmeter.evaluation.reliability import calibration_error, reliability
from beatmeter.evaluation.report.section import Row, Section, number, share
from beatmeter.fusion.fit.ensemble_fit import EnsembleFit, as_array
from beatmeter.fusion.fit.importance import family_weights, has_one_meter
from beatmeter.fusion.pool import REFERENCE_S
from beatmeter.fusion.prior import REPERTOIRE_WORKS, tempered
from beatmeter.meters import METERS

BEFORE = "before"
WHOLE = "whole"


def sections(fit: EnsembleFit) -> list[Section]:
    """Figures by signal, by what was left out, by family and meter; prior, pool, reliability."""
    return [
        _signals(fit),
        _overall(fit),
        _families(fit),
        _priors(fit),
        _pool(fit),
        _reliability(fit),
    ]


def _signals(fit: EnsembleFit) -> Section:
    predicted = np.exp(fit.said[fit.first])
    rows = [
        _by_meter(name, number(weight), predicted[:, column], fit.target)
        for column, (name, weight) in enumerate(sorted(fit.weights.items()))
    ]
    rows.append(_by_meter("ensemble", "", fit.pooled[fit.first], fit.target))
    note = f"{len(fit.target)} clips; {fit.first} left out, no figure is of music that was fitted"
    header = ("signal", "weight", "balanced", "log loss", *map(str, METERS))
    return Section(note=note, header=header, rows=rows)


def _by_meter(name: str, weight: str, predicted: Floats, target: Floats) -> Row:
    single = has_one_meter(target)
    answers = predicted[single], target[single] > 0
    return (
        name,
        weight,
        number(balanced_accuracy(*answers)),
        number(log_loss(predicted[single], target[single])),
        *(number(recall, 2) for recall in recalls(*answers)),
    )


def _overall(fit: EnsembleFit) -> Section:
    """All families, each of which weighs the same; meters as common as works, and alike."""
    families = [clip.clip.family for clip in fit.clips]
    alike = family_weights(families, fit.target)
    by_works = family_weights(families, fit.target, as_array(tempered(REPERTOIRE_WORKS, 1.0)))
    works = np.array([clip.clip.work for clip in fit.clips])
    rows = []
    for heard, chosen in _lengths(fit):
        single = chosen & has_one_meter(fit.target)
        if not single.any():
            continue
        labels = fit.target[single] > 0
        for name, pooled in ({BEFORE: fit.before} | fit.pooled).items():
            predicted = pooled[single]
            right = labels[np.arange(len(labels)), predicted.argmax(axis=1)]
            error = calibration_error(reliability(predicted.max(axis=1), right))
            rows.append(
                (
                    heard,
                    name,
                    str(len(right)),
                    share(mean_interval(right, works[single].tolist())),
                    number(float(np.average(right, weights=by_works[single]))),
                    number(float(np.average(right, weights=alike[single]))),
                    number(log_loss(predicted, fit.target[single])),
                    number(error),
                )
            )
    header = ("heard", "left out", "clips", "right", "by works", "by meters", "log loss", "error")
    return Section(header=header, rows=rows)


def _families(fit: EnsembleFit) -> Section:
    """Accuracy before and after, by family and length; "surest" is the mean confidence."""
    names = np.array([clip.clip.family or "all" for clip in fit.clips])
    rows = []
    for name in np.unique(names):
        for heard, chosen in _lengths(fit):
            if (chosen & (names == name)).any():
                rows.append((name, heard, *_figures(fit, chosen & (names == name))))
    figures = [
        f"{what} {figure}"
        for what in (BEFORE, *fit.pooled)
        for figure in ("right", "balanced", "log loss")
    ]
    header = ("family", "heard", "clips", *figures, "surest", "uniform prior")
    return Section(header=header, rows=rows)


def _figures(fit: EnsembleFit, rows: Booleans) -> Row:
    surest = number(float(fit.pooled[fit.first][rows].max(axis=1).mean()), 2)
    without_prior = fit.pooled[fit.first] / as_array(fit.prior)
    single = rows & has_one_meter(fit.target)
    count = str(int(rows.sum()))
    if not single.any():
        return (count, *["-"] * 3 * (1 + len(fit.pooled)), surest, "-")
    labels = fit.target[single] > 0
    figures = [
        number(value)
        for pooled in (fit.before, *fit.pooled.values())
        for value in (
            primary_accuracy(pooled[single], labels),
            balanced_accuracy(pooled[single], labels),
            log_loss(pooled[single], fit.target[single]),
        )
    ]
    return (count, *figures, surest, number(primary_accuracy(without_prior[single], labels)))


def _lengths(fit: EnsembleFit) -> Iterator[tuple[str, Booleans]]:
    """Whole clips, then the excerpts of each length, the longest first."""
    seconds = np.array([clip.seconds for clip in fit.clips])
    whole = np.ones(len(seconds), bool)
    for place, clip in enumerate(fit.clips):
        whole[place] = place == 0 or clip.clip is not fit.clips[place - 1].clip
    yield WHOLE, whole
    for length in sorted(set(seconds[~whole].tolist()), reverse=True):
        yield f"{length:g} s", ~whole & (seconds == length)


def _priors(fit: EnsembleFit) -> Section:
    rows = [
        (
            " ".join(f"{meter}:{trial.prior[meter]:.3f}" for meter in METERS),
            *map(number, trial.losses),
            "chosen" if trial.prior == fit.prior else "",
        )
        for trial in fit.trials
    ]
    return Section(header=("prior", "loss by works", "by meters", ""), rows=rows)


def _pool(fit: EnsembleFit) -> Section:
    return Section(
        note=f"all weights times (seconds heard / {REFERENCE_S:g}) ** {fit.growth:.3f}; "
        f"penalty {fit.penalty:g} on what they depart by"
    )


def _reliability(fit: EnsembleFit) -> Section:
    single = has_one_meter(fit.target)
    predicted, labels = fit.pooled[fit.first][single], fit.target[single] > 0
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
