"""Kept scores."""

from __future__ import annotations

import pytest

from beatmeter.evaluation.score_cache import ScoreCache
from beatmeter.meters import MeterScores, Polyrhythm, ScoreKind


@pytest.mark.parametrize(
    "scores",
    [
        MeterScores((0.1, 0.2, 0.3, 1 / 3, 0.0, 1e-17)),
        MeterScores(
            (0.9, 0.8, 0.1, 0.1, 0.0, 0.0),
            ScoreKind.INDEPENDENT,
            Polyrhythm((3, 4), 0.8, 0.4, found=True),
        ),
    ],
)
def test_what_is_kept_is_found_to_the_last_bit(tmp_path, scores):
    cache = ScoreCache(tmp_path)
    cache.put("audio", "identity", scores)
    assert cache.get("audio", "identity") == scores
    assert cache.get("other audio", "identity") is None
    assert cache.get("audio", "other identity") is None
