"""The pulses that a network's beats offer: at their own rate, and cut into two and three."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter.features.beatsync import subdivide
from beatmeter.features.pulses import Pulse, salience
from beatmeter.signals.neural.bars import Times, decode_beats
from beatmeter.signals.neural.sources import activations_of

if TYPE_CHECKING:
    from beatmeter.features.rhythm import Rhythm
    from beatmeter.signals.neural.activations import Activations

FEWEST_BEATS = 4
RELATED = ("own", "doubled", "first_half", "second_half", "tripled")
"""The beats that are heard, and what is made of them."""
_SUBDIVISIONS = (1, 2, 3)


def network_pulses(rhythm: Rhythm) -> tuple[Pulse, ...]:
    """Pulses on the decoded beats, their own rate first; none where too few beats are heard.

    Raises
    ------
    Abstain
        If the network cannot run here.
    """
    return rhythm.evidence("network_pulses", _decoded)


def network_beats(rhythm: Rhythm) -> Times:
    """The beats of the network that is listened to, in seconds.

    Raises
    ------
    Abstain
        If the network cannot run here.
    """
    return beats_of(activations_of(rhythm), rhythm)


def beats_of(activations: Activations, rhythm: Rhythm) -> Times:
    """Beats in seconds, decoded once a recording."""
    # Kept with their beats, so that no others can come to have the same identity.
    kept = rhythm.heard(
        f"beats of {id(activations)}", lambda _: (activations, decode_beats(activations))
    )
    return kept[1]


def _decoded(rhythm: Rhythm) -> tuple[Pulse, ...]:
    beats = network_beats(rhythm)
    if len(beats) < FEWEST_BEATS:
        return ()
    return tuple(as_pulse(subdivide(beats, divisions), rhythm) for divisions in _SUBDIVISIONS)


def related_beats(beats: Times) -> dict[str, Times]:
    """Beats in seconds at each rate of ``RELATED`` at which there are enough of them."""
    if len(beats) < FEWEST_BEATS:
        return {}
    made = (beats, subdivide(beats, 2), beats[::2], beats[1::2], subdivide(beats, 3))
    rates = zip(RELATED, made, strict=True)
    return {name: times for name, times in rates if len(times) >= FEWEST_BEATS}


def related_pulses(beats: Times, rhythm: Rhythm) -> list[Pulse]:
    """The pulses of :func:`related_beats`."""
    return [as_pulse(times, rhythm) for times in related_beats(beats).values()]


def as_pulse(times: Times, rhythm: Rhythm) -> Pulse:
    """Beats in seconds, two or more, as a pulse of a recording."""
    frames = np.round(times * rhythm.frame_rate).astype(np.int64)
    inside = frames[frames < len(rhythm.onset_envelope)]
    bpm = 60.0 / float(np.median(np.diff(times)))
    return Pulse(bpm, times, salience(rhythm.onset_envelope, inside))
