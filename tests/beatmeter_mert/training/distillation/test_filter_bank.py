import numpy as np
import pytest
import torch

from beatmeter_mert.training.distillation.filter_bank import mel_filters, start_as_filter_bank


@pytest.mark.parametrize("channels", [16, 17])
def test_filters_rise_in_frequency_and_come_in_quadrature(channels):
    filters = mel_filters(channels, 512, 24_000)
    pairs = channels // 2
    peaks = np.abs(np.fft.rfft(filters, 8192)).argmax(axis=1) * 24_000 / 8192
    cosines, sines = peaks[: channels - pairs], peaks[channels - pairs :]
    assert np.all(np.diff(cosines) > 0)
    np.testing.assert_allclose(cosines[1:pairs], sines[1:], atol=6)
    assert cosines[-1] == pytest.approx(0.92 * 12_000, rel=0.01)
    np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)
    odd = np.sum(filters[:pairs] * filters[channels - pairs :], axis=1)
    np.testing.assert_allclose(odd, 0, atol=1e-6)


def test_a_convolution_takes_them_over():
    convolution = torch.nn.Conv1d(1, 8, 64, 12)
    start_as_filter_bank(convolution, 24_000)
    np.testing.assert_array_equal(convolution.weight[:, 0].detach(), mel_filters(8, 64, 24_000))
    assert not convolution.bias.any()
