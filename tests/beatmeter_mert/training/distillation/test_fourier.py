import pytest
import torch

from beatmeter_mert.training.distillation.fourier import convolve_by_fourier


@pytest.mark.parametrize(("taps", "frames"), [(8, 40), (8, 5), (7, 20), (160, 33)])
def test_it_is_the_same_convolution(taps, frames):
    torch.manual_seed(0)
    convolution = torch.nn.Conv1d(12, 8, taps, padding=taps // 2, groups=4)
    values = torch.randn(3, 12, frames, requires_grad=True)
    plain = convolution(values)[..., :frames]
    fourier = convolve_by_fourier(convolution, values)
    torch.testing.assert_close(fourier, plain, rtol=1e-4, atol=1e-5)
    (expected,) = torch.autograd.grad(plain.square().sum(), values)
    (found,) = torch.autograd.grad(fourier.square().sum(), values)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
