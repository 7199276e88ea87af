"""Convolutions after the filter bank that begin as envelopes and onset detectors.

The first one after the bank gives each band's envelope, and where it rises and where it falls
(half-wave rectified difference, as in spectral flux: Bello et al., "A tutorial on onset detection
in music signals", 2005). Those after it begin by averaging over time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

FLUX_GAIN = 3.0
SPARE_GAIN = 0.5


def start_as_onset_bank(convolution: nn.Conv1d) -> None:
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
        _silence(convolution.bias)
        for output in range(min(outputs, 3 * bands)):
            kind, band = divmod(output, bands)
            over_time = (mean, FLUX_GAIN * rise, -FLUX_GAIN * rise)[kind]
            _only(convolution.weight, output, [band, band + bands], over_time)


def start_as_average(convolution: nn.Conv1d) -> None:
    """Let each output begin as the mean of the input of its number; others stay silent."""
    outputs, inputs, taps = convolution.weight.shape
    with torch.no_grad():
        convolution.weight.zero_()
        _silence(convolution.bias)
        for channel in range(min(outputs, inputs)):
            _only(convolution.weight, channel, [channel], torch.full((taps,), 1 / taps))


def _silence(bias: Tensor | None) -> None:
    if bias is not None:
        bias.zero_()


def _only(weight: Tensor, output: int, inputs: list[int], over_time: Tensor) -> None:
    weight[output] = 0.0
    for channel in inputs:
        if channel < weight.shape[1]:
            weight[output, channel] = over_time
