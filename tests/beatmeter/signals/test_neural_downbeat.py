"""The neural downbeat signal: its networks, its decoder, and what it says when they are missing."""

from __future__ import annotations

import numpy as np
import pytest

from beatmeter.errors import Abstain
from beatmeter.features.rhythm import Rhythm
from beatmeter.meters import METERS
from beatmeter.signals.neural import beat_this, beatnet
from beatmeter.signals.neural.activations import Activations
from beatmeter.signals.neural.beat_this import BeatThisSource
from beatmeter.signals.neural.beatnet import INSTALL_HINT, BeatNetSource
from beatmeter.signals.neural.sources import (
    BEAT_THIS_VARIABLE,
    NETWORK_VARIABLE,
    FrameNetworkSource,
    activation_source,
)
from beatmeter.signals.neural_downbeat import NeuralDownbeat
from beatmeter.signals.neural_meter import NeuralMeter

FPS = 50
RATE = 22050


@pytest.fixture
def networks(monkeypatch) -> BeatNetSource:
    """The networks, or the reason why they are not here."""
    monkeypatch.delenv(BEAT_THIS_VARIABLE, raising=False)
    monkeypatch.setenv(NETWORK_VARIABLE, "beatnet")
    if reason := BeatNetSource().unavailable():
        pytest.skip(reason)
    return BeatNetSource()


@pytest.fixture
def installed(monkeypatch):
    """``installed("torch", ...)``: nothing else is, as far as the sources can see."""

    def only(*modules: str) -> None:
        for source in (beatnet, beat_this):
            monkeypatch.setattr(source, "find_spec", lambda name: name if name in modules else None)

    return only


def rubato_beats(count: int, sway: float) -> np.ndarray:
    """Beats half a second apart on average, swaying by a share of that over two cycles."""
    phase = np.linspace(0, 4 * np.pi, count)
    return 0.3 + np.cumsum(0.5 * (1 + sway * np.sin(phase)))


def activations_of(beats: np.ndarray, meter: int, first: int, seed: int) -> Activations:
    """Logits of noise, with a rise on each beat and a greater one on each downbeat."""
    rng = np.random.default_rng(seed)
    frames = round((beats[-1] + 1.0) * FPS)
    beat, downbeat = rng.normal(-4.0, 0.5, (2, frames))
    at = np.round(beats * FPS).astype(int)
    beat[at] = rng.normal(3.0, 0.5, len(at))
    downbeat[at] = rng.normal(-1.5, 1.0, len(at))
    downbeat[at[first::meter]] = rng.normal(1.5, 1.0, len(at[first::meter]))
    return Activations(beat, downbeat, FPS)


@pytest.mark.parametrize("sway", [0.0, 0.15, 0.3])
@pytest.mark.parametrize("meter", METERS)
def test_contrast_is_highest_at_the_true_length_even_with_rubato(meter, sway):
    from beatmeter.signals.neural.bars import decode_bars

    beats = rubato_beats(66, sway)
    activations = activations_of(beats, meter, first=2, seed=meter)
    decoded = {length: decode_bars(activations, beats, length) for length in METERS}
    contrasts = {length: bars.contrast for length, bars in decoded.items()}
    assert max(contrasts, key=contrasts.get) == meter
    bars = decoded[meter]
    np.testing.assert_array_equal(np.flatnonzero(bars.numbers == 1), np.arange(2, 66, meter))
    assert contrasts[meter] == pytest.approx(3.0, abs=0.8)
    np.testing.assert_array_equal(bars.beats, beats)


def test_bars_of_each_length_count_to_it_as_metricon_does():
    metricon = pytest.importorskip("metricon")
    from beatmeter.signals.neural.bars import decode_bars

    beats = rubato_beats(50, 0.1)
    activations = activations_of(beats, 4, first=0, seed=0)
    for length in METERS:
        numbers = decode_bars(activations, beats, length).numbers
        theirs = metricon.track_bars(activations.downbeat, beats, beats_per_bar=(length,), fps=FPS)
        np.testing.assert_array_equal(numbers, theirs.numbers)
        np.testing.assert_array_equal(np.diff(numbers) % length, 1)
        assert (numbers.min(), numbers.max()) == (1, length)


