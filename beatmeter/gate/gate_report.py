"""The report of one run of the gate."""

from __future__ import annotations

from functools import partial

from beatmeter._util.text import escape_control
from beatmeter.datasets.fixtures.sets import meter_name
from beatmeter.evaluation.report.section import Row, Section, change, ratio, share
from beatmeter.fusion.decision import COMPLEMENTARITY_ABOVE, LEAST_AGREEMENT, MOST_AGREEMENT
from beatmeter.fusion.record import GateRecord
from beatmeter.gate import plots
from beatmeter.gate.gate_run import GateRun
from beatmeter.gate.measurement import Group, Measurement

_NOBODY = "-"
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
    """What the report is called: candidate and verdict."""
    verdict = "passed" if measurement.decision.passed else "failed"
    return f"The gate for {measurement.candidate}: {verdict}"


def summary(trial: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    """The sections that are printed."""
    return [
        *_measured(trial, measurement, record),
        _names(_gains(measurement), measurement, measurement.gains()),
        _names(_LOSSES, measurement, measurement.losses()),
    ]


def full(trial: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    """The sections that are written to files."""
    return [
        *_measured(trial, measurement, record),
        _listing(_gains(measurement), measurement, measurement.gains()),
        _listing(_LOSSES, measurement, measurement.losses()),
        _about(trial, record),
    ]


def _measured(trial: GateRun, measurement: Measurement, record: GateRecord | None) -> list[Section]:
    return [
        _verdict(measurement, _consequence(trial, measurement, record)),
        _matrix(measurement),
        _figures(measurement),
        _by_meter(measurement),
        _by_category(measurement),
        _fusion(measurement),
    ]


def _gains(measurement: Measurement) -> str:
    return f"Gains: only {measurement.candidate} is right"


def _consequence(trial: GateRun, measurement: Measurement, record: GateRecord | None) -> str:
    name = f"W_{measurement.candidate.upper()}"
    if trial.obstacles:
        return f"The record is left as it is: {'; '.join(trial.obstacles)}."
    if record is None:
        return f"{name} stays 0.0."
    return f"The record allows a weight: 'beatmeter tune {name} --write' finds it."


def _verdict(measurement: Measurement, consequence: str) -> Section:
    faults = measurement.decision.faults
    told = "Passed." if not faults else f"Failed: {'; '.join(faults)}."
    return Section("Verdict", f"{told} {consequence}")


def _matrix(measurement: Measurement) -> Section:
    counts, name = measurement.overall.counts, measurement.candidate
    return Section(
        "Agreement matrix",
        "Fixtures on which the ensemble without the candidate, and the candidate alone, are right.",
        ("", f"{name} right", f"{name} wrong"),
        [
            ("ensemble right", f"{int(counts.both_right)}", f"{int(counts.losses)} (losses)"),
            ("ensemble wrong", f"{int(counts.gains)} (gains)", f"{int(counts.both_wrong)}"),
        ],
        partial(plots.draw_matrix, counts=counts, candidate=name),
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
        escape_control(group.name),
        str(int(counts.fixtures)),
        share(figures["ensemble_accuracy"]),
        share(figures["candidate_accuracy"]),
        share(figures["agreement"]),
        ratio(figures["complementarity"]),
        str(int(counts.gains)),
        str(int(counts.losses)),
    )


def _fusion(measurement: Measurement) -> Section:
    rows = [
        (
            f"{point.weight:.2f}",
            share(point.accuracy),
            change(point.change),
            str(point.gains),
            str(point.losses),
        )
        for point in measurement.fusion
    ]
    note = "The ensemble with the candidate at fixed weights, none of them chosen by the result."
    header = ("weight", "accuracy", "change", "becomes right", "becomes wrong")
    baseline = measurement.overall.figures["ensemble_accuracy"].value
    draw = partial(plots.draw_fusion, points=measurement.fusion, baseline=baseline)
    return Section("Fusion", note, header, rows, draw)


def _names(heading: str, measurement: Measurement, chosen: list[int]) -> Section:
    names = [escape_control(measurement.fixtures[index].id) for index in chosen]
    return Section(heading, f"{', '.join(names)}." if names else "None.")


def _listing(heading: str, measurement: Measurement, chosen: list[int]) -> Section:
    rows = []
    for index in chosen:
        fixture = measurement.fixtures[index]
        told = (measurement.ensemble[index], measurement.alone[index])
        rows.append(
            (
                escape_control(fixture.id),
                meter_name(fixture),
                ", ".join(map(str, fixture.accepted)),
                *(str(answer) if answer else _NOBODY for answer in told),
                escape_control(fixture.category),
                escape_control(fixture.work),
            )
        )
    header = ("fixture", "meter", "accepted", "ensemble", "candidate", "category", "work")
    return Section(heading, "" if rows else "None.", header, rows)


def _about(trial: GateRun, record: GateRecord | None) -> Section:
    voting = {name: weight for name, weight in trial.weights.signals.items() if weight > 0}
    rows = [
        ("fixtures", escape_control(trial.fixture_set.name)),
        ("hash of the fixtures", trial.state.fixtures),
        ("checkpoint of the candidate", trial.state.fingerprint or "none told"),
        ("hash of the ensemble", trial.state.ensemble),
        ("weights", ", ".join(f"{name} {weight:.4f}" for name, weight in sorted(voting.items()))),
        ("record", _NOBODY if record is None else f"{record.sha256}, of {record.date}"),
        *((f"absent: {name}", escape_control(reason)) for name, reason in trial.absent.items()),
        *(("left out", escape_control(line)) for line in trial.left_out),
    ]
    return Section("What was measured", "", ("", ""), rows)
