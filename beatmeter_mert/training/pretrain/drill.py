"""Training on averages over time: thousands of clips a second, each changed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from beatmeter.progress import track
from beatmeter_mert.training.pretrain.decay import decay_groups

if TYPE_CHECKING:
    from torch import Tensor, nn

    from beatmeter_mert.training.pretrain.averages import Averages
    from beatmeter_mert.training.pretrain.lag_bank import LagShape
    from beatmeter_mert.training.pretrain.settings import RehearsalSettings


def drill(
    learned: list[nn.Parameter],
    loss_of: Callable[[Averages, Averages], Tensor],
    heard: Averages,
    shape: LagShape | None,
    settings: RehearsalSettings,
    seed: int,
) -> Iterator[float]:
    """Train parameters, every meter heard equally often; yields the loss of each step.

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
    """
    optimizer = torch.optim.AdamW(decay_groups(learned, settings.weight_decay))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, settings.steps, pct_start=0.1, cycle_momentum=False
    )
    device = heard.labels.device
    random = torch.Generator(device).manual_seed(seed)
    shares = _shares(heard.labels)
    for _ in track(range(settings.steps), "Rehearsing"):
        chosen = torch.multinomial(shares, settings.batch_size, replacement=True, generator=random)
        batch = heard.take(chosen)
        if shape is not None and settings.shift:
            most = settings.shift
            offset = torch.randint(-most, most + 1, (), generator=random, device=device)
            batch = _shifted(batch, shape, int(offset))
        noise = torch.randn(batch.normalised.shape, generator=random, device=device)
        noisy = replace(batch, normalised=batch.normalised + settings.noise * noise)
        loss = loss_of(batch, noisy)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(learned, 1.0, error_if_nonfinite=True)
        optimizer.step()
        schedule.step()
        yield loss.item()


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
