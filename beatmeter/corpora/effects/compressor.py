"""Dynamic range compression."""

from __future__ import annotations

import numpy as np

from beatmeter.audio.samples import Samples

_HOP_S = 0.004
_FLOOR = 1e-5


def compress(
    samples: Samples,
    sample_rate: int,
    *,
    threshold_db: float,
    ratio: float,
    attack_s: float,
    release_s: float,
) -> Samples:
    """Turn loud moments down.

    A feed-forward compressor whose gain follows the level in hops of a few milliseconds, smoothed
    with separate attack and release (Giannoulis, Massberg and Reiss, *Digital dynamic range
    compressor design*, JAES 60(6), 2012, eqs. 4 and 17). The level is measured from the loudest
    hop, so the threshold is relative.

    Parameters
    ----------
    samples : ndarray, shape (n,)
    sample_rate : int
        Hz.
    threshold_db : float < 0
        Level above which gain is reduced, relative to the loudest hop.
    ratio : float >= 1
        Decibels in above the threshold for one decibel out.
    attack_s, release_s : float > 0
        Time constants.

    Returns
    -------
    ndarray of float32, shape (n,)
        With the peak of `samples`.
    """
    hop = max(round(_HOP_S * sample_rate), 1)
    padded = np.pad(samples, (0, -len(samples) % hop))
    peaks = np.abs(padded).reshape(-1, hop).max(axis=1)
    level = 20 * np.log10(np.maximum(peaks, _FLOOR) / max(float(peaks.max(initial=0.0)), _FLOOR))
    reduction = np.maximum(level - threshold_db, 0.0) * (1 - 1 / ratio)
    smooth = _smooth(reduction, hop / sample_rate, attack_s, release_s)
    centres = (np.arange(len(smooth)) + 0.5) * hop
    gain = np.interp(np.arange(len(samples)), centres, 10 ** (-smooth / 20))
    squeezed = samples * gain
    loudest = float(np.abs(squeezed).max(initial=0.0))
    makeup = float(np.abs(samples).max(initial=0.0)) / loudest if loudest > 0 else 1.0
    result: Samples = (squeezed * makeup).astype(np.float32)
    return result


def _smooth(
    reduction: np.ndarray[tuple[int], np.dtype[np.float64]],
    step_s: float,
    attack_s: float,
    release_s: float,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    attack, release = np.exp(-step_s / attack_s), np.exp(-step_s / release_s)
    smooth = np.empty_like(reduction)
    current = 0.0
    for index, target in enumerate(reduction.tolist()):
        keep = attack if target > current else release
        current = keep * current + (1 - keep) * target
        smooth[index] = current
    return smooth
