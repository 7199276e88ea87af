"""Folding: how much of what varies from beat to beat a bar of a given length explains."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LENGTHS: tuple[int, ...] = tuple(range(2, 13))
"""Bar lengths, in beats, at which evidence is taken: the meters and their neighbours."""


def explained_variance(values: npt.NDArray[np.floating], length: int) -> Floats:
    """Adjusted share of variance that the position in a bar of `length` beats explains.

    One-way analysis of variance with the position as the factor; the adjustment takes off what
    `length` free means explain of noise, so that lengths can be compared.

    Parameters
    ----------
    values : ndarray, shape (beats, features)
    length : int
        Beats per bar, at least 2.

    Returns
    -------
    ndarray, shape (features,)
        At most 1, near 0 for noise; 0 where fewer than two bars fit or nothing varies.

    References
    ----------
    M. Ezekiel, Methods of Correlation Analysis, 1930 (the adjusted coefficient).
    """
    beats, features = values.shape
    if beats < 2 * length:
        return np.zeros(features)
    bars = -(-beats // length)
    centred = np.zeros((bars * length, features))
    centred[:beats] = values - values.mean(axis=0)
    total = np.square(centred).sum(axis=0)
    counts = np.full((length, 1), bars)
    counts[beats - bars * length + length :] -= 1
    sums = centred.reshape(bars, length, features).sum(axis=0)
    explained = (sums**2 / counts).sum(axis=0)
    varying = total > 1e-9
    share = explained / np.where(varying, total, 1.0)
    return np.where(varying, 1.0 - (1.0 - share) * (beats - 1) / (beats - length), 0.0)


def lag_similarity(rows: npt.NDArray[np.floating], lag: int) -> float:
    """Mean inner product of rows `lag` beats apart; 0 where fewer than four pairs exist."""
    if len(rows) < lag + 4:
        return 0.0
    return float(np.einsum("ij,ij->", rows[lag:], rows[:-lag]) / (len(rows) - lag))