def test_beats_are_decoded_where_they_are():
    pytest.importorskip("metricon")
    from beatmeter.signals.neural.bars import decode_beats

    beats = rubato_beats(40, 0.0)
    decoded = decode_beats(activations_of(beats, 4, first=0, seed=1))
    inner = decoded[(decoded > beats[0] - 0.1) & (decoded < beats[-1] + 0.1)]
    assert len(inner) == pytest.approx(40, abs=1)
    assert np.abs(inner[:, None] - beats).min(axis=1).max() <= 0.04


def test_the_logit_of_a_beat_is_the_greatest_within_40_ms():
    from beatmeter.signals.neural.bars import downbeat_logits

    downbeat = np.full(200, -5.0)
    downbeat[[52, 103]] = (1.0, 2.0)
    logits = downbeat_logits(Activations(downbeat, downbeat, FPS), np.array([1.0, 2.0, 9.0]))
    np.testing.assert_array_equal(logits, [1.0, -5.0, -5.0])


def test_the_network_scores_three_classes_a_frame_and_hears_no_future():
    torch = pytest.importorskip("torch")
    from beatmeter.signals.neural.beatnet_network import N_FEATURES, BeatNetwork

    torch.manual_seed(0)
    network = BeatNetwork().eval()
    features = torch.randn(2, 9, N_FEATURES)
    with torch.inference_mode():
        logits = network(features)
        changed = features.clone()
        changed[:, 5:] = 0.0
        again = network(changed)
    assert logits.shape == (2, 9, 3)
    torch.testing.assert_close(again[:, :5], logits[:, :5])
    assert not torch.allclose(again[:, 5:], logits[:, 5:])


def test_weights_are_loaded_as_nothing_but_weights(networks, monkeypatch):
    import torch

    load, options = torch.load, []

    def watched(path, **given):
        options.append(given)
        return load(path, **given)

    monkeypatch.setattr(torch, "load", watched)
    beatnet.networks.cache_clear()
    loaded = beatnet.networks()
    assert len(loaded) == len(networks.weight_files()) == 3
    assert [given["weights_only"] for given in options] == [True] * 3
    assert not any(network.training for network in loaded)


def test_features_come_fifty_times_a_second(networks, drum_pattern):
    from beatmeter.signals.neural.beatnet import features
    from beatmeter.signals.neural.beatnet_network import N_FEATURES

    found = features(drum_pattern(4, 120.0, 0)[: 4 * RATE])
    assert found.dtype == np.float32
    assert found.shape[1] == N_FEATURES
    assert len(found) == pytest.approx(4 * FPS, abs=1)


@pytest.mark.parametrize(("sure_of", "beat", "downbeat"), [(0, 1, 0), (1, 1, 1), (2, 0, 0)])
def test_the_classes_are_beat_downbeat_and_neither(
    networks, drum_pattern, monkeypatch, sure_of, beat, downbeat
):
    import torch

    def network(features):
        return 20.0 * torch.eye(3)[sure_of].expand(*features.shape[:2], 3)

    monkeypatch.setattr(beatnet, "networks", lambda: [network])
    found = networks.activations(Rhythm(drum_pattern(4, 120.0, 0)[: 4 * RATE], RATE))
    assert set(found.beat > 0) == {bool(beat)}
    assert set(found.downbeat > 0) == {bool(downbeat)}


