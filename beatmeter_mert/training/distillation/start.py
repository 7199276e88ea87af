"""Where the weights of a small backbone begin: at what is known about hearing time."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from beatmeter_mert.training.distillation.filter_bank import start_as_filter_bank
from beatmeter_mert.training.distillation.lag_bank import (
    LagShape,
    start_as_bands,
    start_as_lags,
    start_as_means,
)
from beatmeter_mert.training.distillation.onset_bank import (
    start_as_average,
    start_as_onset_bank,
)

if TYPE_CHECKING:
    from transformers import HubertModel

BRANCH_GAIN = 0.1
FRAME_GAIN = 0.05
"""Of each frame beside the average over time, whose maxima would drown it in the head."""
SMALL_GAIN = 0.02


def start_musically(backbone: HubertModel, sample_rate: int) -> None:
    """Begin as a mel filter bank, onset detectors and lags, averaged over time by attention.

    Keys begin at zero, so that attention looks everywhere alike.

    Parameters
    ----------
    backbone : HubertModel
        With random weights, and two convolutions or more; the last three of more begin as bands,
        their lags and the means over the bands, if they have the shapes for it.
    sample_rate : int
        Hz.
    """
    hubert: Any = backbone
    first, second, *others = [layer.conv for layer in hubert.feature_extractor.conv_layers]
    start_as_filter_bank(first, sample_rate)
    start_as_onset_bank(second)
    for convolution in others:
        start_as_average(convolution)
    if shape := lags_of(backbone):
        _start_with_lags(others[-3:], first.out_channels, shape)
    projection = hubert.feature_projection.projection
    with torch.no_grad():
        torch.nn.init.eye_(projection.weight)
        projection.weight.mul_(FRAME_GAIN)
        positions = hubert.encoder.pos_conv_embed.conv
        positions.weight = FRAME_GAIN * SMALL_GAIN * positions.weight
    branch = BRANCH_GAIN / sqrt(2 * len(hubert.encoder.layers))
    for layer in hubert.encoder.layers:
        _start_at_unit_gain(layer.attention.q_proj, 1.0)
        _start_at_unit_gain(layer.attention.k_proj, 0.0)
        _start_at_unit_gain(layer.attention.v_proj, 1.0)
        _start_at_unit_gain(layer.attention.out_proj, branch)
        _start_at_unit_gain(layer.feed_forward.intermediate_dense, 1.0)
        _start_at_unit_gain(layer.feed_forward.output_dense, branch)
    _start_passing_on(hubert.encoder.layers[0].attention)


def lags_of(backbone: HubertModel) -> LagShape | None:
    """What bank of lags the last three convolutions of a backbone can hold, if any."""
    hubert: Any = backbone
    _, _, *others = [layer.conv for layer in hubert.feature_extractor.conv_layers]
    return LagShape.of(*others[-3:]) if len(others) >= 3 else None


def _start_with_lags(convolutions: list[nn.Conv1d], filters: int, shape: LagShape) -> None:
    bands, lags, means = convolutions
    start_as_bands(bands, envelopes=min((filters + 1) // 2, bands.in_channels))
    start_as_lags(lags, shape)
    start_as_means(means, shape)


def _start_passing_on(attention: Any) -> None:
    with torch.no_grad():
        for linear in (attention.v_proj, attention.out_proj):
            torch.nn.init.eye_(linear.weight)


def _start_at_unit_gain(linear: nn.Linear, gain: float) -> None:
    with torch.no_grad():
        linear.weight.normal_(0.0, gain / sqrt(linear.in_features))
        linear.bias.zero_()
