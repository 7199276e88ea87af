"""Labelled clips made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from beatmeter.datasets.labels import LabelledClip


@pytest.fixture
def make_clip() -> Callable[..., LabelledClip]:
    """``make_clip(filename, meters, work)``: a clip that is its own work unless said otherwise."""

    def make(
        filename: str = "a.wav", meters: Sequence[int] = (3,), work: str | None = None
    ) -> LabelledClip:
        return LabelledClip(filename, tuple(meters), None, work or filename)

    return make
