"""Pulses: the rates at which one could count, and the beats of each.

The tempo of a recording is ambiguous by halves, thirds and their inverses, and a meter can only
be counted on the right one. So the strongest pulse, and the strongest that is unrelated to it, are
taken together with their relatives; every one is tracked, and the signals weigh meters on all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

RATIOS: tuple[float, ...] = (1 / 3, 1 / 2, 2 / 3, 1.0, 3 / 2, 2.0, 3.0)
"""Rates that are related to a pulse: its halves, thirds, and their inverses."""

SLOWEST_BPM = 30.0
FASTEST_BPM = 480.0
"""Between which pulses are offered."""
_TACTUS_BPM = (50.0, 220.0)  # somewhat beyond the 60 to 190 that are tapped (Moelants, 2002)
_PREFERRED_BPM = 115.0  # near the 120 of Ellis (2007)
_PREFERENCE_OCTAVES = 0.9  # standard deviation of the preference
_MULTIPLE_WEIGHTS = np.array([1.0, 0.7, 0.5, 0.5])  # of one to four periods
_RELATED = 0.04  # periods are the same, or in a ratio, when they are off by less
_TIGHTNESS = 120.0  # alpha of Ellis (2007), for which librosa has 100
_SEARCH = (0.7, 1.45)  # shortest and longest interval that is tried, in periods


@dataclass(frozen=True)
class Pulse:
    """One way to count.

    Attributes
    ----------
    bpm : float
        Beats a minute.
    beats : ndarray of float, shape (n,)
        Times in seconds, ascending.
    salience : float
        How far the onset strength on the beats exceeds that between them, in deviations.
    """

    bpm: float
    beats: Times
    salience: float


def autocorrelation(envelope: Array, max_lag: int) -> Times:
    """Unbiased, normalised autocorrelation at lags 0 to `max_lag`.

    Returns
    -------
    ndarray, shape (max_lag + 1,)
        1 at lag 0; lags longer than the envelope are 0.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    centred = envelope.astype(np.float64) - envelope.mean()
    size = next_fast_len(2 * len(centred))
    power = np.abs(rfft(centred, size)) ** 2
    lags = min(max_lag + 1, len(centred))
    products = irfft(power, size)[:lags] / np.arange(len(centred), len(centred) - lags, -1)
    result = np.zeros(max_lag + 1)
    if products[0] > 0:
        result[:lags] = products / products[0]
    return result


def tactus_periods(acf: Times, frame_rate: float) -> tuple[float, float]:
    """The period to which one would tap, and the best one that is unrelated to it, in frames.

    The autocorrelation is summed over the first four multiples of each period and weighted by a
    log-normal preference for moderate tempi. The second period is one that no simple ratio of
    :data:`RATIOS` leads to: where beats are grouped unevenly, the strongest period may be that of
    a group, and the pulse that groups share is found only beside it.

    References
    ----------
    D. Ellis, Beat tracking by dynamic programming, Journal of New Music Research 36 (2007).
    """
    bpms = np.geomspace(*_TACTUS_BPM, 400)
    periods = 60.0 * frame_rate / bpms
    lags = periods[:, None] * np.arange(1, 5)
    strength = interpolate(acf, lags) @ _MULTIPLE_WEIGHTS
    octaves = np.log2(bpms / _PREFERRED_BPM) / _PREFERENCE_OCTAVES
    worth = np.maximum(strength, 1e-9) * np.exp(-0.5 * octaves**2)
    first = periods[int(np.argmax(worth))]
    distance = np.abs(np.log(periods[:, None] * np.array(RATIOS) / first)).min(axis=1)
    second = periods[int(np.argmax(np.where(distance > np.log(1.0 + _RELATED), worth, 0.0)))]
    return float(first), float(second)


def related_periods(first: float, second: float, frame_rate: float) -> list[float]:
    """Two periods and their relatives within range, duplicates left out, `first` foremost."""
    slowest, fastest = 60.0 * frame_rate / SLOWEST_BPM, 60.0 * frame_rate / FASTEST_BPM
    found: list[float] = []
    for period in (first, *(base / ratio for base in (first, second) for ratio in RATIOS)):
        known = any(abs(period / other - 1.0) < _RELATED for other in found)
        if fastest <= period <= slowest and not known:
            found.append(period)
    return found


