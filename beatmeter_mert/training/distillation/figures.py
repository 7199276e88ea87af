"""How good the answers on held-out music are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from beatmeter.evaluation.metrics import balanced_accuracy, primary_accuracy, recalls
from beatmeter.meters import METERS
from beatmeter_mert.training.distillation.network import losses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beatmeter_mert.training.distillation.examples import Example
    from beatmeter_mert.training.distillation.network import PretrainNetwork
    from beatmeter_mert.training.distillation.settings import LossSettings

TOLERANCE_S = 0.07
"""Of a beat's time, as in beat tracking evaluation (Davies, Degara and Plumbley, 2009)."""

Times = npt.NDArray[np.float64]
Figures = dict[str, float]


@dataclass
class Matches:
    """Counts of events said and events there."""

    said: int = 0
    there: int = 0
    matched: int = 0

    def add(self, said: Times, there: Times) -> None:
        """Count the events of a chunk, times in seconds, ascending."""
        self.said += len(said)
        self.there += len(there)
        self.matched += count_matches(said, there)

    @property
    def f_measure(self) -> float:
        """Harmonic mean of precision and recall, in [0, 1]; 0 when nothing was said or there."""
        return 2 * self.matched / max(self.said + self.there, 1)


@torch.inference_mode()
def evaluate(
    network: PretrainNetwork,
    batches: Iterable[Example],
    times: Times,
    settings: LossSettings,
    device: torch.device,
) -> Figures:
    """Evaluate a network in evaluation mode.

    Parameters
    ----------
    network : PretrainNetwork
    batches : iterable of Example
    times : ndarray of float, shape (frames,)
        Of the frames, in seconds.
    settings : LossSettings
    device : torch.device

    Returns
    -------
    dict of str to float
        ``loss``; ``beat_f`` and ``downbeat_f``, F-measures of the last layer; ``phase``, the mean
        cosine of its error in the position in the bar; ``balanced_accuracy`` and ``accuracy`` over
        the meters, by the most probable one; ``recall_3`` to ``recall_11`` of those present;
        ``clips``.
    """
    beats, downbeats = Matches(), Matches()
    total, cosines, weights = 0.0, 0.0, 0.0
    probabilities, labels = [], []
    for batch in batches:
        here = {name: tensor.to(device) for name, tensor in batch.items()}
        answers = network(here["input_values"])
        total += float(losses(answers, here, settings).total) * len(here["labels"])
        probabilities.append(answers.meters.sigmoid().double().cpu().numpy())
        labels.append(batch["labels"].numpy() > 0)
        _add_events(beats, answers.beats[-1], batch["beats"], times)
        _add_events(downbeats, answers.downbeats[-1], batch["downbeats"], times)
        said = torch.nn.functional.normalize(answers.phase[-1], dim=-1)
        cosines += float(((said * here["phase"]).sum(dim=-1) * here["in_bar"]).sum())
        weights += float(here["in_bar"].sum())
    said_meters, true_meters = np.concatenate(probabilities), np.concatenate(labels)
    of_meter = zip(METERS, recalls(said_meters, true_meters), strict=True)
    return {
        "loss": total / len(true_meters),
        "beat_f": beats.f_measure,
        "downbeat_f": downbeats.f_measure,
        "phase": cosines / max(weights, 1.0),
        "balanced_accuracy": balanced_accuracy(said_meters, true_meters),
        "accuracy": primary_accuracy(said_meters, true_meters),
        **{f"recall_{meter}": float(r) for meter, r in of_meter if np.isfinite(r)},
        "clips": float(len(true_meters)),
    }


def pick_events(logits: npt.NDArray[np.float32], times: Times) -> Times:
    """Pick the frames above 0 that no neighbour exceeds: times in seconds."""
    padded = np.pad(logits, 1, constant_values=-np.inf)
    is_peak = (logits > 0) & (logits > padded[:-2]) & (logits >= padded[2:])
    return times[is_peak]


def count_matches(said: Times, there: Times, tolerance_s: float = TOLERANCE_S) -> int:
    """Pair as many events as possible within the tolerance, each at most once.

    Parameters
    ----------
    said, there : ndarray of float, ascending
        Seconds.
    tolerance_s : float >= 0
    """
    matched = position = 0
    for time in said:
        while position < len(there) and there[position] < time - tolerance_s:
            position += 1
        if position < len(there) and there[position] <= time + tolerance_s:
            matched += 1
            position += 1
    return matched


def _add_events(
    matches: Matches, logits: torch.Tensor, targets: torch.Tensor, times: Times
) -> None:
    for said, there in zip(logits.float().cpu().numpy(), targets.numpy(), strict=True):
        matches.add(pick_events(said, times), times[there == 1.0])
