"""Measurements and tunings as plain JSON."""

from __future__ import annotations

import math
from typing import Any

from beatmeter.evaluation.bootstrap import Interval
from beatmeter.fusion.record import GateRecord
from beatmeter.gate.gate_run import GateRun
from beatmeter.gate.measurement import FusionPoint, Group, Measurement
from beatmeter.gate.tuning import Tuning


def gate_mapping(
    trial: GateRun, measurement: Measurement, record: GateRecord | None
) -> dict[str, Any]:
    """All that was measured, with the answers on every fixture.

    Infinite figures are the text ``"infinity"``, undefined ones null.
    """
    gains, losses = measurement.gains(), measurement.losses()
    return {
        "candidate": measurement.candidate,
        "passed": measurement.decision.passed,
        "faults": list(measurement.decision.faults),
        "record": None if record is None else record.sha256,
        "fixture_set": trial.fixture_set.name,
        "fixtures_sha256": trial.state.fixtures,
        "fingerprint": trial.state.fingerprint,
        "ensemble_sha256": trial.state.ensemble,
        "weights": trial.weights.signals,
        "absent": trial.absent,
        "left_out": list(trial.left_out),
        "overall": _group(measurement.overall),
        "by_meter": [_group(group) for group in measurement.by_meter],
        "by_category": [_group(group) for group in measurement.by_category],
        "fusion": [_point(point) for point in measurement.fusion],
        "gains": [measurement.fixtures[index].id for index in gains],
        "losses": [measurement.fixtures[index].id for index in losses],
        "answers": _answers(measurement),
    }


def tuning_mapping(tuning: Tuning) -> dict[str, Any]:
    """All that the tuning found."""
    return {
        "signal": tuning.signal,
        "refusal": tuning.refusal,
        "best": tuning.best.weight,
        "chosen": tuning.chosen.weight,
        "becomes_right": list(tuning.gained),
        "becomes_wrong": list(tuning.lost),
        "fold_weights": list(tuning.fold_weights),
        "held_out": _interval(tuning.held_out),
        "held_out_change": _interval(tuning.held_out_change),
        "curve": [_point(point) for point in tuning.curve],
    }


def _group(group: Group) -> dict[str, Any]:
    counts = group.counts
    return {
        "name": group.name,
        "fixtures": int(counts.fixtures),
        "both_right": int(counts.both_right),
        "both_wrong": int(counts.both_wrong),
        "losses": int(counts.losses),
        "gains": int(counts.gains),
        **{name: _interval(figure) for name, figure in group.figures.items()},
    }


def _point(point: FusionPoint) -> dict[str, Any]:
    return {
        "weight": point.weight,
        "accuracy": _interval(point.accuracy),
        "change": _interval(point.change),
        "becomes_right": point.gains,
        "becomes_wrong": point.losses,
    }


def _answers(measurement: Measurement) -> dict[str, Any]:
    return {
        fixture.id: {
            "accepted": list(fixture.accepted),
            "ensemble": int(ensemble) or None,
            "candidate": int(alone) or None,
        }
        for fixture, ensemble, alone in zip(
            measurement.fixtures, measurement.ensemble, measurement.alone, strict=True
        )
    }


def _interval(interval: Interval) -> dict[str, float | str | None]:
    return {
        "value": _number(interval.value),
        "low": _number(interval.low),
        "high": _number(interval.high),
    }


def _number(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "infinity" if math.isinf(value) else round(value, 6)
