"""The training loop of the bar network: AdamW, one cycle of the rate, and states to go on from.

The order of the clips is drawn before the first step, and every step seeds its generators from the
run's seed and its own number, so a run that was interrupted and goes on ends with the same bits as
one that was not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from beatmeter._util.arrays import Integers
from beatmeter._util.atomic import replacing
from beatmeter.errors import NetworkError
from beatmeter.signals.neural.training.bars.augmentation import changed
from beatmeter.signals.neural.training.bars.batches import Draw, draw_from, random_batch
from beatmeter.signals.neural.training.bars.export import write_bar_network
from beatmeter.signals.neural.training.bars.figures import figures_of, trainable_says
from beatmeter.signals.neural.training.bars.loss import LOSSES, losses_of
from beatmeter.signals.neural.training.bars.network import TrainableBarNetwork
from beatmeter.signals.neural.training.bars.pool import Pool
from beatmeter.signals.neural.training.bars.settings import BarTrainSettings
from beatmeter.signals.neural.training.bars.start import begin_with
from beatmeter.signals.neural.training.run_folder import (
    CURVE,
    NETWORK,
    STATE,
    append_line,
    device_name,
    drop_lines_after,
    read_state,
    step_seed,
    write_result,
)
from beatmeter.signals.neural.training.start import renormalise

LABELS = {
    "annotated_downbeat": "downbeats on annotated beats, F",
    "downbeat": "downbeats, F",
    "bar_duration": "bar's duration",
    "meter_right": "meter",
}
"""Figures that the picture of a curve shows."""
_WARM_UP = 0.1
_MOST_GRADIENT = 1.0
"""Norm to which the gradient is cut, so that one odd batch does not undo many."""
_KNOWN_BEFORE = 512
"""Clips from which the normalisation of a network that goes on knows what it is about to hear."""

Report = Callable[[dict[str, Any]], None]


@dataclass
class BarRun:
    """A run under way.

    Attributes
    ----------
    network : TrainableBarNetwork
    optimizer : torch.optim.AdamW
    schedule : torch.optim.lr_scheduler.OneCycleLR
    draw : Draw
    order : ndarray of int, shape (steps, batch)
        The clips of every step.
    step : int
        Updates made.
    seconds : float
        Time spent, before interruptions too.
    """

    network: TrainableBarNetwork
    optimizer: torch.optim.AdamW
    schedule: torch.optim.lr_scheduler.OneCycleLR
    draw: Draw
    order: Integers
    step: int = 0
    seconds: float = 0.0

    @property
    def finished(self) -> bool:
        """Whether every step is made."""
        return self.step >= len(self.order)


def train_bars(
    settings: BarTrainSettings,
    pool: Pool,
    held_out: Pool,
    frame_network: str,
    out: Path,
    report: Report,
) -> dict[str, Any]:
    """Train a network, or go on where an interrupted run stopped; returns the last figures.

    Writes ``network.npz``, ``figures.json``, ``curve.jsonl`` and ``state.pt`` into `out`.

    Parameters
    ----------
    settings : BarTrainSettings
    pool, held_out : Pool
        To learn from, and to take figures on; on the device to train on.
    frame_network : str
        SHA-256 of the file of the frame network that heard them.
    out : Path
    report : callable
        Called with each line of the curve: step, steps, losses and figures.

    Raises
    ------
    NetworkError
        If `out` holds another run, or nothing is left to learn from.
    """
    out.mkdir(parents=True, exist_ok=True)
    run = start_or_resume(settings, pool, frame_network, out)
    began = time.monotonic() - run.seconds
    losses: list[Tensor] = []
    figures: dict[str, Any] = {}
    while not run.finished:
        losses.append(update(settings, run, pool))
        run.seconds = time.monotonic() - began
        if run.step % settings.evaluate_every == 0 or run.finished:
            figures = figures_of(trainable_says(run.network, held_out), held_out)
            _tell(run, losses, figures, out, report)
        if run.step % settings.save_every == 0 or run.finished:
            save(settings, run, frame_network, out)
    result = {
        "settings": settings.as_dict(),
        "frame_network": frame_network,
        "parameters": sum(p.numel() for p in run.network.parameters()),
        "clips": int((run.draw.clips > 0).sum()),
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "device": device_name(pool.device),
        "torch": torch.__version__,
        "figures": figures or figures_of(trainable_says(run.network, held_out), held_out),
    }
    write_result(out, result)
    return result


def start_or_resume(
    settings: BarTrainSettings, pool: Pool, frame_network: str, out: Path
) -> BarRun:
    """A run at its beginning, or as `out` keeps it."""
    torch.manual_seed(settings.seed)
    network = TrainableBarNetwork(pool.features.shape[1], settings.network).to(pool.device)
    draw = draw_from(pool, settings.pulses, settings.families, settings.leave_out)
    if settings.start and not (out / STATE).exists():
        begin_with(network, Path(settings.start))
        clips = draw.order(_KNOWN_BEFORE, settings.seed)
        batch = random_batch(pool, draw, clips, np.random.default_rng(settings.seed))
        renormalise(network, batch.features, batch.mask)
    steps = max(1, round(settings.passes * draw.clips.sum() / settings.batch))
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings.learning_rate,
        total_steps=steps + 1,
        pct_start=max(_WARM_UP, 2 / (steps + 1)),  # torch divides by the steps that rise, less one
    )
    order = draw.order(steps * settings.batch, settings.seed).reshape(steps, settings.batch)
    run = BarRun(network, optimizer, schedule, draw, order)
    if (out / STATE).exists():
        _load(settings, run, frame_network, out / STATE)
    drop_lines_after(out / CURVE, run.step)
    return run


def update(settings: BarTrainSettings, run: BarRun, pool: Pool) -> Tensor:
    """Make one step; returns the four losses."""
    torch.manual_seed(step_seed(settings.seed, run.step))
    rng = np.random.default_rng((settings.seed, run.step))
    batch = random_batch(pool, run.draw, run.order[run.step], rng)
    run.network.train()
    features = changed(batch.features, settings, run.network, pool.hidden)
    losses = losses_of(run.network(features, batch.mask), batch)
    weights = (1.0, settings.length_weight, settings.meter_weight, settings.counted_weight)
    run.optimizer.zero_grad(set_to_none=True)
    (losses * losses.new_tensor(weights)).sum().backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.network.parameters(), _MOST_GRADIENT)
    run.optimizer.step()
    run.schedule.step()
    run.step += 1
    return losses.detach()


def save(settings: BarTrainSettings, run: BarRun, frame_network: str, out: Path) -> None:
    """Keep what an interrupted run goes on from, and the network as it is."""
    state = {
        "told": _identity(settings, run, frame_network),
        "step": run.step,
        "seconds": run.seconds,
        "network": run.network.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "schedule": run.schedule.state_dict(),
    }
    with replacing(out / STATE) as partial:
        torch.save(state, partial)
    write_bar_network(run.network, frame_network, out / NETWORK)


def _tell(
    run: BarRun, losses: list[Tensor], figures: dict[str, Any], out: Path, report: Report
) -> None:
    means = torch.stack(losses).mean(dim=0).tolist()
    line = {
        "step": run.step,
        "steps": len(run.order),
        "seconds": round(run.seconds, 1),
        "loss": round(sum(means), 5),
        "losses": {name: round(mean, 5) for name, mean in zip(LOSSES, means, strict=True)},
        **figures["all"],
    }
    losses.clear()
    append_line(out / CURVE, line)
    report(line)


def _identity(settings: BarTrainSettings, run: BarRun, frame_network: str) -> dict[str, Any]:
    """What a run that goes on must have in common with the one that was interrupted."""
    return {
        "settings": json.dumps(settings.as_dict()),
        "frame_network": frame_network,
        "clips": len(run.draw.clips),
    }


def _load(settings: BarTrainSettings, run: BarRun, frame_network: str, path: Path) -> None:
    device = run.optimizer.param_groups[0]["params"][0].device
    state = read_state(path, device)
    if state.get("told") != _identity(settings, run, frame_network):
        raise NetworkError(
            f"{path}: kept by a run with other settings, clips or frames; name another folder"
        )
    run.network.load_state_dict(state["network"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.schedule.load_state_dict(state["schedule"])
    run.step, run.seconds = state["step"], state["seconds"]
