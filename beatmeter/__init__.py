"""BeatMeter: estimates the meter, time signature, beats and tempo of recordings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from beatmeter.hookspecs import hookimpl

if TYPE_CHECKING:
    from beatmeter.analysis import Analysis
    from beatmeter.ensemble import Ensemble
    from beatmeter.errors import Abstain, BeatMeterError
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.meters import METERS, MeterScores, ScoreKind
    from beatmeter.pipeline import analyze, beats, timeline

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "beatmeter.analysis",
    "Ensemble": "beatmeter.ensemble",
    "analyze": "beatmeter.pipeline",
    "beats": "beatmeter.pipeline",
    "timeline": "beatmeter.pipeline",
    "BeatMeterError": "beatmeter.errors",
    "Abstain": "beatmeter.errors",
    "METERS": "beatmeter.meters",
    "MeterScores": "beatmeter.meters",
    "ScoreKind": "beatmeter.meters",
    "Rhythm": "beatmeter.features.rhythm",
}

__all__ = [
    "METERS",
    "Abstain",
    "Analysis",
    "BeatMeterError",
    "Ensemble",
    "MeterScores",
    "Rhythm",
    "ScoreKind",
    "__version__",
    "analyze",
    "beats",
    "hookimpl",
    "timeline",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
