"""The report of tuning a weight."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from beatmeter._util.text import escape_control
from beatmeter.evaluation.report.section import Row, Section, change, share
from beatmeter.gate import plots
from beatmeter.gate.gate_report import FUSION_HEADER, fusion_row
from beatmeter.gate.measurement import FusionPoint
from beatmeter.gate.tuning import Tuning


def title(tuning: Tuning) -> str:
    """What the report is called."""
    return f"Tuning W_{tuning.signal.upper()}"


def summary(tuning: Tuning) -> list[Section]:
    """The sections that are printed."""
    return [_choice(tuning), _held_out(tuning), _changed(tuning)]


def full(tuning: Tuning) -> list[Section]:
    """The sections that are written to files."""
    rows = [_row(point) for point in tuning.curve]
    return [*summary(tuning), Section("Every weight", "", FUSION_HEADER, rows)]


def _choice(tuning: Tuning) -> Section:
    refused = "" if tuning.refusal is None else f" Refused: {tuning.refusal}."
    note = (
        "The chosen weight is the smallest within one standard error of the best; in brackets the "
        f"95 % bootstrap interval over source works.{refused}"
    )
    points = (("without", tuning.curve[0]), ("best", tuning.best), ("chosen", tuning.chosen))
    rows = [(name, *_row(point)) for name, point in points]
    draw = partial(plots.draw_tuning, tuning=tuning)
    return Section("Accuracy against weight", note, ("", *FUSION_HEADER), rows, draw)


def _held_out(tuning: Tuning) -> Section:
    picked = ", ".join(f"{weight:g}" for weight in tuning.fold_weights)
    note = (
        "Nested cross-validation: the rule picks a weight without each fold of works, and is "
        f"measured on that fold. It picked {picked}."
    )
    row = (share(tuning.held_out), change(tuning.held_out_change))
    return Section("On unseen works", note, ("accuracy", "change"), [row])


def _changed(tuning: Tuning) -> Section:
    right, wrong = _listed(tuning.becomes_right), _listed(tuning.becomes_wrong)
    return Section(
        "Fixtures that change at the chosen weight",
        f"Become right: {right}. Become wrong: {wrong}.",
    )


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(map(escape_control, ids)) or "none"


def _row(point: FusionPoint) -> Row:
    return (f"{point.weight:g}", *fusion_row(point))
