"""Analyses as outputs meet them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from beatmeter.analysis import Analysis


@pytest.fixture
def without_bars() -> Callable[[Analysis], Analysis]:
    """Takes the bars away from an analysis; its beats stay."""

    def bare(analysis: Analysis) -> Analysis:
        (segment, *_) = analysis.segments
        grid = replace(segment.grid, positions=0 * segment.grid.positions, grouping=None)
        return replace(analysis, segments=(replace(segment, grid=grid),))

    return bare
