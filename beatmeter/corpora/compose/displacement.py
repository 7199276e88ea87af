"""What all players do together against the bar: pushed or silent downbeats, and breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from beatmeter.corpora.compose.frame import Frame
from beatmeter.corpora.compose.groupings import heads
from beatmeter.corpora.piece import Note
from beatmeter.corpora.random import between, happens, pick

Layers: TypeAlias = dict[str, list[Note]]

_AT_ONCE = 0.03


def displaced(rng: np.random.Generator, frame: Frame, layers: Layers) -> Layers:
    """Push or silence some downbeats, and break off at the end of some sections.

    In most pieces few bars or none are concerned, in a few pieces every third one.
    """
    return _with_breaks(rng, frame, _with_pushes(rng, frame, layers))


def _with_pushes(rng: np.random.Generator, frame: Frame, layers: Layers) -> Layers:
    share = max(between(rng, -0.3, 0.35), 0.0)
    length = frame.bar_length
    lines = [bar * length for bar in range(1, len(frame.groupings)) if happens(rng, share)]
    pushed = {line for line in lines if happens(rng, 0.6)}
    silent = set(lines) - pushed
    early = frame.step if frame.divisions > 1 else 1.0

    def played(note: Note) -> Iterable[Note]:
        line = round(note.onset)
        if abs(note.onset - line) > _AT_ONCE or line not in pushed | silent:
            return (note,)
        if line in silent:
            return ()
        return (replace(note, onset=note.onset - early, duration=note.duration + early),)

    return _each(layers, played)


def _with_breaks(rng: np.random.Generator, frame: Frame, layers: Layers) -> Layers:
    """Sections end with one player alone, or with nobody, from a group head on."""
    share = max(between(rng, -0.3, 0.3), 0.0)
    breaks: list[tuple[float, float]] = []
    for section in frame.sections:
        if happens(rng, share):
            end = float((section.first_bar + section.bars) * frame.bar_length)
            last = frame.groupings[section.first_bar + section.bars - 1]
            breaks.append((end - frame.bar_length + pick(rng, heads(last)), end))
    soloist = pick(rng, [*layers, ""])

    def played(note: Note) -> Iterable[Note]:
        return () if any(start <= note.onset < end for start, end in breaks) else (note,)

    heard = _each({role: notes for role, notes in layers.items() if role != soloist}, played)
    return {role: heard.get(role, notes) for role, notes in layers.items()}


def _each(layers: Layers, played: Callable[[Note], Iterable[Note]]) -> Layers:
    return {
        role: sorted((n for note in notes for n in played(note)), key=lambda note: note.onset)
        for role, notes in layers.items()
    }
