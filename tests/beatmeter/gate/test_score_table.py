"""Fusion of many fixtures at once is the ensemble's."""

from __future__ import annotations

import numpy as np

from beatmeter.errors import Abstain
from beatmeter.evaluation.score_table import ScoreTable
from beatmeter.fusion.pool import fuse
from beatmeter.meters import METERS, MeterScores, ScoreKind


def test_answers_are_those_of_the_ensemble(make_fixture):
    rng = np.random.default_rng(0)
    names = ("one", "two", "three")
    scores = [
        {
            name: MeterScores.from_array(rng.uniform(0, 1, 6), ScoreKind.INDEPENDENT)
            for name in names
            if rng.uniform() < 0.6
        }
        for _ in range(200)
    ]
    table = ScoreTable.from_scores([make_fixture(str(row)) for row in range(200)], scores)
    weights = {"one": 0.3, "two": 1.2, "three": 0.0, "unheard": 0.4}
    prior = dict(zip(METERS, (1.0, 1.3, 0.6, 0.6, 0.4, 0.3), strict=True))

    def answer(row: dict[str, MeterScores], exponent: float = 1.0) -> int:
        try:
            return fuse(row, weights, prior, exponent).meter
        except Abstain:
            return 0

    expected = [answer(row) for row in scores]
    assert 0 in expected
    assert table.answers(weights, prior).tolist() == expected
    exponents = rng.uniform(0.2, 2.0, 200)
    longer = [answer(row, exponent) for row, exponent in zip(scores, exponents, strict=True)]
    assert table.answers(weights, prior, exponents).tolist() == longer
    assert longer != expected
