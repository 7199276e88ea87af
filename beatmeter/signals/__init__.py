"""The built-in signals, offered through the same hook as any third party's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beatmeter.hookspecs import hookimpl

if TYPE_CHECKING:
    from beatmeter.signal import Signal


@hookimpl
def beatmeter_signals() -> list[Signal]:
    """Offer seven signals, one that takes them together, and three of the networks."""
    from beatmeter.signals.accent_folding import AccentFolding
    from beatmeter.signals.bar_similarity import BarSimilarity
    from beatmeter.signals.beat_histogram import BeatHistogram
    from beatmeter.signals.common_pulse import CommonPulse
    from beatmeter.signals.harmonic_change import HarmonicChange
    from beatmeter.signals.metrogram import Metrogram
    from beatmeter.signals.neural_bars import NeuralBars
    from beatmeter.signals.neural_downbeat import NeuralDownbeat
    from beatmeter.signals.neural_meter import NeuralMeter
    from beatmeter.signals.onset_autocorrelation import OnsetAutocorrelation
    from beatmeter.signals.subdivision import Subdivision

    on_pulses = [
        OnsetAutocorrelation(),
        AccentFolding(),
        Metrogram(),
        BeatHistogram(),
        HarmonicChange(),
        BarSimilarity(),
        Subdivision(),
    ]
    return [*on_pulses, CommonPulse(on_pulses), NeuralDownbeat(), NeuralMeter(), NeuralBars()]
