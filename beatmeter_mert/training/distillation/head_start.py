"""A head that begins with inputs of equal strength.

From clip to clip the mean of a hidden state may differ much less than its maximum, and a layer norm
over both leaves it so. So the norm of the head begins by standardising every input over some clips
(Krähenbühl et al., "Data-dependent initializations of convolutional neural networks", 2016).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.model.head import MERTClassificationHead
    from beatmeter_mert.training.distillation.examples import Example
    from beatmeter_mert.training.distillation.network import PretrainNetwork

LEAST_DEVIATION = 1e-3


@torch.no_grad()
def standardise_head(network: PretrainNetwork, batches: Iterable[Example]) -> None:
    """Set scale and offset of the norm of a network's head.

    Parameters
    ----------
    network : PretrainNetwork
    batches : iterable of Example
        Two clips or more altogether.
    """
    head = network.meter_head
    device = head.layer_logits.device
    pooled = torch.cat([network.pooled(batch["input_values"].to(device)) for batch in batches])
    standardise(head, pooled)


@torch.no_grad()
def standardise(head: MERTClassificationHead, pooled: Tensor) -> None:
    """Set scale and offset of the norm of a head.

    Parameters
    ----------
    head : MERTClassificationHead
    pooled : Tensor, shape (clips, layers, features)
        Two clips or more. An input that is the same for all of them becomes 0.
    """
    mixed = torch.einsum("l,blf->bf", head.layer_weights(), pooled)
    normal = torch.nn.functional.layer_norm(mixed, mixed.shape[1:], eps=head.norm.eps)
    deviation = normal.std(dim=0)
    gain = deviation / (deviation.square() + LEAST_DEVIATION**2)
    head.norm.weight.copy_(gain)
    head.norm.bias.copy_(-normal.mean(dim=0) * gain)
