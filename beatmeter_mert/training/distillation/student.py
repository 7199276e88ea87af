"""The student: backbone and head, which learn from pooled features what a teacher answers.

Backbone and head are those of the classifier that is exported. Queries, keys, positions and
convolutions do not learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from beatmeter_mert.model.head import HeadSettings, MERTClassificationHead
from beatmeter_mert.training.distillation.backbone import build_small_backbone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from beatmeter_mert.training.distillation.pooled import PooledFeatures
    from beatmeter_mert.training.distillation.settings import DistillationSettings


class Student(nn.Module):
    """A small backbone with the head of the classifier."""

    def __init__(self, settings: DistillationSettings) -> None:
        super().__init__()
        self.backbone = build_small_backbone(settings.backbone, settings.sample_rate)
        self.head = MERTClassificationHead(
            settings.backbone.layers,
            2 * settings.backbone.hidden_size,
            HeadSettings(dropout=settings.head_dropout),
        )
        self.requires_grad_(False)
        for module in self._learning():
            module.requires_grad_(True)

    @property
    def first_norm(self) -> nn.LayerNorm:
        """The norm before the attention of the first layer."""
        hubert: Any = self.backbone
        norm: nn.LayerNorm = hubert.encoder.layers[0].layer_norm
        return norm

    def forward(self, features: PooledFeatures) -> Tensor:
        """Give the logits of standardised features: shape (n, 6)."""
        logits: Tensor = self.head(self.pooled(features))
        return logits

    def states(self, features: PooledFeatures) -> tuple[Tensor, ...]:
        """Hidden states 1 to N under attention that weighs all frames alike: each (n, hidden)."""
        hubert: Any = self.backbone
        state, attended = features.projected, features.normalised
        states = []
        for number, layer in enumerate(hubert.encoder.layers):
            if number:
                attended = layer.layer_norm(state)
            state = state + layer.dropout(
                layer.attention.out_proj(layer.attention.v_proj(attended))
            )
            state = state + layer.feed_forward(layer.final_layer_norm(state))
            states.append(state)
        return tuple(states)

    def pooled(self, features: PooledFeatures) -> Tensor:
        """What the head is given: shape (n, layers, 2 * hidden); mean and maximum are the same."""
        return torch.stack([state.repeat(1, 2) for state in self.states(features)], dim=1)

    def _learning(self) -> Iterator[nn.Module]:
        hubert: Any = self.backbone
        for number, layer in enumerate(hubert.encoder.layers):
            yield from (layer.attention.v_proj, layer.attention.out_proj)
            yield from (layer.feed_forward, layer.final_layer_norm)
            if number:
                yield layer.layer_norm
        yield self.head
