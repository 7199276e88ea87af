"""The train loop on pooled features, and the state from which it is resumed.

A resumed run learns bit for bit what an uninterrupted one learns, on a processor: a state holds
what is learned, optimizer and schedule, the losses so far, and what the generators draw next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from beatmeter._util.atomic import replacing
from beatmeter._util.progress import track
from beatmeter_mert.errors import CheckpointError, TrainingError, reason
from beatmeter_mert.training.interruption import deferred_interruption
from beatmeter_mert.training.optimizer import decay_groups

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.pooled import PooledFeatures
    from beatmeter_mert.training.distillation.settings import DistillationSettings

_WARMUP_SHARE = 0.1
"""Of the steps, in which the learning rate rises (Smith and Topin, "Super-convergence", 2018)."""
_CLIP_NORM = 1.0
"""Largest norm of the gradient."""


class TrainState:
    """What changes from step to step.

    Parameters
    ----------
    network : Module
        What requires gradients in it is learned.
    seed : int
        Of everything that is drawn from here on.

    Attributes
    ----------
    losses : list of float
        Of each step taken.
    """

    def __init__(self, network: nn.Module, settings: DistillationSettings, seed: int) -> None:
        torch.manual_seed(seed)
        self.learned = nn.ParameterList(p for p in network.parameters() if p.requires_grad)
        self.losses: list[float] = []
        groups = decay_groups(list(self.learned), settings.weight_decay)
        self.optimizer = torch.optim.AdamW(groups)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            settings.learning_rate,
            settings.steps,
            pct_start=_WARMUP_SHARE,
            cycle_momentum=False,
        )

    def take_step(self, loss: Tensor) -> None:
        """Learn from a loss.

        Raises
        ------
        TrainingError
            If the gradient is not finite.
        """
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        norm = nn.utils.clip_grad_norm_(self.learned, _CLIP_NORM)
        if not torch.isfinite(norm):
            raise TrainingError(
                f"gradient: norm {float(norm)} after step {len(self.losses)} "
                "(allowed: finite; begin a new run with a lower learning rate)"
            )
        self.optimizer.step()
        self.schedule.step()
        self.losses.append(loss.item())

    def save(self, path: Path) -> None:
        """Write a file, whole or not at all."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        content = {name: part.state_dict() for name, part in self._parts().items()}
        content |= {"losses": self.losses, "rng": torch.get_rng_state(), "cuda_rng": cuda}
        with replacing(path) as partial:
            torch.save(content, partial)

    def load(self, path: Path) -> None:
        """Go on from a file, and draw what it would have drawn next.

        Raises
        ------
        CheckpointError
            If it cannot be read.
        """
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            for name, part in self._parts().items():
                part.load_state_dict(content[name])
            self.losses[:] = content["losses"]
            torch.set_rng_state(content["rng"])
            if torch.cuda.is_available() and content["cuda_rng"]:
                torch.cuda.set_rng_state_all(content["cuda_rng"])
        except Exception as error:  # a damaged file can make torch raise anything
            raise CheckpointError(f"{path}: cannot be read ({reason(error)})") from error

    def _parts(self) -> dict[str, Any]:
        return {"learned": self.learned, "optimizer": self.optimizer, "schedule": self.schedule}


def train(
    network: nn.Module,
    loss_of: Callable[[PooledFeatures, PooledFeatures], Tensor],
    features: PooledFeatures,
    shape: LagShape,
    settings: DistillationSettings,
    seed: int,
    path: Path,
) -> list[float]:
    """Train a network, every meter drawn equally often; go on where an earlier run was.

    Parameters
    ----------
    network : Module
        In evaluation mode afterwards.
    loss_of : callable
        Gives the loss of a batch; takes it without noise, and with noise.
    features : PooledFeatures
        Standardised, on the device of the network.
    shape : LagShape
        Where beat spectra lie in them, to be shifted.
    path : Path
        Of the state, written every so many steps, at the end, and when interrupted.

    Returns
    -------
    list of float
        The loss of each step.

    Raises
    ------
    KeyboardInterrupt
        After the step in which Ctrl-C or SIGTERM came.
    CheckpointError
        If the state cannot be read.
    TrainingError
        If a gradient is not finite; the state stays as it was.
    """
    state = TrainState(network, settings, seed)
    if path.is_file():
        state.load(path)
    network.train()
    weights = features.sampling_weights()
    steps = range(len(state.losses), settings.steps)
    with deferred_interruption() as interrupted:
        for step in track(steps, f"Training {path.stem}"):
            batch = features.take(torch.multinomial(weights, settings.batch_size, replacement=True))
            offset = torch.randint(-settings.lag_shift, settings.lag_shift + 1, ())
            batch = batch.shifted(shape, int(offset))
            noise = settings.feature_noise * torch.randn_like(batch.normalised)
            noisy = replace(batch, normalised=batch.normalised + noise)
            state.take_step(loss_of(batch, noisy))
            is_last = step + 1 == settings.steps
            if is_last or interrupted() or (step + 1) % settings.save_steps == 0:
                state.save(path)
            if interrupted() and not is_last:
                raise KeyboardInterrupt
    network.eval()
    return state.losses
