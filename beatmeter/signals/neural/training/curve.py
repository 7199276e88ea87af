"""The curve of a training run as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from beatmeter.signals.neural.training.run_folder import CURVE

PICTURE = "curve.png"
FRAME_LABELS = {"beat": "beats, F", "downbeat": "downbeats, F", "bar": "bar length"}


def plot_curve(out: Path, labels: Mapping[str, str] = FRAME_LABELS) -> None:
    """Draw loss and figures against steps into ``curve.png``.

    Parameters
    ----------
    out : Path
        Folder of a run.
    labels : mapping of str to str
        The figures to draw, and what they are called.
    """
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in (out / CURVE).read_text(encoding="utf-8").splitlines()]
    steps = [line["step"] for line in lines]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, label in labels.items():
        axes.plot(steps, [line[name] for line in lines], marker=".", label=label)
    axes.set(xlabel="steps", ylabel="on clips held out", ylim=(0, 1))
    axes.legend(loc="lower right")
    beside = axes.twinx()
    beside.plot(steps, [line["loss"] for line in lines], color="0.6", linestyle="--")
    beside.set_ylabel("loss (dashed)")
    figure.savefig(out / PICTURE, dpi=120)
