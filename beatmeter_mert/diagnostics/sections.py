"""An evaluation as titled tables, which the text and the page both show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from beatmeter.meters import METERS
from beatmeter_mert.diagnostics import coactivation as leakage
from beatmeter_mert.diagnostics.confidence import GAP_BANDS, Spread
from beatmeter_mert.diagnostics.evaluation import Evaluation
from beatmeter_mert.diagnostics.second_meter_threshold import PERCENTILES, Floor, smallest_n

Row = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A table with its title and how to read it.

    Attributes
    ----------
    key : str
        Of the plot that belongs to it, if there is one.
    title, note : str
    header : tuple of str
    rows : sequence of tuple of str
    """

    key: str
    title: str
    note: str
    header: Row
    rows: Sequence[Row]


def sections(evaluation: Evaluation) -> list[Section]:
    """Lay out an evaluation in the order in which it is read."""
    laid_out = [
        _about(evaluation),
        _figures(evaluation),
        _classes(evaluation),
        _confusion(evaluation),
        _correlations(evaluation),
        _cooccurrence(evaluation),
        _gaps(evaluation),
        _quadrants(evaluation),
        _noise_floor(evaluation),
        _second_meter(evaluation),
        _reliability(evaluation),
    ]
    if evaluation.kinds:
        laid_out.append(_kinds(evaluation))
    if evaluation.references:
        laid_out.append(_references(evaluation))
    return laid_out


