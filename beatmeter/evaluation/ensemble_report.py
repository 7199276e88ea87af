"""What ``beatmeter evaluate`` tells."""

from __future__ import annotations

from collections.abc import Callable

from beatmeter.datasets.fixtures import Fixture
from beatmeter.datasets.fixtures.sets import meter_name
from beatmeter.evaluation.ensemble import EnsembleEvaluation
from beatmeter.evaluation.report.section import Section, number
from beatmeter.fusion.weights import Weights
from beatmeter.meters import METERS


def sections(evaluation: EnsembleEvaluation, weights: Weights) -> list[Section]:
    """Accuracy over all, by signal, meter, category and making, and the confusion."""
    return [
        _overall(evaluation),
        _signals(evaluation, weights),
        _groups("meter", evaluation, meter_name),
        _groups("category", evaluation, lambda fixture: fixture.category),
        _groups("made", evaluation, _making),
        _confusion(evaluation),
    ]


def _overall(evaluation: EnsembleEvaluation) -> Section:
    accuracy = evaluation.accuracy(evaluation.answers)
    low, high = number(accuracy.low), number(accuracy.high)
    by_prior = number(evaluation.accuracy(evaluation.by_prior).value)
    note = (
        f"{len(evaluation.answers)} recordings, {number(accuracy.value)} right ({low} to {high}) "
        f"under a uniform prior, {by_prior} under the default"
    )
    rows = [(f"left out: {line}",) for line in evaluation.left_out]
    return Section(note=note, header=("",), rows=rows)


def _signals(evaluation: EnsembleEvaluation, weights: Weights) -> Section:
    rows = [
        (
            name,
            number(weights.signals.get(name, 0.0), 2),
            number(evaluation.accuracy(answers).value),
        )
        for name, answers in evaluation.alone.items()
    ]
    return Section(header=("signal alone", "weight", "right"), rows=rows)


def _groups(
    title: str, evaluation: EnsembleEvaluation, group_of: Callable[[Fixture], str]
) -> Section:
    rows = [
        (name, str(size), number(right / size))
        for name, (right, size) in evaluation.by(group_of).items()
    ]
    return Section(header=(title, "n", "right"), rows=rows)


def _making(fixture: Fixture) -> str:
    """How a fixture was made, without the details of this one."""
    return fixture.made.partition(";")[0].partition(" from ")[0]


def _confusion(evaluation: EnsembleEvaluation) -> Section:
    rows = [(label, *map(str, counts.values())) for label, counts in evaluation.confusion().items()]
    return Section(header=("label / answer", *map(str, METERS)), rows=rows)
