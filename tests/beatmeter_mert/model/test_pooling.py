from __future__ import annotations

import numpy as np
import pytest
import torch

from beatmeter_mert.model.backbone import load_backbone
from beatmeter_mert.model.pooling import embed_chunks, pool_chunks, pool_time
from beatmeter_mert.model.preprocessing import Preprocessing

AUDIO = Preprocessing(chunk_seconds=2.0, clip_seconds=30.0)


@pytest.fixture
def model(tiny_mert):
    return load_backbone(str(tiny_mert)).model


def plain_loop(model, clip):
    """The same by the book: one chunk at a time, in numpy."""
    rows = []
    for start in range(0, len(clip), 48_000):
        chunk = clip[start : start + 48_000]
        if len(chunk) < 24_000:
            continue
        chunk = (chunk - chunk.mean()) / np.sqrt(chunk.var() + 1e-7)
        with torch.no_grad():
            states = model(torch.tensor(chunk[None]), output_hidden_states=True).hidden_states
        layers = [state[0].numpy() for state in states[1:]]
        rows.append([np.concatenate([x.mean(0), x.max(0)]) for x in layers])
    stacked = np.array(rows)
    hidden = stacked.shape[-1] // 2
    means, maxima = stacked[..., :hidden].mean(0), stacked[..., hidden:].max(0)
    return np.concatenate([means, maxima], axis=-1)


def embed(model, clips, at_once=32, audio=AUDIO):
    with torch.no_grad():
        return embed_chunks(model, [torch.tensor(clip) for clip in clips], audio, at_once)


@pytest.mark.parametrize("seconds", [2.0, 4.0, 5.3, 6.9, 1.4])
def test_pooling_equals_the_plain_loop(model, music, seconds):
    clip = music(seconds)
    pooled = pool_chunks(embed(model, [clip])[0])
    assert pooled.shape == (3, 64)
    np.testing.assert_allclose(pooled.numpy(), plain_loop(model, clip), atol=2e-5)


@pytest.mark.parametrize("at_once", [1, 2, 32])
def test_a_clip_does_not_depend_on_its_company(model, music, at_once):
    clips = [music(seconds, seed=seed) for seed, seconds in enumerate((5.3, 2.0, 8.0, 1.4))]
    together = embed(model, clips, at_once)
    for clip, embedded in zip(clips, together, strict=True):
        torch.testing.assert_close(embedded, embed(model, [clip], 1)[0], atol=2e-5, rtol=0)


def test_only_chunks_of_one_length_share_a_batch(model, music):
    shapes = []
    model.feature_extractor.register_forward_pre_hook(
        lambda module, args: shapes.append(tuple(args[0].shape))
    )
    embed(model, [music(5.3), music(5.3, seed=1)])
    assert sorted(shapes) == [(1, 31_200), (1, 31_200), (4, 48_000)]


def test_no_more_chunks_run_at_once_than_asked(model, music):
    shapes = []
    model.feature_extractor.register_forward_pre_hook(
        lambda module, args: shapes.append(len(args[0]))
    )
    embed(model, [music(10.0)], at_once=2)
    assert shapes == [2, 2, 1]


def test_loudness_is_not_heard(model, music):
    clip = music(4.0)
    torch.testing.assert_close(
        embed(model, [clip])[0], embed(model, [0.01 * clip])[0], atol=1e-3, rtol=0
    )


def test_without_normalisation_loudness_is_heard(model, music):
    audio = Preprocessing(chunk_seconds=2.0, normalize=False)
    clip = music(4.0)
    loud, quiet = (embed(model, [gain * clip], audio=audio)[0] for gain in (1.0, 1e-3))
    assert not torch.allclose(loud, quiet, atol=1e-3)


def test_a_clip_under_a_second_is_padded_to_one(model, music):
    clip = music(0.5)
    padded = np.pad(clip, (0, 12_000))
    torch.testing.assert_close(embed(model, [clip])[0], embed(model, [padded])[0])


def test_time_is_pooled_to_mean_and_maximum_in_float32():
    state = torch.tensor([[[1.0, -1.0], [3.0, -5.0]]], dtype=torch.bfloat16)
    pooled = pool_time(state)
    assert pooled.dtype == torch.float32
    assert pooled.tolist() == [[2.0, -3.0, 3.0, -1.0]]


def test_chunks_are_pooled_to_mean_of_means_and_maximum_of_maxima():
    pooled = pool_chunks(torch.tensor([[[1.0, 5.0]], [[3.0, 2.0]]]))
    assert pooled.tolist() == [[2.0, 5.0]]
