"""What a neural network says of the length of the bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.errors import Abstain
from beatmeter.signals.neural_signal import NeuralSignal
from beatmeter.signals.subdivision import Subdivision

if TYPE_CHECKING:
    from beatmeter.features.pulses import Pulse
    from beatmeter.features.rhythm import Rhythm


class NeuralMeter(NeuralSignal):
    """The bar-length head of the network of our own, over the whole recording.

    At every frame the head says how probable bars of 2 to 12 beats and longer ones are, and that
    there are none. The means over time of the log probabilities (what holds throughout) and
    the logarithms of the mean probabilities (what holds somewhere) are the evidence, and how the
    network's beats are divided and grouped: three beats that divide in three are a bar of 9.
    """

    name = "neural_meter"
    hidden_units = 8

    def unavailable(self) -> str | None:
        """What is missing, or None."""
        from beatmeter.signals.neural.sources import FrameNetworkSource, activation_source

        source = activation_source()
        if source.name != FrameNetworkSource.name:
            return f"{source.name} does not tell the length of the bar"
        return source.unavailable()

    def hypotheses(self, rhythm: Rhythm) -> tuple[Sequence[Pulse], Floats]:
        """Mean log probability, and log mean probability, of each length; the beats: (1, 58)."""
        from beatmeter.signals.neural.pulses import network_pulses

        reason = self.unavailable()
        if reason is not None:
            raise Abstain(reason)
        logs = self.activations(rhythm).bar_logs
        assert logs is not None, "a network of our own tells the length of the bar"
        lasting, somewhere = logs.mean(axis=0), np.log(np.exp(logs).mean(axis=0))
        pulses = network_pulses(rhythm)[:1] or (rhythm.tactus,)
        divided = Subdivision().evidence(rhythm.on(pulses))
        return pulses, np.concatenate([lasting, somewhere, divided[0]])[None]
