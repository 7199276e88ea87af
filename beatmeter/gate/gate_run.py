"""All the scores that one run of the gate needs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from beatmeter.datasets.fixtures import FixtureSet, verify
from beatmeter.errors import GateError
from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.evaluation.score_table import ScoreTable
from beatmeter.evaluation.scoring import score_fixtures
from beatmeter.fusion.effective import (
    EffectiveWeights,
    ensemble_hash,
    fingerprint,
    vouched,
    why_unavailable,
)
from beatmeter.fusion.record import RECORD_SET, GateState
from beatmeter.fusion.weights import Weights
from beatmeter.signal import Signal
from beatmeter.signals.calibrated import CalibratedSignal


@dataclass(frozen=True)
class GateRun:
    """The scores of one run of the gate, and what they hold for.

    Attributes
    ----------
    weights : Weights
        The effective ones, the candidate's own 0.
    state : GateState
        What a pass would hold for.
    left_out : tuple of str
        One line for each fixture that is absent or changed.
    absent : dict of str to str
        Signals that have a weight but no scores, with the reason.
    refused : tuple of str
        One line for each other weight that is not in force.
    checkpoint : str or None
        The candidate's, if one was named; None if it is the signal's own choice.
    """

    candidate: str
    fixture_set: FixtureSet
    table: ScoreTable
    weights: Weights
    state: GateState
    left_out: tuple[str, ...]
    absent: dict[str, str]
    refused: tuple[str, ...]
    checkpoint: str | None

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why this run leaves the record as it is, in words; empty when it decides on it."""
        found = []
        if self.fixture_set.name != RECORD_SET:
            found.append(f"records are of the fixtures {RECORD_SET!r}")
        if self.checkpoint is not None:
            variable = checkpoint_variable(self.candidate)
            found.append(f"records are of the signal's own checkpoint, not one named by {variable}")
        return (*found, *self.gaps)

    @property
    def gaps(self) -> tuple[str, ...]:
        """Which scores of those that vote are missing, in words; empty when none are."""
        files = [f"fixtures left out: {len(self.left_out)}"] if self.left_out else []
        voters = [f"{name}, which votes, is absent: {why}" for name, why in self.absent.items()]
        return (*files, *voters, *self.refused)


def checkpoint_variable(candidate: str) -> str:
    """The environment variable that names a signal's checkpoint."""
    return f"BEATMETER_{candidate.upper()}_CHECKPOINT"


@contextmanager
def using_checkpoint(candidate: str, checkpoint: str) -> Iterator[None]:
    """Let a signal use a checkpoint within a block, in this process and those it starts."""
    variable = checkpoint_variable(candidate)
    before = os.environ.get(variable)
    os.environ[variable] = checkpoint
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def find_candidate(name: str | None, signals: Mapping[str, Signal]) -> str:
    """The signal to measure: the named one, else the only one that no calibration vouches for.

    Raises
    ------
    GateError
        If there is no such signal, or none was named and there are several to choose from.
    """
    if name in signals:
        return str(name)
    uncalibrated = [n for n, signal in signals.items() if not isinstance(signal, CalibratedSignal)]
    if name is None and len(uncalibrated) == 1:
        return uncalibrated[0]
    given = "none was named" if name is None else repr(name)
    raise GateError(f"signal: {given} (allowed: {', '.join(sorted(signals))})")


def score_candidate(
    candidate: str,
    fixture_set: FixtureSet,
    signals: Mapping[str, Signal],
    weights: Weights,
    cache: ScoreCache,
    jobs: int = 1,
) -> GateRun:
    """Score the fixtures that match the manifest, by the candidate and all signals that vote.

    Parameters
    ----------
    candidate : str
        One of `signals`: see :func:`find_candidate`.
    signals : mapping of str to Signal
        All installed.
    weights : Weights
        As in ``weights.toml``.
    jobs : int > 0

    Raises
    ------
    GateError
        If the candidate cannot run here or always abstains; no fixture is there; all
        other signals that vote abstain; or a signal fails.
    """
    reason = why_unavailable(signals[candidate])
    if reason is not None:
        raise GateError(f"{candidate} cannot be measured: {reason}")
    checked = verify(fixture_set)
    if not checked.sound:
        reason = checked.problems[0]
        raise GateError(f"{candidate} cannot be measured: no fixture is there ({reason})")
    effective = weights_of_others(candidate, signals, weights)
    voting = {name for name, weight in effective.weights.signals.items() if weight > 0}
    missing = {name: why_unavailable(signals[name]) for name in voting & signals.keys()}
    able = [name for name in signals if name in missing and missing[name] is None]
    if not able:
        raise GateError(f"{candidate} cannot be measured: no other signal with a weight can run")
    scoring = {name: signals[name] for name in (*able, candidate)}
    table = score_fixtures(fixture_set, checked.sound, scoring, cache, jobs)
    if candidate not in table.logs:
        raise GateError(f"{candidate} cannot be measured: it said nothing about any fixture")
    if not voting & table.logs.keys():
        raise GateError(f"{candidate} cannot be measured: no other signal with a weight spoke")
    return GateRun(
        candidate=candidate,
        fixture_set=fixture_set,
        table=table,
        weights=effective.weights,
        state=GateState(
            fingerprint(signals[candidate]),
            fixture_set.digest(),
            ensemble_hash(effective.weights, candidate),
        ),
        left_out=checked.problems,
        absent={
            name: missing.get(name, "not installed") or "said nothing about any fixture"
            for name in sorted(voting - table.logs.keys())
        },
        refused=tuple(effective.refused.values()),
        checkpoint=os.environ.get(checkpoint_variable(candidate)) or None,
    )


def weights_of_others(
    candidate: str, signals: Mapping[str, Signal], weights: Weights
) -> EffectiveWeights:
    """The weights against which a candidate is measured: the effective ones, its own 0."""
    return vouched(weights.with_signals({candidate: 0.0}), signals)
