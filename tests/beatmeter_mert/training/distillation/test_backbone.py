import numpy as np
import pytest
import torch

from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.distillation.backbone import build_small_backbone, lags_of
from beatmeter_mert.training.distillation.filter_bank import mel_filters
from beatmeter_mert.training.distillation.lag_bank import LagShape, lags_in_frames
from beatmeter_mert.training.settings import SettingsError

WITH_LAGS = {
    "hidden_size": 48,
    "conv_dim": [32, 48, 48, 4, 68, 36],
    "conv_kernel": [256, 8, 4, 5, 96, 1],
}


@pytest.fixture
def build(tiny_settings):
    """Build a small backbone with a bank of 32 lags: (**differences) -> HubertModel."""

    def make(**differences):
        return build_small_backbone(
            tiny_settings(backbone=WITH_LAGS | differences).backbone, 24_000
        ).eval()

    return make


def test_the_first_convolution_is_a_filter_bank_and_none_learns(build):
    extractor = build().feature_extractor
    first = extractor.conv_layers[0].conv.weight[:, 0].detach()
    np.testing.assert_array_equal(first, mel_filters(*first.shape, 24_000))
    assert not any(parameter.requires_grad for parameter in extractor.parameters())


def test_the_lag_bank_is_told_by_its_shape(build):
    assert lags_of(build()) == LagShape(bands=2, lags=32, groups=1)


@pytest.mark.parametrize(
    "differences",
    [
        {"hidden_size": 24},
        {"conv_dim": [32, 48, 48, 4, 70, 36]},
        {"conv_dim": [32, 48, 48, 5, 68, 36]},
        {"conv_kernel": [256, 8, 4, 5, 96, 2]},
        {
            "conv_dim": [32, 4, 68, 36],
            "conv_kernel": [256, 5, 96, 1],
            "conv_stride": [480, 3, 1, 1],
        },
    ],
)
def test_without_a_whole_lag_bank_there_is_nothing_to_teach(build, differences):
    with pytest.raises(SettingsError, match=r"backbone\.conv_dim \[32, .* \(allowed: five or more"):
        build(**differences)


def test_convolutions_between_begin_as_averages(build):
    weight = build().feature_extractor.conv_layers[2].conv.weight.detach()
    torch.testing.assert_close(weight.sum(dim=2), torch.eye(48))


def test_the_period_of_a_recording_stands_out_before_anything_is_learned(build):
    torch.manual_seed(0)
    backbone = build()
    bursts = 0.001 * torch.randn(1, 24_000 * 12)
    for start in range(6_000, 24_000 * 12 - 600, 24_000):
        bursts[0, start : start + 600] = torch.randn(600)
    with torch.inference_mode():
        lags = backbone.feature_extractor(z_score(bursts))[0, :32].mean(dim=1)
    period = 24_000 / (120 * 2 * 2 * 3)
    found = np.array(lags_in_frames(32, 96))[int(lags[4:].argmin()) + 4] / period
    assert abs(found - max(round(found), 1)) < 0.15
