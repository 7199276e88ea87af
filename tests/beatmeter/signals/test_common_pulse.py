"""All evidence on a common pulse."""

from __future__ import annotations

import numpy as np

from beatmeter.features.rhythm import Rhythm
from beatmeter.signals import beatmeter_signals
from beatmeter.signals.accent_folding import AccentFolding
from beatmeter.signals.common_pulse import CommonPulse
from beatmeter.signals.metrogram import Metrogram

RATE = 22050


class Counted(AccentFolding):
    def __init__(self):
        self.gathered = 0

    def evidence(self, rhythm):
        self.gathered += 1
        return super().evidence(rhythm)


def test_every_pulse_has_what_each_signal_found_on_it(drum_pattern):
    rhythm = Rhythm(drum_pattern(5, 140.0, 0), RATE)
    signals = (Metrogram(), AccentFolding())
    pulses, found = CommonPulse(signals).hypotheses(rhythm)
    assert pulses == rhythm.pulses
    np.testing.assert_array_equal(found, np.hstack([s.evidence(rhythm) for s in signals]))


def test_evidence_is_gathered_once_for_both_who_want_it(drum_pattern):
    counted = Counted()
    for rounds in (1, 2):
        rhythm = Rhythm(drum_pattern(3, 140.0, rounds), RATE)
        CommonPulse([counted]).hypotheses(rhythm)
        counted.score(rhythm)
        assert counted.gathered == rounds


def test_it_listens_to_every_signal_on_pulses_but_itself(drum_pattern):
    signals = {signal.name: signal for signal in beatmeter_signals()}
    rhythm = Rhythm(drum_pattern(4, 120.0, 0), RATE)
    sizes = {
        name: signal.hypotheses(rhythm)[1].shape[1]
        for name, signal in signals.items()
        if not name.startswith("neural_")
    }
    assert sizes.pop("common_pulse") == sum(sizes.values())
