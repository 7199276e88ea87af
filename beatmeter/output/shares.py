"""Scores and times as they are shown."""

from __future__ import annotations

from beatmeter.meters import MeterScores, ScoreKind


def clock(seconds: float) -> str:
    """Seconds as 2:03 or 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def shown(scores: MeterScores) -> tuple[float, ...]:
    """Return the scores in [0, 1] in the order of ``METERS``.

    A distribution is scaled to sum to 1; independent probabilities are left as they are.
    """
    if scores.kind is ScoreKind.INDEPENDENT:
        return scores.values
    return tuple(scores.distribution().tolist())
