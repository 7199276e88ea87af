import numpy as np
import torch

from beatmeter_mert.training.pretrain.filter_bank import mel_filters
from beatmeter_mert.training.pretrain.network import PretrainNetwork


def test_the_network_begins_musically_when_asked(tiny_settings):
    settings = tiny_settings(backbone=vars(tiny_settings().backbone) | {"musical_start": True})
    backbone = PretrainNetwork(settings).backbone
    first = backbone.feature_extractor.conv_layers[0].conv.weight[:, 0].detach()
    np.testing.assert_array_equal(first, mel_filters(*first.shape, 24_000))


def test_a_pulse_swings_in_the_first_hidden_state(tiny_settings):
    torch.manual_seed(0)
    shape = {
        "musical_start": True,
        "hidden_size": 32,
        "heads": 2,
        "conv_dim": [32, 48, 32, 32],
        "conv_kernel": [256, 8, 4, 3],
        "conv_stride": [60, 4, 2, 2],
        "position_frames": 64,
        "position_groups": 4,
    }
    backbone = PretrainNetwork(
        tiny_settings(backbone=vars(tiny_settings().backbone) | shape)
    ).backbone.eval()
    clicks = 0.001 * torch.randn(1, 24_000 * 8)
    for start in range(6_000, 24_000 * 8 - 600, 12_000):
        clicks[0, start : start + 600] = torch.randn(600)
    with torch.inference_mode():
        state = backbone(clicks, output_hidden_states=True).hidden_states[0][0]
    power = np.square(np.abs(np.fft.rfft(state - state.mean(0), axis=0))).sum(axis=1)
    pulse = round(2.0 * len(state) / 25)
    assert abs(int(power[4:].argmax()) + 4 - pulse) <= 1 or power[pulse] > 10 * np.median(power)
