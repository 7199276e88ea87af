"""What training of the bar network makes small."""

from __future__ import annotations

import torch
from torch import Tensor

from beatmeter.signals.neural.training.bars.batches import Batch
from beatmeter.signals.neural.training.bars.labels import UNKNOWN
from beatmeter.signals.neural.training.bars.network import BatchLogits
from beatmeter.signals.neural.training.loss import binary_cross_entropy, class_cross_entropy

LOSSES = ("downbeat", "length", "meter", "counted")


def losses_of(logits: BatchLogits, batch: Batch) -> Tensor:
    """Cross-entropies of ``LOSSES``, each the mean over what is known: shape (4,)."""
    return torch.stack(
        [
            _binary(logits.downbeat, batch.downbeat),
            class_cross_entropy(logits.length, batch.length, UNKNOWN),
            class_cross_entropy(logits.meter, batch.meter, UNKNOWN),
            _binary(logits.counted, batch.counted.float()),
        ]
    )


def _binary(logits: Tensor, target: Tensor) -> Tensor:
    return binary_cross_entropy(logits, target.clamp(min=0), target != UNKNOWN)
