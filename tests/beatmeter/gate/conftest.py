"""Fixtures of known outcome: what two signals answer is written down, hearing is not tested."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import soundfile

from beatmeter.datasets.fixtures import FixtureSet, open_set, write_manifest
from beatmeter.errors import Abstain
from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.evaluation.score_table import ScoreTable
from beatmeter.evaluation.scoring import identity
from beatmeter.fusion.effective import ensemble_hash
from beatmeter.fusion.record import GateRecord, write_record
from beatmeter.fusion.weights import Weights
from beatmeter.gate.commit import GateResult, decide
from beatmeter.gate.gate_run import GateRun, score_candidate
from beatmeter.meters import METERS, MeterScores
from beatmeter.signals.calibrated import CalibratedSignal

OUTCOMES = {"both right": (3, 3), "both wrong": (4, 5), "loss": (3, 4), "gain": (4, 3)}
"""Answers of ensemble and candidate on a fixture in 3."""


def sure_of(meter: int) -> MeterScores:
    return MeterScores(tuple(0.9 if other == meter else 0.02 for other in METERS))


@dataclass
class Told:
    """A signal that says what it is told to, by the name of the recording."""

    name: str
    answers: dict[str, int]
    checkpoint: str = "first"
    missing: str | None = None
    asked: list[str] = field(default_factory=list)

    def unavailable(self) -> str | None:
        return self.missing

    def fingerprint(self) -> str:
        return self.checkpoint

    def score(self, rhythm) -> MeterScores:
        stem = Path(rhythm.path).stem
        self.asked.append(stem)
        if stem not in self.answers:
            raise Abstain("was told nothing")
        return sure_of(self.answers[stem])


class Fitted(Told, CalibratedSignal):
    """One whose weight ``beatmeter calibrate`` would fit."""

    def hypotheses(self, rhythm):
        raise NotImplementedError


@pytest.fixture
def make_table(make_fixture) -> Callable[..., ScoreTable]:
    """A table with so many fixtures of each outcome, and as many works unless told otherwise."""

    def make(works: int = 1000, **outcomes: int) -> ScoreTable:
        names = [name for name, count in outcomes.items() for _ in range(count)]
        answers = [OUTCOMES[name.replace("_", " ")] for name in names]
        fixtures = [
            make_fixture(f"{name}-{row}", work=f"work {row % works}")
            for row, name in enumerate(names)
        ]
        scores = [{"base": sure_of(one), "new": sure_of(other)} for one, other in answers]
        return ScoreTable.from_scores(fixtures, scores)

    return make


@dataclass
class Stage:
    """A folder of tiny recordings, two signals, weights, and where everything is kept."""

    folder: Path
    base: Fitted
    candidate: Told
    weights: Weights
    records: Path
    cache: ScoreCache

    @property
    def signals(self) -> dict:
        return {"base": self.base, "new": self.candidate}

    @property
    def fixture_set(self) -> FixtureSet:
        return open_set("rendered")

    def know(self) -> None:
        """Keep what the signals would say, so that nothing need be heard."""
        for fixture in self.fixture_set.fixtures:
            for signal in self.signals.values():
                if fixture.id in signal.answers:
                    scores = sure_of(signal.answers[fixture.id])
                    self.cache.put(fixture.sha256, identity(signal), scores)

    def score_candidate(self, fixture_set: FixtureSet | None = None) -> GateRun:
        return score_candidate(
            "new", fixture_set or self.fixture_set, self.signals, self.weights, self.cache
        )

    def run(self, fixture_set: FixtureSet | None = None) -> GateResult:
        """Score, decide, and commit the record."""
        result = decide(self.score_candidate(fixture_set))
        result.commit()
        return result

    def pass_gate(self) -> GateRecord:
        """Leave the record of a pass, as if it had been measured."""
        record = GateRecord(
            signal="new",
            date="2026-11-22",
            fixture_set="rendered",
            fingerprint=self.candidate.checkpoint,
            fixtures=self.fixture_set.digest(),
            ensemble=ensemble_hash(self.weights, "new"),
            both_right=12,
            both_wrong=2,
            losses=2,
            gains=4,
            same=12,
        )
        write_record(record)
        return record


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> list[Path]:
    """Twenty clicking recordings of two seconds and a half, all different."""
    folder = tmp_path_factory.mktemp("recordings")
    paths = []
    for number in range(20):
        samples = np.random.default_rng(number).standard_normal(20000) * 0.01
        samples[:: 2000 + number] += 0.5
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], samples, 8000)
    return paths


@pytest.fixture
def make_stage(tmp_path, recordings, make_fixture, monkeypatch) -> Callable[..., Stage]:
    """Recordings with so many fixtures of each outcome; they pass unless told otherwise.

    They take the place of the set that comes with the project.
    """

    def make(**outcomes: int) -> Stage:
        outcomes = outcomes or {"both_right": 12, "both_wrong": 2, "loss": 2, "gain": 4}
        folder = tmp_path / "fixtures"
        folder.mkdir()
        names = [name for name, count in outcomes.items() for _ in range(count)]
        base, candidate, fixtures = {}, {}, []
        for row, (name, recording) in enumerate(zip(names, recordings, strict=False)):
            identity = f"{name}-{row}"
            content = recording.read_bytes()
            (folder / f"{identity}.wav").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            fixtures.append(make_fixture(identity, sha256=digest))
            base[identity], candidate[identity] = OUTCOMES[name.replace("_", " ")]
        write_manifest(folder / "manifest.csv", fixtures)
        monkeypatch.setattr("beatmeter.datasets.fixtures.sets.REPOSITORY_FOLDER", folder)
        monkeypatch.delenv("BEATMETER_NEW_CHECKPOINT", raising=False)
        monkeypatch.setenv("BEATMETER_DATA", str(tmp_path / "data"))
        return Stage(
            folder,
            Fitted("base", base),
            Told("new", candidate),
            Weights({"base": 0.5, "new": 0.0}),
            tmp_path / "data" / "records",
            ScoreCache(tmp_path / "scores"),
        )

    return make
