"""Scores, times and time signatures as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatmeter.meters import MeterScores, ScoreKind

if TYPE_CHECKING:
    from beatmeter.analysis import Window
    from beatmeter.grid.metrical import MetricalGrid

NO_BAR = "no bar"
"""What stands in the place of a time signature where no bar is heard."""


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


def signature_of(part: MetricalGrid | Window) -> str:
    """The time signature of a grid or window; :data:`NO_BAR` where none is heard."""
    return part.time_signature if part.bars_heard else NO_BAR
