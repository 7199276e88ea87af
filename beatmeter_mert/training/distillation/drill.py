"""Training on averages over time: thousands of clips a second, each changed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from beatmeter._util.progress import track
from beatmeter_mert.training.distillation.lesson import Lesson

if TYPE_CHECKING:
    from torch import Tensor, nn

    from beatmeter_mert.training.distillation.averages import Averages
    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.lesson import LessonFile
    from beatmeter_mert.training.distillation.settings import RehearsalSettings


def drill(
    learned: list[nn.Parameter],
    loss_of: Callable[[Averages, Averages], Tensor],
    heard: Averages,
    shape: LagShape | None,
    settings: RehearsalSettings,
    seed: int,
    file: LessonFile | None = None,
) -> Iterator[float]:
    """Train parameters, every meter heard equally often; yields the loss of each step.

    Steps taken before an interruption are not taken again, but their losses are told.

    Parameters
    ----------
    learned : list of Parameter
    loss_of : callable
        Tells the loss of a batch; takes it without noise, and with noise.
    heard : Averages
    shape : LagShape or None
        Where beat spectra lie in what is heard, to be shifted; None if it holds none.
    settings : RehearsalSettings
    seed : int
    file : LessonFile, optional
        Where it is kept how far this has come.
    """
    lesson = Lesson(learned, settings, seed)
    if file is not None:
        file.load(lesson)
    yield from lesson.losses
    device, random = heard.labels.device, lesson.random
    shares = _shares(heard.labels)
    for step in track(range(len(lesson.losses), settings.steps), "Rehearsing"):
        chosen = torch.multinomial(shares, settings.batch_size, replacement=True, generator=random)
        batch = heard.take(chosen)
        if shape is not None and settings.shift:
            most = settings.shift
            offset = torch.randint(-most, most + 1, (), generator=random, device=device)
            batch = _shifted(batch, shape, int(offset))
        noise = torch.randn(batch.normalised.shape, generator=random, device=device)
        noisy = replace(batch, normalised=batch.normalised + settings.noise * noise)
        lesson.take_step(loss_of(batch, noisy))
        is_last = step + 1 == settings.steps
        if file is not None and (is_last or (step + 1) % file.settings.save_steps == 0):
            file.save(lesson)
        yield lesson.losses[-1]


def _shares(labels: Tensor) -> Tensor:
    """How often to take each clip: as often as its rarest meter is rare."""
    return (labels / labels.sum(dim=0).clamp(min=1)).amax(dim=1)


def _shifted(batch: Averages, shape: LagShape, offset: int) -> Averages:
    """Let music be as much slower as `offset` lags are longer, or faster if that is negative."""
    return replace(
        batch,
        projected=shape.shifted(batch.projected, offset),
        normalised=shape.shifted(batch.normalised, offset),
    )
