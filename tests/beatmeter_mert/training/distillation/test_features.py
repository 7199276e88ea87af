"""Pooled features: what they are of, that they are made once, and the student on them."""

import numpy as np
import pytest
import torch

from beatmeter.meters import METERS
from beatmeter_mert.model.backbone import hidden_states
from beatmeter_mert.model.preprocessing import z_score
from beatmeter_mert.training.distillation import feature_cache
from beatmeter_mert.training.distillation.data_init import standardise_features, standardise_head
from beatmeter_mert.training.distillation.dataset import read_rendered
from beatmeter_mert.training.distillation.feature_cache import (
    FeaturePooler,
    augmented,
    pooled_features,
)
from beatmeter_mert.training.distillation.settings import AugmentSettings
from beatmeter_mert.training.distillation.student import Student

AS_IT_IS = {"speed": 0.0, "noise": 0.0, "gap": 0.0}


@pytest.fixture
def clips(click_dataset):
    return read_rendered([click_dataset], "train")


@pytest.fixture
def plain(tiny_settings):
    """Settings without random changes: (**differences) -> DistillationSettings."""
    return lambda **differences: tiny_settings(augment=AS_IT_IS, **differences)


@pytest.fixture
def student(plain):
    torch.manual_seed(0)
    return Student(plain()).eval()


@pytest.fixture
def features(student, clips, plain):
    return pooled_features(clips, student.backbone, plain())


def test_they_are_of_whole_clips_with_their_meters(student, clips, plain, features, clicks):
    assert len(features) == len(clips)
    counts = [sum(meter in clip.labels.meters for clip in clips) for meter in METERS]
    assert features.labels.sum(dim=0).tolist() == counts
    samples = clicks(5).samples
    hubert = student.backbone
    with torch.no_grad():
        heard = hubert.feature_extractor(z_score(torch.from_numpy(samples)[None]))
        frames = hubert.feature_projection(heard.transpose(1, 2))
        normalised = student.first_norm(frames)
    pooled = FeaturePooler(hubert, plain()).pooled(samples, 0)[0]
    np.testing.assert_allclose(pooled[0], frames[0].mean(dim=0), atol=1e-4)
    np.testing.assert_allclose(pooled[1], normalised[0].mean(dim=0), atol=1e-3)


def test_every_view_of_a_clip_is_another_and_always_the_same(student, clips, tiny_settings):
    settings = tiny_settings(views=2)
    first, second = pooled_features(clips, student.backbone, settings).normalised.chunk(2)
    assert not torch.equal(first, second)
    pooler = FeaturePooler(student.backbone, settings)
    samples = np.random.default_rng(0).normal(size=72_000).astype(np.float32)
    np.testing.assert_array_equal(pooler.pooled(samples, 3), pooler.pooled(samples, 3))
    assert (pooler.pooled(samples, 3) != pooler.pooled(samples, 4)).any()


def test_they_are_made_once(student, clips, plain, features, monkeypatch):
    monkeypatch.setattr(FeaturePooler, "pooled", None)
    again = pooled_features(clips, student.backbone, plain())
    assert torch.equal(again.normalised, features.normalised)
    for settings, weight in ((plain(views=2), 0.0), (plain(), 1.0)):
        with torch.no_grad():
            student.backbone.feature_projection.projection.weight[0] += weight
        with pytest.raises(TypeError, match="not callable"):
            pooled_features(clips, student.backbone, settings)
    with pytest.raises(TypeError, match="not callable"):
        pooled_features(clips[1:], student.backbone, plain())


