"""Clips: finished audio with everything that is known about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from beatmeter.audio.samples import Samples


@dataclass(frozen=True)
class ClipLabels:
    """What is known about a clip.

    Attributes
    ----------
    meters : tuple of int
        Of ``beatmeter.meters.METERS``, ascending; two in polymeter.
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
    """

    samples: Samples
    labels: ClipLabels
