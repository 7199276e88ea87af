"""How often the ensemble is right on a labelled set of recordings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from beatmeter.datasets.fixtures import Fixture, FixtureSet
from beatmeter.datasets.fixtures.sets import meter_name
from beatmeter.datasets.fixtures.verify import sound_fixtures
from beatmeter.errors import GateError
from beatmeter.evaluation.bootstrap import Interval, interval, resampled_sums
from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.evaluation.score_table import ScoreTable
from beatmeter.evaluation.scoring import score_fixtures
from beatmeter.fusion.agreement import is_right
from beatmeter.fusion.effective import why_unavailable
from beatmeter.fusion.weights import Weights
from beatmeter.meters import METERS
from beatmeter.signal import Signal


@dataclass(frozen=True)
class EnsembleEvaluation:
    """Verdicts on a labelled set.

    Attributes
    ----------
    table : ScoreTable
        What every signal said of the recordings that are as the manifest says.
    answers : ndarray of int, shape (n,)
        Verdicts; 0 where nothing could be told.
    alone : dict of str to ndarray of int, shape (n,)
        Verdicts of each signal by itself.
    left_out : tuple of str
        One line for each recording that is absent or changed.
    """

    table: ScoreTable
    answers: np.ndarray
    alone: dict[str, np.ndarray]
    left_out: tuple[str, ...]

    def accuracy(self, answers: np.ndarray) -> Interval:
        """Share of right answers, with a 95 % interval by work."""
        right = is_right(answers, self.table.accepted).astype(float)
        each = np.stack([right, np.ones_like(right)], axis=1)
        sums = resampled_sums(each, self.table.works)
        return interval(np.asarray(right.mean()), sums[:, 0] / sums[:, 1])

    def by(self, group_of: Callable[[Fixture], str]) -> dict[str, tuple[int, int]]:
        """Right verdicts and recordings in each group, groups in order of first appearance."""
        found: dict[str, tuple[int, int]] = {}
        rights = is_right(self.answers, self.table.accepted)
        for fixture, right in zip(self.table.fixtures, rights, strict=True):
            hits, count = found.get(group_of(fixture), (0, 0))
            found[group_of(fixture)] = (hits + int(right), count + 1)
        return found

    def confusion(self) -> dict[str, dict[int, int]]:
        """How often each label got each verdict."""
        found: dict[str, dict[int, int]] = {}
        for fixture, answer in zip(self.table.fixtures, self.answers.tolist(), strict=True):
            row = found.setdefault(meter_name(fixture), dict.fromkeys(METERS, 0))
            if answer in row:
                row[answer] += 1
        return found


def evaluate(
    fixture_set: FixtureSet,
    signals: Mapping[str, Signal],
    weights: Weights,
    cache: ScoreCache,
    jobs: int = 1,
) -> EnsembleEvaluation:
    """Let the ensemble hear a labelled set.

    Raises
    ------
    GateError
        If no recording is there, or no signal with a weight can run.
    """
    able = {name: signal for name, signal in signals.items() if why_unavailable(signal) is None}
    if not any(weights.signals.get(name, 0.0) > 0 for name in able):
        raise GateError("evaluate: no signal with a weight above 0 can run")
    sound, left_out = sound_fixtures(fixture_set)
    if not sound:
        raise GateError(f"evaluate: no recording is there ({left_out[0]})")
    table = score_fixtures(fixture_set, sound, able, cache, jobs)
    alone = {name: table.answers({name: 1.0}) for name in table.logs}
    return EnsembleEvaluation(table, table.answers(weights.signals, weights.prior), alone, left_out)
