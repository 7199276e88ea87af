"""Clips: finished audio with everything that is known about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from beatmeter.audio.samples import Samples
from beatmeter.corpora.effects.chain import apply_effects
from beatmeter.corpora.effects.warp import draw_warp, warp
from beatmeter.corpora.perform.render import SAMPLE_RATE
from beatmeter.corpora.source_excerpt import Source


@dataclass(frozen=True)
class ClipLabels:
    """What is known about a clip.

    Attributes
    ----------
    meters : tuple of int
        Of ``beatmeter.meters.METERS``, ascending; two in polymeter.
    time_signature : str
    grouping : tuple of int
        Beats of each group within the bar.
    beats, downbeats : tuple of float
        Seconds from the first sample, within the clip.
    tempo_bpm : float
        Median beats a minute; 0 with fewer than two beats.
    family : str
        The way it was made.
    source, work, licence : str
        As in :class:`~beatmeter.corpora.piece.Origin`.
    seed : int
        What the clip was drawn from.
    soundfonts, effects : tuple of str
        By name; effects in order.
    style : dict of str to str
    """

    meters: tuple[int, ...]
    time_signature: str
    grouping: tuple[int, ...]
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    tempo_bpm: float
    family: str
    source: str
    work: str
    licence: str
    seed: int
    soundfonts: tuple[str, ...]
    effects: tuple[str, ...]
    style: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the labels as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ClipLabels:
        """Read what :meth:`as_json` gave, lists as tuples."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)


@dataclass(frozen=True)
class Clip:
    """Finished audio and its labels.

    Attributes
    ----------
    samples : ndarray of float32, shape (round(seconds * SAMPLE_RATE),)
        Mono, within -1 to 1.
    labels : ClipLabels
    """

    samples: Samples
    labels: ClipLabels


def make_clip(
    source: Source, seed: int, seconds: float, family: str, meters: tuple[int, ...]
) -> Clip:
    """Make a clip; the same arguments give the same samples and labels.

    Parameters
    ----------
    source : Source
    seed : int >= 0
    seconds : float
        Length of the clip.
    family : str
        One of ``source.families_for(meters)``.
    meters : tuple of int
        Ascending.

    Returns
    -------
    Clip
        Changes of tempo are in the labels' times.
    """
    change = draw_warp(np.random.default_rng((seed, 2)))
    take = source.draw_take(seed, seconds * change.rate, family, meters)
    warped = _fit(warp(take.samples, SAMPLE_RATE, change), round(seconds * SAMPLE_RATE))
    samples, effects = apply_effects(warped, np.random.default_rng((seed, 3)))
    beats = _moved(take.beats, change.rate, seconds)
    labels = ClipLabels(
        meters=take.meter.meters,
        time_signature=take.meter.time_signature,
        grouping=take.meter.grouping,
        beats=beats,
        downbeats=_moved(take.downbeats, change.rate, seconds),
        tempo_bpm=_tempo(beats),
        family=family,
        source=take.origin.source,
        work=take.origin.work,
        licence=take.origin.licence,
        seed=seed,
        soundfonts=take.sounds,
        effects=(*change.describe(), *effects),
        style=take.style,
    )
    return Clip(samples, labels)


def _fit(samples: Samples, length: int) -> Samples:
    """Cut or pad the few samples that a change of tempo is off by."""
    return np.pad(samples[:length], (0, max(length - len(samples), 0)))


def _moved(times: tuple[float, ...], rate: float, seconds: float) -> tuple[float, ...]:
    return tuple(round(time / rate, 4) for time in times if 0 <= time / rate < seconds)


def _tempo(beats: tuple[float, ...]) -> float:
    if len(beats) < 2:
        return 0.0
    return round(60 / float(np.median(np.diff(beats))), 2)
