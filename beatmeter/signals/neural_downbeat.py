"""How far apart a neural network hears downbeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.errors import Abstain
from beatmeter.features.beatsync import standardise
from beatmeter.meters import METERS
from beatmeter.signals.folding import LENGTHS, explained_variance, lag_similarity
from beatmeter.signals.neural_signal import NeuralSignal

if TYPE_CHECKING:
    from beatmeter.features.pulses import Pulse
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.activations import Activations


class NeuralDownbeat(NeuralSignal):
    """Spacing of the downbeats in a neural activation, on its own beats and on the tactus.

    A network may know some bars by heart and others by their sound only; therefore bars of each
    length are decoded separately over the same beats, and what counts is how far downbeats stand
    out, not the decoder's likelihood.
    """

    name = "neural_downbeat"

    @property
    def calibration(self) -> str:
        """Its own for the network of our own, one that was fitted to BeatNet for others."""
        from beatmeter.signals.neural.sources import FrameNetworkSource, activation_source

        own = activation_source().name == FrameNetworkSource.name
        return self.name if own else f"{self.name}_others"

    def hypotheses(self, rhythm: Rhythm) -> tuple[Sequence[Pulse], Floats]:
        """Folding, recurrence and decoded contrast of the downbeat logit: (pulses, 28)."""
        from beatmeter.signals.neural.pulses import FEWEST_BEATS, network_pulses

        activations = self.activations(rhythm)
        pulses = [rhythm.tactus, *network_pulses(rhythm)]
        usable = [pulse for pulse in pulses if len(pulse.beats) >= FEWEST_BEATS]
        if not usable:
            raise Abstain(f"too few beats were heard (needed: {FEWEST_BEATS})")
        return usable, np.array([_evidence_of(activations, pulse) for pulse in usable])


def _evidence_of(activations: Activations, pulse: Pulse) -> Floats:
    from beatmeter.signals.neural.bars import decode_bars, downbeat_logits

    logits = downbeat_logits(activations, pulse.beats)[:, None]
    scaled = standardise(logits)
    return np.concatenate(
        [
            explained_variance(logits)[:, 0],
            [lag_similarity(scaled, n) for n in LENGTHS],
            [
                decode_bars(activations, pulse.beats, n).contrast if len(logits) >= 2 * n else 0.0
                for n in METERS
            ],
        ]
    )
