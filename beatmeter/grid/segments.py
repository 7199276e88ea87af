"""Changes of meter: which stretches of a recording are in which meter.

Every excerpt, or window, has a distribution over the meters. A hidden Markov model holds that a
meter goes on unless the evidence is strong: a change costs the same whenever and into whatever it
happens. So a window that hears little, whose distribution is flat, has no say, and one stray window
does not make a change.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from beatmeter._util.arrays import Floats, Integers

CHANGE_COST = 3.0
"""What a change of meter costs, in log odds: what follows has to be e^3 to 1 for it. There and back
costs twice."""


def meter_path(log_scores: Floats) -> Integers:
    """The most probable meter of each window, by dynamic programming.

    Parameters
    ----------
    log_scores : ndarray, shape (windows, 6)
        Log probability of every meter in every window, in order of time.

    Returns
    -------
    ndarray of int, shape (windows,)
        Indices into ``METERS``.
    """
    windows, meters = log_scores.shape
    if not windows:
        return np.zeros(0, dtype=np.int64)
    same = np.arange(meters)
    came_from = np.tile(same, (windows, 1))
    worth = log_scores[0].copy()
    for window in range(1, windows):
        best = int(worth.argmax())
        changed = worth[best] - CHANGE_COST > worth
        came_from[window] = np.where(changed, best, same)
        worth = np.where(changed, worth[best] - CHANGE_COST, worth) + log_scores[window]
    path = np.empty(windows, dtype=np.int64)
    path[-1] = int(worth.argmax())
    for window in range(windows - 1, 0, -1):
        path[window - 1] = came_from[window, path[window]]
    return path


def runs(path: Integers) -> list[slice]:
    """Consecutive windows of one meter, as slices in order; none without windows."""
    edges = np.flatnonzero(np.diff(path)) + 1
    bounds = [0, *edges.tolist(), len(path)]
    return [slice(*pair) for pair in pairwise(bounds)] if len(path) else []
