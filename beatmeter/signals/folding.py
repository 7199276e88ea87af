"""Folding: how much of what varies from beat to beat a bar of a given length explains."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats

LENGTHS: tuple[int, ...] = tuple(range(2, 13))
"""Bar lengths, in beats, at which evidence is taken: the meters and their neighbours."""
FIRST_PLACES = np.cumsum((0, *LENGTHS[:-1]))
"""Rows of :func:`sums_by_place` in which the bars of each length begin."""


def sums_by_place(values: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Fold beats into bars of each of ``LENGTHS``.

    Parameters
    ----------
    values : ndarray, shape (beats, features)

    Returns
    -------
    sums : ndarray, shape (77, features)
        Of the beats at each place in the bar: 2 rows for bars of 2, 3 for bars of 3, up to 12.
    counts : ndarray, shape (77, 1)
        How many beats those are.
    """
    beats = len(values)
    places = _places(table_size(beats))[:, :beats]
    return places @ values, places.sum(axis=1, keepdims=True)


def explained_variance(values: npt.NDArray[np.floating]) -> Floats:
    """Adjusted share of variance that the position in bars of each of ``LENGTHS`` explains.

    One-way analysis of variance with the position as the factor; the adjustment takes off what
    `length` free means explain of noise, so that lengths can be compared.

    Parameters
    ----------
    values : ndarray, shape (beats, features)

    Returns
    -------
    ndarray, shape (11, features)
        At most 1, near 0 for noise; 0 where fewer than two bars fit or nothing varies.

    References
    ----------
    M. Ezekiel, Methods of Correlation Analysis, 1930 (the adjusted coefficient).
    """
    beats, lengths = len(values), np.array(LENGTHS)[:, None]
    if beats < 2 * LENGTHS[0]:
        return np.zeros((len(LENGTHS), values.shape[1]))
    centred = (values - values.mean(axis=0)).astype(np.float64)
    total = np.square(centred).sum(axis=0)
    sums, counts = sums_by_place(centred)
    explained = np.add.reduceat(sums**2 / np.maximum(counts, 1.0), FIRST_PLACES)
    varying = total > 1e-9
    share = explained / np.where(varying, total, 1.0)
    adjusted = 1.0 - (1.0 - share) * (beats - 1) / np.maximum(beats - lengths, 1)
    return np.where(varying & (beats >= 2 * lengths), adjusted, 0.0)


def lag_similarity(rows: npt.NDArray[np.floating], lag: int) -> float:
    """Mean inner product of rows `lag` beats apart; 0 where fewer than four pairs exist."""
    if len(rows) < lag + 4:
        return 0.0
    return float(np.vdot(rows[lag:], rows[:-lag]) / (len(rows) - lag))


def table_size(beats: int) -> int:
    """For how many beats to make a table that pulses of different numbers of beats can share.

    256 are more than 30 s hold at the fastest pulse, so there is one table; else a power of two.
    """
    return 1 << max(8, (beats - 1).bit_length())


@lru_cache(maxsize=2)
def _places(beats: int) -> Floats:
    """Whether a beat has a place in bars of each length, 1 or 0: shape (77, beats)."""
    table = [np.arange(beats) % length == place for length in LENGTHS for place in range(length)]
    return np.array(table, dtype=np.float64)
