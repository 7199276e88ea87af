"""A signal's scores as they are shown."""

from __future__ import annotations

from beatmeter.meters import MeterScores, ScoreKind


def shown(scores: MeterScores) -> tuple[float, ...]:
    """Return the scores in [0, 1] in the order of ``METERS``.

    A distribution is scaled to sum to 1; independent probabilities are left as they are.
    """
    if scores.kind is ScoreKind.INDEPENDENT:
        return scores.values
    return tuple(scores.distribution().tolist())
