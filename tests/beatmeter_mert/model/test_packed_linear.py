from __future__ import annotations

import pytest
import torch
from torch import nn

from beatmeter_mert.model.cpu.packed_linear import PackedLinear, pack

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN"
)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(5, 24), (1, 400, 24), (3, 1, 24)])
def test_it_is_the_same_product(bias, shape):
    linear = nn.Linear(24, 40, bias=bias)
    rows = torch.randn(shape)
    with torch.no_grad():
        torch.testing.assert_close(PackedLinear(linear)(rows), linear(rows), atol=1e-5, rtol=1e-5)


def test_rows_may_overlap_in_memory():
    linear = nn.Linear(24, 40)
    rows = torch.randn(100).as_strided((9, 24), (8, 1))
    with torch.no_grad():
        torch.testing.assert_close(PackedLinear(linear)(rows), linear(rows), atol=1e-5, rtol=1e-5)


def test_the_plain_weight_is_gone():
    assert [name for name, _ in PackedLinear(nn.Linear(24, 40)).named_parameters()] == ["bias"]


@pytest.mark.parametrize(
    ("kernels", "question"),
    [
        (torch.backends.mkldnn, "is_available"),
        (torch.ops.mkldnn, "_is_mkldnn_bf16_supported"),
    ],
)
def test_where_onednn_cannot_the_layer_stays(monkeypatch, kernels, question):
    monkeypatch.setattr(kernels, question, lambda: False)
    linear = nn.Linear(24, 40)
    assert pack(linear) is linear
