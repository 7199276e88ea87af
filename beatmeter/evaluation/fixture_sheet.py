"""A contact sheet: recordings as onset envelopes with their bars, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from beatmeter.audio.decode import Samples, load
from beatmeter.datasets.fixtures.annotations import Annotation, read_annotations
from beatmeter.datasets.fixtures.manifest import Fixture
from beatmeter.datasets.fixtures.sets import FixtureSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_S = 14.0
_COLUMNS = 2


@dataclass(frozen=True)
class Strip:
    """One recording of a sheet.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        Hz.
    """

    title: str
    samples: Samples
    sample_rate: int
    annotation: Annotation


def fixture_strips(fixture_set: FixtureSet, each: int) -> list[Strip]:
    """Load the first `each` fixtures of every category of every meter."""
    annotations = read_annotations(fixture_set.folder)
    chosen: dict[tuple[int, ...], dict[str, Fixture]] = {}
    for fixture in fixture_set.fixtures:
        chosen.setdefault(fixture.meters, {}).setdefault(fixture.category, fixture)
    strips = []
    for categories in chosen.values():
        for fixture in list(categories.values())[:each]:
            samples, rate = load(fixture_set.path_of(fixture))
            meters = " against ".join(map(str, fixture.meters))
            title = f"{fixture.id}: {meters}, {fixture.category}, {fixture.work}"
            strips.append(Strip(title, samples, rate, annotations[fixture.id]))
    return strips


def draw_sheet(strips: Sequence[Strip], path: Path) -> None:
    """Draw strips below each other: root of the onset envelope, thin beats and thick bars.

    Parameters
    ----------
    path : Path
        PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(strips) // _COLUMNS)
    figure = Figure(figsize=(9 * _COLUMNS, 1.25 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axis, strip in zip(axes, strips, strict=False):
        _draw_strip(axis, strip)
    for axis in axes[len(strips) :]:
        axis.set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)


def _draw_strip(axis: Axes, strip: Strip) -> None:
    from beatmeter.features.rhythm import Rhythm

    shown = strip.samples[: round(SHOWN_S * strip.sample_rate)]
    rhythm = Rhythm(shown, strip.sample_rate)
    envelope = np.sqrt(np.maximum(rhythm.onset_envelope, 0))
    axis.fill_between(np.arange(len(envelope)) / rhythm.frame_rate, envelope, lw=0, color="0.35")
    for beat in strip.annotation.beats:
        axis.axvline(beat, color="tab:blue", lw=0.5)
    for downbeat in strip.annotation.downbeats:
        axis.axvline(downbeat, color="tab:red", lw=1.6, alpha=0.8)
    axis.set_xlim(0, len(shown) / strip.sample_rate)
    axis.set_title(strip.title[:110], fontsize=8, loc="left")
    axis.set_yticks([])
    axis.tick_params(labelsize=7)
