from __future__ import annotations

import pytest
import torch
from torch import nn

from beatmeter_mert.model.cpu.spectral_convolution import SpectralConv1d


@pytest.mark.parametrize("kernel", [3, 16])
@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("frames", [1, 16, 17, 18, 100])
def test_it_is_the_same_convolution(kernel, groups, bias, frames):
    conv = nn.Conv1d(8, 12, kernel, padding=kernel // 2, groups=groups, bias=bias)
    signal = torch.randn(2, 8, frames)
    with torch.no_grad():
        torch.testing.assert_close(SpectralConv1d(conv)(signal), conv(signal), atol=1e-5, rtol=1e-5)


def test_it_takes_the_weight_that_a_norm_gives():
    conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 8, padding=4), dim=2)
    signal = torch.randn(1, 4, 30)
    with torch.no_grad():
        torch.testing.assert_close(SpectralConv1d(conv)(signal), conv(signal), atol=1e-5, rtol=1e-5)


def test_it_computes_in_float32_and_answers_in_bfloat16():
    conv = nn.Conv1d(4, 4, 8, padding=4).bfloat16()
    signal = torch.randn(1, 4, 30, dtype=torch.bfloat16)
    with torch.no_grad():
        exact = conv.float()(signal.float()).bfloat16()
        found = SpectralConv1d(conv.bfloat16())(signal)
    torch.testing.assert_close(found, exact, atol=0, rtol=2**-7)
