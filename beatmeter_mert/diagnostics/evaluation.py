"""Every diagnostic of one classifier on one set of clips, computed at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from beatmeter._util.arrays import Booleans, Floats, Integers
from beatmeter.evaluation import metrics
from beatmeter.evaluation.bootstrap import RESAMPLES, Interval, interval, resampled_rows
from beatmeter.evaluation.reliability import ReliabilityBin, calibration_error, reliability
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics import coactivation, confidence
from beatmeter_mert.diagnostics.predictions import Predictions
from beatmeter_mert.diagnostics.second_meter import (
    SecondMeter,
    ThresholdMeasurement,
    measure_thresholds,
    second_meter,
)
from beatmeter_mert.diagnostics.subgroups import SubgroupFigures, Subgroups, by_subgroup
from beatmeter_mert.model.thresholds import SecondMeterThresholds

STATISTICS: dict[str, Callable[[Floats, Booleans], float]] = {
    "primary accuracy": metrics.primary_accuracy,
    "strict accuracy": metrics.strict_accuracy,
    "balanced accuracy": metrics.balanced_accuracy,
    "mean average precision": metrics.mean_average_precision,
    "macro F1": metrics.macro_f1,
}
"""The figures that get an interval."""


@dataclass(frozen=True)
class ClassFigures:
    """One class by itself.

    Attributes
    ----------
    clips : int
        With this label.
    recall, average_precision, f1 : float in [0, 1]
        NaN where there is nothing to count.
    """

    meter: int
    clips: int
    recall: float
    average_precision: float
    f1: float


@dataclass(frozen=True)
class Reference:
    """A published figure to read beside ours, in [0, 1]."""

    system: str
    accuracy: float
    balanced_accuracy: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a classifier does on labelled clips; see the functions named for each figure.

    Attributes
    ----------
    about : dict of str to str
        What was evaluated, on what, and with which versions.
    figures : dict of str to Interval
        One for each of :data:`STATISTICS`, resampled by work.
    resamples : int
        How often.
    confusion : ndarray of int, shape (6, 6)
        :func:`beatmeter.evaluation.metrics.class_confusion`.
    classes : tuple of ClassFigures, length 6
    without_positives : tuple of int
        Meters that the means leave out.
    cooccurrence : ndarray of int, shape (6, 6)
    gap_by_predicted : list of Spread, length 6
    gap_bands : ndarray of float, shape (3,)
    quadrants : dict of Quadrant to int
        Clips in each.
    correlations : ndarray of float, shape (6, 6)
    second_probabilities : ThresholdMeasurement
    second_meter : SecondMeter
    reliability : list of ReliabilityBin
        Of the predictions of all six meters.
    subgroups : tuple of SubgroupFigures
        Empty where nothing is known of the music.
    """

    about: dict[str, str]
    predictions: Predictions
    figures: dict[str, Interval]
    resamples: int
    confusion: Integers
    classes: tuple[ClassFigures, ...]
    without_positives: tuple[int, ...]
    cooccurrence: Integers
    pairs: list[coactivation.PairCount]
    gap: confidence.Spread
    entropy: confidence.Spread
    gap_by_predicted: list[confidence.Spread]
    gap_bands: Floats
    quadrants: dict[confidence.Quadrant, int]
    correlations: Floats
    shown_correlations: list[coactivation.PairCorrelation]
    second_probabilities: ThresholdMeasurement
    second_meter: SecondMeter
    reliability: list[ReliabilityBin]
    calibration_error: float
    references: tuple[Reference, ...] = ()
    subgroups: tuple[SubgroupFigures, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether any two classes rise and fall together."""
        return any(pair.leaks for pair in self.shown_correlations)


def evaluate(
    predictions: Predictions,
    about: dict[str, str],
    references: tuple[Reference, ...] = (),
    resamples: int = RESAMPLES,
    thresholds: SecondMeterThresholds | None = None,
    subgroups: Subgroups = MappingProxyType({}),
) -> Evaluation:
    """Compute every diagnostic.

    Parameters
    ----------
    resamples : int > 0
        Of the intervals.
    thresholds : SecondMeterThresholds, optional
        Of the checkpoint; uncalibrated by default.
    subgroups : mapping of str to sequence of str
        By trait, such as the tempo, of what kind each clip is; unknown by default.
    """
    p, labels = predictions.probabilities, predictions.labels
    counted = Counter(confidence.quadrants(p))
    classes = _classes(p, labels)
    bins = reliability(p.ravel(), labels.ravel())
    drawn = resampled_rows(predictions.works, resamples)
    resampled = np.array([figures_of(predictions, rows) for rows in drawn])
    return Evaluation(
        about=about,
        predictions=predictions,
        figures=intervals(figures_of(predictions), resampled),
        resamples=resamples,
        confusion=metrics.class_confusion(p, labels),
        classes=classes,
        without_positives=tuple(figures.meter for figures in classes if figures.clips == 0),
        cooccurrence=coactivation.cooccurrence(p),
        pairs=coactivation.commonest_pairs(p),
        gap=confidence.spread(confidence.confidence_gaps(p)),
        entropy=confidence.spread(confidence.binary_entropies(p)),
        gap_by_predicted=confidence.gap_by_predicted_class(p),
        gap_bands=confidence.gap_bands(p),
        quadrants={quadrant: counted[quadrant] for quadrant in confidence.Quadrant},
        correlations=coactivation.correlations(p),
        shown_correlations=coactivation.shown_correlations(p),
        second_probabilities=measure_thresholds(p, labels),
        second_meter=second_meter(p, labels, thresholds or SecondMeterThresholds()),
        reliability=bins,
        calibration_error=calibration_error(bins),
        references=references,
        subgroups=by_subgroup(predictions, subgroups),
    )


def figures_of(predictions: Predictions, rows: Integers | slice = slice(None)) -> Floats:
    """Compute :data:`STATISTICS` on some rows, or all: shape (5,)."""
    chosen = predictions.probabilities[rows], predictions.labels[rows]
    return np.array([statistic(*chosen) for statistic in STATISTICS.values()])


def intervals(values: Floats, resampled: Floats) -> dict[str, Interval]:
    """Put intervals around :data:`STATISTICS`, by name.

    Parameters
    ----------
    values : ndarray of float, shape (5,)
    resampled : ndarray of float, shape (resamples, 5)
    """
    found = zip(STATISTICS, values, resampled.T, strict=True)
    return {name: interval(value, draws) for name, value, draws in found}


def _classes(probabilities: Floats, labels: Booleans) -> tuple[ClassFigures, ...]:
    columns = zip(
        METERS,
        labels.sum(axis=0).tolist(),
        metrics.recalls(probabilities, labels).tolist(),
        metrics.average_precisions(probabilities, labels).tolist(),
        metrics.f1_scores(probabilities, labels).tolist(),
        strict=True,
    )
    return tuple(ClassFigures(*figures) for figures in columns)
