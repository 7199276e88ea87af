"""The plots of an evaluation, each drawn on given axes of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beatmeter.evaluation.metrics import class_confusion, top_class
from beatmeter.evaluation.plots import BLUE, QUIET, RED, YELLOW, draw_bars, draw_matrix, put_legend
from beatmeter.meters import METERS
from beatmeter_mert.diagnostics.coactivation import cooccurrence, correlations
from beatmeter_mert.diagnostics.confidence import (
    GAP_BANDS,
    Quadrant,
    confidence_gaps,
    quadrants,
)
from beatmeter_mert.diagnostics.evaluation import class_figures
from beatmeter_mert.diagnostics.predictions import Predictions
from beatmeter_mert.diagnostics.second_meter import measure_thresholds, second_probabilities
from beatmeter_mert.model.prediction import binary_entropy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = [str(meter) for meter in METERS]
_QUADRANT_COLOURS = {
    Quadrant.CONFIDENT: BLUE,
    Quadrant.HESITANT: QUIET,
    Quadrant.LEAKAGE_RISK: RED,
    Quadrant.POLYRHYTHM_CANDIDATE: YELLOW,
}


def draw_classes(axes: Axes, predictions: Predictions) -> None:
    """Recall, average precision and F1 of each meter."""
    classes = class_figures(predictions)
    heights = {
        "recall": [figures.recall for figures in classes],
        "average precision": [figures.average_precision for figures in classes],
        "F1": [figures.f1 for figures in classes],
    }
    draw_bars(axes, [f"{figures.meter}\n{figures.clips} clips" for figures in classes], heights)


def draw_confusion(axes: Axes, predictions: Predictions) -> None:
    """Clips by true and most probable meter, shaded by their share of the row."""
    counts = class_confusion(predictions.probabilities, predictions.labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    draw_matrix(axes, shares, counts.astype(str), _NAMES, _NAMES)
    axes.set_xlabel("most probable meter")
    axes.set_ylabel("true meter")


def draw_correlations(axes: Axes, predictions: Predictions) -> None:
    """Correlation of the probabilities of each two meters."""
    matrix = correlations(predictions.probabilities)
    texts = np.where(np.isnan(matrix), "", np.char.mod("%.2f", matrix))
    draw_matrix(axes, matrix, texts, _NAMES, _NAMES, "RdBu_r", lowest=-1.0)


def draw_cooccurrence(axes: Axes, predictions: Predictions) -> None:
    """Clips in which each two meters are probable."""
    counts = cooccurrence(predictions.probabilities)
    draw_matrix(axes, counts / max(1, counts.max()), counts.astype(str), _NAMES, _NAMES, "Oranges")


def draw_gaps(axes: Axes, predictions: Predictions) -> None:
    """How many clips have which gap between the two highest probabilities."""
    gaps = confidence_gaps(predictions.probabilities)
    axes.hist(gaps, bins=[edge / 40 for edge in range(41)], color=BLUE)
    for band in GAP_BANDS:
        axes.axvline(band, color=QUIET, linestyle="--", linewidth=1)
    axes.axvline(float(np.median(gaps)), color=YELLOW, label="median")
    axes.set_xlabel("highest less second highest probability")
    axes.set_ylabel("clips")
    put_legend(axes, 1)


def draw_quadrants(axes: Axes, predictions: Predictions) -> None:
    """Every clip by its gap and its entropy."""
    probabilities = predictions.probabilities
    gaps, entropies = confidence_gaps(probabilities), binary_entropy(probabilities)
    place = np.array([quadrant.value for quadrant in quadrants(probabilities)])
    for quadrant, colour in _QUADRANT_COLOURS.items():
        here = place == quadrant.value
        axes.scatter(
            gaps[here], entropies[here], s=9, color=colour, label=quadrant.value, rasterized=True
        )
    axes.axvline(float(np.median(gaps)), color=QUIET, linewidth=0.8)
    axes.axhline(float(np.median(entropies)), color=QUIET, linewidth=0.8)
    axes.set_xlabel("gap")
    axes.set_ylabel("normalised binary entropy")
    put_legend(axes, 4)


def draw_second_probabilities(axes: Axes, predictions: Predictions) -> None:
    """Second probability of every clip of one meter, by its top class, and the percentiles."""
    single = predictions.labels.sum(axis=1) == 1
    second = second_probabilities(predictions.probabilities[single])
    top = top_class(predictions.probabilities[single])
    jitter = np.random.default_rng(0).uniform(-0.25, 0.25, len(second))
    axes.scatter(top + jitter, second, s=6, color=BLUE, alpha=0.5, rasterized=True)
    parts = measure_thresholds(predictions.probabilities, predictions.labels).by_predicted
    for percentile, colour in (("p95", YELLOW), ("p99", RED)):
        for column, part in enumerate(parts):
            value = getattr(part, percentile)
            if value is not None:
                axes.hlines(value, column - 0.35, column + 0.35, color=colour, linewidth=2)
        axes.plot([], [], color=colour, linewidth=2, label=f"{percentile[1:]}th percentile")
    axes.set_xticks(range(len(METERS)), _NAMES)
    axes.set_xlim(-0.5, len(METERS) - 0.5)
    axes.set_ylim(0, 1)
    axes.set_xlabel("most probable meter")
    axes.set_ylabel("second highest probability")
    put_legend(axes, 2)
