r"""Subdivision: whether the time from beat to beat is divided in two or in three.

*Binary* beats have something halfway, *ternary* ones at both thirds: two beats of a bar of 6/8,
three of 9/8, four of 12/8 are ternary. Long-short rhythms (swing, shuffle) have something at the
second third only, and are not ternary. All of it holds at every tempo, and is measured without
knowing the meter.

References
----------
J. London, Hearing in Time, 2nd ed., Oxford 2012 (subdivision); F. Gouyon and P. Herrera,
Determination of the meter of musical audio signals, AES 2003 (binary against ternary).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.features.beatsync import subdivide
from beatmeter.features.near import NearTimes

Array = npt.NDArray[np.float32]

CELLS = 12
"""Parts of a beat: halves, thirds, quarters and sixths each begin one of them."""

_REACH_FRAMES = 1  # players are early or late by about a frame of 12 ms
_FAINT = 0.15  # onset strength, in deviations, below which nothing is there
_UNDECIDED = 0.7
"""Log ratio of thirds to half that speaks for neither: on rendered music half of the ternary beats
have more than 1.9, nine in ten of the swinging ones less than 0.1."""
_STEEPNESS = 2.0  # of the logistic curve through it


def subdivision_profiles(envelope: Array, frame_rate: float, pulses: Sequence[Floats]) -> Floats:
    """Logarithm of the mean onset strength at each twelfth of the way to the next beat.

    Parameters
    ----------
    envelope : ndarray, shape (frames,)
        Onset strength, of unit deviation.
    frame_rate : float
        Hz.
    pulses : sequence of k ndarrays
        Times of the beats of each pulse, in seconds.

    Returns
    -------
    ndarray, shape (k, 12)
        A pulse of fewer than two beats has what silence would give.
    """
    near = NearTimes(envelope, frame_rate, _REACH_FRAMES)
    profiles = np.full((len(pulses), CELLS), np.log(_FAINT))
    for row, beats in enumerate(pulses):
        if len(beats) < 2:
            continue
        strength = near.at(subdivide(beats, CELLS)[:-1]).reshape(-1, CELLS)
        profiles[row] = np.log(strength.mean(axis=0, dtype=np.float64) + _FAINT)
    return profiles


def thirds_over_half(profiles: Floats) -> Floats:
    """Log ratio of the weaker third of the beat to the half: (k, 12) to (k,)."""
    ratio: Floats = np.minimum(profiles[:, 4], profiles[:, 8]) - profiles[:, 6]
    return ratio


def ternary_probability(profiles: Floats) -> Floats:
    """How probable it is that beats divide evenly in three: (k, 12) to (k,).

    0.2 where they are not divided at all.
    """
    odds = _STEEPNESS * (thirds_over_half(profiles) - _UNDECIDED)
    probability: Floats = 1.0 / (1.0 + np.exp(-odds))
    return probability
