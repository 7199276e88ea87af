"""The training loop: AdamW, a cosine, a moving average of the weights, and states to go on from.

Every step seeds torch's generators from the run's seed and its own number, so a run that was
interrupted and goes on ends with the same bits as one that was not.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from beatmeter._util.atomic import replacing
from beatmeter.errors import NetworkError
from beatmeter.signals.neural.training.augmentation import random_batch
from beatmeter.signals.neural.training.export import write_network
from beatmeter.signals.neural.training.figures import figures_of
from beatmeter.signals.neural.training.frames import Clips
from beatmeter.signals.neural.training.loss import loss_of
from beatmeter.signals.neural.training.network import TrainableNetwork
from beatmeter.signals.neural.training.precision import in_bfloat16
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
from beatmeter.signals.neural.training.settings import TrainSettings
from beatmeter.signals.neural.training.start import begin_with, renormalise

_WARM_UP = 0.05
_MOST_GRADIENT = 1.0
"""Norm to which the gradient is cut, so that one odd batch does not undo many."""

Report = Callable[[dict[str, Any]], None]


@dataclass
class Run:
    """A run under way: everything that changes.

    Attributes
    ----------
    network, average : TrainableNetwork
        As it learns; the moving average of its weights, which is what is kept.
    optimizer : torch.optim.AdamW
    step : int
        Updates made.
    seconds : float
        Time spent, before interruptions too.
    """

    network: TrainableNetwork
    average: TrainableNetwork
    optimizer: torch.optim.AdamW
    step: int = 0
    seconds: float = 0.0


def train(
    settings: TrainSettings, clips: Clips, held_out: Clips, out: Path, report: Report
) -> dict[str, Any]:
    """Train a network, or go on where an interrupted run stopped; returns the last figures.

    Writes ``network.npz``, ``figures.json``, ``curve.jsonl`` and ``state.pt`` into `out`.

    Parameters
    ----------
    settings : TrainSettings
    clips, held_out : Clips
        To learn from, and to take figures on; on the device to train on.
    out : Path
    report : callable
        Called with each line of the curve: step, loss, and figures where they were taken.

    Raises
    ------
    NetworkError
        If `out` holds a run with other settings, or one whose state is damaged.
    """
    out.mkdir(parents=True, exist_ok=True)
    clips = clips.first(settings.clips).weighted(settings.families)
    run = start_or_resume(settings, clips, out)
    if settings.compile:
        run.network.compile(dynamic=False)
    began = time.monotonic() - run.seconds
    losses: list[Tensor] = []
    while not _finished(settings, run):
        losses.append(_update(settings, run, clips))
        run.seconds = time.monotonic() - began
        if run.step % settings.evaluate_every == 0 and not _finished(settings, run):
            figures = figures_of(run.average, held_out, settings.frames).summary(held_out.rows)
            _tell(run, losses, figures, out, report)
        if run.step % settings.save_every == 0 or _finished(settings, run):
            save(settings, run, out)
    figures = figures_of(run.average, held_out, settings.frames).summary(held_out.rows)
    if losses:
        _tell(run, losses, figures, out, report)
    result = {
        "settings": settings.as_dict(),
        "parameters": sum(p.numel() for p in run.network.parameters()),
        "clips": len(clips),
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "device": device_name(clips.device),
        "torch": torch.__version__,
        "figures": figures,
    }
    write_result(out, result)
    return result


def start_or_resume(settings: TrainSettings, clips: Clips, out: Path) -> Run:
    """A run at its beginning, or as `out` keeps it."""
    device = clips.device
    torch.manual_seed(settings.seed)
    network = TrainableNetwork(settings.network).to(device)
    if settings.start and not (out / STATE).exists():
        begin_with(network, Path(settings.start))
        batch = random_batch(clips, settings.batch, settings.frames, settings.augment)
        renormalise(network, batch.log_mel)
    if settings.freeze_stem:
        network.freeze_stem()
    average = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=device.type == "cuda",
    )
    run = Run(network, average, optimizer)
    if (out / STATE).exists():
        _load(settings, run, out / STATE)
    drop_lines_after(out / CURVE, run.step)
    return run


def save(settings: TrainSettings, run: Run, out: Path) -> None:
    """Keep what an interrupted run goes on from, and the network as it is."""
    state = {
        "settings": settings.as_dict(),
        "step": run.step,
        "seconds": run.seconds,
        "network": run.network.state_dict(),
        "average": run.average.state_dict(),
        "optimizer": run.optimizer.state_dict(),
    }
    with replacing(out / STATE) as partial:
        torch.save(state, partial)
    write_network(run.average, out / NETWORK)


def progress_of(settings: TrainSettings, run: Run) -> float:
    """How far a run has come: 0 at its beginning, 1 at its end."""
    progress = run.step / settings.steps
    return max(progress, run.seconds / settings.seconds) if settings.seconds > 0 else progress


def learning_rate_at(settings: TrainSettings, progress: float) -> float:
    """Rising over the first twentieth, then falling along half a cosine."""
    rising = min(1.0, (progress + 1 / settings.steps) / _WARM_UP)
    return settings.learning_rate * rising * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def _finished(settings: TrainSettings, run: Run) -> bool:
    return progress_of(settings, run) >= 1.0


def _update(settings: TrainSettings, run: Run, clips: Clips) -> Tensor:
    torch.manual_seed(step_seed(settings.seed, run.step))
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate_at(settings, progress_of(settings, run))
    batch = random_batch(clips, settings.batch, settings.frames, settings.augment)
    run.network.train()
    with in_bfloat16(clips.device):
        logits = run.network(batch.log_mel)
    loss = loss_of(logits.float(), batch, settings.bar_weight)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.network.parameters(), _MOST_GRADIENT)
    run.optimizer.step()
    run.step += 1
    _move_average(run, min(settings.average, (1 + run.step) / (10 + run.step)))
    return loss.detach()


@torch.no_grad()
def _move_average(run: Run, keep: float) -> None:
    pairs = zip(run.average.state_dict().values(), run.network.state_dict().values(), strict=True)
    moving = [(mean, value) for mean, value in pairs if mean.is_floating_point()]
    torch._foreach_lerp_([mean for mean, _ in moving], [value for _, value in moving], 1 - keep)


def _tell(
    run: Run, losses: list[Tensor], figures: dict[str, Any], out: Path, report: Report
) -> None:
    line = {
        "step": run.step,
        "seconds": round(run.seconds, 1),
        "loss": round(torch.stack(losses).mean().item(), 5),
        **{name: figures["all"][name] for name in ("beat", "downbeat", "bar")},
    }
    losses.clear()
    append_line(out / CURVE, line)
    report(line)


def _load(settings: TrainSettings, run: Run, path: Path) -> None:
    device = run.optimizer.param_groups[0]["params"][0].device
    state = read_state(path, device)
    if state.get("settings") != settings.as_dict():
        raise NetworkError(f"{path}: kept by a run with other settings; name another folder")
    run.network.load_state_dict(state["network"])
    run.average.load_state_dict(state["average"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.step, run.seconds = state["step"], state["seconds"]
