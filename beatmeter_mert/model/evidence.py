"""The ensemble's evidence of rhythm as one vector, for a head that hears it beside MERT.

The built-in signals gather evidence on each of the pulses of a recording. The vector holds each
value's maximum over the pulses and its mean, weighted by their salience, then salience and tempo of
the tactus. Nothing is computed twice: a signal that was asked about the same ``Rhythm`` keeps what
it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from beatmeter.errors import Abstain
from beatmeter.features.rhythm import ANALYSIS_RATE, Rhythm
from beatmeter_mert.errors import CheckpointError

Vector = npt.NDArray[np.float32]

_VERSION = 1
_PROBE_S = 10
_SALIENCE_CONTRAST = 4.0
"""How much more a salient pulse counts in the mean."""


@dataclass(frozen=True)
class Evidence:
    """What the signals found in one recording.

    Attributes
    ----------
    values : ndarray of float32, shape (n,)
    layout : str
        Version, then the name of each signal and how many values a pulse it has.
    """

    values: Vector
    layout: str


def gather(rhythm: Rhythm) -> Evidence | None:
    """Gather the evidence of the built-in signals; None where there are too few beats for it."""
    from beatmeter.plugins import installed_signals
    from beatmeter.signals.calibrated import PulseSignal, require_beats
    from beatmeter.signals.calibration import pulse_context
    from beatmeter.signals.common_pulse import CommonPulse

    try:
        require_beats(rhythm)
    except Abstain:
        return None
    found = {
        name: signal.hypotheses(rhythm)[1]
        for name, signal in sorted(installed_signals().items())
        if isinstance(signal, PulseSignal) and not isinstance(signal, CommonPulse)
    }
    rows = np.hstack(list(found.values()))
    context = pulse_context(rhythm.pulses)
    weights = np.exp(_SALIENCE_CONTRAST * (context[:, 0] - context[:, 0].max()))
    mean = weights @ rows / weights.sum()
    values = np.concatenate([rows.max(axis=0), mean, context[0]])
    layout = " ".join(f"{name}:{part.shape[1]}" for name, part in found.items())
    return Evidence(values.astype(np.float32), f"{_VERSION} {layout}")


@cache
def rhythm_layout() -> tuple[str, int]:
    """The layout of what :func:`gather` gathers here, and how many values that is."""
    clicks = np.zeros(_PROBE_S * ANALYSIS_RATE, np.float32)
    clicks[:: ANALYSIS_RATE // 2] = 1.0
    found = gather(Rhythm(clicks, ANALYSIS_RATE))
    assert found is not None, "two clicks a second are beats"
    return found.layout, len(found.values)


def joined(parts: Sequence[Evidence | None]) -> Evidence | None:
    """Put evidence of several kinds behind each other; None if any is missing."""
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    values = np.concatenate([part.values for part in there])
    return Evidence(values, " + ".join(part.layout for part in there))


def row_for(wanted: str, size: int, evidence: Evidence | None) -> Vector:
    """Give evidence as the row that a head wants: NaN where there is none.

    Parameters
    ----------
    wanted : str
        Layout that the head was trained with.
    size : int
        Its number of values.
    evidence : Evidence or None

    Raises
    ------
    CheckpointError
        If the layouts differ.
    """
    if evidence is None:
        return np.full(size, np.nan, np.float32)
    if (evidence.layout, len(evidence.values)) != (wanted, size):
        raise CheckpointError(
            f"head: wants evidence {wanted!r}, {size} values (this BeatMeter gathers "
            f"{evidence.layout!r}, {len(evidence.values)} values: train the head again)"
        )
    return evidence.values
