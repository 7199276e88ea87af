"""A linear layer whose weights lie in memory in the order in which a CPU multiplies them.

A plain one is reordered at every call, which costs up to a tenth of the product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 384


class PackedLinear(nn.Module):
    """A linear layer for inference by oneDNN; it has no weight that could be trained or saved.

    Parameters
    ----------
    linear : Linear
        On the CPU.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.bias = linear.bias
        kernels: Any = torch.ops.mkldnn
        self.packed: Tensor = kernels._reorder_linear_weight(linear.weight.detach(), _ROWS)

    @torch.no_grad()
    def forward(self, rows: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        kernels: Any = torch.ops.mkldnn
        product: Tensor = kernels._linear_pointwise(rows, self.packed, self.bias, "none", [], "")
        return product


def pack(linear: nn.Linear) -> nn.Module:
    """Pack a linear layer, where oneDNN multiplies in bfloat16; it stays as it is elsewhere."""
    return PackedLinear(linear) if _can_pack() else linear


def _can_pack() -> bool:
    has_onednn: Any = torch.backends.mkldnn.is_available
    kernels: Any = torch.ops.mkldnn
    return has_onednn() and kernels._is_mkldnn_bf16_supported()
