import numpy as np
import pytest
import torch
from torch.nn.utils.parametrizations import weight_norm

from beatmeter_mert.training.pretrain.pulse_bank import pulse_waves, start_as_pulse_bank


@pytest.mark.parametrize(("count", "taps"), [(32, 192), (7, 64), (2, 8)])
def test_waves_are_pure_and_of_unit_norm(count, taps):
    waves = pulse_waves(count, taps)
    assert waves.shape == (count, taps)
    np.testing.assert_allclose(np.linalg.norm(waves, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(waves.sum(axis=1), 0, atol=1e-4)


def test_each_period_is_answered_by_its_wave():
    waves = pulse_waves(32, 192)
    periods = np.geomspace(4.0, 128.0, 16)
    clicks = np.zeros((16, 192))
    for row, period in enumerate(periods):
        clicks[row, np.rint(np.arange(0.0, 191.0, period)).astype(int)] = 1.0
    for row in range(3, 12):
        power = np.hypot(waves[::2] @ clicks[row], waves[1::2] @ clicks[row])
        assert abs(int(power[row - 2 :].argmax()) - 2) <= 1


def test_a_positional_convolution_takes_them_over():
    torch.manual_seed(0)
    convolution = weight_norm(torch.nn.Conv1d(12, 12, 64, groups=3), dim=2)
    start_as_pulse_bank(convolution, 2.0)
    weight = convolution.weight.detach()
    np.testing.assert_allclose(weight.flatten(1).norm(dim=1), 2.0, rtol=1e-4)
    np.testing.assert_allclose(weight.sum(dim=2), 0, atol=1e-3)
    assert not convolution.bias.any()
