"""Draw where the clicks of ``--clicks`` fall on six recordings.

    python docs/draw_clicks.py OUT.png FILE FILE FILE FILE FILE FILE

Eight seconds from the middle of each: the waveform, and what the clicks add to it, tall on
downbeats. A bar line that misses its stroke is seen at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import beatmeter
from beatmeter.audio.decode import load

SHOWN_S = 8.0
POINTS = 4000


def main(target: Path, sources: list[Path]) -> None:
    """Draw the figure into a PNG file."""
    figure, panels = plt.subplots(len(sources), 1, figsize=(10.0, 1.5 * len(sources)))
    for axes, source in zip(np.atleast_1d(panels), sources, strict=True):
        samples, rate = load(source)
        analysis = beatmeter.analyze(source)
        start = max(0.0, (len(samples) / rate - SHOWN_S) / 2)
        shown = samples[round(start * rate) : round((start + SHOWN_S) * rate)]
        step = max(1, len(shown) // POINTS)
        peaks = np.abs(shown[: len(shown) // step * step]).reshape(-1, step).max(axis=1)
        times = start + np.arange(len(peaks)) * step / rate
        axes.fill_between(times, -peaks, peaks, color="#8a97a3", linewidth=0)
        height = 1.1 * float(peaks.max())
        for time, place in zip(analysis.beats, analysis.positions, strict=True):
            if start <= time < start + SHOWN_S:
                colour, reach = ("#d1495b", height) if place == 1 else ("#22313f", 0.5 * height)
                axes.vlines(time, -reach, reach, color=colour, linewidth=0.9)
        axes.set(xlim=(start, start + SHOWN_S), yticks=[])
        told = f"{source.stem}: {analysis.time_signature}, {analysis.tempo_bpm:.0f} BPM"
        axes.set_title(told, fontsize=8, loc="left")
    figure.tight_layout()
    figure.savefig(target, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
