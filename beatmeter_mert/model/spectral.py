"""A front end on log-mel spectrograms, in the place of HuBERT's convolutions on samples.

MERT's own convolutions learn their filters from raw audio, for which thousands of hours were there.
A small backbone that has less to learn from begins with the spectrogram of
:mod:`beatmeter.signals.neural.spectrogram`: convolutions over time and frequency, with the loudest
of three bands kept after each of the first two [1]_, then residual layers of dilated convolution
over time [2]_ that see half a minute to each side. What follows is the transformer of HuBERT as it
is, so that layers, adapters and checkpoints are the same.

Frame `t` of the output is centred on frame ``2 t`` of the spectrogram where the strides multiply
to 2: 25 frames a second.

References
----------
.. [1] S. Boeck and M. E. P. Davies, Deconstruct, analyse, reconstruct: how to improve tempo, beat
   and downbeat estimation, ISMIR 2020.
.. [2] M. E. P. Davies and S. Boeck, Temporal convolutional networks for musical audio beat
   tracking, EUSIPCO 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from beatmeter.signals.neural.spectrogram import N_BANDS, log_mel

if TYPE_CHECKING:
    from torch import Tensor

TAPS = 5
"""Of a dilated convolution."""
_POOLED_BANDS = 3
"""Bands of which the loudest is kept, after each but the last convolution of the stem."""
_BAND_REACH = 5
"""Bands that a convolution of the stem sees, but for the last, which sees all that are left."""
_CENTRE, _SPREAD = 2.5, 2.0
"""About the mean and the deviation of a spectrogram of music."""


class SpectralEncoder(nn.Module):
    """From samples at 22,050 Hz to frames of features, in the place of HuBERT's convolutions.

    Parameters
    ----------
    channels, kernels, strides : sequence of int, of one length
        Of each convolution of the stem; kernels and strides in frames of the spectrogram.
    dilations : sequence of int
        Of each residual layer, in frames of the output. Half of its channels look twice as far.
    dropout : float in [0, 1)
        Share of channels left out of a residual layer in training.

    Raises
    ------
    ValueError
        If there are so many convolutions that no band is left for the last.
    """

    def __init__(
        self,
        channels: Sequence[int],
        kernels: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dilations = tuple(dilations)
        bands, before = N_BANDS, 1
        self.stem = nn.ModuleList()
        for number, (after, kernel, stride) in enumerate(
            zip(channels, kernels, strides, strict=True)
        ):
            if not bands:
                raise ValueError(
                    f"{len(channels)} convolutions of the stem (allowed: 1 to {number})"
                )
            is_last = number == len(channels) - 1
            reach = bands if is_last else _BAND_REACH
            padding = (kernel // 2, 0 if is_last else reach // 2)
            self.stem.append(nn.Conv2d(before, after, (kernel, reach), (stride, 1), padding))
            bands, before = bands // _POOLED_BANDS, after
        self.layers = nn.ModuleList(
            DilatedLayer(before, dilation, dropout) for dilation in self.dilations
        )

    def forward(self, values: Tensor) -> Tensor:
        """Encode samples, (n, samples), or their spectrograms, (n, frames, 81).

        Returns
        -------
        Tensor, shape (n, channels, frames)
        """
        spectrogram = values if values.ndim == 3 else spectrograms(values)
        hidden = ((spectrogram - _CENTRE) / _SPREAD)[:, None]
        hidden = hidden.contiguous(memory_format=torch.channels_last)
        for convolution in self.stem:
            hidden = functional.gelu(convolution(hidden))
            if convolution is not self.stem[-1]:
                hidden = functional.max_pool2d(hidden, (1, _POOLED_BANDS))
        frames = hidden.squeeze(3).transpose(1, 2)
        for layer in self.layers:
            frames = layer(frames)
        return frames.transpose(1, 2)

    def _freeze_parameters(self) -> None:
        """Learn nothing; ``HubertModel`` calls this by the name."""
        self.requires_grad_(False)


def spectrograms(samples: Tensor) -> Tensor:
    """Compute log-mel spectrograms, on the CPU: (n, samples) to (n, frames, 81)."""
    rows = [torch.from_numpy(log_mel(row)) for row in samples.detach().float().cpu().numpy()]
    return torch.stack(rows).to(samples)


class DilatedLayer(nn.Module):
    """Residual: two dilated convolutions, one twice as wide, and a mixture of what they find."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(channels)
        self.near = nn.Linear(TAPS * channels, channels // 2)
        self.far = nn.Linear(TAPS * channels, channels - channels // 2)
        self.dropout = nn.Dropout1d(dropout)
        self.mix = nn.Linear(channels, channels)

    def forward(self, frames: Tensor) -> Tensor:
        """Shape (n, frames, channels), kept."""
        normed = self.norm(frames)
        near = self.near(taps(normed, self.dilation))
        far = self.far(taps(normed, 2 * self.dilation))
        inner = functional.gelu(torch.cat([near, far], dim=2))
        inner = self.dropout(inner.transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = frames + self.mix(inner)
        return mixed


def taps(frames: Tensor, dilation: int) -> Tensor:
    """Five taps around each frame, `dilation` apart: (n, frames, c) to (n, frames, 5 c).

    Zero beyond the ends. A matrix product over them is the dilated convolution, at the full speed
    of any device.
    """
    count, reach = frames.shape[1], (TAPS // 2) * dilation
    padded = functional.pad(frames, (0, 0, reach, reach))
    return torch.cat([padded[:, i * dilation : i * dilation + count] for i in range(TAPS)], dim=2)
