"""The first convolution of a backbone, as one matrix product.

It has a single input channel, for which the convolution kernels of a CPU are not made: as a
product of the weights with overlapping windows of the samples it costs a fraction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class WindowedConv1d(nn.Conv1d):
    """A convolution of one input channel, without padding or dilation."""

    def forward(self, samples: Tensor) -> Tensor:
        """Convolve (n, 1, samples) to (n, channels, frames)."""
        windows = samples[:, 0].unfold(-1, self.kernel_size[0], self.stride[0])
        weight = self.weight[:, 0].expand(len(samples), -1, -1)
        product = torch.bmm(weight, windows.transpose(1, 2))
        return product if self.bias is None else product + self.bias[:, None]


def as_matrix_product(conv: nn.Conv1d) -> WindowedConv1d:
    """Build the same convolution, sharing its parameters."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    product = WindowedConv1d(1, conv.out_channels, kernel, stride, bias=conv.bias is not None)
    product.weight, product.bias = conv.weight, conv.bias
    return product


def speed_up_first_convolution(model: Any) -> None:
    """Replace the first convolution of a ``HubertModel``."""
    first = model.feature_extractor.conv_layers[0]
    first.conv = as_matrix_product(first.conv)
