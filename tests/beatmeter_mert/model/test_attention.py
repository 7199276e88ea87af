from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.models.hubert.modeling_hubert import eager_attention_forward

from beatmeter_mert.model.cpu.attention import attend


@pytest.mark.parametrize("heads", [1, 4, 6])
@pytest.mark.parametrize("count", [1, 3])
def test_it_attends_as_the_stock_attention(heads, count):
    module = nn.Module().eval()
    query, key, value = (torch.randn(count, 11, heads, 8).transpose(1, 2) for _ in range(3))
    found, _ = attend(module, query, key, value, scaling=0.3)
    expected, _ = eager_attention_forward(module, query, key, value, None, scaling=0.3)
    torch.testing.assert_close(found, expected)
