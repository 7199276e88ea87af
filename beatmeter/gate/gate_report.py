"""The report of one run of the gate."""

from __future__ import annotations

from functools import partial

from beatmeter.datasets.fixtures.sets import meter_name
from beatmeter.evaluation.report.section import Row, Section, change, ratio, share
from beatmeter.fusion.decision import COMPLEMENTARITY_ABOVE, LEAST_AGREEMENT, MOST_AGREEMENT
from beatmeter.fusion.record import GateRecord
from beatmeter.gate import plots
from beatmeter.gate.gate_run import GateRun
from beatmeter.gate.measurement import FusionPoint, Group, Measurement

FUSION_HEADER = ("weight", "accuracy", "change", "becomes right", "becomes wrong")
_NONE = "-"
_LOSSES = "Losses: only the ensemble is right"
_GROUP_HEADER = (
    "fixtures",
    "ensemble",
    "candidate",
    "agreement",
    "complementarity",
    "gains",
    "losses",
)


def title(measurement: Measurement) -> str:
    """What the report is called: candidate and decision."""
    decision = "passed" if measurement.decision.passed else "failed"
    return f"The gate for {measurement.candidate}: {decision}"


def summary(run: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    """The sections that are printed."""
    return [
        *_measured(run, measurement, record),
        _names(_gains(measurement), measurement, measurement.gains()),
        _names(_LOSSES, measurement, measurement.losses()),
    ]


def full(run: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    """The sections that are written to files."""
    return [
        *_measured(run, measurement, record),
        _listing(_gains(measurement), measurement, measurement.gains()),
        _listing(_LOSSES, measurement, measurement.losses()),
        _about(run, record),
    ]


def fusion_row(point: FusionPoint) -> Row:
    """A row below :data:`FUSION_HEADER`, without the weight."""
    return (
        share(point.accuracy),
        change(point.change),
        str(point.becomes_right),
        str(point.becomes_wrong),
    )


def _measured(run: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    return [
        _decision(measurement, _consequence(run, measurement, record)),
        _agreement(measurement),
        _figures(measurement),
        _by_meter(measurement),
        _by_category(measurement),
        _fusion(measurement),
    ]


def _gains(measurement: Measurement) -> str:
    return f"Gains: only {measurement.candidate} is right"


def _consequence(run: GateRun, measurement: Measurement, record: GateRecord | None) -> str:
    name = f"W_{measurement.candidate.upper()}"
    if run.obstacles:
        return f"The record is left as it is: {'; '.join(run.obstacles)}."
    if record is None:
        return f"{name} stays 0.0."
    return f"The record allows a weight: 'beatmeter tune {name} --write' finds it."


def _decision(measurement: Measurement, consequence: str) -> Section:
    faults = measurement.decision.faults
    decision = "Passed." if not faults else f"Failed: {'; '.join(faults)}."
    return Section("Decision", f"{decision} {consequence}")


def _agreement(measurement: Measurement) -> Section:
    counts, name = measurement.overall.counts, measurement.candidate
    return Section(
        "Agreement matrix",
        "Fixtures on which the ensemble without the candidate, and the candidate alone, are right.",
        ("", f"{name} right", f"{name} wrong"),
        [
            ("ensemble right", f"{int(counts.both_right)}", f"{int(counts.losses)} (losses)"),
            ("ensemble wrong", f"{int(counts.gains)} (gains)", f"{int(counts.both_wrong)}"),
        ],
        partial(plots.draw_agreement, counts=counts, candidate=name),
    )


def _figures(measurement: Measurement) -> Section:
    figures = measurement.overall.figures
    rows = [
        ("accuracy of the ensemble", share(figures["ensemble_accuracy"]), ""),
        (f"accuracy of {measurement.candidate}", share(figures["candidate_accuracy"]), ""),
        (
            "agreement",
            share(figures["agreement"]),
            f"{LEAST_AGREEMENT:.2f} to {MOST_AGREEMENT:.2f}",
        ),
        ("complementarity", ratio(figures["complementarity"]), f"above {COMPLEMENTARITY_ABOVE}"),
        ("prediction agreement", share(figures["prediction_agreement"]), ""),
        ("error correlation", share(figures["error_correlation"]), ""),
    ]
    note = (
        f"{len(measurement.fixtures)} fixtures; in brackets the 95 % bootstrap interval over "
        "source works. Agreement counts both right and both wrong, complementarity is gains over "
        "losses; prediction agreement counts equal answers, and error correlation is phi."
    )
    draw = partial(plots.draw_gate, overall=measurement.overall)
    return Section("Figures", note, ("figure", "measured", "target"), rows, draw)


def _by_meter(measurement: Measurement) -> Section:
    groups = measurement.by_meter
    draw = partial(plots.draw_accuracies, groups=groups, candidate=measurement.candidate)
    header = ("meter", *_GROUP_HEADER)
    return Section("By meter", "", header, list(map(_group_row, groups)), draw)


def _by_category(measurement: Measurement) -> Section:
    groups = measurement.by_category
    draw = partial(plots.draw_gains_and_losses, groups=groups)
    header = ("category", *_GROUP_HEADER)
    return Section("By category", "", header, list(map(_group_row, groups)), draw)


def _group_row(group: Group) -> Row:
    figures, counts = group.figures, group.counts
    return (
        group.name,
        str(int(counts.fixtures)),
        share(figures["ensemble_accuracy"]),
        share(figures["candidate_accuracy"]),
        share(figures["agreement"]),
        ratio(figures["complementarity"]),
        str(int(counts.gains)),
        str(int(counts.losses)),
    )


def _fusion(measurement: Measurement) -> Section:
    rows = [(f"{point.weight:.2f}", *fusion_row(point)) for point in measurement.fusion]
    note = "The ensemble with the candidate at fixed weights, none of them chosen by the result."
    baseline = measurement.overall.figures["ensemble_accuracy"].value
    draw = partial(plots.draw_fusion, points=measurement.fusion, baseline=baseline)
    return Section("Fusion", note, FUSION_HEADER, rows, draw)


def _names(heading: str, measurement: Measurement, chosen: list[int]) -> Section:
    names = [measurement.fixtures[index].id for index in chosen]
    return Section(heading, f"{', '.join(names)}." if names else "None.")


def _listing(heading: str, measurement: Measurement, chosen: list[int]) -> Section:
    rows = []
    for index in chosen:
        fixture = measurement.fixtures[index]
        answers = (measurement.ensemble[index], measurement.alone[index])
        rows.append(
            (
                fixture.id,
                meter_name(fixture),
                ", ".join(map(str, fixture.accepted)),
                *(str(answer) if answer else _NONE for answer in answers),
                fixture.category,
                fixture.work,
            )
        )
    header = ("fixture", "meter", "accepted", "ensemble", "candidate", "category", "work")
    return Section(heading, "" if rows else "None.", header, rows)


def _about(run: GateRun, record: GateRecord | None) -> Section:
    voting = {name: weight for name, weight in run.weights.signals.items() if weight > 0}
    rows = [
        ("fixtures", run.fixture_set.name),
        ("hash of the fixtures", run.state.fixtures),
        ("checkpoint of the candidate", run.state.fingerprint or "none told"),
        ("hash of the ensemble", run.state.ensemble),
        ("weights", ", ".join(f"{name} {weight:.4f}" for name, weight in sorted(voting.items()))),
        ("record", _NONE if record is None else f"{record.sha256}, of {record.date}"),
        *((f"absent: {name}", reason) for name, reason in run.absent.items()),
        *(("left out", line) for line in run.left_out),
    ]
    return Section("What was measured", "", ("", ""), rows)
