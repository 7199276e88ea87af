"""The bundled recording, heard as a user would have it heard."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import soundfile

from beatmeter.audio.decode import load
from beatmeter.output.jsonl import json_schema
from beatmeter.plugins import DISABLE_VARIABLE, load_plugins
from beatmeter.signals import beatmeter_signals

RECORDING = Path(__file__).parents[3] / "docs" / "demo" / "escape-from-chaosland.opus"
BPM = 135.0
"""As its attribution says."""


def test_the_bundled_recording_is_read_whole_by_any_reader():
    samples, rate = soundfile.read(RECORDING, dtype="float32")
    ours, our_rate = load(RECORDING)
    assert (len(samples), rate) == (len(ours), our_rate) == (30 * 48_000, 48_000)
    np.testing.assert_allclose(ours, samples, atol=1e-5)


@pytest.fixture
def built_in_only(monkeypatch):
    monkeypatch.setenv(DISABLE_VARIABLE, "all")
    load_plugins.cache_clear()
    yield
    load_plugins.cache_clear()


def test_the_bundled_recording_is_heard_as_4_4(built_in_only, beatmeter):
    ran = beatmeter("analyze", "--json", "--timeline", str(RECORDING))
    assert (ran.code, ran.err) == (0, "")
    (line,) = ran.out.splitlines()
    analysis = json.loads(line)
    jsonschema.Draft202012Validator(json_schema()).validate(analysis)
    assert (analysis["meter"], analysis["time_signature"]) == (4, "4/4")
    assert analysis["tempo_bpm"] == pytest.approx(BPM, rel=0.01)
    assert analysis["duration_s"] == pytest.approx(30.0, abs=0.1)
    assert analysis["confidence"] == analysis["scores"]["4"]
    asked = [*analysis["signals"], *analysis["not_asked"]]
    assert sorted(asked) == sorted(signal.name for signal in beatmeter_signals())
    assert all(signal["weight"] > 0 for signal in analysis["signals"].values())
    assert analysis["timeline"][-1]["end_s"] == pytest.approx(analysis["duration_s"])