def test_an_interrupted_computation_goes_on(student, clips, plain, features, monkeypatch):
    digest = feature_cache._digest(clips, FeaturePooler(student.backbone, plain()), plain())
    cache = clips[0].folder / f"pooled-{digest}.float32"
    whole = cache.read_bytes()
    cache.write_bytes(whole[: len(whole) // 2 + 10])
    again = pooled_features(clips, student.backbone, plain())
    assert torch.equal(again.normalised, features.normalised)
    assert cache.read_bytes() == whole


def test_faster_features_are_shorter_and_noise_and_gaps_stay_in_bounds():
    features = np.abs(np.random.default_rng(0).normal(size=(40, 8))).astype(np.float32)
    before = features.copy()
    lengths = [
        len(augmented(features, AugmentSettings(0.2, 0.0, 0.0, 0.0), np.random.default_rng(seed)))
        for seed in range(500)
    ]
    assert (min(lengths), max(lengths)) == (33, 48)
    assert np.mean(np.array(lengths) < 40) == pytest.approx(0.5, abs=0.08)
    quiet = [AugmentSettings(0.0, 1.0, -20.0, 0.0), AugmentSettings(0.0, 0.0, 0.0, 1.0)]
    noisy, gapped = (augmented(features, each, np.random.default_rng(1)) for each in quiet)
    assert 0 < (noisy - features).std() / features.std() < 0.11
    changed = (gapped != features).any(axis=1)
    assert 1 <= changed.sum() <= 8
    assert (gapped[changed] == features.min(axis=0)).all()
    np.testing.assert_array_equal(features, before)
    assert noisy.dtype == gapped.dtype == np.float32


def test_one_frame_stands_for_all_where_attention_weighs_all_alike(student, plain, clicks):
    samples = clicks(4).samples
    with torch.no_grad():
        positions = student.backbone.encoder.pos_conv_embed.conv
        positions.weight = 1e-6 * positions.weight
        pooled = torch.from_numpy(FeaturePooler(student.backbone, plain()).pooled(samples, 0))[0]
        one = feature_cache.PooledFeatures(pooled[:1], pooled[1:], torch.zeros(1, 6))
        ours = student.states(one)
        audio = z_score(torch.from_numpy(samples)[None])
        theirs = hidden_states(student.backbone, audio)
    for mine, all_frames in zip(ours[:-1], theirs[:-1], strict=True):
        torch.testing.assert_close(mine, all_frames.mean(dim=1), rtol=0.02, atol=0.02)


def test_features_are_standardised_whatever_the_norm_was(student, features):
    expected = standardise_features(student.first_norm, features).normalised
    varied = expected[:, features.projected.std(dim=0) > 0]
    assert varied.shape[1] > 0
    torch.testing.assert_close(varied.mean(dim=0), torch.zeros(varied.shape[1]), rtol=0, atol=1e-3)
    with torch.no_grad():
        said = features.normalised * student.first_norm.weight + student.first_norm.bias
    torch.testing.assert_close(said, expected, rtol=1e-3, atol=1e-3)


def test_every_input_of_the_head_has_mean_0_and_deviation_1(student):
    torch.manual_seed(0)
    pooled = torch.randn(24, 2, 80).cumsum(dim=2)
    head = student.head
    with torch.no_grad():
        standardise_head(head, pooled)
        given = head.norm(torch.einsum("l,blf->bf", head.layer_weights(), pooled))
    np.testing.assert_allclose(given.mean(dim=0), 0.0, atol=1e-3)
    deviation = given.std(dim=0).numpy()
    assert (deviation < 1.001).all()
    assert np.median(deviation) > 0.99


def test_the_head_is_given_every_feature_as_mean_and_as_maximum(student, features):
    means, maxima = student.pooled(features).chunk(2, dim=-1)
    assert torch.equal(means, maxima)
    assert means.shape == (len(features), 2, 40)


def test_convolutions_queries_and_positions_do_not_learn(student):
    learning = {name for name, p in student.named_parameters() if p.requires_grad}
    stays = ("conv", "q_proj", "k_proj", "feature_projection", "masked", "encoder.layer_n")
    stays += ("layers.0.layer_norm",)
    for name, _ in student.named_parameters():
        assert (name in learning) != any(part in name for part in stays), name
