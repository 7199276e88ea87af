"""The files of the gate's reports: JSON, Markdown, and a page of HTML."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from beatmeter.datasets.fixtures import SET_NAMES
from beatmeter.evaluation.report.files import to_json, write_report
from beatmeter.evaluation.report.html import to_html
from beatmeter.evaluation.report.section import Section
from beatmeter.evaluation.report.text import to_markdown
from beatmeter.fusion.record import GateRecord
from beatmeter.gate.gate_run import GateRun
from beatmeter.gate.measurement import Group, Measurement
from beatmeter.gate.tuning import Tuning

_DECIMALS = 6  # of numbers in JSON


def write(
    stem: Path, title: str, sections: Sequence[Section], content: Mapping[str, Any]
) -> list[Path]:
    """Write ``<stem>.json``, ``<stem>.md`` and ``<stem>.html``, each atomically.

    Raises
    ------
    ReportError
        If one cannot be written.
    """
    texts = {
        ".json": to_json(content, _DECIMALS),
        ".md": to_markdown(title, sections),
        ".html": to_html(title, sections),
    }
    return write_report(stem, texts)


def report_stem(folder: Path, name: str, fixture_set: str) -> Path:
    """Where the report on a signal or its tuning, and a set, goes, without suffix.

    The name of a set that is a path ends in a hash of it, for others may have the same stem.
    """
    if fixture_set in SET_NAMES:
        return folder / f"{name}-{fixture_set}"
    digest = hashlib.sha256(os.fsencode(fixture_set)).hexdigest()
    return folder / f"{name}-{Path(fixture_set).stem}-{digest[:8]}"


def gate_content(
    run: GateRun, measurement: Measurement, record: GateRecord | None
) -> dict[str, Any]:
    """All that was measured, with the answers on every fixture."""
    ids = [fixture.id for fixture in measurement.fixtures]
    return {
        "candidate": measurement.candidate,
        "passed": measurement.decision.passed,
        "faults": measurement.decision.faults,
        "record": None if record is None else record.sha256,
        "fixture_set": run.fixture_set.name,
        "fixtures_sha256": run.state.fixtures,
        "fingerprint": run.state.fingerprint,
        "ensemble_sha256": run.state.ensemble,
        "weights": run.weights.signals,
        "absent": run.absent,
        "left_out": run.left_out,
        "overall": _group(measurement.overall),
        "by_meter": list(map(_group, measurement.by_meter)),
        "by_category": list(map(_group, measurement.by_category)),
        "fusion": measurement.fusion,
        "gains": [ids[index] for index in measurement.gains()],
        "losses": [ids[index] for index in measurement.losses()],
        "answers": _answers(measurement),
    }


def tuning_content(tuning: Tuning) -> dict[str, Any]:
    """All that the tuning found."""
    return {
        "signal": tuning.signal,
        "refusal": tuning.refusal,
        "best": tuning.best.weight,
        "chosen": tuning.chosen.weight,
        "becomes_right": tuning.becomes_right,
        "becomes_wrong": tuning.becomes_wrong,
        "fold_weights": tuning.fold_weights,
        "held_out": tuning.held_out,
        "held_out_change": tuning.held_out_change,
        "curve": tuning.curve,
    }


def _group(group: Group) -> dict[str, Any]:
    names = ("fixtures", "both_right", "both_wrong", "losses", "gains")
    counts = {name: int(getattr(group.counts, name)) for name in names}
    return {"name": group.name} | counts | group.figures


def _answers(measurement: Measurement) -> dict[str, Any]:
    rows = zip(measurement.fixtures, measurement.ensemble, measurement.alone, strict=True)
    return {
        fixture.id: {
            "accepted": fixture.accepted,
            "ensemble": int(ensemble) or None,
            "candidate": int(alone) or None,
        }
        for fixture, ensemble, alone in rows
    }
