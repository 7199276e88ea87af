"""The network in pre-training: a backbone, and heads that make every layer tell time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from beatmeter.meters import METERS
from beatmeter_mert.model.backbone import BESIDE, hidden_states
from beatmeter_mert.model.checkpoint import HEAD, read_checkpoint
from beatmeter_mert.model.head import HeadSettings, MERTClassificationHead
from beatmeter_mert.model.pooling import pool_time
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.model.weights import (
    load_strictly,
    read_backbone_weights,
    read_safetensors,
)
from beatmeter_mert.training.distillation.backbone import build_small_backbone
from beatmeter_mert.training.distillation.start import start_musically

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from beatmeter_mert.training.distillation.examples import Example
    from beatmeter_mert.training.distillation.settings import LossSettings, PretrainSettings


_ANSWERS = (1, 1, 2, len(METERS))
"""Of a frame: beat, downbeat, position in the bar, meters."""


class Answers(NamedTuple):
    """What the network says of a batch of chunks.

    Attributes
    ----------
    beats, downbeats : Tensor, shape (layers, batch, frames)
        Logits.
    phase : Tensor, shape (layers, batch, frames, 2)
        Cosine and sine of the position in the bar.
    frame_meters : Tensor, shape (layers, batch, frames, 6)
        Logits of the clip's meters, as each frame sees them.
    meters : Tensor, shape (batch, 6)
        Logits.
    """

    beats: Tensor
    downbeats: Tensor
    phase: Tensor
    frame_meters: Tensor
    meters: Tensor


@dataclass(frozen=True)
class Losses:
    """The parts of the loss, each a mean: scalars, float32."""

    total: Tensor
    beats: Tensor
    downbeats: Tensor
    phase: Tensor
    frame_meter: Tensor
    meter: Tensor


class PretrainNetwork(nn.Module):
    """A small backbone with a frame head that all its layers share, and the clip's head.

    Parameters
    ----------
    settings : PretrainSettings

    Attributes
    ----------
    backbone : HubertModel
    frame_norm, frame_head : Module
        From a hidden state to beat, downbeat and six positions in the bar.
    meter_head : MERTClassificationHead
        The head that the classifier has as well.
    """

    def __init__(self, settings: PretrainSettings) -> None:
        super().__init__()
        hidden = settings.backbone.hidden_size
        self.backbone = build_small_backbone(settings.backbone)
        if settings.backbone.musical_start:
            start_musically(self.backbone, settings.sample_rate)
        self.frame_norm = nn.LayerNorm(hidden)
        self.frame_head = nn.Linear(hidden, sum(_ANSWERS))
        self.meter_head = MERTClassificationHead(
            settings.backbone.layers, 2 * hidden, HeadSettings(dropout=settings.loss.head_dropout)
        )

    def begin_as(self, classifier: Path) -> None:
        """Take over the backbone and the head of a classifier that carries its backbone.

        Raises
        ------
        CheckpointError
            If the folder holds none, or one of another shape.
        """
        stored = read_checkpoint(classifier)
        backbone = classifier / BESIDE
        weights = read_backbone_weights(backbone, stored.config.backbone.layers)
        load_strictly(self.backbone, weights, str(backbone))
        head = classifier / HEAD
        load_strictly(self.meter_head, read_safetensors(head), str(head))

    def forward(self, input_values: Tensor) -> Answers:
        """Listen to chunks: float32, shape (batch, samples), as recorded."""
        states = self.states(input_values)
        frames = self.frame_head(self.frame_norm(torch.stack(states))).float()
        beats, downbeats, phase, meters = frames.split(_ANSWERS, dim=-1)
        return Answers(
            beats.squeeze(-1),
            downbeats.squeeze(-1),
            phase,
            meters,
            self.meter_head(_pooled(states)).float(),
        )

    def pooled(self, input_values: Tensor) -> Tensor:
        """What the head hears of chunks: float32, shape (batch, layers, 2 * hidden)."""
        return _pooled(self.states(input_values))

    def states(self, input_values: Tensor) -> tuple[Tensor, ...]:
        """Hidden states 1 to N, each (batch, frames, hidden)."""
        return hidden_states(self.backbone, z_score(input_values))


def _pooled(states: tuple[Tensor, ...]) -> Tensor:
    return torch.stack([pool_time(state) for state in states], dim=1)


def losses(answers: Answers, batch: Example, settings: LossSettings) -> Losses:
    """How wrong the answers are, averaged over layers, frames and chunks.

    Beats, downbeats and meters cost binary cross-entropy; the position in the bar costs the
    squared distance to the point on the unit circle.
    """
    beats = _event_loss(answers.beats, batch["beats"], settings.beat_positive)
    downbeats = _event_loss(answers.downbeats, batch["downbeats"], settings.downbeat_positive)
    distance = (answers.phase - batch["phase"]).square().sum(dim=-1) * batch["in_bar"]
    phase = distance.mean(dim=0).sum() / batch["in_bar"].sum().clamp(min=1)
    of_frames = batch["labels"][:, None].expand_as(answers.frame_meters)
    frame_meter = binary_cross_entropy_with_logits(answers.frame_meters, of_frames)
    meter = binary_cross_entropy_with_logits(answers.meters, batch["labels"])
    frames = beats + downbeats + settings.phase * phase + settings.frame_meter * frame_meter
    total = settings.frames * frames + settings.meter * meter
    return Losses(total, beats, downbeats, phase, frame_meter, meter)


def _event_loss(logits: Tensor, targets: Tensor, positive: float) -> Tensor:
    return binary_cross_entropy_with_logits(
        logits, targets.expand_as(logits), pos_weight=logits.new_tensor(positive)
    )
