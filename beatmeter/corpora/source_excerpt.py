"""Takes: labelled music that sounds, before effects, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from beatmeter.audio.samples import Samples
from beatmeter.corpora.piece import Meter, Origin


@dataclass(frozen=True)
class Take:
    """Dry music with its labels.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
        Mono, at :data:`~beatmeter.corpora.perform.render.SAMPLE_RATE`.
    meter : Meter
    beats, downbeats : tuple of float
        Seconds from the first sample.
    origin : Origin
    sounds : tuple of str
        The soundfonts it is played on; empty for recordings.
    style : dict of str to str
        Whatever else its maker tells, for the labels.
    """

    samples: Samples
    meter: Meter
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]
    origin: Origin
    sounds: tuple[str, ...] = ()
    style: dict[str, str] = field(default_factory=dict)


class Source(Protocol):
    """Something that makes takes: rendered scores, spliced recordings."""

    def families_for(self, meters: tuple[int, ...]) -> tuple[str, ...]:
        """Name the ways it has of making music in `meters`."""

    def draw_take(self, seed: int, seconds: float, family: str, meters: tuple[int, ...]) -> Take:
        """Draw a take of `seconds`; the same arguments give the same samples."""
