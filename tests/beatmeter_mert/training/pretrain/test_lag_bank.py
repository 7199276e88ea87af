import numpy as np
import pytest
import torch
from torch.nn.functional import gelu

from beatmeter_mert.training.pretrain.lag_bank import (
    BEND,
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
    """What three convolutions say of onsets: shape (onsets) (1, 8, frames) to (channels,)."""
    bands = torch.nn.Conv1d(8, CHANNELS, 1)
    lags = torch.nn.Conv1d(CHANNELS, BANDS * LAGS + CHANNELS, TAPS)
    means = torch.nn.Conv1d(BANDS * LAGS + CHANNELS, LAGS + CHANNELS, 1)
    start_as_bands(bands, 4, 8)
    start_as_lags(lags, BANDS)
    start_as_mean_of_bands(means, BANDS, CHANNELS)

    def listen(onsets):
        with torch.no_grad():
            return means(gelu(lags(gelu(bands(onsets)))))[0]

    return listen


@pytest.mark.parametrize("lag", [3.0, 7.5, 40.25])
def test_a_filter_is_two_pulses_apart_by_the_lag_and_without_a_mean(lag):
    filtered = lag_filter(lag, 64)
    assert abs(filtered.sum()) < 1e-5
    pulses = filtered - filtered.min()
    early, late = pulses[:32], pulses[32:]
    apart = np.average(np.arange(32, 64), weights=late) - np.average(np.arange(32), weights=early)
    assert apart == pytest.approx(lag, abs=1e-3)
    assert early.sum() == pytest.approx(late.sum(), rel=1e-3)


@pytest.mark.parametrize("period", [12, 20, 31])
def test_what_recurs_is_strongest_at_its_period(heard, period):
    onsets = torch.zeros(1, 8, 400)
    for offset, strength in ((-1, 0.5), (0, 1.0), (1, 0.5)):
        onsets[:, 4:, 1 + offset :: period] = strength
    lags = np.array(lags_in_frames(LAGS, TAPS))
    strength = np.where(lags > 8, heard(onsets)[:LAGS].mean(dim=1), 0.0)
    strongest = lags[strength.argmax()] / period
    assert strongest == pytest.approx(max(round(strongest), 1), rel=0.07)


def test_bands_are_not_mistaken_for_each_other(heard):
    alternating = torch.zeros(1, 8, 400)
    alternating[:, 4:6, ::40] = 1.0
    alternating[:, 6:8, 20::40] = 1.0
    strength = heard(alternating)[:LAGS].mean(dim=1)
    at = np.abs(np.array(lags_in_frames(LAGS, TAPS))[:, None] - [20, 40]).argmin(axis=0)
    assert strength[at[1]] > strength[at[0]]


def test_the_bands_themselves_are_passed_on(heard):
    onsets = torch.zeros(1, 8, 200)
    onsets[:, 4:6, 100] = 1.0
    passed = heard(onsets)[LAGS:]
    assert passed[0].argmax() == 100 - TAPS // 2
    assert passed[1].max() == 0
    assert passed[BANDS].min() < passed[BANDS].max() <= BEND
