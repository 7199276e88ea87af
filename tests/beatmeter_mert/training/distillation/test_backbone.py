import numpy as np
import pytest
import torch

from beatmeter_mert.training.distillation.backbone import build_small_backbone, frame_times
from beatmeter_mert.training.distillation.settings import BackboneSettings


def test_there_is_a_time_for_every_frame(tiny_settings):
    settings = tiny_settings().backbone
    model = build_small_backbone(settings).eval()
    with torch.inference_mode():
        frames = model(torch.randn(1, 48_000)).last_hidden_state.shape[1]
    assert len(frame_times(settings, 48_000, 24_000)) == frames


def test_a_frame_is_in_the_middle_of_what_it_sees():
    settings = BackboneSettings()
    samples = torch.zeros(1, 1, 24_000, requires_grad=True)
    seen = samples
    for kernel, stride in zip(settings.conv_kernel, settings.conv_stride, strict=True):
        seen = torch.nn.functional.conv1d(seen, torch.ones(1, 1, kernel), stride=stride)
    seen[0, 0, 7].backward()
    touched = np.flatnonzero(samples.grad[0, 0].numpy())
    middle = (touched[0] + touched[-1] + 1) / 2 / 24_000
    assert frame_times(settings, 24_000, 24_000)[7] == pytest.approx(middle)


def test_the_default_backbone_fits_beside_adapter_and_head():
    with torch.device("meta"):
        model = build_small_backbone(BackboneSettings())
    assert 4 * sum(parameter.numel() for parameter in model.parameters()) < 14e6
