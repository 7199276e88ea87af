"""Onset envelopes: how suddenly something begins, over time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_COMPRESSION = 1000.0
_LOCAL_LEVEL_S = 1.0


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
    from scipy.ndimage import maximum_filter1d

    widened = maximum_filter1d(log_bands, 3, axis=1)
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
