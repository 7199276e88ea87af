import numpy as np
import pytest
import torch
from torch.nn.functional import gelu

from beatmeter_mert.training.distillation.lag_bank import (
    BEND,
    OTHERS_GAIN,
    LagShape,
    init_bands,
    init_lags,
    init_means,
    lag_filter,
    lags_in_frames,
)

BANDS, LAGS, TAPS = 2, 24, 96
CHANNELS = 2 * BANDS


@pytest.fixture
def heard():
    """What three convolutions say of envelopes: (1, 8, frames) to (channels, frames)."""
    bands = torch.nn.Conv1d(8, CHANNELS, 1)
    lags = torch.nn.Conv1d(CHANNELS, BANDS * LAGS + CHANNELS, TAPS)
    means = torch.nn.Conv1d(BANDS * LAGS + CHANNELS, LAGS + CHANNELS, 1)
    init_bands(bands, 8)
    shape = LagShape(BANDS, LAGS, groups=1)
    init_lags(lags, shape)
    init_means(means, shape)

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


def convolutions(bands=4, lags=2 * LAGS + 4, means=LAGS + 4, taps=TAPS):
    return (
        torch.nn.Conv1d(8, bands, 1),
        torch.nn.Conv1d(bands, lags, taps),
        torch.nn.Conv1d(lags, means, 1),
    )


def test_a_bank_of_lags_is_known_by_its_shape():
    assert LagShape.of(*convolutions()) == LagShape(bands=2, lags=LAGS, groups=1)
    assert LagShape.of(*convolutions(means=2 * LAGS + 4)) == LagShape(2, LAGS, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"bands": 1, "lags": 25},
        {"bands": 5},
        {"lags": 2 * LAGS + 5},
        {"lags": 4},
        {"means": LAGS + 5},
        {"means": 3 * LAGS + 4},
        {"means": 4},
        {"taps": 3},
    ],
)
def test_other_convolutions_are_no_bank_of_lags(other):
    assert LagShape.of(*convolutions(**other)) is None


def test_every_group_of_bands_has_a_beat_spectrum_of_its_own():
    shape = LagShape(bands=3, lags=5, groups=2)
    means = torch.nn.Conv1d(15 + 6, 10 + 6, 1)
    init_means(means, shape)
    heard = torch.zeros(1, 21, 4)
    for lag in range(5):
        heard[0, lag * 3 : lag * 3 + 3] = torch.tensor([10.0, 20.0, 90.0])[:, None] + lag
    with torch.no_grad():
        spectra = shape.spectra(means(heard).mean(dim=2))
    expected = torch.tensor([[15.0], [90.0]]) + torch.arange(5)
    torch.testing.assert_close(spectra[0], expected)


@pytest.mark.parametrize("slower", [2, 5])
def test_shifted_beat_spectra_are_those_of_slower_music(heard, slower):
    lags = np.array(lags_in_frames(LAGS, TAPS))
    shape = LagShape(BANDS, LAGS, groups=1)

    def spectrum_of(period):
        envelopes = torch.zeros(1, 8, 2000)
        starts = np.arange(0, 1999, period)
        for start, share in ((0, 1 - starts % 1), (1, starts % 1)):
            envelopes[:, :, starts.astype(int) + start] = torch.tensor(share, dtype=torch.float32)
        return heard(envelopes).mean(dim=1)[None]

    faster, wanted = (spectrum_of(period) for period in (16.0, 16.0 * lags[slower] / lags[0]))
    shifted = shape.shifted(faster, slower)
    assert torch.equal(shifted[:, LAGS:], faster[:, LAGS:])
    middle = slice(8 + slower, LAGS)
    alike = np.corrcoef(shifted[0, middle], wanted[0, middle])[0, 1]
    assert alike > 0.7
    assert alike > np.corrcoef(faster[0, middle], wanted[0, middle])[0, 1] + 0.2


def test_what_is_shifted_out_is_lost_and_ends_are_drawn_out():
    shape = LagShape(bands=2, lags=4, groups=2)
    means = torch.arange(9.0)[None]
    assert shape.shifted(means, 1)[0].tolist() == [0, 0, 1, 2, 4, 4, 5, 6, 8]
    assert shape.shifted(means, -2)[0].tolist() == [2, 3, 3, 3, 6, 7, 7, 7, 8]
