"""Convolutions that begin as an autocorrelation of the onsets in each band.

The first one adds to each band the same band some time earlier. Rectified, and averaged over time
as the head does, the sum is large where what sounds comes back after that time (Brown,
"Determination of the meter of musical scores by autocorrelation", 1993). The second one averages
over the bands. So the network begins with a rhythm's periods, which random weights would have to
find.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

SHORTEST_FRAMES = 3.0
LONGEST_SHARE = 0.7
"""Of the width of the convolution."""

LINEAR_GAIN, BENT_GAIN = 0.6, 2.4
BEND = 0.7
"""An onset counts for more up to here than beyond, as under a logarithm."""


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


def start_as_bands(convolution: Any, first: int, last: int) -> None:
    """Let a convolution begin as onsets of a few bands, each twice: as they are, and bent.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs `first` to `last`, excluded, are onsets of narrow bands; its outputs, an even
        number of them, become half as many wide bands, then what those lack to :data:`BEND`.
    first, last : int
    """
    outputs, _, taps = convolution.weight.shape
    wide = outputs // 2
    narrow = np.array_split(np.arange(first, last), wide)
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        convolution.bias[wide:] = BEND
        for band, members in enumerate(narrow):
            convolution.weight[band, members] = 1 / (len(members) * taps)
            convolution.weight[wide + band, members] = -1 / (len(members) * taps)


def start_as_lags(convolution: Any, bands: int) -> None:
    """Let a convolution begin as every band plus itself a lag earlier, and the bands themselves.

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
            pulses = torch.from_numpy(lag_filter(lag, taps))
            for band in range(bands):
                output = number * bands + band
                convolution.weight[output, band] = LINEAR_GAIN * pulses
                convolution.weight[output, bands + band] = -BENT_GAIN * pulses
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
    outputs, inputs, _ = convolution.weight.shape
    with torch.no_grad():
        convolution.weight.zero_()
        convolution.bias.zero_()
        for lag in range(outputs - others):
            convolution.weight[lag, lag * bands : (lag + 1) * bands, 0] = 1 / bands
        for channel in range(others):
            convolution.weight[outputs - others + channel, inputs - others + channel, 0] = 1.0


def lags_in_frames(count: int, taps: int) -> list[float]:
    """Lags of a convolution of `taps` frames, evenly spaced in octaves."""
    return [float(lag) for lag in np.geomspace(SHORTEST_FRAMES, LONGEST_SHARE * taps, count)]


def lag_filter(lag: float, taps: int) -> npt.NDArray[np.float32]:
    """Make a filter of two pulses a lag apart around the middle, without a mean: shape (taps,).

    Parameters
    ----------
    lag : float
        Frames, less than `taps`; a pulse between two frames is shared by them.
    taps : int
    """
    places = (taps - 1) / 2 + np.array([-lag / 2, lag / 2])
    frames = np.arange(taps)
    pulses = np.maximum(0.0, 1.0 - np.abs(frames[:, None] - places)).sum(axis=1)
    filtered: npt.NDArray[np.float32] = (pulses - pulses.mean()).astype(np.float32)
    return filtered
