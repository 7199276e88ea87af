"""What training makes small."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from beatmeter.signals.neural.training.augmentation import Batch
from beatmeter.signals.neural.training.frames import MASKED


def loss_of(logits: Tensor, batch: Batch, bar_weight: float) -> Tensor:
    """Cross-entropy of beats and of downbeats, and, weighted, of the bar length.

    Each is the mean over the frames in which it is known.

    Parameters
    ----------
    logits : Tensor of float32, shape (batch, frames, 2 + 13)
    batch : Batch
    bar_weight : float
    """
    beat = _cross_entropy(logits[..., 0], batch.beat, batch.beat_known)
    downbeat = _cross_entropy(logits[..., 1], batch.downbeat, batch.downbeat_known)
    bar = functional.cross_entropy(
        logits[..., 2:].flatten(0, 1), batch.bar.flatten(), ignore_index=MASKED, reduction="sum"
    ) / (batch.bar != MASKED).sum().clamp(min=1)
    return beat + downbeat + bar_weight * bar


def _cross_entropy(logits: Tensor, target: Tensor, known: Tensor) -> Tensor:
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    mean: Tensor = (each * known).sum() / known.sum().clamp(min=1)
    return mean
