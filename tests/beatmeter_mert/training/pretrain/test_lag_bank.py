import numpy as np
import pytest
import torch
from torch.nn.functional import gelu

from beatmeter_mert.training.pretrain.lag_bank import (
    BEND,
    OTHERS_GAIN,
    lag_filter,
    lags_in_frames,
    start_as_bands,
    start_as_lags,
    start_as_mean_of_bands,
)

BANDS, LAGS, TAPS = 2, 24, 96
CHANNELS = 2 * BANDS


@pytest.fixture
def heard():
    """What three convolutions say of envelopes: (1, 8, frames) to (channels, frames)."""
    bands = torch.nn.Conv1d(8, CHANNELS, 1)
    lags = torch.nn.Conv1d(CHANNELS, BANDS * LAGS + CHANNELS, TAPS)
    means = torch.nn.Conv1d(BANDS * LAGS + CHANNELS, LAGS + CHANNELS, 1)
    start_as_bands(bands, 8)
    start_as_lags(lags, BANDS)
    start_as_mean_of_bands(means, BANDS, CHANNELS)

    def listen(envelopes):
        with torch.no_grad():
            return means(gelu(lags(gelu(bands(envelopes)))))[0]

    return listen


@pytest.mark.parametrize("lag", [3.0, 7.5, 40.25])
def test_a_filter_is_a_difference_over_the_lag(lag):
    filtered = lag_filter(lag, 64)
    assert abs(filtered.sum()) < 1e-5
    frames = np.arange(64)
    later, earlier = filtered.clip(min=0), -filtered.clip(max=0)
    assert later.sum() == pytest.approx(1.0, rel=1e-4)
    apart = np.average(frames, weights=later) - np.average(frames, weights=earlier)
    assert apart == pytest.approx(lag, abs=1e-3)


def unlikeness(heard, envelopes):
    """Of every lag, averaged over time; lags under 8 frames, where all music is alike, left out."""
    lags = np.array(lags_in_frames(LAGS, TAPS))
    return lags, np.where(lags > 8, heard(envelopes)[:LAGS].mean(dim=1), np.inf)


@pytest.mark.parametrize("period", [12, 20, 31])
def test_what_recurs_is_most_like_itself_at_its_period(heard, period):
    envelopes = torch.zeros(1, 8, 400)
    for offset, strength in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        envelopes[:, :, 1 + offset :: period] = strength
    lags, unlike = unlikeness(heard, envelopes)
    nearest = lags[unlike.argmin()] / period
    assert nearest == pytest.approx(max(round(nearest), 1), rel=0.07)


def test_bands_are_not_mistaken_for_each_other(heard):
    alternating = torch.zeros(1, 8, 400)
    alternating[:, :4, ::40] = 1.0
    alternating[:, 4:, 20::40] = 1.0
    lags, unlike = unlikeness(heard, alternating)
    at = np.abs(lags[:, None] - [20, 40]).argmin(axis=0)
    assert unlike[at[1]] < unlike[at[0]]


def test_the_bands_themselves_are_passed_on(heard):
    envelopes = torch.zeros(1, 8, 200)
    envelopes[:, :4, 100] = 1.0
    passed = heard(envelopes)[LAGS:] / OTHERS_GAIN
    assert passed[0].argmax() == 100 - TAPS // 2
    assert passed[1].max() == 0
    assert passed[BANDS].min() < passed[BANDS].max() <= BEND * (1 + 1e-6)
