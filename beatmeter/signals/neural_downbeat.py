"""How far apart a neural network hears downbeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.hashing import hash_files
from beatmeter.errors import Abstain
from beatmeter.features.beatsync import standardise, subdivide
from beatmeter.features.pulses import Pulse, salience
from beatmeter.meters import METERS
from beatmeter.signals.calibrated import CalibratedSignal
from beatmeter.signals.folding import LENGTHS, Floats, explained_variance, lag_similarity

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.activations import Activations

_SUBDIVISIONS = (1, 2, 3)
_FEWEST_BEATS = 4


class NeuralDownbeat(CalibratedSignal):
    """Spacing of the downbeats in a neural activation, on its own beats and on the tactus.

    The network is BeatNet, or a Beat This! checkpoint of the user's. It knows bars of 3 and 4 by
    heart and others by their sound; therefore bars of each length are decoded separately over the
    same beats, and what counts is how far downbeats stand out, not the decoder's likelihood.
    """

    name = "neural_downbeat"

    def unavailable(self) -> str | None:
        """What has to be installed, or None."""
        from beatmeter.signals.neural.activations import activation_source

        return activation_source().unavailable()

    def fingerprint(self) -> str:
        """Hashes of the network's files."""
        from beatmeter.signals.neural.activations import activation_source

        paths = activation_source().weight_files()
        return " ".join(hash_files(path.parent, [path]) for path in paths)

    def activations(self, rhythm: Rhythm) -> Activations:
        """What the network hears: computed once a recording, for this signal and for the grid.

        Raises
        ------
        Abstain
            If the network is not installed.
        """
        from beatmeter.signals.neural.activations import activation_source

        reason = self.unavailable()
        if reason is not None:
            raise Abstain(reason)
        return rhythm.evidence(f"{self.name}/activations", activation_source().activations)

    def hypotheses(self, rhythm: Rhythm) -> tuple[Sequence[Pulse], Floats]:
        """Folding, recurrence and decoded contrast of the downbeat logit: (pulses, 28)."""
        activations = self.activations(rhythm)
        pulses = [rhythm.tactus, *_neural_pulses(activations, rhythm)]
        usable = [pulse for pulse in pulses if len(pulse.beats) >= _FEWEST_BEATS]
        if not usable:
            raise Abstain(f"too few beats were heard (needed: {_FEWEST_BEATS})")
        return usable, np.array([_evidence_of(activations, pulse) for pulse in usable])


def _neural_pulses(activations: Activations, rhythm: Rhythm) -> list[Pulse]:
    from beatmeter.signals.neural.bars import decode_beats

    beats = decode_beats(activations)
    if len(beats) < _FEWEST_BEATS:
        return []
    found = []
    for divisions in _SUBDIVISIONS:
        times = subdivide(beats, divisions)
        frames = np.round(times * rhythm.frame_rate).astype(np.int64)
        inside = frames[frames < len(rhythm.onset_envelope)]
        bpm = 60.0 / float(np.median(np.diff(times)))
        found.append(Pulse(bpm, times, salience(rhythm.onset_envelope, inside)))
    return found


def _evidence_of(activations: Activations, pulse: Pulse) -> Floats:
    from beatmeter.signals.neural.bars import decode_bars, downbeat_logits

    logits = downbeat_logits(activations, pulse.beats)[:, None]
    scaled = standardise(logits)
    return np.concatenate(
        [
            [explained_variance(logits, n)[0] for n in LENGTHS],
            [lag_similarity(scaled, n) for n in LENGTHS],
            [
                decode_bars(activations, pulse.beats, n).contrast if len(logits) >= 2 * n else 0.0
                for n in METERS
            ],
        ]
    )
