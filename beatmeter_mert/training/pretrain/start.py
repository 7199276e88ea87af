"""Where the weights of a small backbone begin: at what is known about hearing time."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from beatmeter_mert.training.pretrain.filter_bank import start_as_filter_bank
from beatmeter_mert.training.pretrain.lag_bank import start_as_lag_bank
from beatmeter_mert.training.pretrain.onset_bank import (
    onset_channels,
    start_as_average,
    start_as_onset_bank,
)

if TYPE_CHECKING:
    from transformers import HubertModel

BRANCH_GAIN = 0.1


def start_musically(backbone: HubertModel, sample_rate: int) -> None:
    """Begin as a mel filter bank, onset detectors and lags, with layers of unit gain.

    Parameters
    ----------
    backbone : HubertModel
        With random weights, and two convolutions or more.
    sample_rate : int
        Hz.
    """
    hubert: Any = backbone
    first, second, *others = [layer.conv for layer in hubert.feature_extractor.conv_layers]
    start_as_filter_bank(first, sample_rate)
    start_as_onset_bank(second)
    for convolution in others:
        start_as_average(convolution)
    projection = hubert.feature_projection.projection
    bands = (first.out_channels + 1) // 2
    _start_at_unit_gain(projection, 1.0)
    start_as_lag_bank(
        projection,
        hubert.encoder.pos_conv_embed.conv,
        *onset_channels(bands, projection.in_features),
    )
    branch = BRANCH_GAIN / sqrt(2 * len(hubert.encoder.layers))
    for layer in hubert.encoder.layers:
        for linear in (layer.attention.q_proj, layer.attention.k_proj, layer.attention.v_proj):
            _start_at_unit_gain(linear, 1.0)
        _start_at_unit_gain(layer.attention.out_proj, branch)
        _start_at_unit_gain(layer.feed_forward.intermediate_dense, 1.0)
        _start_at_unit_gain(layer.feed_forward.output_dense, branch)


def _start_at_unit_gain(linear: nn.Linear, gain: float) -> None:
    with torch.no_grad():
        linear.weight.normal_(0.0, gain / sqrt(linear.in_features))
        linear.bias.zero_()
