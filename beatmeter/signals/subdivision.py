"""Bars of beats that divide in three, against bars of beats that divide in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter._util.arrays import Floats
from beatmeter.features.subdivision import (
    subdivision_profiles,
    ternary_probability,
    thirds_over_half,
)
from beatmeter.signals.accent_folding import AccentFolding
from beatmeter.signals.calibrated import PulseSignal
from beatmeter.signals.folding import LENGTHS

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm

BARS = (2, 3, 4, 6)
"""Beats in a bar of 6/8 or 2/4, of 9/8 or 3/4, of 12/8 or 4/4, and in two bars of 9/8 or 3/4."""


class Subdivision(PulseSignal):
    """How beats are divided, together with how many of them make a bar.

    Two ternary beats are a bar of 3 (6/8), three of 9 (9/8), four of 4 (12/8). Neither the
    subdivision nor the number of beats tells the meter by itself, therefore their product is
    evidence, too.
    """

    name = "subdivision"
    hidden_units = 8

    def evidence(self, rhythm: Rhythm) -> Floats:
        """Strengths within the beat, explained variances of bars, both times: (pulses, 32)."""
        beats = [pulse.beats for pulse in rhythm.pulses]
        profiles = subdivision_profiles(rhythm.onset_envelope, rhythm.frame_rate, beats)
        ternary = ternary_probability(profiles)[:, None]
        folded = rhythm.evidence(AccentFolding.name, AccentFolding().evidence)
        wanted = [LENGTHS.index(length) for length in BARS]
        bars = folded.reshape(len(beats), len(LENGTHS), -1)[:, wanted].reshape(len(beats), -1)
        return np.hstack(
            [
                profiles[:, [0, 4, 8, 6]],
                profiles[:, [3, 9]].mean(axis=1, keepdims=True),
                profiles[:, [2, 10]].mean(axis=1, keepdims=True),
                thirds_over_half(profiles)[:, None],
                ternary,
                bars,
                ternary * bars,
            ]
        )
