import numpy as np
import pytest
import torch

from beatmeter_mert.training.pretrain.lag_bank import lag_filter, start_as_lag_bank


@pytest.mark.parametrize("lag", [3.0, 7.5, 40.25])
def test_a_filter_is_two_pulses_apart_by_the_lag_and_without_a_mean(lag):
    filtered = lag_filter(lag, 64)
    assert abs(filtered.sum()) < 1e-5
    pulses = filtered - filtered.min()
    early, late = pulses[:32], pulses[32:]
    apart = np.average(np.arange(32, 64), weights=late) - np.average(np.arange(32), weights=early)
    assert apart == pytest.approx(lag, abs=1e-3)
    assert early.sum() == pytest.approx(late.sum(), rel=1e-3)


def test_what_recurs_is_strongest_at_its_period():
    torch.manual_seed(0)
    projection = torch.nn.Linear(8, 256)
    convolution = torch.nn.utils.parametrizations.weight_norm(
        torch.nn.Conv1d(256, 256, 96, padding=48, groups=8), dim=2
    )
    start_as_lag_bank(projection, convolution, 4, 8)
    lags = np.geomspace(3.0, 0.7 * 96, 256)
    onsets = 0.05 * torch.rand(1, 400, 8)
    onsets[:, ::20, 4] += 1.0
    with torch.no_grad():
        heard = torch.nn.functional.gelu(convolution(projection(onsets).transpose(1, 2)))
    strongest = lags[heard[0].mean(dim=1).argmax()] / 20
    assert strongest == pytest.approx(max(round(strongest), 1), rel=0.05)
