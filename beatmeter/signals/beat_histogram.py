"""Where in hypothetical bars the onsets fall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter._util.arrays import Floats
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import FIRST_PLACES, LENGTHS, sums_by_place

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

_ONSET_THRESHOLD = 0.5  # deviations of a band's onset strength
_RARELY = 0.02  # a cell with fewer onsets than this, or with as few missing, tells nothing


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
            [_standardised_g(f.patterns > _ONSET_THRESHOLD) for f in rhythm.beat_features]
        )


def _standardised_g(onsets: npt.NDArray[np.bool_]) -> Floats:
    """Of each half of the spectrum and each n: (beats, divisions, bands) to (22,)."""
    beats = len(onsets)
    cells = np.stack([half.reshape(beats, -1) for half in np.split(onsets, 2, axis=2)])
    rate = cells.mean(axis=1)
    varying = (rate > _RARELY) & (rate < 1 - _RARELY)
    hits, counts = sums_by_place(np.concatenate(cells, axis=1).astype(np.float64))
    hits = hits.reshape(len(hits), *rate.shape)
    counts = np.maximum(counts, 1.0)[:, None]
    share = hits / counts
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = hits * np.log(share / rate) + (counts - hits) * np.log((1 - share) / (1 - rate))
    gain = np.where(np.isfinite(gain) & varying, gain, 0.0)
    statistic = 2.0 * np.add.reduceat(gain.sum(axis=2), FIRST_PLACES).T
    lengths = np.array(LENGTHS)
    freedom = (lengths - 1) * varying.sum(axis=1)[:, None]
    deviations = (statistic - freedom) / np.sqrt(2.0 * np.maximum(freedom, 1))
    return np.where((freedom > 0) & (beats >= 2 * lengths), np.cbrt(deviations), 0.0).ravel()
