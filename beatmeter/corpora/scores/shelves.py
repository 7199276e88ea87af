"""Scores sorted for drawing: by family, then by work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from beatmeter.corpora.random import pick
from beatmeter.corpora.scores.index import ScoreRun

SCORE_FAMILIES: dict[str, str] = {
    "lieder": "openscore-lieder",
    "quartets": "openscore-quartets",
    "bands": "freedoom",
    "drums": "groove",
}
"""Families that play scores as they are, and the sources they take."""

OWN_SCORES = "scores"
"""The family of all other sources: a user's own."""

Shelf: TypeAlias = dict[str, tuple[tuple[ScoreRun, ...], ...]]
"""Runs by family and work."""

_FAMILY_OF = {source: family for family, source in SCORE_FAMILIES.items()}


def shelve(runs: Iterable[ScoreRun]) -> Shelf:
    """Sort runs by family and work."""
    works: dict[str, dict[str, list[ScoreRun]]] = {}
    for run in runs:
        family = works.setdefault(_FAMILY_OF.get(run.source, OWN_SCORES), {})
        family.setdefault(run.work, []).append(run)
    return {
        family: tuple(tuple(works[family][work]) for work in sorted(works[family]))
        for family in sorted(works)
    }


def draw_run(rng: np.random.Generator, shelf: Shelf, family: str | None = None) -> ScoreRun:
    """A family unless given, then a work, then a run: long works and large sources weigh alike."""
    return pick(rng, pick(rng, shelf[family or pick(rng, list(shelf))]))
