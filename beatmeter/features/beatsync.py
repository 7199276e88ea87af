"""Beat-synchronous features: what happens on each beat of a pulse, whatever its tempo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

DIVISIONS = 4
"""Cells into which every beat is divided."""

N_BANDS = 4
"""Frequency bands of the onset patterns, low to high."""


@dataclass(frozen=True)
class BeatFeatures:
    """Features of one pulse, a row for each beat.

    Attributes
    ----------
    accents : ndarray, shape (n, 3)
        On the beat: onset strength, onset strength below 180 Hz, harmonic change.
    patterns : ndarray, shape (n, 4, 4)
        Onset strength in each quarter of the beat and each of four frequency bands.
    chroma : ndarray, shape (n, 12)
        Mean chroma until the next beat, of unit norm.
    timbre : ndarray, shape (n, 12)
        Mean cepstral coefficients until the next beat, standardised.
    """

    accents: Array
    patterns: Array
    chroma: Array
    timbre: Array


def cumulated(values: Array) -> Times:
    """Sums of the rows before each: shape (n, columns) to (n + 1, columns)."""
    return np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=float)])


def means_between(totals: Times, edges: Times) -> Array:
    """Mean of the rows between consecutive fractional edges: (len(edges) - 1, columns).

    Parameters
    ----------
    totals : ndarray, shape (n + 1, columns)
        From :func:`cumulated`, of which many pulses take their means.
    edges : ndarray, shape (m,)
        Rows, ascending; what lies beyond the ends is left out.
    """
    clipped = np.clip(edges, 0, len(totals) - 1)
    below = np.minimum(np.floor(clipped).astype(int), len(totals) - 2)
    fraction = (clipped - below)[:, None]
    at_edges = totals[below] * (1 - fraction) + totals[below + 1] * fraction
    widths = np.maximum(np.diff(clipped), 1e-6)[:, None]
    return (np.diff(at_edges, axis=0) / widths).astype(np.float32)


def subdivide(beats: Times, divisions: int) -> Times:
    """Edges of equal cells within each beat interval, the last included."""
    inside = np.arange(divisions) / divisions
    cells = beats[:-1, None] + np.diff(beats)[:, None] * inside
    return np.append(cells.ravel(), beats[-1])


def with_final_beat(beats: Times, period: float) -> Times:
    """The beats and one more at the end, so that every beat has a length.

    It comes an interval after the last, or, where there is one beat only, `period` seconds.
    """
    interval = beats[-1] - beats[-2] if len(beats) > 1 else period
    return np.append(beats, beats[-1] + interval)


def unit_rows(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Rows scaled to unit norm; zero rows stay zero."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, norms, out=np.zeros_like(values), where=norms > 1e-9)


def standardise(values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Columns of zero mean and unit deviation; constant columns become zero."""
    centred = values - values.mean(axis=0)
    deviations = centred.std(axis=0)
    return np.divide(centred, deviations, out=np.zeros_like(centred), where=deviations > 1e-9)


def harmonic_change(chroma: Array) -> Array:
    """Distance of each beat's chroma from that of the beat before: shape (n,), in [0, 1].

    References
    ----------
    C. Harte, M. Sandler and M. Gasser, Detecting harmonic change in musical audio, AMCMM 2006.
    """
    similarity = np.sum(chroma[1:] * chroma[:-1], axis=1)
    return np.concatenate([[0.0], np.clip(1.0 - similarity, 0.0, 1.0)]).astype(np.float32)
