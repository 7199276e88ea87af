"""Every diagnostic of one classifier on one set of clips, computed at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType

from beatmeter.evaluation.bootstrap import Interval
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics import accuracy, confidence, ranking, reliability
from beatmeter_mert.diagnostics import coactivation as leakage
from beatmeter_mert.diagnostics.bootstrap import RESAMPLES, Statistic, interval
from beatmeter_mert.diagnostics.predictions import Booleans, Floats, Integers, Predictions
from beatmeter_mert.diagnostics.second_meter import SecondMeter, second_meter
from beatmeter_mert.diagnostics.second_meter_threshold import NoiseFloor, noise_floor
from beatmeter_mert.diagnostics.subgroups import KindFigures, Kinds, by_kind
from beatmeter_mert.model.thresholds import SecondMeterThresholds

STATISTICS: dict[str, Statistic] = {
    "primary accuracy": accuracy.primary_accuracy,
    "strict accuracy": accuracy.strict_accuracy,
    "balanced accuracy": accuracy.balanced_accuracy,
    "mean average precision": ranking.mean_average_precision,
    "macro F1": ranking.macro_f1,
}
"""The figures that get an interval."""


@dataclass(frozen=True)
class ClassFigures:
    """One class by itself.

    Attributes
    ----------
    meter : int
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
    predictions : Predictions
    figures : dict of str to Interval
        One for each of :data:`STATISTICS`, resampled by work.
    resamples : int
        How often.
    confusion : ndarray of int, shape (6, 6)
        :func:`beatmeter_mert.diagnostics.accuracy.confusion`.
    classes : tuple of ClassFigures, length 6
    without_positives : tuple of int
        Meters that the means leave out.
    cooccurrence : ndarray of int, shape (6, 6)
    pairs : list of PairCount
    gap, entropy : Spread
    gap_by_predicted : list of Spread, length 6
    gap_bands : ndarray of float, shape (3,)
    quadrants : dict of Quadrant to int
        Clips in each.
    correlations : ndarray of float, shape (6, 6)
    shown_correlations : list of PairCorrelation
    noise_floor : NoiseFloor
    second_meter : SecondMeter
    reliability : list of ReliabilityBin
    calibration_error : float
    references : tuple of Reference
    kinds : tuple of KindFigures
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
    pairs: list[leakage.PairCount]
    gap: confidence.Spread
    entropy: confidence.Spread
    gap_by_predicted: list[confidence.Spread]
    gap_bands: Floats
    quadrants: dict[confidence.Quadrant, int]
    correlations: Floats
    shown_correlations: list[leakage.PairCorrelation]
    noise_floor: NoiseFloor
    second_meter: SecondMeter
    reliability: list[reliability.ReliabilityBin]
    calibration_error: float
    references: tuple[Reference, ...] = ()
    kinds: tuple[KindFigures, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether any two classes rise and fall together."""
        return any(pair.leaks for pair in self.shown_correlations)


def evaluate(
    predictions: Predictions,
    about: dict[str, str],
    references: tuple[Reference, ...] = (),
    resamples: int = RESAMPLES,
    floors: SecondMeterThresholds | None = None,
    kinds: Kinds = MappingProxyType({}),
) -> Evaluation:
    """Compute every diagnostic.

    Parameters
    ----------
    predictions : Predictions
    about : dict of str to str
    references : tuple of Reference
    resamples : int > 0
        Of the intervals.
    floors : SecondMeterThresholds, optional
        Of the checkpoint; uncalibrated by default.
    kinds : mapping of str to sequence of str
        By trait, such as the tempo, of what kind each clip is; unknown by default.
    """
    p, labels = predictions.probabilities, predictions.labels
    counted = Counter(confidence.quadrants(p))
    classes = _classes(p, labels)
    return Evaluation(
        about=about,
        predictions=predictions,
        figures={
            name: interval(statistic, p, labels, predictions.works, resamples)
            for name, statistic in STATISTICS.items()
        },
        resamples=resamples,
        confusion=accuracy.confusion(p, labels),
        classes=classes,
        without_positives=tuple(figures.meter for figures in classes if figures.clips == 0),
        cooccurrence=leakage.cooccurrence(p),
        pairs=leakage.commonest_pairs(p),
        gap=confidence.spread(confidence.confidence_gaps(p)),
        entropy=confidence.spread(confidence.binary_entropies(p)),
        gap_by_predicted=confidence.gap_by_predicted_class(p),
        gap_bands=confidence.gap_bands(p),
        quadrants={quadrant: counted[quadrant] for quadrant in confidence.Quadrant},
        correlations=leakage.correlations(p),
        shown_correlations=leakage.shown_correlations(p),
        noise_floor=noise_floor(p, labels),
        second_meter=second_meter(p, labels, floors or SecondMeterThresholds()),
        reliability=reliability.reliability(p, labels),
        calibration_error=reliability.expected_calibration_error(p, labels),
        references=references,
        kinds=by_kind(predictions, kinds),
    )


def _classes(probabilities: Floats, labels: Booleans) -> tuple[ClassFigures, ...]:
    columns = zip(
        METERS,
        labels.sum(axis=0).tolist(),
        accuracy.recalls(probabilities, labels).tolist(),
        ranking.average_precisions(probabilities, labels).tolist(),
        ranking.f1_scores(probabilities, labels).tolist(),
        strict=True,
    )
    return tuple(ClassFigures(*figures) for figures in columns)
