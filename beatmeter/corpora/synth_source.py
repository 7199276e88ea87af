"""Rendered scores as a source of takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from beatmeter.corpora.perform.render import SAMPLE_RATE, Voicing, render
from beatmeter.corpora.perform.soundfonts import Soundfont
from beatmeter.corpora.piece import Performance
from beatmeter.corpora.source_excerpt import Take
from beatmeter.errors import DatasetError

LEAD_S = 1.0
"""Played before a take, and cut off."""

_KIT_SHARE = 0.5


class Performances(Protocol):
    """Where performances come from, such as a material pool."""

    def families_for(self, meters: tuple[int, ...]) -> tuple[str, ...]:
        """Name the families that have music in `meters`."""

    def draw_performance(
        self,
        seed: int,
        seconds: float,
        family: str | None = None,
        meters: tuple[int, ...] | None = None,
    ) -> Performance:
        """Draw a performance of `seconds`."""


class PlayedScores:
    """Performances, each played on soundfonts drawn for it.

    Parameters
    ----------
    performances : Performances
    soundfonts : sequence of Soundfont
        At least one with General MIDI; drum kits are used for the drums of half the takes.

    Raises
    ------
    DatasetError
        If none of the soundfonts has General MIDI.
    """

    def __init__(self, performances: Performances, soundfonts: Sequence[Soundfont]) -> None:
        self._performances = performances
        self._general = [soundfont for soundfont in soundfonts if not soundfont.is_kit]
        self._kits = [soundfont for soundfont in soundfonts if soundfont.is_kit]
        if not self._general:
            names = ", ".join(kit.name for kit in self._kits) or "none"
            raise DatasetError(f"soundfonts: {names} (allowed: at least one with General MIDI)")

    def families_for(self, meters: tuple[int, ...]) -> tuple[str, ...]:
        """Name the families that have music in `meters`."""
        return self._performances.families_for(meters)

    def draw_take(self, seed: int, seconds: float, family: str, meters: tuple[int, ...]) -> Take:
        """Draw a performance and what it is played on, and render it.

        What sounds before the take began rings on into it, as in a cut from a recording.
        """
        performance = self._performances.draw_performance(seed, seconds + LEAD_S, family, meters)
        has_drums = any(part.is_drums for part in performance.parts)
        voicing = self._draw_voicing(np.random.default_rng((seed, 1)), has_drums)
        kit = () if voicing.kit is None else (voicing.kit.name,)
        return Take(
            render(performance, voicing)[round(LEAD_S * SAMPLE_RATE) :],
            performance.meter,
            _after_lead(performance.beats),
            _after_lead(performance.downbeats),
            performance.origin,
            (voicing.general.name, *kit),
            {**performance.style, "parts": str(len(performance.parts))},
        )

    def _draw_voicing(self, rng: np.random.Generator, has_drums: bool) -> Voicing:
        general = self._general[rng.integers(len(self._general))]
        use_kit = rng.random() < _KIT_SHARE
        if not (has_drums and use_kit and self._kits):
            return Voicing(general)
        return Voicing(general, self._kits[rng.integers(len(self._kits))])


def _after_lead(times: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(time - LEAD_S for time in times if time >= LEAD_S)
