"""``beatmeter calibrate``: fit the ensemble on labelled music."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from beatmeter._util.progress import progress_bars, track
from beatmeter.datasets.audio_index import LabelledFile
from beatmeter.datasets.folder import joined, read_splits
from beatmeter.datasets.splits import SPLITS
from beatmeter.datasets.usable import not_used, refuse_if_bad
from beatmeter.evaluation.fit_report import sections
from beatmeter.evaluation.report.text import to_text
from beatmeter.fusion.fit.collection import (
    ClipEvidence,
    calibrated_signals,
    collect,
    evidence_code,
)
from beatmeter.fusion.fit.ensemble_fit import EnsembleFit, fit_ensemble
from beatmeter.fusion.weights import load_weights, write_weights
from beatmeter.signals.calibration import write_calibration

_CACHE = ".evidence"
HEARD_S = (math.inf, 10.0)
"""How much is heard of each clip: all, and as little as a window of the timeline may hold."""


@click.command()
@click.argument(
    "datasets",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(SPLITS),
    default=("train", "val"),
    show_default=True,
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for evidence and fits; by default .evidence in the dataset.",
)
@click.option("--write", is_flag=True, help="Store calibrations and weights in your data folder.")
def calibrate(
    datasets: tuple[Path, ...], splits: tuple[str, ...], jobs: int, cache: Path | None, write: bool
) -> None:
    """Fit calibrations and weights on DATASETS, folders of labelled clips.

    Every clip is heard whole, and once more for ten seconds only, so that confidence falls where
    little is heard; it counts as two. Prints accuracy, log loss and reliability on works that the
    fit has not seen. Weights of signals that have no calibration, such as W_MERT, stay as they are.
    Interrupted, it goes on where it stopped.
    """
    clips: list[ClipEvidence] = []
    for dataset in datasets:
        files = _files(dataset, splits)
        for seconds in HEARD_S:
            found = collect(files, cache or dataset / _CACHE, jobs, seconds)
            clips += track(found, f"evidence of {dataset.name}", total=len(files))
    fit = _fit(clips, cache or datasets[0] / _CACHE, jobs)
    click.echo(to_text(sections(fit)), nl=False)
    if write:
        _store(fit, clips)


def _files(dataset: Path, splits: tuple[str, ...]) -> list[LabelledFile]:
    """The clips of some splits; says what of them is not used, and refuses when that is much."""
    found = read_splits(dataset)
    labelled = joined([found[split] for split in splits])
    refuse_if_bad(labelled)
    for line in not_used(labelled):
        click.echo(f"{dataset}: {line}", err=True)
    return labelled.files


def _fit(clips: list[ClipEvidence], cache: Path, jobs: int) -> EnsembleFit:
    units = {name: signal.hidden_units for name, signal in calibrated_signals().items()}
    with progress_bars(transient=True) as bars:
        task = bars.add_task("calibrations")

        def tell(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        return fit_ensemble(clips, cache, units, jobs, tell)


def _store(fit: EnsembleFit, clips: list[ClipEvidence]) -> None:
    signals = calibrated_signals()
    for name, calibration in fit.calibrations.items():
        write_calibration(signals[name].calibration, calibration)
    weights = load_weights()
    rows = sorted((clip.clip.filename, clip.clip.meters) for clip in clips)
    fitted = {
        "clips": len(clips),
        "works": len({clip.clip.work for clip in clips}),
        "data": hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16],
        "code": evidence_code()[:16],
    }
    kept = weights.signals | {name: float(np.round(w, 4)) for name, w in fit.weights.items()}
    tuned = {name: told for name, told in weights.tuned.items() if name not in fit.weights}
    growth = round(fit.growth, 4)
    path = write_weights(replace(weights, signals=kept, fitted=fitted, tuned=tuned, growth=growth))
    click.echo(f"stored calibrations and weights in {path.parent}")
