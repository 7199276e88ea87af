"""The small backbone: the same architecture as MERT, at a few million parameters."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from beatmeter_mert.model.preprocessing import receptive_field

if TYPE_CHECKING:
    from transformers import HubertModel

    from beatmeter_mert.training.distillation.settings import BackboneSettings


def build_small_backbone(settings: BackboneSettings) -> HubertModel:
    """Build a backbone with random weights.

    Raises
    ------
    BackboneError
        If the settings describe no HuBERT.
    """
    from beatmeter_mert.model.backbone import build_backbone

    return build_backbone(hubert_fields(settings))


def hubert_fields(settings: BackboneSettings) -> dict[str, Any]:
    """Translate settings to the fields of a HuBERT's ``config.json``.

    The encoder normalises before its layers (Xiong et al., "On layer normalization in the
    transformer architecture", 2020), which trains from scratch without care. Dropout inside
    attention costs a processor as much as attention itself, so there is none.
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


def frame_times(
    settings: BackboneSettings, samples: int, sample_rate: int
) -> npt.NDArray[np.float64]:
    """Times of the frames of a chunk: the middle of what each one sees, in seconds.

    Parameters
    ----------
    settings : BackboneSettings
    samples : int
        Length of the chunk.
    sample_rate : int
        Hz.

    Returns
    -------
    ndarray of float, shape (frames,)
    """
    field = receptive_field(settings.conv_kernel, settings.conv_stride)
    frames = samples
    for kernel, stride in zip(settings.conv_kernel, settings.conv_stride, strict=True):
        frames = (frames - kernel) // stride + 1
    return (np.arange(frames) * prod(settings.conv_stride) + field / 2) / sample_rate
