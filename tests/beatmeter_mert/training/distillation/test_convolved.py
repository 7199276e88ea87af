from dataclasses import replace

import numpy as np
import torch

from beatmeter_mert.model.backbone import hidden_states
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.curve import read_curve
from beatmeter_mert.training.distillation import convolved as module
from beatmeter_mert.training.distillation import run
from beatmeter_mert.training.distillation.augment import augment_features
from beatmeter_mert.training.distillation.convolved import EncoderNetwork, FeatureCutter, convolved
from beatmeter_mert.training.distillation.examples import Cutter
from beatmeter_mert.training.distillation.material import read_material

CHUNK = 48_000
KEPT = 2
UNUSED = ("masked_spec_embed", "backbone.encoder.layer_norm")


def first_two(network, samples):
    heard = z_score(samples)[:, None]
    for layer in network.backbone.feature_extractor.conv_layers[:KEPT]:
        heard = layer(heard)
    return heard


def test_the_encoder_says_of_features_what_the_backbone_says_of_samples(tiny_settings):
    network = EncoderNetwork(tiny_settings(keep_convolutions=KEPT)).eval()
    samples = torch.randn(2, CHUNK)
    with torch.no_grad():
        features = first_two(network, samples).transpose(1, 2)
        for ours, theirs in zip(
            network.states(features), hidden_states(network.backbone, z_score(samples)), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_features_are_those_of_the_whole_clip_and_kept(click_dataset, tiny_settings, monkeypatch):
    network = EncoderNetwork(tiny_settings(keep_convolutions=KEPT))
    material = read_material([click_dataset], "train", 24_000)
    features = convolved(material, network.backbone, KEPT)
    samples = torch.from_numpy(material.samples(1))[None]
    with torch.no_grad():
        expected = first_two(network, samples)[0].T
    np.testing.assert_allclose(features.samples(1), expected, rtol=1e-2, atol=1e-3)
    asked = []
    monkeypatch.setattr(
        module, "_convolve", lambda _, rows: asked.append(len(rows)) or features.samples(0)[None]
    )
    again = convolved(material, network.backbone, KEPT)
    np.testing.assert_array_equal(again.samples(1), features.samples(1))
    assert asked == [1]


def test_other_convolutions_are_asked_anew(click_dataset, tiny_settings):
    material = read_material([click_dataset], "train", 24_000)
    shape = vars(tiny_settings().backbone)
    wide = shape | {"conv_dim": [8, 64, 16], "conv_kernel": [64, 16, 8]}
    network = EncoderNetwork(tiny_settings(keep_convolutions=KEPT, backbone=wide))
    before = convolved(material, network.backbone, KEPT).samples(0)
    with torch.no_grad():
        network.backbone.feature_extractor.conv_layers[1].conv.weight[-1] += 1.0
    after = convolved(material, network.backbone, KEPT).samples(0)
    assert (after[:, -1] != before[:, -1]).any()


def test_other_strides_are_asked_anew(click_dataset, tiny_settings):
    material = read_material([click_dataset], "train", 24_000)
    shape = vars(tiny_settings().backbone)
    for stride in (10, 5):
        backbone = shape | {"conv_stride": [24, stride, 4]}
        network = EncoderNetwork(tiny_settings(keep_convolutions=KEPT, backbone=backbone))
        features = convolved(material, network.backbone, KEPT).samples(2)
        with torch.no_grad():
            expected = first_two(network, torch.from_numpy(material.samples(2))[None])[0].T
        np.testing.assert_allclose(features, expected, rtol=1e-2, atol=1e-3)


def test_targets_of_features_fit_those_of_samples(tiny_settings, clicks):
    backbone = tiny_settings().backbone
    clip = clicks(4)
    of_samples = Cutter(backbone, CHUNK, 24_000)
    of_features = FeatureCutter(backbone, CHUNK, 24_000, KEPT)
    frames = np.arange(of_features.length + 20, dtype=np.float32)[:, None]
    whole = of_features.cut(frames, clip.labels, 0.0)
    expected = of_samples.cut(clip.samples, clip.labels, 0.0)
    assert torch.equal(whole["beats"], expected["beats"])
    assert torch.equal(whole["phase"], expected["phase"])


def test_faster_features_move_the_beats_together(tiny_settings, clicks):
    cutter = FeatureCutter(tiny_settings().backbone, CHUNK, 24_000, KEPT)
    clip = clicks(4)
    frames = np.arange(round(1.4 * cutter.length), dtype=np.float32)[:, None]
    plain = cutter.cut(frames, clip.labels, 0.0)
    fast = cutter.cut(frames, clip.labels, 0.0, speed=1.25)
    assert fast["input_values"].shape == plain["input_values"].shape
    assert fast["input_values"][-1] == round(1.25 * cutter.length) - 1
    assert (fast["beats"] == 1).sum() > (plain["beats"] == 1).sum()


def test_the_convolutions_stay_and_the_rest_learns(click_dataset, tmp_path, tiny_settings):
    settings = tiny_settings(keep_convolutions=KEPT)
    state = run.pretrain([click_dataset], tmp_path, settings)
    torch.manual_seed(settings.seed)
    begun = EncoderNetwork(settings).state_dict()
    for name, tensor in state.network.state_dict().items():
        stays = any(part in name for part in ("conv_layers.0", "conv_layers.1", *UNUSED))
        assert torch.equal(tensor, begun[name]) == stays, name
    assert any(row["of"] == "val" for row in read_curve(tmp_path))


def test_a_run_goes_on_as_a_whole_network(click_dataset, tmp_path, tiny_settings):
    settings = tiny_settings(keep_convolutions=KEPT)
    first = run.pretrain([click_dataset], tmp_path / "one", settings)
    wanted = replace(tiny_settings(steps=1), start_from=tmp_path / "one/model")
    wanted = replace(wanted, optimizer=replace(wanted.optimizer, learning_rate=0.0))
    second = run.pretrain([click_dataset], tmp_path / "two", wanted)
    averaged = first.averaged.state_dict()
    for name, tensor in second.network.state_dict().items():
        if not name.startswith("frame"):
            torch.testing.assert_close(tensor, averaged[name], atol=1e-6, rtol=1e-3)


def test_changed_features_stay_in_range_and_shape(tiny_settings):
    features = np.abs(np.random.default_rng(0).normal(size=(40, 8))).astype(np.float32)
    before = features.copy()
    settings = replace(tiny_settings().augment, noise=0.0, dropout=1.0)
    changed = augment_features(features, settings, np.random.default_rng(1))
    np.testing.assert_array_equal(features, before)
    assert changed.shape == features.shape
    assert changed.dtype == np.float32
    assert (changed >= features.min(axis=0)).all()
    assert (changed != features).any()
