"""The teacher: a network made for beat spectra, from whose answers the student learns.

Played slower, music has the same beat spectrum, so many lags further on: lags are spaced evenly in
octaves. So a teacher slides the same filters over all lags, and takes the mean and the maximum of
what they find. Dense layers cannot share weights in this way, and take far longer to learn the
same from labels alone than from the answers of a network that can (Hinton et al., "Distilling the
knowledge in a neural network", 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import gelu

from beatmeter.meters import METERS

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.pooled import PooledFeatures

_FILTERS, _WIDTH, _SECOND_WIDTH = 32, 65, 9
"""Of 109 lags over six octaves, the first filters see three and a half, the second half of one."""
_HIDDEN = 256
"""As the head of the student."""
_SPECTRUM_GAIN = 0.3
"""Of the beat spectrum itself, beside what the filters find in it."""


class Teacher(nn.Module):
    """Tells meters from beat spectra.

    Parameters
    ----------
    shape : LagShape
        Where beat spectra lie in pooled features.
    dropout : float in [0, 1)
    """

    def __init__(self, shape: LagShape, dropout: float) -> None:
        super().__init__()
        self.shape = shape
        self.first = nn.Conv1d(shape.groups, _FILTERS, _WIDTH, padding="same")
        self.places = nn.Parameter(torch.zeros(_FILTERS, shape.lags))
        self.second = nn.Conv1d(_FILTERS, _FILTERS, _SECOND_WIDTH, padding="same")
        self.hidden = nn.Linear(2 * _FILTERS + shape.groups * shape.lags, _HIDDEN)
        self.out = nn.Linear(_HIDDEN, len(METERS))
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: PooledFeatures) -> Tensor:
        """Give the logits of standardised features: shape (n, 6)."""
        spectra = self.shape.spectra(features.normalised)
        found = gelu(self.first(spectra) + self.places)
        found = found + gelu(self.second(self.dropout(found)))
        summary = torch.cat(
            [found.mean(dim=2), found.amax(dim=2), _SPECTRUM_GAIN * spectra.flatten(1)], dim=1
        )
        answers: Tensor = self.out(self.dropout(gelu(self.hidden(summary))))
        return answers


@torch.no_grad()
def mean_answer(teachers: Sequence[Teacher], features: PooledFeatures) -> Tensor:
    """Give the mean of the teachers' probabilities, shape (n, 6)."""
    answers = [torch.sigmoid(teacher(features)) for teacher in teachers]
    return torch.stack(answers).mean(dim=0)
