import numpy as np
import torch

from beatmeter_mert.training.distillation.head_start import standardise_head
from beatmeter_mert.training.distillation.network import PretrainNetwork


def test_every_input_of_the_head_has_mean_0_and_deviation_1(tiny_settings):
    network = PretrainNetwork(tiny_settings()).eval()
    torch.manual_seed(0)
    batches = [{"input_values": torch.randn(8, 24_000).cumsum(dim=1)} for _ in range(3)]
    standardise_head(network, batches)
    head = network.meter_head
    with torch.no_grad():
        pooled = torch.cat([network.pooled(batch["input_values"]) for batch in batches])
        heard = head.norm(torch.einsum("l,blf->bf", head.layer_weights(), pooled))
    np.testing.assert_allclose(heard.mean(dim=0), 0.0, atol=1e-3)
    deviation = heard.std(dim=0).numpy()
    assert (deviation < 1.001).all()
    assert np.median(deviation) > 0.99
