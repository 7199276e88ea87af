"""A positional convolution that begins as a bank of resonators, one for each pulse period.

Each output is a wave of one period under a Hann window over a random mixture of its inputs, a
cosine or a sine: what it answers swings with a pulse of that period, as in the Fourier tempogram
and in predominant local pulse (Grosche and Müller, "Extracting predominant local pulse information
from music recordings", 2011). So the first layer already knows of beats and bars where it would
have to find them among hundreds of random weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST_FRAMES = 4.0
CYCLES = 4.0
"""Of a wave under its window, where the filter is long enough for them."""

FEWEST_CYCLES = 1.5


def start_as_pulse_bank(convolution: Any, gain: float) -> None:
    """Set the weights of a positional convolution, and its bias to zero.

    Parameters
    ----------
    convolution : Conv1d
        Weight-normalised, as in every HuBERT.
    gain : float > 0
        Norm of each output's filter.
    """
    outputs, inputs, taps = convolution.weight.shape
    waves = torch.from_numpy(pulse_waves(outputs, taps))
    waves = waves[torch.randperm(outputs)]
    mixtures: Tensor = torch.randn(outputs, inputs)
    mixtures = mixtures / mixtures.norm(dim=1, keepdim=True)
    with torch.no_grad():
        convolution.weight = gain * mixtures[:, :, None] * waves[:, None]
        convolution.bias.zero_()


def pulse_waves(count: int, taps: int) -> npt.NDArray[np.float32]:
    """Make waves of unit norm and no mean, of periods evenly spaced in octaves: (count, taps).

    Parameters
    ----------
    count : int >= 2
        Cosines at even places, sines of the same periods at odd ones.
    taps : int
        Length in frames; the longest period fits in one and a half times.
    """
    longest = max(taps / FEWEST_CYCLES, SHORTEST_FRAMES)
    periods = np.repeat(np.geomspace(SHORTEST_FRAMES, longest, (count + 1) // 2), 2)[:count, None]
    frames = np.arange(taps)[None] - (taps - 1) / 2
    quarter = np.pi / 2 * (np.arange(count) % 2)[:, None]
    width = np.minimum(CYCLES * periods, taps)
    window = np.where(abs(frames) < width / 2, np.cos(np.pi * frames / width) ** 2, 0.0)
    waves = window * np.cos(2 * np.pi * frames / periods - quarter)
    waves -= window * waves.sum(axis=1, keepdims=True) / window.sum(axis=1, keepdims=True)
    return (waves / np.linalg.norm(waves, axis=1, keepdims=True)).astype(np.float32)
