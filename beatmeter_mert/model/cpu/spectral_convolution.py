"""A convolution with a long kernel, as a product of spectra: overlap-save, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import pad

if TYPE_CHECKING:
    from torch import Tensor


class SpectralConv1d(nn.Module):
    """A convolution of stride 1, padded with zeros, for inference.

    The input is cut into overlapping blocks of twice the kernel's length; what comes out of a
    block without wrapping around is kept.
    """

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        outputs, _, self.kernel = conv.weight.shape
        self.block = 2 * self.kernel
        self.padding = int(conv.padding[0])
        self.groups = conv.groups
        self.bias = conv.bias
        spectrum = torch.fft.rfft(conv.weight.detach().float(), self.block).conj()
        grouped = spectrum.unflatten(0, (self.groups, outputs // self.groups))
        self.spectrum = grouped.permute(3, 0, 2, 1).contiguous()

    def forward(self, signal: Tensor) -> Tensor:
        """Convolve (n, inputs, frames) to (n, outputs, frames + 2 * padding - kernel + 1)."""
        count, _, length = signal.shape
        kept = self.block - self.kernel + 1
        frames = length + 2 * self.padding - self.kernel + 1
        blocks = -(-frames // kept)
        right = (blocks - 1) * kept + self.block - self.padding - length
        padded = pad(signal.float(), (self.padding, right))
        spectra = torch.fft.rfft(padded.unfold(2, self.block, kept))
        grouped = spectra.unflatten(1, (self.groups, -1)).permute(4, 1, 0, 3, 2).flatten(2, 3)
        product = (grouped @ self.spectrum).unflatten(2, (count, blocks)).permute(2, 1, 4, 3, 0)
        convolved = torch.fft.irfft(product, self.block)[..., :kept].flatten(3)[..., :frames]
        result = convolved.flatten(1, 2)
        if self.bias is not None:
            result = result + self.bias.float()[:, None]
        return result.to(signal.dtype)
