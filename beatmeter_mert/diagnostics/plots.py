"""The plots of an evaluation, as figures of matplotlib."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.accuracy import top_class
from beatmeter_mert.diagnostics.confidence import (
    GAP_BANDS,
    Quadrant,
    binary_entropies,
    confidence_gaps,
    quadrants,
)
from beatmeter_mert.diagnostics.evaluation import Evaluation
from beatmeter_mert.diagnostics.second_meter_threshold import second_probabilities

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Plot = Callable[[Evaluation, "Axes"], None]

_BLUE, _ORANGE, _GREY = "#3b6ea5", "#d9822b", "#8a8f98"
_QUADRANT_COLOURS = {
    Quadrant.CONFIDENT: _BLUE,
    Quadrant.HESITANT: _GREY,
    Quadrant.LEAKAGE_RISK: "#b5383e",
    Quadrant.POLYRHYTHM_CANDIDATE: _ORANGE,
}
_POSITIONS = np.arange(len(METERS))


def plot(key: str, evaluation: Evaluation) -> Figure | None:
    """Draw the plot of a section, if it has one.

    Parameters
    ----------
    key : str
        The section's.
    evaluation : Evaluation
    """
    if key not in PLOTS:
        return None
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.0), dpi=130, layout="constrained")
    PLOTS[key](evaluation, figure.add_subplot())
    return figure


def _classes(evaluation: Evaluation, axes: Axes) -> None:
    bars = (
        ("recall", _BLUE, [figures.recall for figures in evaluation.classes]),
        ("average precision", _ORANGE, [f.average_precision for f in evaluation.classes]),
        ("F1", _GREY, [figures.f1 for figures in evaluation.classes]),
    )
    for offset, (label, colour, heights) in zip((-0.27, 0.0, 0.27), bars, strict=True):
        axes.bar(_POSITIONS + offset, np.nan_to_num(heights), 0.25, label=label, color=colour)
    clips = [f"{figures.meter}\n{figures.clips} clips" for figures in evaluation.classes]
    axes.set_xticks(_POSITIONS, clips)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _confusion(evaluation: Evaluation, axes: Axes) -> None:
    counts = evaluation.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    _matrix(axes, shares, counts.astype(str), "Blues", 0.0)
    axes.set_xlabel("most probable meter")
    axes.set_ylabel("true meter")


def _correlations(evaluation: Evaluation, axes: Axes) -> None:
    matrix = evaluation.correlations
    texts = np.where(np.isnan(matrix), "", np.char.mod("%.2f", matrix))
    _matrix(axes, matrix, texts, "RdBu_r", -1.0)


def _cooccurrence(evaluation: Evaluation, axes: Axes) -> None:
    counts = evaluation.cooccurrence
    share = counts / max(1, counts.max())
    _matrix(axes, share, counts.astype(str), "Oranges", 0.0)


def _gaps(evaluation: Evaluation, axes: Axes) -> None:
    gaps = confidence_gaps(evaluation.predictions.probabilities)
    axes.hist(gaps, bins=[edge / 40 for edge in range(41)], color=_BLUE)
    for band in GAP_BANDS:
        axes.axvline(band, color=_GREY, linestyle="--", linewidth=1)
    axes.axvline(evaluation.gap.median, color=_ORANGE, label="median")
    axes.set_xlabel("highest less second highest probability")
    axes.set_ylabel("clips")
    axes.legend(frameon=False)


def _quadrants(evaluation: Evaluation, axes: Axes) -> None:
    probabilities = evaluation.predictions.probabilities
    gaps, entropies = confidence_gaps(probabilities), binary_entropies(probabilities)
    place = np.array([quadrant.value for quadrant in quadrants(probabilities)])
    for quadrant, colour in _QUADRANT_COLOURS.items():
        here = place == quadrant.value
        axes.scatter(gaps[here], entropies[here], s=9, color=colour, label=quadrant.value)
    axes.axvline(evaluation.gap.median, color=_GREY, linewidth=0.8)
    axes.axhline(evaluation.entropy.median, color=_GREY, linewidth=0.8)
    axes.set_xlabel("gap")
    axes.set_ylabel("normalised binary entropy")
    axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _noise_floor(evaluation: Evaluation, axes: Axes) -> None:
    predictions = evaluation.predictions
    single = predictions.labels.sum(axis=1) == 1
    second = second_probabilities(predictions.probabilities[single])
    top = top_class(predictions.probabilities[single])
    jitter = np.random.default_rng(0).uniform(-0.25, 0.25, len(second))
    axes.scatter(top + jitter, second, s=6, color=_BLUE, alpha=0.5)
    for column, floor in enumerate(evaluation.noise_floor.by_predicted):
        if floor.p95 is not None:
            axes.hlines(floor.p95, column - 0.35, column + 0.35, color=_ORANGE, linewidth=2)
        if floor.p99 is not None:
            axes.hlines(floor.p99, column - 0.35, column + 0.35, color="#b5383e", linewidth=2)
    axes.plot([], [], color=_ORANGE, linewidth=2, label="95th percentile")
    axes.plot([], [], color="#b5383e", linewidth=2, label="99th percentile")
    axes.set_xticks(_POSITIONS, [str(meter) for meter in METERS])
    axes.set_xlim(-0.5, len(METERS) - 0.5)
    axes.set_ylim(0, 1)
    axes.set_xlabel("most probable meter")
    axes.set_ylabel("second highest probability")
    axes.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))


def _reliability(evaluation: Evaluation, axes: Axes) -> None:
    bins = evaluation.reliability
    said = [bin_.mean_probability for bin_ in bins]
    true = [bin_.share_true for bin_ in bins]
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="as it should be")
    axes.plot(said, true, color=_BLUE, marker="o", label="as it is")
    for bin_ in bins:
        place = (bin_.mean_probability, bin_.share_true)
        axes.annotate(
            str(bin_.n), place, textcoords="offset points", xytext=(5, -11), fontsize=7, color=_GREY
        )
    axes.set_xlabel("mean probability")
    axes.set_ylabel("share true")
    axes.set_aspect("equal")
    axes.legend(frameon=False)


def _matrix(
    axes: Axes,
    values: npt.NDArray[np.float64],
    texts: npt.NDArray[np.str_],
    colours: str,
    lowest: float,
) -> None:
    axes.imshow(values, cmap=colours, vmin=lowest, vmax=1.0)
    for row, column in np.ndindex(values.shape):
        dark = abs(values[row, column]) > 0.6
        colour = "white" if dark else "black"
        axes.text(column, row, str(texts[row, column]), ha="center", va="center", color=colour)
    names = [str(meter) for meter in METERS]
    axes.set_xticks(_POSITIONS, names)
    axes.set_yticks(_POSITIONS, names)


PLOTS: dict[str, Plot] = {
    "classes": _classes,
    "confusion": _confusion,
    "correlations": _correlations,
    "cooccurrence": _cooccurrence,
    "gaps": _gaps,
    "quadrants": _quadrants,
    "noise_floor": _noise_floor,
    "reliability": _reliability,
}
"""The plot of each section that has one."""
