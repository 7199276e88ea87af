"""Platt scaling: the logits of a clip, times a scale plus an offset, the same for every meter.

Which meter is the most probable one does not change by it (Platt, "Probabilistic outputs for
support vector machines", 1999; Guo et al., "On calibration of modern neural networks", 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from beatmeter_mert.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PlattScaling:
    """From the logits of a clip to its probabilities.

    Attributes
    ----------
    scale : float > 0
    offset : float
        Of the scaled logits.

    Raises
    ------
    CheckpointError
        If a value is out of range.
    """

    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not (self.scale > 0 and isfinite(self.scale) and isfinite(self.offset)):
            raise CheckpointError(
                f"scaling: {self.scale!r}, {self.offset!r} (allowed: a positive scale, a finite "
                "offset)"
            )

    def probabilities(self, logits: Tensor) -> Tensor:
        """Scale logits, and take the sigmoid."""
        return (self.scale * logits + self.offset).sigmoid()
