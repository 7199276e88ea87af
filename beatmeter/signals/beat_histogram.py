"""Where in hypothetical bars the onsets fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS, Floats

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_ONSET_THRESHOLD = 0.5


class BeatHistogram(PulseSignal):
    """Histograms of onsets over the positions of a bar of n beats, by frequency band.

    An onset is a quarter of a beat in which a band rises clearly. If the bar means nothing, every
    bar position has the same chance of an onset in a given quarter and band; the G statistic says
    how far the histogram is from that.

    References
    ----------
    R. Sokal and F. Rohlf, Biometry, 1981 (the G test); F. Gouyon and P. Herrera, Determination of
    the meter of musical audio signals, AES 2003 (beat histograms).
    """

    name = "beat_histogram"

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Standardised G statistic per half of the spectrum and n: shape (pulses, 22)."""
        return np.array(
            [
                np.concatenate(
                    [
                        [_standardised_g(onsets[:, :, half], n) for n in LENGTHS]
                        for half in (slice(0, 2), slice(2, 4))
                    ]
                )
                for onsets in (f.patterns > _ONSET_THRESHOLD for f in rhythm.beat_features)
            ]
        )


def _standardised_g(onsets: np.ndarray, length: int) -> float:
    beats = len(onsets)
    if beats < 2 * length:
        return 0.0
    cells = onsets.reshape(beats, -1).astype(float)
    rate = cells.mean(axis=0)
    varying = (rate > 0.02) & (rate < 0.98)
    if not varying.any():
        return 0.0
    cells, rate = cells[:, varying], rate[varying]
    positions = np.arange(beats) % length
    counts = np.bincount(positions, minlength=length)[:, None]
    hits = np.zeros((length, cells.shape[1]))
    np.add.at(hits, positions, cells)
    share = hits / counts
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = hits * np.log(share / rate) + (counts - hits) * np.log((1 - share) / (1 - rate))
    statistic = 2.0 * np.nansum(np.where(np.isfinite(gain), gain, 0.0))
    freedom = (length - 1) * cells.shape[1]
    return float(np.cbrt((statistic - freedom) / np.sqrt(2.0 * freedom)))
