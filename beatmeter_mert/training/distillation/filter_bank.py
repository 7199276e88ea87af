"""Convolutions initialised as a mel filter bank and as onset detectors behind it.

Half of the channels of the filter bank are cosines, the other half sines of the same frequencies,
evenly spaced in mel and shaped by a Hann window: Gabor-like filters, as those that Zeghidour et
al. ("LEAF: a learnable frontend for audio classification", 2021) begin with. The convolution
behind it gives each band's envelope, and where it rises and where it falls (half-wave rectified
difference, as in spectral flux: Bello et al., "A tutorial on onset detection in music signals",
2005).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

LOWEST_HZ = 40.0
"""The lowest band, below the kick drum."""
HIGHEST_SHARE = 0.92
"""Of the Nyquist frequency."""
FLUX_GAIN = 3.0
"""Of rises and falls, which are smaller than envelopes."""
SPARE_GAIN = 0.5
"""Of the random weights of outputs that are neither envelope nor rise nor fall."""


def init_filter_bank(convolution: nn.Conv1d, sample_rate: int) -> None:
    """Set the weights of a convolution on raw audio, and its bias to zero."""
    channels, _, taps = convolution.weight.shape
    filters = torch.from_numpy(mel_filters(channels, taps, sample_rate))
    with torch.no_grad():
        convolution.weight.copy_(filters[:, None])
        _zero(convolution.bias)


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


def init_onset_bank(convolution: nn.Conv1d) -> None:
    """Set the weights of the convolution after a filter bank.

    Parameters
    ----------
    convolution : Conv1d
        Its inputs are the rectified cosines of the bands, then their sines. Its first outputs
        become the bands' envelopes, then their rises, then their falls, as far as there is room.
    """
    outputs, inputs, taps = convolution.weight.shape
    bands = (inputs + 1) // 2
    half = taps // 2
    mean = torch.full((taps,), 1 / taps)
    rise = torch.cat(
        [torch.full((half,), -1 / half), torch.full((taps - half,), 1 / (taps - half))]
    )
    with torch.no_grad():
        convolution.weight.mul_(SPARE_GAIN)
        _zero(convolution.bias)
        for output in range(min(outputs, 3 * bands)):
            kind, band = divmod(output, bands)
            over_time = (mean, FLUX_GAIN * rise, -FLUX_GAIN * rise)[kind]
            _connect(convolution.weight, output, [band, band + bands], over_time)


def init_average(convolution: nn.Conv1d) -> None:
    """Initialise each output as the mean of the input of its number; others stay silent."""
    outputs, inputs, taps = convolution.weight.shape
    with torch.no_grad():
        convolution.weight.zero_()
        _zero(convolution.bias)
        for channel in range(min(outputs, inputs)):
            _connect(convolution.weight, channel, [channel], torch.full((taps,), 1 / taps))


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        bias.zero_()


def _connect(weight: Tensor, output: int, inputs: list[int], over_time: Tensor) -> None:
    """Connect an output to some inputs alone, each by the same filter; those beyond are none."""
    weight[output] = 0.0
    for channel in inputs:
        if channel < weight.shape[1]:
            weight[output, channel] = over_time
