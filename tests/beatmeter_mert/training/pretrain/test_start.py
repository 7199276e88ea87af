import numpy as np

from beatmeter_mert.training.pretrain.filter_bank import mel_filters
from beatmeter_mert.training.pretrain.network import PretrainNetwork


def test_the_network_begins_musically_when_asked(tiny_settings):
    settings = tiny_settings(backbone=vars(tiny_settings().backbone) | {"musical_start": True})
    backbone = PretrainNetwork(settings).backbone
    first = backbone.feature_extractor.conv_layers[0].conv.weight[:, 0].detach()
    np.testing.assert_array_equal(first, mel_filters(*first.shape, 24_000))
