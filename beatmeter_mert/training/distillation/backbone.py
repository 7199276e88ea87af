"""The small backbone: the architecture of MERT with a few million parameters, initialised by hand.

The convolutions begin, and stay, as a mel filter bank, onset detectors, averages over time, and a
lag bank; attention begins as a mean over time. What comes after learns.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from beatmeter_mert.model.backbone import build_backbone
from beatmeter_mert.model.preprocessing import Preprocessing, shortest_for
from beatmeter_mert.training.distillation.filter_bank import (
    init_average,
    init_filter_bank,
    init_onset_bank,
)
from beatmeter_mert.training.distillation.lag_bank import (
    LagShape,
    init_bands,
    init_lags,
    init_means,
)
from beatmeter_mert.training.settings import SettingsError

if TYPE_CHECKING:
    from transformers import HubertModel

    from beatmeter_mert.training.distillation.settings import (
        BackboneSettings,
        DistillationSettings,
    )

BRANCH_GAIN = 0.1
"""Of the branches of each layer beside the residual path, which begins nearly as it is."""
FRAME_GAIN = 0.05
"""Of each frame beside the mean over time, whose maxima would drown it in the head."""
POSITION_GAIN = 0.02
"""Of positions, of which the mean over time shall know nothing at the start."""
_FEWEST_CONVOLUTIONS = 5
"""Filter bank, onset detectors, and the three of a lag bank."""


def build_small_backbone(settings: BackboneSettings, sample_rate: int) -> HubertModel:
    """Build a backbone, its convolutions frozen.

    Parameters
    ----------
    sample_rate : int
        Hz.

    Raises
    ------
    BackboneError
        If the settings describe no HuBERT.
    SettingsError
        If the last three convolutions cannot hold a lag bank.
    """
    backbone = build_backbone(hubert_fields(settings))
    hubert: Any = backbone
    lags_of(backbone)
    first, second, *others = [layer.conv for layer in hubert.feature_extractor.conv_layers]
    init_filter_bank(first, sample_rate)
    init_onset_bank(second)
    for convolution in others[:-3]:
        init_average(convolution)
    _init_lag_bank(others[-3:], first.out_channels)
    hubert.feature_extractor.requires_grad_(False)
    _init_transformer(hubert)
    return backbone


def hubert_fields(settings: BackboneSettings) -> dict[str, Any]:
    """Translate settings to the fields of a HuBERT's ``config.json``.

    The encoder normalises before its layers (Xiong et al., "On layer normalization in the
    transformer architecture", 2020), which trains from scratch without care.
    """
    return {
        "hidden_size": settings.hidden_size,
        "num_hidden_layers": settings.layers,
        "num_attention_heads": settings.heads,
        "intermediate_size": settings.feed_forward,
        "conv_dim": list(settings.conv_dim),
        "conv_kernel": list(settings.conv_kernel),
        "conv_stride": list(settings.conv_stride),
        "num_conv_pos_embeddings": settings.position_frames,
        "num_conv_pos_embedding_groups": settings.position_groups,
        "feat_extract_norm": "group",
        "feat_proj_layer_norm": False,
        "conv_bias": True,
        "do_stable_layer_norm": True,
        "hidden_dropout": settings.dropout,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "feat_proj_dropout": 0.0,
        "final_dropout": 0.0,
    }


def preprocessing_of(settings: DistillationSettings) -> Preprocessing:
    """Tell how the classifier wants its audio: at least as long as its convolutions need."""
    shape = settings.backbone
    return Preprocessing(
        settings.sample_rate,
        settings.chunk_seconds,
        max(settings.clip_seconds, settings.chunk_seconds),
        shortest_seconds=shortest_for(shape.conv_kernel, shape.conv_stride, settings.sample_rate),
    )


def lags_of(backbone: HubertModel) -> LagShape:
    """Tell which lag bank the last three convolutions of a backbone hold.

    Raises
    ------
    SettingsError
        If they can hold none, or one that is wider than the transformer.
    """
    hubert: Any = backbone
    convolutions = [layer.conv for layer in hubert.feature_extractor.conv_layers]
    has_room = len(convolutions) >= _FEWEST_CONVOLUTIONS
    shape = LagShape.of(*convolutions[-3:]) if has_room else None
    if shape is None or shape.groups * shape.lags > hubert.config.hidden_size:
        raise SettingsError(
            f"setting: backbone.conv_dim {list(hubert.config.conv_dim)} (allowed: five or more, "
            "the last three a lag bank of 2 b, b n + 2 b and g n + 2 b channels for b bands, n "
            "lags and g groups, g n at most hidden_size)"
        )
    return shape


def _init_lag_bank(convolutions: list[nn.Conv1d], filters: int) -> None:
    bands, lags, means = convolutions
    shape = LagShape.of(bands, lags, means)
    assert shape is not None
    init_bands(bands, envelopes=min((filters + 1) // 2, bands.in_channels))
    init_lags(lags, shape)
    init_means(means, shape)


def _init_transformer(hubert: Any) -> None:
    """Keys begin at zero, so that attention weighs all frames alike."""
    projection = hubert.feature_projection.projection
    with torch.no_grad():
        nn.init.eye_(projection.weight)
        projection.weight.mul_(FRAME_GAIN)
        positions = hubert.encoder.pos_conv_embed.conv
        positions.weight = FRAME_GAIN * POSITION_GAIN * positions.weight
    branch = BRANCH_GAIN / sqrt(2 * len(hubert.encoder.layers))
    for layer in hubert.encoder.layers:
        _init_with_gain(layer.attention.q_proj, 1.0)
        _init_with_gain(layer.attention.k_proj, 0.0)
        _init_with_gain(layer.attention.v_proj, 1.0)
        _init_with_gain(layer.attention.out_proj, branch)
        _init_with_gain(layer.feed_forward.intermediate_dense, 1.0)
        _init_with_gain(layer.feed_forward.output_dense, branch)
    with torch.no_grad():
        for linear in (
            hubert.encoder.layers[0].attention.v_proj,
            hubert.encoder.layers[0].attention.out_proj,
        ):
            nn.init.eye_(linear.weight)


def _init_with_gain(linear: nn.Linear, gain: float) -> None:
    with torch.no_grad():
        linear.weight.normal_(0.0, gain / sqrt(linear.in_features))
        linear.bias.zero_()
