import numpy as np
import torch

from beatmeter_mert.training.distillation.onset_bank import (
    start_as_average,
    start_as_onset_bank,
)

BANDS = 4


def test_envelope_rise_and_fall_of_each_band():
    convolution = torch.nn.Conv1d(2 * BANDS, 3 * BANDS + 1, 8, bias=False)
    start_as_onset_bank(convolution)
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
    start_as_onset_bank(convolution)
    answer = convolution(torch.ones(1, 2 * BANDS, 20))[0].detach()
    np.testing.assert_allclose(answer[BANDS:], 0, atol=1e-6)
    np.testing.assert_allclose(answer[:BANDS], 2, rtol=1e-6)


def test_an_average_passes_channels_on():
    convolution = torch.nn.Conv1d(3, 5, 4)
    start_as_average(convolution)
    steady = torch.tensor([1.0, 2.0, 3.0])[None, :, None].expand(1, 3, 9)
    np.testing.assert_allclose(convolution(steady)[0, :3].detach().mean(1), [1, 2, 3], rtol=1e-6)


def test_outputs_to_spare_are_silent():
    convolution = torch.nn.Conv1d(3, 5, 4, bias=False)
    start_as_average(convolution)
    assert not convolution(torch.randn(2, 3, 9)).detach()[:, 3:].any()
