import numpy as np
import pytest
import torch

from beatmeter_mert.training.distillation.filter_bank import (
    init_average,
    init_filter_bank,
    init_onset_bank,
    mel_filters,
)

BANDS = 4


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
    init_filter_bank(convolution, 24_000)
    np.testing.assert_array_equal(convolution.weight[:, 0].detach(), mel_filters(8, 64, 24_000))
    assert not convolution.bias.any()


def test_envelope_rise_and_fall_of_each_band():
    convolution = torch.nn.Conv1d(2 * BANDS, 3 * BANDS + 1, 8, bias=False)
    init_onset_bank(convolution)
    for band in range(BANDS):
        loud_from_10_to_20 = torch.zeros(1, 2 * BANDS, 40)
        loud_from_10_to_20[0, [band, band + BANDS], 10:20] = 1.0
        envelope, rise, fall = (
            convolution(loud_from_10_to_20)[0, : 3 * BANDS].unflatten(0, (3, BANDS)).detach()
        )
        assert envelope[band].argmax() in range(10, 13)
        assert rise[band].argmax() == 10 - 4
        assert fall[band].argmax() == 20 - 4
        others = [other for other in range(BANDS) if other != band]
        assert not envelope[others].any()
        assert not rise[others].any()
        assert not fall[others].any()


def test_a_steady_sound_neither_rises_nor_falls():
    convolution = torch.nn.Conv1d(2 * BANDS, 3 * BANDS, 7, bias=False)
    init_onset_bank(convolution)
    answer = convolution(torch.ones(1, 2 * BANDS, 20))[0].detach()
    np.testing.assert_allclose(answer[BANDS:], 0, atol=1e-6)
    np.testing.assert_allclose(answer[:BANDS], 2, rtol=1e-6)


def test_an_average_passes_channels_on():
    convolution = torch.nn.Conv1d(3, 5, 4)
    init_average(convolution)
    steady = torch.tensor([1.0, 2.0, 3.0])[None, :, None].expand(1, 3, 9)
    np.testing.assert_allclose(convolution(steady)[0, :3].detach().mean(1), [1, 2, 3], rtol=1e-6)


def test_outputs_to_spare_are_silent():
    convolution = torch.nn.Conv1d(3, 5, 4, bias=False)
    init_average(convolution)
    assert not convolution(torch.randn(2, 3, 9)).detach()[:, 3:].any()
