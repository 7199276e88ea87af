"""Pooled features: the mean over time of what enters the transformer.

As long as queries and positions are small, as at the start, attention weighs all frames alike:
each layer adds the same to every frame, and one frame stands for all. What the first layer then
sees of a clip is a mean over time that can be computed once, and thousands of clips a second can
be learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.lag_bank import LagShape


@dataclass(frozen=True)
class PooledFeatures:
    """Means over time of clips.

    Attributes
    ----------
    projected : Tensor, shape (n, hidden)
        Of what goes into the transformer.
    normalised : Tensor, shape (n, hidden)
        Of the same, every frame normalised as the first layer does before its attention.
    labels : Tensor, shape (n, 6)
        1 for the meters of a clip, else 0.
    """

    projected: Tensor
    normalised: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Self:
        """Keep some clips."""
        return type(self)(self.projected[indices], self.normalised[indices], self.labels[indices])

    def to(self, device: torch.device) -> Self:
        """Move to a device."""
        return type(self)(
            self.projected.to(device), self.normalised.to(device), self.labels.to(device)
        )

    def shifted(self, shape: LagShape, offset: int) -> Self:
        """Give the features of music as much slower as `offset` lags are longer.

        Parameters
        ----------
        shape : LagShape
        offset : int
            Of faster music if negative.
        """
        return replace(
            self,
            projected=shape.shifted(self.projected, offset),
            normalised=shape.shifted(self.normalised, offset),
        )

    def sampling_weights(self) -> Tensor:
        """How often to draw each clip so that every meter comes equally often: shape (n,)."""
        return (self.labels / self.labels.sum(dim=0).clamp(min=1)).amax(dim=1)


def joined(parts: Sequence[PooledFeatures]) -> PooledFeatures:
    """Put features behind each other."""
    return PooledFeatures(
        torch.cat([part.projected for part in parts]),
        torch.cat([part.normalised for part in parts]),
        torch.cat([part.labels for part in parts]),
    )