def number(value: float | None) -> str:
    """Write a figure with three decimals, and a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def _about(evaluation: Evaluation) -> Section:
    predictions = evaluation.predictions
    rows = [
        *evaluation.about.items(),
        ("clips", str(len(predictions.names))),
        ("works", str(len(set(predictions.works)))),
        ("with several labels", str(int((predictions.labels.sum(axis=1) > 1).sum()))),
    ]
    return Section("about", "What was evaluated", "", ("", ""), rows)


def _figures(evaluation: Evaluation) -> Section:
    absent = ", ".join(map(str, evaluation.without_positives))
    note = (
        f"Intervals hold 95 % of {evaluation.resamples} resamplings by work. A clip with several "
        "labels is right when its most probable class is one of them; by the strict figure, when "
        "its k most probable classes are its k labels. F1 counts probabilities from 0.5."
    )
    if absent:
        note += f" Means leave out the meters without clips: {absent}."
    rows = [
        (name, number(figure.value), f"{number(figure.low)} to {number(figure.high)}")
        for name, figure in evaluation.figures.items()
    ]
    return Section("figures", "Figures", note, ("figure", "value", "95 % interval"), rows)


def _classes(evaluation: Evaluation) -> Section:
    rows = [
        (
            str(figures.meter),
            str(figures.clips),
            number(figures.recall),
            number(figures.average_precision),
            number(figures.f1),
        )
        for figures in evaluation.classes
    ]
    header = ("meter", "clips", "recall", "average precision", "F1")
    return Section("classes", "Each meter", "", header, rows)


def _confusion(evaluation: Evaluation) -> Section:
    rows = [
        (str(meter), *map(str, counts))
        for meter, counts in zip(METERS, evaluation.confusion.tolist(), strict=True)
    ]
    note = (
        "Clips by true meter (rows) and most probable meter (columns); a clip with several labels "
        "stands in the row of its most probable label."
    )
    return Section("confusion", "Confusion", note, ("", *map(str, METERS)), rows)


def _correlations(evaluation: Evaluation) -> Section:
    rows = [
        (_pair(pair.meters), number(pair.correlation), "LEAKAGE" if pair.leaks else "")
        for pair in evaluation.shown_correlations
    ]
    note = (
        f"Pearson correlation of two meters' probabilities; above {leakage.LEAKAGE_CORRELATION} "
        "the two leak into each other."
    )
    if evaluation.leaks:
        note += f" {leakage.ADVICE}"
    return Section("correlations", "Correlation", note, ("pair", "r", ""), rows)


def _cooccurrence(evaluation: Evaluation) -> Section:
    rows = [(_pair(pair.meters), str(pair.count)) for pair in evaluation.pairs[:5]]
    note = f"Clips in which both probabilities reach {leakage.COOCCURRENCE_THRESHOLD}."
    return Section("cooccurrence", "Meters heard together", note, ("pair", "clips"), rows)


def _gaps(evaluation: Evaluation) -> Section:
    low, high = GAP_BANDS
    below, between, above = evaluation.gap_bands
    note = (
        f"Highest less second highest probability. Below {low}: {below:.1%} of clips; "
        f"{low} to {high}: {between:.1%}; from {high}: {above:.1%}."
    )
    by_class = zip(METERS, evaluation.gap_by_predicted, strict=True)
    rows = [
        _spread_row("all clips", evaluation.gap),
        *(_spread_row(f"heard as {meter}", gap) for meter, gap in by_class),
    ]
    header = ("", "clips", "mean", "median", "deviation")
    return Section("gaps", "Confidence gap", note, header, rows)


def _quadrants(evaluation: Evaluation) -> Section:
    entropy = evaluation.entropy
    note = (
        "Clips by gap and by normalised binary entropy "
        f"(mean {number(entropy.mean)}, median {number(entropy.median)}), divided at the medians. "
        "Below the median gap, high entropy is a risk of leakage, low entropy a candidate for a "
        "polyrhythm."
    )
    rows = [(quadrant.value, str(count)) for quadrant, count in evaluation.quadrants.items()]
    return Section("quadrants", "Entropy and gap", note, ("quadrant", "clips"), rows)


def _noise_floor(evaluation: Evaluation) -> Section:
    floor = evaluation.noise_floor
    needed = ", ".join(f"{q}th: {smallest_n(q)}" for q in PERCENTILES)
    note = (
        "Second highest probability of clips with one label. A percentile needs so many clips: "
        f"{needed}."
    )
    rows = [
        _floor_row("all clips", floor.overall),
        *(_floor_row(f"label {m}", f) for m, f in zip(METERS, floor.by_true, strict=True)),
        *(_floor_row(f"heard as {m}", f) for m, f in zip(METERS, floor.by_predicted, strict=True)),
    ]
    header = ("", "clips", "mean", "median", *(f"{q}th" for q in PERCENTILES))
    return Section("noise_floor", "Noise floor", note, header, rows)


def _second_meter(evaluation: Evaluation) -> Section:
    second = evaluation.second_meter
    rows = [
        ("clips", str(second.several), str(second.single)),
        ("all labels on top", number(second.on_top), ""),
        *(
            (f"a second one is heard, {level}", *map(number, shares))
            for level, shares in second.decided.items()
        ),
    ]
    note = (
        "A second meter is heard when its probability passes the checkpoint's floor for the most "
        "probable one. With one label, every second meter is invented."
    )
    return Section("second_meter", "Second meter", note, ("", "several labels", "one label"), rows)


def _reliability(evaluation: Evaluation) -> Section:
    rows = [
        (
            f"{bin_.low:.1f} to {bin_.high:.1f}",
            str(bin_.n),
            number(bin_.mean_probability),
            number(bin_.share_true),
        )
        for bin_ in evaluation.reliability
    ]
    note = (
        "The answers on all six meters, sorted by probability. Expected calibration error: "
        f"{number(evaluation.calibration_error)}."
    )
    header = ("probability", "answers", "mean", "share true")
    return Section("reliability", "Reliability", note, header, rows)


def _kinds(evaluation: Evaluation) -> Section:
    rows = [
        (
            f"{figures.trait}: {figures.kind}",
            str(figures.clips),
            number(figures.accuracy),
            number(figures.balanced_accuracy),
        )
        for figures in evaluation.kinds
    ]
    note = (
        "By what is known of how the clips were made. Accuracy is the primary one, balanced over "
        "the meters that a kind has clips of."
    )
    header = ("", "clips", "accuracy", "balanced accuracy")
    return Section("kinds", "Kinds of music", note, header, rows)


def _references(evaluation: Evaluation) -> Section:
    rows = [
        (reference.system, number(reference.accuracy), number(reference.balanced_accuracy))
        for reference in evaluation.references
    ]
    note = "As their authors published them on this data; none was measured here."
    header = ("system", "accuracy", "balanced accuracy")
    return Section("references", "Published figures", note, header, rows)


def _spread_row(name: str, spread: Spread) -> Row:
    figures = (spread.mean, spread.median, spread.deviation)
    return (name, str(spread.n), *map(number, figures))


def _floor_row(name: str, floor: Floor) -> Row:
    figures = (floor.mean, floor.median, floor.p90, floor.p95, floor.p99)
    return (name, str(floor.n), *map(number, figures))


def _pair(meters: tuple[int, int]) -> str:
    return f"{meters[0]} and {meters[1]}"
