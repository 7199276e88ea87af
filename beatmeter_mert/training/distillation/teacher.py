"""A network made for beat spectra, from whose answers the transformer learns.

Played slower, music has the same beat spectrum, so many lags further on: lags are spaced evenly in
octaves. So a teacher slides the same filters over all lags, and what they find at their best place
counts, wherever that is. Dense layers cannot share weights in this way, and take far longer to
learn the same from labels alone than from the answers of a network that can (Hinton et al.,
"Distilling the knowledge in a neural network", 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, gelu

from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.drill import drill

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.averages import Averages
    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.lesson import LessonFile
    from beatmeter_mert.training.distillation.settings import RehearsalSettings

_FILTERS, _WIDTH, _SECOND_WIDTH = 32, 65, 9
_HIDDEN = 256
_SPECTRUM_GAIN = 0.3
"""Of the beat spectrum itself, beside what the filters find in it."""


class Teacher(nn.Module):
    """Tells meters from beat spectra.

    Parameters
    ----------
    shape : LagShape
    dropout : float
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

    def forward(self, normalised: Tensor) -> Tensor:
        """Answer averages, shape (clips, hidden), with logits: shape (clips, 6)."""
        spectra = self.shape.spectra(normalised)
        found = gelu(self.first(spectra) + self.places)
        found = found + gelu(self.second(self.dropout(found)))
        summary = torch.cat(
            [found.mean(dim=2), found.amax(dim=2), _SPECTRUM_GAIN * spectra.flatten(1)], dim=1
        )
        answers: Tensor = self.out(self.dropout(gelu(self.hidden(summary))))
        return answers


def teach(
    teacher: Teacher,
    heard: Averages,
    settings: RehearsalSettings,
    seed: int,
    file: LessonFile | None = None,
) -> Iterator[float]:
    """Train a teacher on labels; yields the loss of each step.

    Parameters
    ----------
    teacher : Teacher
    heard : Averages
        Standardised.
    settings : RehearsalSettings
    seed : int
    file : LessonFile, optional
        Where it is kept how far this has come.
    """

    def loss_of(batch: Averages, noisy: Averages) -> Tensor:
        return binary_cross_entropy_with_logits(teacher(noisy.normalised), batch.labels)

    teacher.train()
    learned = list(teacher.parameters())
    yield from drill(learned, loss_of, heard, teacher.shape, settings, seed, file)
    teacher.eval()


@torch.no_grad()
def answers_of(teachers: Sequence[Teacher], heard: Averages) -> Tensor:
    """Probabilities of six meters by teachers on average, shape (clips, 6)."""
    answers = [torch.sigmoid(teacher(heard.normalised)) for teacher in teachers]
    return torch.stack(answers).mean(dim=0)
