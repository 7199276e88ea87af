"""Which instruments play a piece."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from beatmeter.corpora.piece import Part
from beatmeter.corpora.random import happens, pick

DRUM_KITS = (0, 0, 0, 8, 16, 24, 25, 32, 40, 48)

ENSEMBLES: dict[str, dict[str, tuple[int, ...]]] = {
    "piano": {"any": (0, 1, 2, 3)},
    "strings": {"any": (48, 49, 45), "melody": (40, 41, 42), "bass": (42, 43)},
    "guitars": {"any": (24, 25, 26, 27), "bass": (32, 33, 34), "melody": (24, 25, 26, 105)},
    "rock band": {"any": (27, 29, 30, 18), "bass": (33, 34, 36), "melody": (29, 30, 81, 65)},
    "jazz band": {"any": (0, 26, 4, 11), "bass": (32, 35), "melody": (56, 59, 64, 65, 66, 71)},
    "winds": {"any": (68, 69, 70, 71, 73), "bass": (70, 58), "melody": (68, 71, 73, 75)},
    "brass": {"any": (57, 60, 61, 62), "bass": (58, 57), "melody": (56, 59, 60)},
    "balkan band": {
        "any": (21, 22, 61, 105),
        "bass": (58, 32, 33),
        "melody": (71, 56, 21, 40, 110),
    },
    "anatolian": {
        "any": (104, 105, 107, 24, 46),
        "bass": (42, 43, 32),
        "melody": (71, 75, 104, 111, 40),
    },
    "west african": {"any": (108, 12, 24, 46), "bass": (33, 43), "melody": (12, 108, 73, 46)},
    "mallets": {"any": (8, 9, 10, 11, 12, 13), "bass": (12, 43, 32)},
    "synthesizers": {"any": (80, 81, 88, 89, 90, 95), "bass": (38, 39, 87), "melody": (80, 81, 84)},
    "electric": {"any": (4, 5, 16, 27), "bass": (33, 38), "melody": (27, 80, 73, 4)},
    "organ": {"any": (16, 18, 19, 20), "bass": (19, 43, 32)},
    "harpsichord": {"any": (6, 7), "bass": (42, 43, 70), "melody": (6, 40, 68, 73)},
    "choir": {"any": (52, 53, 48, 19), "bass": (43, 52), "melody": (52, 53, 54, 68)},
    "folk": {"any": (24, 25, 21, 15), "bass": (32, 43), "melody": (40, 72, 73, 74, 109, 110, 22)},
}
"""General MIDI programs by role; a role without its own list plays from ``any``."""

_AS_WRITTEN_SHARE = 0.25  # of pieces that keep the programs of the score
_STRANGER_SHARE = 0.15  # of parts played by an instrument of another ensemble


def cast(rng: np.random.Generator, parts: tuple[Part, ...]) -> tuple[str, tuple[Part, ...]]:
    """Give every part an instrument.

    Returns
    -------
    str
        Name of the ensemble, or ``"as written"``.
    tuple of Part
        The parts, of the same notes.
    """
    if happens(rng, _AS_WRITTEN_SHARE):
        return "as written", parts
    name = pick(rng, tuple(ENSEMBLES))
    return name, tuple(replace(part, program=_program(rng, name, part)) for part in parts)


def _program(rng: np.random.Generator, name: str, part: Part) -> int:
    if not part.is_drums and happens(rng, _STRANGER_SHARE):
        name = pick(rng, tuple(ENSEMBLES))
    return draw_program(rng, name, part)


def draw_program(rng: np.random.Generator, name: str, part: Part) -> int:
    """One of the programs on which an ensemble plays a part; of drums, any kit."""
    players = ENSEMBLES[name]
    return pick(rng, DRUM_KITS if part.is_drums else players.get(part.role, players["any"]))
