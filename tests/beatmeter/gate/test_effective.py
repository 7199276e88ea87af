"""A weight is in force with a record that holds, and becomes 0.0 whatever is tampered with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from beatmeter._util.fitted import SHIPPED
from beatmeter.datasets.fixtures import open_set, write_manifest
from beatmeter.ensemble import Ensemble
from beatmeter.errors import WeightsWarning
from beatmeter.fusion.effective import check_record, effective_weights, needs_record, vouched
from beatmeter.fusion.record import RECORD_SET, RECORDS, read_record, record_path
from beatmeter.fusion.weights import Tuned, Weights, load_weights, write_weights
from beatmeter.gate.gate_run import weights_of_others
from beatmeter.gate.show import states
from beatmeter.plugins import installed_signals

ROOT = Path(__file__).parents[3]
TUNED = 0.12


@pytest.fixture
def passed(make_stage):
    """A stage whose candidate passed the gate and has a tuned weight."""
    stage = make_stage()
    record = stage.pass_gate()
    stage.weights = replace(
        stage.weights.with_signals({"new": TUNED}),
        tuned={"new": Tuned(TUNED, record.sha256, "2026-11-22")},
    )
    return stage


def edit_record(stage, **changes):
    path = record_path("new")
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_and_seal(stage, **changes):
    """As a forger would who knows how the hash is made."""
    record = replace(read_record("new"), **changes)
    edit_record(stage, **changes, sha256=record.sha256)


def edit_tuned(stage, **changes):
    """As one whose weight was tuned with that record."""
    edit_and_seal(stage, **changes)
    told = Tuned(TUNED, read_record("new").sha256, "2026-11-22")
    stage.weights = replace(stage.weights, tuned={"new": told})


def relabel(stage):
    first, *others = open_set(str(stage.folder)).fixtures
    write_manifest(
        stage.folder / "manifest.csv",
        [replace(first, meters=(4,), time_signatures=("4/4",)), *others],
    )


def replace_audio(stage):
    first, *others = open_set(str(stage.folder)).fixtures
    write_manifest(stage.folder / "manifest.csv", [replace(first, sha256="0" * 64), *others])


def set_weights(stage, **weights):
    stage.weights = stage.weights.with_signals(weights)


def test_a_tuned_weight_with_its_record_is_in_force(passed):
    found = vouched(passed.weights, passed.signals)
    assert found.weights == passed.weights
    assert found.refused == {}


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (lambda stage: edit_record(stage, gains=9), "was edited"),
        (lambda stage: edit_record(stage, date="2026-01-01"), "was edited"),
        (lambda stage: edit_record(stage, gains="4"), "gains is '4'"),
        (lambda stage: edit_record(stage, gains=-1), "gains is -1 (allowed: 0 to"),
        (lambda stage: edit_record(stage, gains=10**400), "allowed: 0 to 1000000"),
        (lambda stage: edit_record(stage, date=3), "date is 3 (allowed: text)"),
        (lambda stage: edit_record(stage, more=1), "is no gate record"),
        (lambda stage: edit_and_seal(stage, gains=5, both_wrong=1), "another gate record"),
        (lambda stage: edit_and_seal(stage, gains=2, both_right=14), "figures do not pass"),
        (lambda stage: edit_and_seal(stage, signal="base"), "record of 'base'"),
        (lambda stage: edit_tuned(stage, fixture_set=str(stage.folder)), "(allowed: 'rendered')"),
        (lambda stage: record_path("new").write_text("{"), "cannot be read"),
        (lambda stage: record_path("new").write_text("[" * 99999), "cannot be"),
        (lambda stage: record_path("new").unlink(), "no gate record"),
        (lambda stage: setattr(stage.candidate, "checkpoint", "other"), "another checkpoint"),
        (lambda stage: setattr(stage.candidate, "fingerprint", int.bit_count), "cannot tell its"),
        (relabel, "other fixtures"),
        (replace_audio, "other fixtures"),
        (lambda stage: (stage.folder / "manifest.csv").unlink(), "has no manifest"),
        (lambda stage: set_weights(stage, base=0.51), "other weights"),
        (lambda stage: set_weights(stage, third=0.1), "other weights"),
        (
            lambda stage: setattr(
                stage, "weights", replace(stage.weights, prior=stage.weights.prior | {5: 0.5})
            ),
            "other weights",
        ),
        (lambda stage: set_weights(stage, new=0.2), "was not tuned"),
        (
            lambda stage: setattr(stage, "weights", replace(stage.weights, tuned={})),
            "was not tuned",
        ),
    ],
)
def test_tampering_falls_back_to_zero_with_one_clear_line(passed, tamper, reason):
    tamper(passed)
    found = vouched(passed.weights, passed.signals)
    assert found.weights.signals == passed.weights.signals | {"new": 0.0}
    line = found.refused["new"]
    assert line.startswith(f"W_NEW = {passed.weights.signals['new']:g} is not in force, 0.0")
    assert reason in line
    assert "\n" not in line
    assert line in states(passed.weights, passed.signals)


def test_a_weight_set_by_hand_without_any_record_is_not_in_force(make_stage):
    stage = make_stage()
    set_weights(stage, new=0.3)
    found = vouched(stage.weights, stage.signals)
    assert found.weights.signals["new"] == 0.0
    assert "no gate record" in found.refused["new"]


def test_fitted_weights_need_no_record_unless_they_were_tuned(passed):
    weights = passed.weights
    assert not needs_record("base", passed.base, weights)
    tuned = replace(weights, tuned={"base": Tuned(0.5, "", "")})
    assert needs_record("base", passed.base, tuned)
    assert not needs_record("new", passed.candidate, weights.with_signals({"new": 0.0}))


def test_a_signal_that_falls_takes_those_with_it_whose_gate_it_stood_in(passed):
    second = type(passed.candidate)("second", passed.candidate.answers)
    set_weights(passed, second=0.2)
    signals = passed.signals | {"second": second}
    found = vouched(passed.weights, signals)
    assert found.weights.signals == {"base": 0.5, "new": 0.0, "second": 0.0}
    assert set(found.refused) == {"new", "second"}


def test_a_signal_that_cannot_run_has_no_voice_and_is_not_complained_of(passed):
    passed.candidate.missing = "no model"
    found = vouched(passed.weights, passed.signals)
    assert found.weights.signals["new"] == 0.0
    assert found.refused == {}


def test_where_no_fixtures_came_along_the_record_stands(passed, monkeypatch, tmp_path):
    monkeypatch.setattr("beatmeter.datasets.fixtures.sets.REPOSITORY_FOLDER", tmp_path / "nowhere")
    assert vouched(passed.weights, passed.signals).refused == {}


def test_the_ensemble_warns_once_and_uses_zero(make_stage):
    stage = make_stage()
    set_weights(stage, new=0.3)
    write_weights(stage.weights)
    with pytest.warns(WeightsWarning, match="W_NEW = 0.3 is not in force") as caught:
        ensemble = Ensemble(stage.signals)
    assert len(caught) == 1
    assert ensemble.weights.signals == {"base": 0.5, "new": 0.0}


def test_weights_given_by_hand_are_taken_as_they_are(make_stage):
    stage = make_stage()
    weights = Weights({"new": 0.3})
    assert Ensemble(stage.signals, weights).weights == weights


@pytest.fixture
def as_committed(monkeypatch, tmp_path):
    """Nothing of the user's own: the checkpoint is the one that comes with the package."""
    monkeypatch.delenv("BEATMETER_MERT_CHECKPOINT", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_the_committed_weights_and_records_agree(as_committed):
    weights, signals = load_weights(), installed_signals()
    assert vouched(weights, signals).refused == {}
    assert effective_weights(signals) == weights
    for path in (SHIPPED / RECORDS).glob("*.json"):
        others = weights_of_others(path.stem, signals, weights).weights
        check_record(read_record(path.stem), signals[path.stem], others)


def test_the_committed_gate_reports_and_records_agree(as_committed):
    """A report on the project's own fixtures names the record that is there, or none."""
    for path in (ROOT / "reports" / "gate").glob("*.json"):
        report = json.loads(path.read_text())
        if "candidate" in report:
            there = record_path(report["candidate"]).is_file()
            known = read_record(report["candidate"]).sha256 if there else None
            assert report["record"] == (known if report["fixture_set"] == RECORD_SET else None)