def refine_period(acf: Times, period: float) -> float:
    """The period near `period` whose first eight multiples fit the autocorrelation best."""
    candidates = period * np.linspace(0.96, 1.04, 81)
    multiples = np.arange(1, 9)
    strength = interpolate(acf, candidates[:, None] * multiples).mean(axis=1)
    closeness = 1e-3 * np.abs(candidates / period - 1.0)
    return float(candidates[int(np.argmax(strength - closeness))])


def track_beats(envelope: Array, periods: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    """Beats at several periods at once, by dynamic programming.

    Every path maximises onset strength on its beats less a penalty for intervals that stray from
    the period, quadratic in the logarithm of their ratio.

    Parameters
    ----------
    envelope : ndarray, shape (frames,), non-negative
    periods : ndarray, shape (k,)
        Frames.

    Returns
    -------
    list of k ndarrays of int
        Frames of the beats, ascending.

    References
    ----------
    D. Ellis, Beat tracking by dynamic programming, Journal of New Music Research 36 (2007).
    """
    smooth = _smooth_to_beats(envelope, periods)
    return [_best_path(curve, float(period)) for curve, period in zip(smooth, periods, strict=True)]


def salience(envelope: Array, beats: npt.NDArray[np.int64]) -> float:
    """Mean envelope on the beats less that halfway between them, in standard deviations."""
    deviation = float(envelope.std())
    if len(beats) < 3 or deviation == 0:
        return 0.0
    between = (beats[:-1] + beats[1:]) // 2
    near = np.maximum(np.maximum(envelope[:-2], envelope[1:-1]), envelope[2:])
    on = near[np.clip(beats - 1, 0, len(near) - 1)].mean()
    off = near[np.clip(between - 1, 0, len(near) - 1)].mean()
    return float((on - off) / deviation)


def mean_interval(beats: npt.NDArray[np.int64], period: float) -> float:
    """Mean distance of consecutive beats; `period` where there are fewer than two."""
    return float(beats[-1] - beats[0]) / (len(beats) - 1) if len(beats) > 1 else period


def interpolate(curve: Times, positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Linear interpolation of a curve at fractional indices; 0 beyond its end."""
    return np.interp(positions, np.arange(len(curve)), curve, right=0.0)


def _smooth_to_beats(envelope: Array, periods: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter1d

    smoothed = [gaussian_filter1d(envelope, max(0.8, period / 32.0)) for period in periods]
    stacked = np.array(smoothed, dtype=np.float64)
    return stacked / np.maximum(stacked.std(axis=1, keepdims=True), 1e-9)


def _best_path(strength: npt.NDArray[np.float64], period: float) -> npt.NDArray[np.int64]:
    """Frames of the beats at one period; no beat depends on others nearer than the least interval.

    So as many frames as that are done at once.
    """
    intervals = np.arange(1, int(np.ceil(period * _SEARCH[1])) + 1)
    ratio = intervals / period
    allowed = (ratio >= _SEARCH[0]) & (ratio <= _SEARCH[1])
    penalty = -_TIGHTNESS * np.log(ratio[allowed])[::-1] ** 2
    nearest, farthest = int(intervals[allowed][0]), int(intervals[allowed][-1])

    frames = len(strength)
    totals = np.concatenate([np.zeros(farthest), strength])
    before = np.lib.stride_tricks.sliding_window_view(totals, len(penalty))
    gain, best = np.empty(frames), np.empty(frames, dtype=np.int64)
    for start in range(0, frames, nearest):
        here = slice(start, min(start + nearest, frames))
        scores = before[here] + penalty
        scores.argmax(axis=1, out=best[here])
        scores.max(axis=1, out=gain[here])
        totals[farthest + here.start : farthest + here.stop] += np.maximum(gain[here], 0.0)
    previous = np.where(gain > 0.0, np.arange(frames) - farthest + best, -1)
    return _backtrack(totals[farthest:], previous, period)


def _backtrack(
    totals: npt.NDArray[np.float64], previous: npt.NDArray[np.int64], period: float
) -> npt.NDArray[np.int64]:
    start = max(0, len(totals) - round(period))
    frame = start + int(np.argmax(totals[start:]))
    beats = []
    while frame >= 0:
        beats.append(frame)
        frame = int(previous[frame])
    return np.array(beats[::-1], dtype=np.int64)
