"""A first convolution that begins as a filter bank, and learns on from there.

Half of the channels are cosines, the other half sines of the same frequencies, evenly spaced in mel
and shaped by a Hann window: Gabor-like filters, as those that Zeghidour et al. ("LEAF: a learnable
frontend for audio classification", 2021) begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from torch import nn

LOWEST_HZ = 40.0
HIGHEST_SHARE = 0.92
"""Of the Nyquist frequency."""


def start_as_filter_bank(convolution: nn.Conv1d, sample_rate: int) -> None:
    """Set the weights of a convolution on raw audio, and its bias to zero."""
    channels, _, taps = convolution.weight.shape
    filters = torch.from_numpy(mel_filters(channels, taps, sample_rate))
    with torch.no_grad():
        convolution.weight.copy_(filters[:, None])
        if convolution.bias is not None:
            convolution.bias.zero_()


def mel_filters(channels: int, taps: int, sample_rate: int) -> npt.NDArray[np.float32]:
    """Make filters of unit norm: shape (channels, taps), the cosines before the sines.

    Parameters
    ----------
    channels : int >= 2
        Of an odd number, one frequency has no sine.
    taps : int
        Length of a filter.
    sample_rate : int
        Hz.
    """
    cosines = (channels + 1) // 2
    highest = HIGHEST_SHARE * sample_rate / 2
    hz = _hz(np.linspace(_mel(LOWEST_HZ), _mel(highest), cosines))
    angle = 2 * np.pi * hz[:, None] * (np.arange(taps) - (taps - 1) / 2) / sample_rate
    waves = np.concatenate([np.cos(angle), np.sin(angle)])[:channels]
    filters = waves * np.hanning(taps + 2)[1:-1]
    return (filters / np.linalg.norm(filters, axis=1, keepdims=True)).astype(np.float32)


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)
