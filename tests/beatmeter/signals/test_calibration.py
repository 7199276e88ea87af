"""From raw evidence to probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from beatmeter._util.fitted import DATA_VARIABLE
from beatmeter.errors import Abstain, WeightsError
from beatmeter.features.pulses import Pulse
from beatmeter.features.rhythm import Rhythm
from beatmeter.fusion.fit.calibrator import n_parameters
from beatmeter.meters import METERS
from beatmeter.signals import beatmeter_signals
from beatmeter.signals.calibration import (
    N_CONTEXT,
    Calibration,
    load_calibration,
    pulse_context,
    write_calibration,
)

SIGNALS = {signal.name: signal for signal in beatmeter_signals()}


def random_calibration(size: int, seed: int = 0, units: int = 3) -> Calibration:
    rng = np.random.default_rng(seed)
    return Calibration(
        rng.normal(size=size).tolist(),
        rng.uniform(0.5, 2.0, size).tolist(),
        rng.normal(size=(size, len(METERS))).tolist(),
        rng.normal(size=len(METERS)).tolist(),
        rng.normal(size=N_CONTEXT).tolist(),
        rng.normal(size=(units, size + N_CONTEXT)).tolist(),
        rng.normal(size=units).tolist(),
        rng.normal(size=(units, len(METERS))).tolist(),
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the user's calibrations."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    load_calibration.cache_clear()
    yield tmp_path / "calibrations"
    load_calibration.cache_clear()


@pytest.mark.parametrize("units", [0, 3])
def test_what_is_written_is_read_again(folder, units):
    written = random_calibration(5, units=units)
    assert write_calibration("fresh", written) == folder / "fresh.json"
    read = load_calibration("fresh")
    rng = np.random.default_rng(1)
    evidence, pulses = rng.normal(size=(4, 5)), rng.normal(size=(4, N_CONTEXT))
    np.testing.assert_allclose(
        read.probabilities(evidence, pulses), written.probabilities(evidence, pulses), rtol=1e-4
    )
    assert Calibration(**vars(read)).to_json() == read.to_json()
    assert [path.name for path in folder.iterdir()] == ["fresh.json"]


def test_without_a_calibration_a_signal_cannot_speak(folder):
    with pytest.raises(Abstain, match=r"^no calibration for fresh: .*beatmeter calibrate"):
        load_calibration("fresh")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"mean": 1}', b"\xff"])
def test_a_file_that_is_no_calibration_is_named(folder, content):
    folder.mkdir()
    (folder / "fresh.json").write_bytes(content)
    with pytest.raises(WeightsError, match=r"fresh\.json: is no calibration"):
        load_calibration("fresh")


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3, 1e9])
def test_probabilities_sum_to_one_whatever_the_evidence(scale):
    rng = np.random.default_rng(2)
    for seed in range(10):
        pulses = rng.normal(size=(6, N_CONTEXT))
        found = random_calibration(5, seed).probabilities(scale * rng.normal(size=(6, 5)), pulses)
        assert found.shape == (len(METERS),)
        assert found.sum() == pytest.approx(1.0)
        assert found.min() >= 0.0


def test_evidence_beyond_four_deviations_says_no_more():
    fitted = random_calibration(5)
    far = np.array(fitted.mean) + 4.0 * np.array(fitted.scale)
    farther = np.array(fitted.mean) + 400.0 * np.array(fitted.scale)
    pulses = np.zeros((1, N_CONTEXT))
    assert fitted.logits(farther[None], pulses) == pytest.approx(fitted.logits(far[None], pulses))


def test_hidden_units_add_to_what_the_evidence_says_by_itself():
    fitted = random_calibration(5, units=2)
    plain = replace(fitted, hidden=[], hidden_bias=[], output=[])
    rng = np.random.default_rng(4)
    evidence, pulses = rng.normal(size=(3, 5)), rng.normal(size=(3, N_CONTEXT))
    added = fitted.logits(evidence, pulses) - plain.logits(evidence, pulses)
    for row in range(3):
        standardised = np.clip((evidence[row] - fitted.mean) / fitted.scale, -4, 4)
        heard = [*standardised, *pulses[row]]
        units = [
            np.tanh(np.dot(weights, heard) + bias)
            for weights, bias in zip(fitted.hidden, fitted.hidden_bias, strict=True)
        ]
        np.testing.assert_allclose(added[row], units @ np.array(fitted.output))


def test_hypotheses_are_summed_out_over_pulses():
    fitted = random_calibration(3)
    rng = np.random.default_rng(3)
    evidence, pulses = rng.normal(size=(4, 3)), rng.normal(size=(4, N_CONTEXT))
    joint = np.exp(fitted.logits(evidence, pulses))
    np.testing.assert_allclose(
        fitted.probabilities(evidence, pulses), joint.sum(axis=0) / joint.sum()
    )


def test_the_context_of_a_pulse_is_salience_and_tempo_in_octaves():
    beats = np.arange(5.0)
    found = pulse_context([Pulse(150.0, beats, 0.7), Pulse(75.0, beats, 0.2)])
    np.testing.assert_allclose(found, [[0.7, 0.0, 0.0], [0.2, -1.0, 1.0]])


@pytest.mark.parametrize("name", SIGNALS)
def test_every_signal_has_a_calibration_that_fits_its_evidence(name, drum_pattern):
    signal = SIGNALS[name]
    if reason := signal.unavailable():
        pytest.skip(reason)
    fitted = load_calibration(name)
    pulses, evidence = signal.hypotheses(Rhythm(drum_pattern(4, 120.0, 0), 22050))
    size = evidence.shape[1]
    assert evidence.shape[0] == len(pulses) > 0
    assert np.isfinite(evidence).all()
    assert len(fitted.mean) == len(fitted.scale) == len(fitted.matrix) == size
    assert {len(row) for row in fitted.matrix} == {len(fitted.bias)} == {len(METERS)}
    assert len(fitted.context) == N_CONTEXT
    assert min(fitted.scale) > 0
    assert len(fitted.hidden) == len(fitted.hidden_bias) == len(fitted.output)
    assert len(fitted.hidden) == signal.hidden_units
    numbers = sum(np.size(part) for part in vars(fitted).values()) - 2 * size
    assert numbers == n_parameters(size, signal.hidden_units)
