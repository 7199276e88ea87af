"""A rehearsal: the transformer and the head learn from averages over time.

As long as queries and positions are small, as at the start, attention looks everywhere alike: each
layer adds the same to every frame, and one frame stands for all. What the first layer then sees of
a chunk is an average that can be computed once. Meter, which takes many thousands of steps to
learn, is learned from it far faster than from whole sequences, which come after; and faster still
from teachers, which hear the same averages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from beatmeter_mert.training.distillation.averages import Averages
from beatmeter_mert.training.distillation.drill import drill
from beatmeter_mert.training.distillation.head_start import LEAST_DEVIATION, standardise
from beatmeter_mert.training.distillation.teacher import answers_of

if TYPE_CHECKING:
    from torch import Tensor

    from beatmeter_mert.training.distillation.convolved import EncoderNetwork
    from beatmeter_mert.training.distillation.lag_bank import LagShape
    from beatmeter_mert.training.distillation.lesson import LessonFile
    from beatmeter_mert.training.distillation.settings import RehearsalSettings
    from beatmeter_mert.training.distillation.teacher import Teacher


def states_of(network: EncoderNetwork, averages: Averages) -> tuple[Tensor, ...]:
    """Hidden states 1 to N under attention that looks everywhere alike: each (chunks, hidden)."""
    layers: Any = network.backbone.encoder.layers
    state, everywhere = averages.projected, averages.normalised
    states = []
    for number, layer in enumerate(layers):
        if number:
            everywhere = layer.layer_norm(state)
        attended = layer.attention.out_proj(layer.attention.v_proj(everywhere))
        state = state + layer.dropout(attended)
        state = state + layer.feed_forward(layer.final_layer_norm(state))
        states.append(state)
    return tuple(states)


def pooled_of(network: EncoderNetwork, averages: Averages) -> Tensor:
    """What the head hears: shape (chunks, layers, 2 * hidden); mean and maximum are the same."""
    return torch.stack([state.repeat(1, 2) for state in states_of(network, averages)], dim=1)


@torch.no_grad()
def standardised(network: EncoderNetwork, heard: Averages) -> Averages:
    """Let the first layer norm make averages of mean 0 and deviation 1, if they differ at all."""
    norm: Any = network.backbone.encoder.layers[0].layer_norm
    deviation = heard.normalised.std(dim=0)
    differs = heard.projected.std(dim=0) > 0
    gain = torch.where(differs, 1 / deviation.clamp(min=LEAST_DEVIATION), 0.0)
    offset = -gain * heard.normalised.mean(dim=0)
    norm.weight.mul_(gain)
    norm.bias.mul_(gain).add_(offset)
    return Averages(heard.projected, heard.normalised * gain + offset, heard.labels)


def rehearse(
    network: EncoderNetwork,
    heard: Averages,
    shape: LagShape | None,
    teachers: Sequence[Teacher],
    settings: RehearsalSettings,
    seed: int,
    file: LessonFile | None = None,
) -> Iterator[float]:
    """Train everything after the first layer norm, save queries, keys and positions.

    Yields the loss of each step.

    Parameters
    ----------
    network : EncoderNetwork
    heard : Averages
        Standardised.
    shape : LagShape or None
        Where beat spectra lie in what is heard; None if it holds none.
    teachers : sequence of Teacher
        Whose answers to give; those of the labels if there are none.
    settings : RehearsalSettings
    seed : int
    file : LessonFile, optional
        Where it is kept how far this has come.
    """
    with torch.no_grad():
        standardise(network.meter_head, pooled_of(network.eval(), heard))

    def loss_of(batch: Averages, noisy: Averages) -> Tensor:
        wanted = answers_of(teachers, batch) if teachers else batch.labels
        logits = network.meter_head(pooled_of(network, noisy))
        return binary_cross_entropy_with_logits(logits, wanted)

    network.train()
    yield from drill(list(_learned(network)), loss_of, heard, shape, settings, seed, file)


def _learned(network: EncoderNetwork) -> Iterator[torch.nn.Parameter]:
    layers: Any = network.backbone.encoder.layers
    for number, layer in enumerate(layers):
        learned = [layer.attention.v_proj, layer.attention.out_proj]
        learned += [layer.feed_forward, layer.final_layer_norm]
        learned += [layer.layer_norm] if number else []
        for module in learned:
            yield from module.parameters()
    yield from network.meter_head.parameters()
