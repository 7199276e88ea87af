"""Data-dependent initialisation: norms that begin by standardising what they are given.

From clip to clip the mean of a hidden state may differ much less than its maximum, and a layer
norm over both leaves it so. So norms begin with the scale and offset that standardise each input
over the training clips (Krähenbühl et al., "Data-dependent initializations of convolutional neural
networks", 2016).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

    from beatmeter_mert.model.head import MERTClassificationHead
    from beatmeter_mert.training.distillation.pooled import PooledFeatures

LEAST_DEVIATION = 1e-3
"""Inputs that differ less are not scaled up to unit deviation."""


@torch.no_grad()
def standardise_features(norm: nn.LayerNorm, features: PooledFeatures) -> PooledFeatures:
    """Let the first layer norm of a transformer give features of mean 0 and deviation 1.

    Parameters
    ----------
    norm : LayerNorm
        The one that normalised the features; it is changed.

    Returns
    -------
    PooledFeatures
        As the changed norm gives them. An input that is the same for all clips becomes 0.
    """
    deviation = features.normalised.std(dim=0)
    differs = features.projected.std(dim=0) > 0
    gain = torch.where(differs, 1 / deviation.clamp(min=LEAST_DEVIATION), 0.0)
    offset = -gain * features.normalised.mean(dim=0)
    norm.weight.mul_(gain)
    norm.bias.mul_(gain).add_(offset)
    return replace(features, normalised=features.normalised * gain + offset)


@torch.no_grad()
def standardise_head(head: MERTClassificationHead, pooled: Tensor) -> None:
    """Set scale and offset of the norm of a head.

    Parameters
    ----------
    pooled : Tensor, shape (clips, layers, features)
        Two clips or more. An input that is the same for all of them becomes 0.
    """
    mixed = torch.einsum("l,blf->bf", head.layer_weights(), pooled)
    normal = torch.nn.functional.layer_norm(mixed, mixed.shape[1:], eps=head.norm.eps)
    deviation = normal.std(dim=0)
    gain = deviation / (deviation.square() + LEAST_DEVIATION**2)
    head.norm.weight.copy_(gain)
    head.norm.bias.copy_(-normal.mean(dim=0) * gain)