def test_the_networks_hear_generated_beats(networks, drum_pattern):
    from beatmeter.signals.neural.bars import downbeat_logits

    activations = networks.activations(Rhythm(drum_pattern(4, 120.0, 0), RATE))
    assert activations.beat.shape == activations.downbeat.shape
    assert (activations.beat >= activations.downbeat).all()
    beats = 0.1 + np.arange(4, 48) * 0.5
    heard = Activations(activations.beat, activations.beat, FPS)
    on, between = downbeat_logits(heard, beats), downbeat_logits(heard, beats + 0.25)
    assert np.mean(on) > np.mean(between) + 2.0


def test_the_networks_tell_generated_bars_of_3_and_4(networks, drum_pattern):
    from beatmeter.signals.neural.bars import decode_bars

    for meter, other in ((3, 4), (4, 3)):
        margins = []
        for bpm in (100.0, 140.0):
            for seed in (0, 1):
                activations = networks.activations(Rhythm(drum_pattern(meter, bpm, seed), RATE))
                beats = 0.1 + np.arange(int(25 * bpm / 60)) * 60 / bpm
                right, wrong = (decode_bars(activations, beats, n) for n in (meter, other))
                margins.append(right.contrast - wrong.contrast)
        assert np.mean(margins) > 0.3


def test_the_signal_weighs_its_own_beats_too(networks, drum_pattern):
    rhythm = Rhythm(drum_pattern(4, 120.0, 0), RATE)
    pulses, evidence = NeuralDownbeat().hypotheses(rhythm)
    assert evidence.shape == (len(pulses), 28)
    assert np.isfinite(evidence).all()
    assert any(pulse not in rhythm.pulses for pulse in pulses)


@pytest.mark.parametrize("missing", ["torch", "madmom_infer"])
def test_a_missing_package_is_named_with_the_way_to_install_it(installed, monkeypatch, missing):
    monkeypatch.delenv(BEAT_THIS_VARIABLE, raising=False)
    monkeypatch.setenv(NETWORK_VARIABLE, "beatnet")
    installed(*{"torch", "madmom_infer"} - {missing})
    reason = NeuralDownbeat().unavailable()
    assert reason == f"{missing} is not installed: {INSTALL_HINT}"
    with pytest.raises(Abstain, match=f"^{missing} is not installed"):
        NeuralDownbeat().hypotheses(Rhythm(np.random.default_rng(0).normal(size=3 * RATE), RATE))


def test_missing_networks_are_told_of(installed, monkeypatch):
    monkeypatch.delenv(BEAT_THIS_VARIABLE, raising=False)
    monkeypatch.setenv(NETWORK_VARIABLE, "beatnet")
    monkeypatch.setattr(BeatNetSource, "weight_files", lambda self: [])
    installed("torch", "madmom_infer")
    assert NeuralDownbeat().unavailable().startswith("the BeatNet networks are not installed: pip")


def test_a_checkpoint_of_the_users_is_taken_instead(installed, monkeypatch, tmp_path):
    checkpoint = tmp_path / "mine.ckpt"
    monkeypatch.setenv(BEAT_THIS_VARIABLE, str(checkpoint))
    assert isinstance(activation_source(), BeatThisSource)
    installed("torch")
    assert NeuralDownbeat().unavailable() == (
        f"{BEAT_THIS_VARIABLE} is set, but beat_this is not installed"
    )
    installed("torch", "beat_this")
    assert NeuralDownbeat().unavailable() == f"{BEAT_THIS_VARIABLE}: {checkpoint}: no such file"
    assert NeuralDownbeat().fingerprint() == ""
    assert NeuralMeter().unavailable() == "beat_this does not tell the length of the bar"
    checkpoint.write_bytes(b"one")
    assert NeuralDownbeat().unavailable() is None
    first = NeuralDownbeat().fingerprint()
    checkpoint.write_bytes(b"two")
    assert NeuralDownbeat().fingerprint() not in (first, "")
    monkeypatch.delenv(BEAT_THIS_VARIABLE)
    monkeypatch.setenv(NETWORK_VARIABLE, str(checkpoint))
    assert isinstance(activation_source(), FrameNetworkSource)
