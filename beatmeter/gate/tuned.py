"""From the name of a weight to its tuning, report, and place in ``weights.toml``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from beatmeter.datasets.fixtures.sets import find_set
from beatmeter.errors import GateError
from beatmeter.evaluation.report.text import to_markdown
from beatmeter.evaluation.score_cache import open_cache
from beatmeter.fusion.effective import check_record
from beatmeter.fusion.record import GateRecord, read_record
from beatmeter.fusion.weights import Tuned, Weights, load_weights, write_weights
from beatmeter.gate import tuning_report
from beatmeter.gate.commit import today
from beatmeter.gate.files import report_stem, tuning_content, write
from beatmeter.gate.gate_run import score_candidate, weights_of_others
from beatmeter.gate.tuning import Tuning, grid, tune
from beatmeter.plugins import installed_signals

_PREFIX = "W_"


@dataclass(frozen=True)
class TunedSignal:
    """A tuning with the record it relies on."""

    tuning: Tuning
    record: GateRecord

    def text(self) -> str:
        """The figures as text."""
        return to_markdown(tuning_report.title(self.tuning), tuning_report.summary(self.tuning))

    def write(self, folder: Path) -> list[Path]:
        """Write the report: JSON, Markdown, HTML.

        Raises
        ------
        ReportError
            If a file cannot be written.
        """
        return write(
            report_stem(folder, f"tune-{self.tuning.signal}", self.record.fixture_set),
            tuning_report.title(self.tuning),
            tuning_report.full(self.tuning),
            tuning_content(self.tuning),
        )

    def store(self, path: Path | None = None) -> Path:
        """Write the chosen weight to the user's weights, with the record's hash and the date."""
        return write_weights(
            with_tuned(load_weights(path), self.tuning, self.record, today()), path
        )


def tune_signal(
    weight: str, bounds: tuple[float, float, float], jobs: int = 1, scores: Path | None = None
) -> TunedSignal:
    """Tune the weight of an installed signal that has passed the gate.

    Parameters
    ----------
    weight : str
        Such as ``W_MERT``.
    bounds : tuple of float
        First and last weight, and the step between them.
    jobs : int > 0
        Processes, for scores that are not known.
    scores : Path, optional
        Folder of known scores; the user's cache when not given.

    Raises
    ------
    GateError
        If there is no such weight, no gate record holds, or the bounds make no grid.
    """
    signals = installed_signals()
    name = weight.removeprefix(_PREFIX).lower()
    if weight != f"{_PREFIX}{name.upper()}" or name not in signals:
        allowed = ", ".join(_PREFIX + other.upper() for other in sorted(signals))
        raise GateError(f"weight: {weight!r} (allowed: {allowed})")
    tried = grid(*bounds)
    try:
        record = read_record(name)
        weights = load_weights()
        check_record(record, signals[name], weights_of_others(name, signals, weights).weights)
    except GateError as error:
        raise GateError(f"{weight} cannot be tuned: {error}") from error
    cache = open_cache(scores)
    run = score_candidate(name, find_set(record.fixture_set), signals, weights, cache, jobs)
    if run.gaps:
        raise GateError(f"{weight} cannot be tuned: {'; '.join(run.gaps)}")
    return TunedSignal(tune(name, run.table, run.weights, tried), record)


def with_tuned(weights: Weights, tuning: Tuning, record: GateRecord, date: str) -> Weights:
    """The weights with the chosen one in its place."""
    chosen = tuning.chosen.weight
    tuned = weights.tuned | {tuning.signal: Tuned(chosen, record.sha256, date)}
    return replace(weights.with_signals({tuning.signal: chosen}), tuned=tuned)
