"""A wide convolution as a product of spectra: the same numbers, at a fraction of the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from scipy.fft import next_fast_len

if TYPE_CHECKING:
    from torch import Tensor, nn


def convolve_by_fourier(convolution: nn.Conv1d, values: Tensor) -> Tensor:
    """Apply a convolution of stride 1, and keep as many frames as came in.

    Parameters
    ----------
    convolution : Conv1d
        In groups, padded by half its width with zeros.
    values : Tensor, shape (batch, channels, frames)

    Returns
    -------
    Tensor, shape (batch, channels, frames)
        float32.
    """
    taps, groups, padding = (
        convolution.kernel_size[0],
        convolution.groups,
        int(convolution.padding[0]),
    )
    frames = values.shape[-1]
    length = next_fast_len(frames + taps - 1, real=True)
    spectra = torch.fft.rfft(values.float(), length).unflatten(1, (groups, -1))
    filters = torch.fft.rfft(convolution.weight.float(), length).unflatten(0, (groups, -1)).conj()
    products = torch.matmul(
        spectra.permute(1, 3, 0, 2).contiguous(), filters.permute(0, 3, 2, 1).contiguous()
    )
    answers = torch.fft.irfft(products.permute(2, 0, 3, 1).flatten(1, 2), length)
    kept = answers.roll(padding, dims=-1)[..., :frames]
    return kept if convolution.bias is None else kept + convolution.bias[:, None]
