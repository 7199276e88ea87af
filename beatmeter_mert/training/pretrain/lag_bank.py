"""Convolutions that begin by comparing every band with itself some time earlier.

The first one takes from each band the same band a lag earlier. Rectified, averaged over the bands
by the second one, and over time by what comes after, the difference is small where the music comes
back after that time: the beat spectrum (Foote and Uchihashi, "The beat spectrum: a new approach to
rhythm analysis", 2001), by which Gainza finds meters ("Automatic musical meter detection", 2009).
So the network begins with a rhythm's periods, which random weights would have to find.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

SHORTEST_FRAMES = 3.0
LONGEST_SHARE = 0.7
"""Of the width of the convolution."""

LINEAR_GAIN, BENT_GAIN = 1.2, 2.8
OTHERS_GAIN = 0.1
"""Of what is passed on beside the lags, which are to be the most of what is normalised."""
BEND = 1.0
"""What sounds counts for more up to here than beyond, as under a logarithm."""


def can_be_lags(bands: Any, lags: Any, means: Any) -> bool:
    """Tell whether three convolutions after each other have the shapes of a bank of lags.

    Parameters
    ----------
    bands, lags, means : Conv1d
        As of :func:`start_as_bands`, :func:`start_as_lags` and :func:`start_as_mean_of_bands`.
    """
    wide, odd = divmod(bands.out_channels, 2)
    count = means.out_channels - bands.out_channels
    return (
        wide >= 1
        and not odd
        and count >= 1
        and lags.out_channels == count * wide + bands.out_channels
        and LONGEST_SHARE * lags.kernel_size[0] > SHORTEST_FRAMES
        and means.kernel_size[0] == 1
    )


def start_as_bands(convolution: Any, envelopes: int) -> None:
    """Let a convolution begin as envelopes of a few bands, each twice: as they are, and bent.

    Parameters
    ----------
    convolution : Conv1d
        Its first inputs are envelopes of narrow bands; its outputs, an even number of them,
        become half as many wide bands, then what those lack to :data:`BEND`.
    envelopes : int
    """
    outputs, _, taps = convolution.weight.shape
    wide = outputs // 2
    narrow = np.array_split(np.arange(envelopes), wide)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        convolution.bias[wide:] = BEND
        for band, members in enumerate(narrow):
            convolution.weight[band, members] = 1 / (len(members) * taps)
            convolution.weight[wide + band, members] = -1 / (len(members) * taps)


def start_as_lags(convolution: Any, bands: int) -> None:
    """Let a convolution begin as every band less itself a lag earlier, and the bands themselves.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs are those of :func:`start_as_bands`; its outputs become the bands of each lag,
        lag after lag, and last the inputs.
    bands : int
    """
    outputs, inputs, taps = convolution.weight.shape
    lags = lags_in_frames((outputs - inputs) // bands, taps)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        for number, lag in enumerate(lags):
            difference = torch.from_numpy(lag_filter(lag, taps))
            for band in range(bands):
                output = number * bands + band
                convolution.weight[output, band] = LINEAR_GAIN * difference
                convolution.weight[output, bands + band] = -BENT_GAIN * difference
        for channel in range(inputs):
            convolution.weight[outputs - inputs + channel, channel, taps // 2] = 1.0


def start_as_mean_of_bands(convolution: Any, bands: int, others: int) -> None:
    """Let a convolution of one frame begin as the mean over bands of each lag.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs are those of :func:`start_as_lags`, its outputs the lags and the last `others`
        inputs.
    bands, others : int
    """
    outputs = convolution.weight.shape[0]
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        for lag in range(outputs - others):
            convolution.weight[lag, lag * bands : (lag + 1) * bands, 0] = 1 / bands
        for channel in range(-others, 0):
            convolution.weight[channel, channel, 0] = OTHERS_GAIN


def lags_in_frames(count: int, taps: int) -> list[float]:
    """Lags of a convolution of `taps` frames, evenly spaced in octaves."""
    return [float(lag) for lag in np.geomspace(SHORTEST_FRAMES, LONGEST_SHARE * taps, count)]


def lag_filter(lag: float, taps: int) -> npt.NDArray[np.float32]:
    """Make a filter that takes from what sounds what sounded a lag earlier: shape (taps,).

    Parameters
    ----------
    lag : float
        Frames, less than `taps`; its ends lie as far before the middle as behind, and one between
        two frames is shared by them.
    taps : int
    """
    frames = np.arange(taps)
    earlier, later = (
        np.maximum(0.0, 1.0 - np.abs(frames - (taps - 1) / 2 - side * lag / 2)) for side in (-1, 1)
    )
    difference: npt.NDArray[np.float32] = (later - earlier).astype(np.float32)
    return difference
