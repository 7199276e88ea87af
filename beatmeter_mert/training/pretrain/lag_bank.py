"""A positional convolution that begins as a bank of lags.

Each output adds to its input the same input some time earlier. Rectified, and averaged over time as
the head does, the sum is large where what sounds comes back after that time: an autocorrelation
of the onsets of all bands together (Brown, "Determination of the meter of musical scores by
autocorrelation", 1993). So the first layer begins with a rhythm's periods, which random weights
would have to find; all other weights begin small, so that they do not drown them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from torch import nn

SHORTEST_FRAMES = 3.0
LONGEST_SHARE = 0.7
"""Of the width of the convolution."""

LAG_GAIN = 2.0
OTHER_GAIN = 0.1


def start_as_lag_bank(projection: nn.Linear, convolution: Any, first: int, last: int) -> None:
    """Set a projection and the positional convolution after it.

    Parameters
    ----------
    projection : Linear
        The first output of each group of the convolution becomes the sum of the inputs `first` to
        `last`, which are onsets; the others become weak.
    convolution : Conv1d
        Weight-normalised, as in every HuBERT, in groups of equal input and output channels.
    first, last : int
        Inputs of the projection, `last` excluded.
    """
    outputs, inputs, taps = convolution.weight.shape
    lags = np.geomspace(SHORTEST_FRAMES, LONGEST_SHARE * taps, outputs)
    rows = OTHER_GAIN * torch.randn(outputs, inputs, taps) / (inputs * taps) ** 0.5
    with torch.no_grad():
        projection.weight.mul_(OTHER_GAIN)
        projection.weight[::inputs] = 0.0
        projection.weight[::inputs, first:last] = 1 / (last - first) ** 0.5
        for output in range(outputs):
            rows[output, 0] += LAG_GAIN * torch.from_numpy(lag_filter(float(lags[output]), taps))
        convolution.weight = rows
        convolution.bias.zero_()


def lag_filter(lag: float, taps: int) -> npt.NDArray[np.float32]:
    """Make a filter of two pulses a lag apart around the middle, without a mean: shape (taps,).

    Parameters
    ----------
    lag : float
        Frames, less than `taps`; a pulse between two frames is shared by them.
    taps : int
    """
    places = taps / 2 + np.array([-lag / 2, lag / 2])
    frames = np.arange(taps)
    pulses = np.maximum(0.0, 1.0 - np.abs(frames[:, None] - places)).sum(axis=1)
    filtered: npt.NDArray[np.float32] = (pulses - pulses.mean()).astype(np.float32)
    return filtered
