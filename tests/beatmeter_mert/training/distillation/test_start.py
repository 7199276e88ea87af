import numpy as np
import pytest
import torch

from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.distillation.filter_bank import mel_filters
from beatmeter_mert.training.distillation.lag_bank import LagShape, lags_in_frames
from beatmeter_mert.training.distillation.network import PretrainNetwork
from beatmeter_mert.training.distillation.start import lags_of

WITH_LAGS = {
    "musical_start": True,
    "hidden_size": 48,
    "heads": 2,
    "conv_dim": [32, 48, 48, 4, 68, 36],
    "conv_kernel": [256, 8, 4, 5, 96, 1],
    "conv_stride": [120, 2, 2, 3, 1, 1],
}


def test_the_network_begins_musically_when_asked(tiny_settings):
    settings = tiny_settings(backbone=vars(tiny_settings().backbone) | {"musical_start": True})
    backbone = PretrainNetwork(settings).backbone
    first = backbone.feature_extractor.conv_layers[0].conv.weight[:, 0].detach()
    np.testing.assert_array_equal(first, mel_filters(*first.shape, 24_000))


def test_the_bank_of_lags_is_told_by_its_shape(tiny_settings):
    settings = tiny_settings(backbone=vars(tiny_settings().backbone) | WITH_LAGS)
    assert lags_of(PretrainNetwork(settings).backbone) == LagShape(bands=2, lags=32, groups=1)
    assert lags_of(PretrainNetwork(tiny_settings()).backbone) is None


@pytest.mark.parametrize(
    ("dims", "kernels"),
    [
        ([32, 48, 48, 48, 48, 48], [256, 8, 4, 3, 3, 2]),
        ([32, 48, 48, 4, 70, 36], [256, 8, 4, 5, 96, 1]),
        ([32, 48, 48, 5, 68, 36], [256, 8, 4, 5, 96, 1]),
    ],
)
def test_convolutions_of_other_shapes_begin_as_averages(tiny_settings, dims, kernels):
    shape = {"conv_dim": dims, "conv_kernel": kernels}
    settings = tiny_settings(backbone=vars(tiny_settings().backbone) | WITH_LAGS | shape)
    layers = PretrainNetwork(settings).backbone.feature_extractor.conv_layers
    for layer in layers[2:]:
        weight = layer.conv.weight.detach()
        of_same_number = weight.diagonal(dim1=0, dim2=1)
        torch.testing.assert_close(of_same_number.sum(dim=0), torch.ones(min(weight.shape[:2])))
        assert weight.abs().sum() == pytest.approx(min(weight.shape[:2]), rel=1e-4)


def test_the_period_of_a_recording_stands_out_before_anything_is_learned(tiny_settings):
    torch.manual_seed(0)
    network = PretrainNetwork(
        tiny_settings(backbone=vars(tiny_settings().backbone) | WITH_LAGS)
    ).eval()
    bursts = 0.001 * torch.randn(1, 24_000 * 12)
    for start in range(6_000, 24_000 * 12 - 600, 24_000):
        bursts[0, start : start + 600] = torch.randn(600)
    with torch.inference_mode():
        lags = network.backbone.feature_extractor(z_score(bursts))[0, :32].mean(dim=1)
    period = 24_000 / (120 * 2 * 2 * 3)
    found = np.array(lags_in_frames(32, 96))[int(lags[4:].argmin()) + 4] / period
    assert abs(found - max(round(found), 1)) < 0.15
