"""Attention on a CPU: some heads at a time, so that their scores stay in the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

ATTENTION = "some_heads_at_a_time"
"""The name under which ``transformers`` knows it."""
_HEADS_AT_ONCE = 4


def attend(
    module: nn.Module,  # noqa: ARG001
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None = None,  # noqa: ARG001
    *,
    scaling: float,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attend to every frame, without a mask and without dropout.

    Parameters
    ----------
    module : Module
        Ignored, like everything else that ``transformers`` hands to an attention function.
    query, key, value : Tensor, shape (n, heads, frames, width)
    scaling : float
        Of the products of queries and keys.

    Returns
    -------
    output : Tensor, shape (n, frames, heads, width)
    """
    heads = [
        torch.split(states.flatten(0, 1).contiguous(), _HEADS_AT_ONCE)
        for states in (query * scaling, key, value)
    ]
    attended = [
        torch.bmm(torch.softmax(torch.bmm(q, k.transpose(1, 2)), dim=-1), v)
        for q, k, v in zip(*heads, strict=True)
    ]
    return torch.cat(attended).view(query.shape).transpose(1, 2), None
