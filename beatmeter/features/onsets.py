"""Onset envelopes: how suddenly something begins, over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_COMPRESSION = 1000.0  # parts 60 dB below the peak count as log(2)
_LOCAL_LEVEL_S = 1.0  # over which the slow part of an envelope is averaged


def log_mel(mel: Array) -> Array:
    """Compress mel magnitudes: ``log(1 + gain * mel / peak)``; loudness drops out.

    Parameters
    ----------
    mel : ndarray, shape (frames, bands), non-negative

    Returns
    -------
    ndarray, shape (frames, bands)
    """
    peak = float(np.percentile(mel.max(axis=1), 99.0)) or 1.0
    return np.log1p(mel * np.float32(_COMPRESSION / peak))


def spectral_flux(log_bands: Array, lag: int) -> Array:
    """Positive change of each band against `lag` frames before, vibrato suppressed.

    The earlier frame is first widened by a maximum over neighbouring bands, so that a partial
    which glides is not taken for an onset.

    Parameters
    ----------
    log_bands : ndarray, shape (frames, bands)
    lag : int
        Frames, at least 1.

    Returns
    -------
    ndarray, shape (frames, bands), non-negative

    References
    ----------
    S. Boeck and G. Widmer, Maximum filter vibrato suppression for onset detection, DAFx 2013.
    """
    widened = log_bands.copy()
    np.maximum(widened[:, 1:], log_bands[:, :-1], out=widened[:, 1:])
    np.maximum(widened[:, :-1], log_bands[:, 1:], out=widened[:, :-1])
    flux = np.zeros_like(log_bands)
    np.maximum(0.0, log_bands[lag:] - widened[:-lag], out=flux[lag:])
    return flux


def level(envelope: Array, frame_rate: float) -> Array:
    """Remove the slow part of an envelope and scale it to unit deviation.

    Parameters
    ----------
    envelope : ndarray, shape (frames,)
    frame_rate : float
        Hz.

    Returns
    -------
    ndarray, shape (frames,)
        Non-negative; zero where nothing exceeds the local mean.
    """
    from scipy.ndimage import uniform_filter1d

    width = max(3, round(_LOCAL_LEVEL_S * frame_rate))
    raised = np.maximum(0.0, envelope - uniform_filter1d(envelope, width))
    deviation = float(raised.std())
    return raised / deviation if deviation > 0 else raised


def pick_peaks(envelope: Array, least_gap: int) -> npt.NDArray[np.int64]:
    """Frames of the local maxima, of which those go that are too near to a higher one.

    A flat top counts once, in its middle; the ends of the envelope are no maxima. This is
    ``scipy.signal.find_peaks(envelope, distance=least_gap)``, without what it takes to import that
    module: as long as an analysis does.

    Parameters
    ----------
    envelope : ndarray, shape (frames,)
    least_gap : int
        Frames, at least 1.

    Returns
    -------
    ndarray of int, shape (n,)
        Ascending.
    """
    starts = np.flatnonzero(np.diff(envelope, prepend=np.nan))  # of stretches of one value
    rises = np.diff(envelope[starts]) > 0
    tops = np.flatnonzero(rises[:-1] & ~rises[1:]) + 1
    peaks = (starts[tops] + starts[tops + 1] - 1) // 2
    first = np.searchsorted(peaks, peaks - least_gap, side="right")
    last = np.searchsorted(peaks, peaks + least_gap, side="left")
    kept = np.ones(len(peaks), dtype=bool)
    for index in np.argsort(envelope[peaks], kind="stable")[::-1].tolist():
        if kept[index]:
            kept[first[index] : last[index]] = False
            kept[index] = True
    return peaks[kept]
