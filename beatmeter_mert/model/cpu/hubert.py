"""HuBERT, which lays itself out for the processor when it is rounded to bfloat16 on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AttentionInterface, HubertModel
from transformers.models.hubert.modeling_hubert import HubertFeatureEncoder

from beatmeter_mert.model.cpu.attention import ATTENTION, attend
from beatmeter_mert.model.cpu.frames_first import FramesFirstEncoder
from beatmeter_mert.model.cpu.packed_linear import pack
from beatmeter_mert.model.cpu.spectral_convolution import SpectralConv1d

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

AttentionInterface.register(ATTENTION, attend)


class Hubert(HubertModel):  # type: ignore[no-untyped-call]
    """A ``HubertModel`` that costs less where it only runs inference: in bfloat16 on a CPU.

    Rounded there, by whatever way, it gives its tensors up for what the processor is quickest
    with: it can then be neither trained, saved nor moved. Elsewhere it is the stock model.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        weight = self.encoder.layer_norm.weight
        is_stock = isinstance(self.feature_extractor, HubertFeatureEncoder)
        if is_stock and weight.dtype is torch.bfloat16 and weight.device.type == "cpu":
            lay_out(self)
        return self


def lay_out(hubert: Any) -> None:
    """Replace the parts of a ``HubertModel`` by ones that cost a CPU less, for inference.

    Parameters
    ----------
    hubert : HubertModel
        Its linear layers may carry adapters.
    """
    hubert.feature_extractor = FramesFirstEncoder(hubert.feature_extractor)
    positions = hubert.encoder.pos_conv_embed
    positions.conv = SpectralConv1d(positions.conv)
    _pack_linear_layers(hubert)


def _pack_linear_layers(module: nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            setattr(module, name, pack(child))
        elif not name.startswith("lora_"):
            _pack_linear_layers(child)
