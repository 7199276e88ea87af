"""How often the ensemble is right on a labelled set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beatmeter.datasets.fixtures.sets import POLYMETER, meter_name
from beatmeter.ensemble import Ensemble
from beatmeter.errors import GateError
from beatmeter.evaluation import scoring
from beatmeter.evaluation.ensemble import EnsembleEvaluation, evaluate, sections
from beatmeter.evaluation.report.text import to_text
from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.evaluation.score_table import ScoreTable
from beatmeter.fusion.agreement import is_right
from beatmeter.fusion.weights import Weights
from beatmeter.meters import METERS, MeterScores
from beatmeter.pipeline import analyze
from beatmeter.signals.accent_folding import AccentFolding
from beatmeter.signals.bar_similarity import BarSimilarity

SIGNALS = {"accent_folding": AccentFolding(), "bar_similarity": BarSimilarity()}
WEIGHTS = Weights({"accent_folding": 1.0, "bar_similarity": 0.5})


@pytest.fixture
def evaluation(labelled_set, tmp_path) -> EnsembleEvaluation:
    return evaluate(labelled_set, SIGNALS, WEIGHTS, ScoreCache(tmp_path / "scores"))


def test_answers_are_those_of_the_ensemble(evaluation, labelled_set):
    ensemble = Ensemble(SIGNALS, WEIGHTS)
    paths = [labelled_set.path_of(fixture) for fixture in evaluation.table.fixtures]
    assert evaluation.answers.tolist() == [analyze(p, ensemble=ensemble).meter for p in paths]
    for name, signal in SIGNALS.items():
        alone = Ensemble({name: signal}, Weights({name: 1.0}))
        assert evaluation.alone[name].tolist() == [analyze(p, ensemble=alone).meter for p in paths]


def test_under_a_prior_what_is_short_counts_less(labelled_set, tmp_path):
    cache = ScoreCache(tmp_path / "scores")
    for strength in (3.0, 10.0, 30.0, 100.0):
        prior = dict.fromkeys(METERS, 1.0) | {11: strength}
        weights = replace(WEIGHTS, prior=prior, growth=1.0)
        found = evaluate(labelled_set, SIGNALS, weights, cache)
        paths = [labelled_set.path_of(fixture) for fixture in found.table.fixtures]
        ensemble = Ensemble(SIGNALS, weights)
        assert found.by_prior.tolist() == [analyze(p, ensemble=ensemble).meter for p in paths]


def test_the_lie_counts_as_wrong_and_the_lost_is_left_out(evaluation):
    assert [fixture.id for fixture in evaluation.table.fixtures] == ["waltz", "march", "lie"]
    assert evaluation.answers.tolist() == [3, 4, 5]
    assert is_right(evaluation.answers, evaluation.table.accepted).tolist() == [True, True, False]
    assert evaluation.accuracy(evaluation.answers).value == pytest.approx(2 / 3)
    assert len(evaluation.left_out) == 1
    assert "lost" in evaluation.left_out[0]


def test_groups_and_confusions_count_every_recording(evaluation):
    assert evaluation.by(lambda fixture: fixture.category) == {"true": (2, 2), "false": (0, 1)}
    assert list(evaluation.by(meter_name)) == ["3", "4", "7"]
    confusion = evaluation.confusion()
    assert {
        label: row[m] for (label, row), m in zip(confusion.items(), (3, 4, 5), strict=True)
    } == {"3": 1, "4": 1, "7": 1}
    assert sum(sum(row.values()) for row in confusion.values()) == 3


def test_what_was_scored_is_not_scored_again(evaluation, labelled_set, tmp_path, monkeypatch):
    def never(*arguments, **options):
        raise AssertionError("scored again")

    monkeypatch.setattr(scoring, "score_recording", never)
    again = evaluate(labelled_set, SIGNALS, WEIGHTS, ScoreCache(tmp_path / "scores"))
    np.testing.assert_array_equal(again.answers, evaluation.answers)
    with pytest.raises(AssertionError, match="scored again"):
        evaluate(labelled_set, SIGNALS, WEIGHTS, ScoreCache(tmp_path / "empty"))


@pytest.mark.parametrize("weights", [{}, {"accent_folding": 0.0}, {"somebody_else": 1.0}])
def test_without_a_vote_there_is_one_clear_line(labelled_set, tmp_path, weights):
    with pytest.raises(GateError, match=r"^evaluate: no signal with a weight above 0 can run$"):
        evaluate(labelled_set, SIGNALS, Weights(weights), ScoreCache(tmp_path / "scores"))


def test_without_recordings_there_is_one_clear_line(labelled_set, tmp_path):
    for path in labelled_set.folder.glob("*.wav"):
        path.unlink()
    with pytest.raises(GateError, match=r"^evaluate: no recording is there \(.*waltz.*\)$"):
        evaluate(labelled_set, SIGNALS, WEIGHTS, ScoreCache(tmp_path / "scores"))


def test_of_a_polymeter_either_answer_is_right_and_an_abstention_never_is(labelled_set):
    waltz = labelled_set.fixtures[0]
    both = replace(waltz, meters=(3, 4), time_signatures=("3/4", "4/4"))
    sure = {"a": MeterScores.from_mapping({4: 1.0})}
    table = ScoreTable.from_scores([both, waltz, waltz], [sure, sure, {}])
    evaluation = EnsembleEvaluation(
        table, table.answers({"a": 1.0}), table.answers({"b": 1.0}), {}, ()
    )
    assert evaluation.answers.tolist() == [4, 4, 0]
    assert is_right(evaluation.answers, evaluation.table.accepted).tolist() == [True, False, False]
    assert evaluation.by(meter_name) == {POLYMETER: (1, 1), "3": (0, 2)}
    assert sum(evaluation.confusion()["3"].values()) == 1


def test_the_text_tells_all_of_it(evaluation):
    assert "made" not in to_text(sections(evaluation, WEIGHTS))  # all of them alike
    first, *others = evaluation.table.fixtures
    fixtures = (replace(first, made="by hand from a score"), *others)
    evaluation = replace(evaluation, table=replace(evaluation.table, fixtures=fixtures))
    lines = to_text(sections(evaluation, WEIGHTS)).splitlines()
    assert lines[0].startswith("3 recordings, 0.667 right (")
    by_prior = evaluation.accuracy(evaluation.by_prior).value
    assert lines[0].endswith(f"under a uniform prior, {by_prior:.3f} under the default")
    assert lines[1] == f"left out: {evaluation.left_out[0]}"
    rows = {tuple(line.split()) for line in lines}
    assert {("true", "2", "1.000"), ("false", "1", "0.000"), ("3", "1", "1.000")} <= rows
    assert {("by", "a", "test", "2", "0.500"), ("by", "hand", "1", "1.000")} <= rows
    assert ("7", "0", "0", "1", "0", "0", "0") in rows
    share = evaluation.accuracy(evaluation.alone["bar_similarity"]).value
    assert ("bar_similarity", "0.50", f"{share:.3f}") in rows
