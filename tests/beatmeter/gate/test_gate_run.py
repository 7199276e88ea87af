"""Runs of the gate over tiny recordings with a candidate of known outcome."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from beatmeter.datasets.fixtures import open_set, write_manifest
from beatmeter.errors import GateError
from beatmeter.evaluation import scoring
from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.fusion.record import read_record
from beatmeter.gate.commit import decide
from beatmeter.gate.gate_run import find_candidate, score_candidate


def counted(result) -> tuple[int, ...]:
    counts = result.measurement.overall.counts
    return tuple(
        int(number)
        for number in (counts.both_right, counts.both_wrong, counts.losses, counts.gains)
    )


def said(result) -> str:
    return " ".join(result.text().split())


def test_a_pass_leaves_a_record(make_stage):
    stage = make_stage()
    result = stage.run()
    assert counted(result) == (12, 2, 2, 4)
    assert result.measurement.decision.passed
    assert read_record("new") == result.record
    assert [stage.fixture_set.fixtures[i].id for i in result.measurement.losses()] == [
        "loss-14",
        "loss-15",
    ]


@pytest.mark.parametrize(
    ("outcomes", "fault"),
    [
        ({"both_right": 17, "gain": 3}, "agreement"),
        ({"both_right": 13, "both_wrong": 1, "loss": 4, "gain": 2}, "complementarity"),
        ({"both_right": 18, "both_wrong": 2}, "no gains"),
    ],
)
def test_a_failure_leaves_none(make_stage, outcomes, fault):
    stage = make_stage(**outcomes)
    stage.know()
    result = stage.run()
    assert any(fault in line for line in result.measurement.decision.faults)
    assert result.record is None
    with pytest.raises(GateError, match="no gate record"):
        read_record("new")


def test_a_failure_withdraws_the_record_of_the_same_state_only(make_stage):
    stage = make_stage()
    stage.pass_gate()
    stage.candidate.answers = dict.fromkeys(stage.candidate.answers, 4)
    stage.candidate.checkpoint = "second"
    stage.know()
    stage.run()
    assert read_record("new").fingerprint == "first"
    stage.candidate.checkpoint = "first"
    stage.know()
    assert not stage.run().measurement.decision.passed
    assert not list(stage.records.iterdir())


def test_a_second_run_asks_nobody_and_keeps_the_record(make_stage, monkeypatch):
    stage = make_stage()
    first = stage.run()
    stage.base.asked.clear()
    stage.candidate.asked.clear()
    monkeypatch.setattr("beatmeter.gate.commit.today", lambda: "2100-01-01")
    second = stage.run()
    assert first.record.date != "2100-01-01"
    assert stage.base.asked == stage.candidate.asked == []
    assert second.record == first.record
    assert second.text() == first.text()


def test_a_record_that_holds_outlives_other_figures_that_pass(make_stage):
    stage = make_stage()
    first = stage.run()
    stage.candidate.answers["gain-16"] = 4
    stage.candidate.answers["loss-14"] = 3
    stage.cache = ScoreCache(stage.folder / "scores")
    second = stage.run()
    assert second.measurement.decision.passed
    assert counted(second) != counted(first)
    assert second.record == first.record == read_record("new")


def test_runs_on_other_fixtures_leave_the_record_as_it_is(make_stage):
    stage = make_stage()
    stage.candidate.checkpoint = "second"
    other = open_set(str(stage.folder))
    result = stage.run(other)
    assert result.measurement.decision.passed
    assert result.record is None
    assert not stage.records.exists()
    assert "The record is left as it is: records are of the fixtures 'rendered'" in (said(result))
    record = stage.run().record
    stage.candidate.answers = dict.fromkeys(stage.candidate.answers, 4)
    stage.cache = ScoreCache(stage.folder / "scores")
    assert not stage.run(other).measurement.decision.passed
    assert read_record("new") == record


def test_runs_with_a_named_checkpoint_leave_the_record_as_it_is(make_stage, monkeypatch):
    stage = make_stage()
    record = stage.run().record
    monkeypatch.setenv("BEATMETER_NEW_CHECKPOINT", "elsewhere")
    stage.candidate.checkpoint = "second"
    result = stage.run()
    assert result.measurement.decision.passed
    assert result.record is None
    assert "BEATMETER_NEW_CHECKPOINT" in said(result)
    stage.candidate.checkpoint = "first"
    stage.candidate.answers = dict.fromkeys(stage.candidate.answers, 4)
    stage.cache = ScoreCache(stage.folder / "scores")
    assert not stage.run().measurement.decision.passed
    assert read_record("new") == record


def test_a_failure_on_some_of_the_fixtures_withdraws_nothing(make_stage):
    stage = make_stage()
    record = stage.run().record
    for path in stage.folder.glob("gain-*.wav"):
        path.unlink()
    assert not stage.run().measurement.decision.passed
    assert read_record("new") == record


def test_signals_without_a_vote_are_not_asked(make_stage):
    stage = make_stage(gain=3)
    broken = type(stage.candidate)("broken", {})
    broken.score = broken.fingerprint = None
    signals = stage.signals | {"broken": broken}
    run = score_candidate("new", stage.fixture_set, signals, stage.weights, stage.cache)
    assert set(run.table.logs) == {"base", "new"}


def test_a_signal_is_asked_in_the_precision_that_it_offers_for_measuring(make_stage):
    stage = make_stage(gain=3)
    exact = type(stage.candidate)("new", dict(stage.candidate.answers), "exact")
    stage.candidate.for_measuring = lambda: exact
    stage.score_candidate()
    assert stage.candidate.asked == []
    assert len(exact.asked) == 3


def test_a_signal_that_cannot_offer_itself_for_measuring_is_one_line(make_stage):
    stage = make_stage(gain=3)
    stage.candidate.for_measuring = lambda: 1 / 0
    with pytest.raises(GateError, match="new cannot be made ready for measuring"):
        stage.score_candidate()


def test_another_checkpoint_asks_its_signal_alone(make_stage):
    stage = make_stage(gain=3)
    stage.know()
    stage.candidate.checkpoint = "second"
    stage.score_candidate()
    assert stage.base.asked == []
    assert stage.candidate.asked == ["gain-0", "gain-1", "gain-2"]


def test_an_interrupted_run_goes_on_where_it_stopped(make_stage, monkeypatch):
    stage = make_stage(both_right=9)
    score, requests = scoring.score_recording, []

    def impatient(request):
        requests.append(request)
        if len(requests) == 4:
            raise KeyboardInterrupt
        return score(request)

    monkeypatch.setattr(scoring, "score_recording", impatient)
    with pytest.raises(KeyboardInterrupt):
        stage.score_candidate()
    monkeypatch.setattr(scoring, "score_recording", score)
    stage.candidate.asked.clear()
    stage.score_candidate()
    assert len(stage.candidate.asked) == 6


def test_processes_hear_what_one_hears(make_stage, tmp_path, monkeypatch):
    (tmp_path / "told_elsewhere.py").write_text(
        "from beatmeter.meters import MeterScores\n"
        "class Elsewhere:\n"
        "    name = 'new'\n"
        "    def unavailable(self): return None\n"
        "    def score(self, rhythm):\n"
        "        return MeterScores.from_array([len(rhythm.path.name)] + 5 * [9])\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from told_elsewhere import Elsewhere

    stage = make_stage(both_right=2, gain=2)
    asked = {"new": Elsewhere()}
    heard = [
        scoring.score_fixtures(
            stage.fixture_set,
            stage.fixture_set.fixtures,
            asked,
            type(stage.cache)(tmp_path / f"{jobs} jobs"),
            jobs,
        )
        for jobs in (1, 2)
    ]
    sys.modules.pop("told_elsewhere")
    assert heard[0].logs["new"].tolist() == heard[1].logs["new"].tolist()


def test_a_changed_recording_is_left_out_and_there_is_no_record(make_stage):
    stage = make_stage()
    stage.know()
    changed = stage.folder / "both_right-0.wav"
    changed.write_bytes(changed.read_bytes()[:-2])
    result = stage.run()
    assert counted(result) == (11, 2, 2, 4)
    assert result.measurement.decision.passed
    assert result.record is None
    assert "The record is left as it is: fixtures left out: 1." in said(result)


@pytest.mark.parametrize(
    ("voter", "reason"),
    [
        (None, "not installed"),
        ({"missing": "no net"}, "no net"),
        ({}, "said nothing about any fixture"),
    ],
)
def test_without_a_voter_there_is_no_record(make_stage, voter, reason):
    stage = make_stage(both_right=7, gain=3)
    stage.know()
    weights = stage.weights.with_signals({"third": 0.2})
    third = {} if voter is None else {"third": type(stage.base)("third", {}, **voter)}
    run = score_candidate("new", stage.fixture_set, stage.signals | third, weights, stage.cache)
    result = decide(run)
    assert result.measurement.decision.passed
    assert result.record is None
    assert f"The record is left as it is: third, which votes, is absent: {reason}" in said(result)


def test_a_candidate_that_says_nothing_is_wrong(make_stage):
    stage = make_stage()
    del stage.candidate.answers["both_right-0"]
    stage.know()
    result = stage.run()
    assert counted(result) == (11, 2, 3, 4)


def test_polymeter_accepts_both_meters_and_is_told_by_itself(make_stage):
    stage = make_stage()
    stage.know()
    fixtures = list(stage.fixture_set.fixtures)
    for row in (0, 14):
        fixtures[row] = replace(fixtures[row], meters=(3, 4), time_signatures=("3/4", "4/4"))
    write_manifest(stage.folder / "manifest.csv", fixtures)
    measurement = stage.run().measurement
    assert [group.name for group in measurement.by_meter] == ["3", "polymeter"]
    polymeter = measurement.by_meter[1].counts
    assert (polymeter.fixtures, polymeter.both_right) == (2, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stage: setattr(stage.candidate, "missing", "no model"), "new cannot.*: no model"),
        (lambda stage: stage.candidate.answers.clear(), "it said nothing about any fixture"),
        (lambda stage: setattr(stage.base, "missing", "no net"), "no other signal with a weight"),
        (lambda stage: stage.base.answers.clear(), "no other signal with a weight spoke"),
        (
            lambda stage: [path.unlink() for path in stage.folder.glob("*.wav")],
            "no fixture is there",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(make_stage, change, message):
    stage = make_stage()
    change(stage)
    with pytest.raises(GateError, match=message) as caught:
        stage.score_candidate()
    assert "\n" not in str(caught.value)


def test_a_signal_that_breaks_is_named_with_the_recording(make_stage):
    stage = make_stage()
    stage.candidate.score = None
    with pytest.raises(GateError, match=r"a signal failed on .*both_right-0.wav: TypeError"):
        stage.score_candidate()


def test_an_unknown_signal_is_named_with_those_there_are(make_stage):
    with pytest.raises(GateError, match=r"signal: 'nobody' \(allowed: base, new\)"):
        find_candidate("nobody", make_stage().signals)
