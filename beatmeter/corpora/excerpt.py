"""A stretch of whole bars out of a piece."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from beatmeter.corpora.piece import Note, Part, Piece


def draw_excerpt(rng: np.random.Generator, piece: Piece, beats: float) -> Piece:
    """Whole bars of `piece` from a random bar line on.

    Parameters
    ----------
    rng : np.random.Generator
    piece : Piece
    beats : float
        Least length; a shorter piece is kept whole, but for its pickup.

    Returns
    -------
    Piece
        Beginning with a downbeat at beat 0.
    """
    bars = len(piece.downbeats) - 1
    length = bar_beats(piece)
    wanted = min(math.ceil(beats / length), bars)
    first = int(rng.integers(bars - wanted + 1))
    start, end = piece.downbeats[first], piece.downbeats[first + wanted]
    return replace(
        piece,
        parts=tuple(
            part for part in (_cut(part, start, end) for part in piece.parts) if part.notes
        ),
        beats=tuple(float(beat) for beat in range(wanted * length + 1)),
        downbeats=tuple(float(beat) for beat in range(0, wanted * length + 1, length)),
    )


def bar_beats(piece: Piece) -> int:
    """Beats of a bar of `piece`."""
    return round(piece.downbeats[1] - piece.downbeats[0])


def _cut(part: Part, start: float, end: float) -> Part:
    return replace(
        part,
        notes=tuple(
            Note(
                note.onset - start,
                min(note.duration, end - note.onset),
                note.pitch,
                note.velocity,
            )
            for note in part.notes
            if start <= note.onset < end
        ),
    )
