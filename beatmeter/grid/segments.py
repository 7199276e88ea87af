"""Changes of meter: which stretches of a recording are in which meter.

Every excerpt, or window, has a distribution over the meters. A hidden Markov model holds that a
meter goes on unless the evidence is strong: a change costs the same whenever and into whatever it
happens. So a window that hears little, whose distribution is flat, has no say, and one stray window
does not make a change.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from beatmeter.grid.metrical import MetricalGrid

Floats = npt.NDArray[np.float64]

CHANGE_COST = 3.0
"""What a change of meter costs, in log odds: what follows has to be e^3 to 1 for it. There and back
costs twice."""


_NEAR_S = 0.045  # an onset this near to a beat is on it
_BEFORE_S = 0.03  # a beat this little before a bar line is the downbeat itself


def meter_path(log_scores: Floats, change_cost: float = CHANGE_COST) -> npt.NDArray[np.int64]:
    """The most probable meter of each window, by dynamic programming.

    Parameters
    ----------
    log_scores : ndarray, shape (windows, 6)
        Log probability of every meter in every window, in order of time.
    change_cost : float, optional

    Returns
    -------
    ndarray of int, shape (windows,)
        Indices into ``METERS``.
    """
    windows, meters = log_scores.shape
    same = np.arange(meters)
    came_from = np.tile(same, (windows, 1))
    worth = log_scores[0].copy()
    for window in range(1, windows):
        best = int(worth.argmax())
        changed = worth[best] - change_cost > worth
        came_from[window] = np.where(changed, best, same)
        worth = np.where(changed, worth[best] - change_cost, worth) + log_scores[window]
    path = np.empty(windows, dtype=np.int64)
    path[-1] = int(worth.argmax())
    for window in range(windows - 1, 0, -1):
        path[window - 1] = came_from[window, path[window]]
    return path


def runs(path: npt.NDArray[np.int64]) -> list[slice]:
    """Consecutive windows of one meter, as slices in order."""
    edges = np.flatnonzero(np.diff(path)) + 1
    bounds = [0, *edges.tolist(), len(path)]
    return [slice(*pair) for pair in pairwise(bounds)]


def change_of_bars(
    onsets: npt.NDArray[np.float32],
    frame_rate: float,
    start_s: float,
    grids: tuple[MetricalGrid, MetricalGrid],
    nearest_s: tuple[float, float],
) -> float | None:
    """Where bars of one grid give way to bars of another.

    Both grids are known on their own side of the change, and are carried on over it at their rates.
    Up to the change, accents recur after a bar of the first; from there on they recur a bar of the
    second later. The change is the downbeat of the second at which the sum of both, each against
    its mean, is greatest.

    Parameters
    ----------
    onsets : ndarray, shape (frames,)
        Onset strength around the change.
    frame_rate, start_s : float
        Frames a second; when the first one is, in seconds of the recording.
    grids : pair of MetricalGrid
        Before and after.
    nearest_s : pair of float
        Where to look, in seconds of the recording.

    Returns
    -------
    float or None
        Seconds of the recording; None where a grid has no downbeat.
    """
    before, after = grids
    if not (before.bars_heard and after.bars_heard):
        return None
    span = start_s, start_s + len(onsets) / frame_rate
    near = _Strength(onsets, frame_rate, start_s)
    beats = _carried_on(before.downbeats[-1], 60.0 / before.beat_bpm, span)
    old = _recurrence(near.at(beats), before.bar_beats)
    old_beats = beats[before.bar_beats :]
    beats = _carried_on(after.downbeats[0], 60.0 / after.beat_bpm, span)
    new = _recurrence(near.at(beats), after.bar_beats)
    new_beats = beats[: len(new)]
    lines = _carried_on(after.downbeats[0], after.bar_duration_s, nearest_s)
    if not len(lines):
        return None
    worth = [
        old[old_beats < line - _BEFORE_S].sum() + new[new_beats >= line - _BEFORE_S].sum()
        for line in lines
    ]
    return float(lines[int(np.argmax(worth))])


class _Strength:
    """The greatest onset strength near times of the recording."""

    def __init__(self, onsets: npt.NDArray[np.float32], frame_rate: float, start_s: float) -> None:
        from scipy.ndimage import maximum_filter1d

        self._widened = maximum_filter1d(onsets, 2 * round(_NEAR_S * frame_rate) + 1)
        self._frame_rate, self._start_s = frame_rate, start_s

    def at(self, times: Floats) -> Floats:
        frames = np.round((times - self._start_s) * self._frame_rate).astype(int)
        near = self._widened[np.clip(frames, 0, len(self._widened) - 1)]
        return np.asarray(near, dtype=np.float64)


def _carried_on(anchor_s: float, period_s: float, span: tuple[float, float]) -> Floats:
    """Times a period apart within a span, one of them at the anchor if that lies within."""
    first, last = (
        int(np.ceil((span[0] - anchor_s) / period_s)),
        int(np.floor((span[1] - anchor_s) / period_s)),
    )
    return anchor_s + period_s * np.arange(first, last + 1, dtype=np.float64)


def _recurrence(strength: Floats, lag: int) -> Floats:
    """How alike strengths are a lag apart, less the mean of all: shape (n - lag,)."""
    standard = (strength - strength.mean()) / max(float(strength.std()), 1e-6)
    likeness: Floats = -np.abs(standard[lag:] - standard[:-lag])
    return likeness - likeness.mean() if len(likeness) else likeness
