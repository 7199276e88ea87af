"""What the networks that hear beats and bars cost, by themselves and in a whole analysis.

``pytest benchmarks/test_network_cost.py -s`` prints CPU seconds for 30 s of audio, and CPU seconds
and peak memory of ``beatmeter analyze`` on the bundled recording with each network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from beatmeter.features.rhythm import Rhythm
from beatmeter.signals.neural.beatnet import BeatNetSource
from beatmeter.signals.neural.sources import NETWORK_VARIABLE
from beatmeter.signals.neural_bars import NeuralBars

RATE = 22050
SECONDS = 30
ROUNDS = 9
MOST_CPU_S = 0.15
MAIN = "from beatmeter.cli import main; main()"
WITHOUT_TORCH = f"""
import importlib.abc, sys
class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("torch is hidden")
sys.meta_path.insert(0, Hidden())
{MAIN}
"""
DEMO = next(Path(__file__).parents[1].glob("docs/demo/*.opus"))


def test_the_networks_hear_30_s_within_their_cpu_time():
    time_s = np.arange(SECONDS * RATE) / RATE
    noise = np.random.default_rng(0).standard_normal(SECONDS * RATE)
    drummed = noise * np.exp(-8.0 * (time_s % 0.5))
    of_frames, of_bars = [], []
    for _ in range(ROUNDS + 1):
        rhythm, signal = Rhythm(drummed, RATE), NeuralBars()
        rhythm.pulses  # noqa: B018 - found beforehand, as other signals need them
        start = time.process_time()
        signal.activations(rhythm)
        of_frames.append(time.process_time() - start)
        start = time.process_time()
        signal.hypotheses(rhythm)
        signal.bars(rhythm)
        of_bars.append(time.process_time() - start)
    frames, bars = median(of_frames[1:]), median(of_bars[1:])
    print(f"\nspectrogram and network: {frames:.3f} CPU s for {SECONDS} s of audio")
    print(f"beats, and the network of bars on all pulses: {bars:.3f} CPU s")
    assert frames <= MOST_CPU_S


@pytest.mark.parametrize(
    ("name", "program", "network"),
    [("ours", MAIN, ""), ("ours, torch hidden", WITHOUT_TORCH, ""), ("BeatNet", MAIN, "beatnet")],
)
def test_an_analysis(name, program, network):
    if network and (reason := BeatNetSource().unavailable()):
        pytest.skip(reason)
    environment = {**os.environ, NETWORK_VARIABLE: network, "OMP_NUM_THREADS": "1"}
    spent, peaks = [], []
    for _ in range(4):  # the first warms byte code and the disk's cache
        command = [sys.executable, "-c", program, "analyze", "--json", str(DEMO)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # waited for, not by Popen
        assert process.returncode == 0
        spent.append(usage.ru_utime + usage.ru_stime)
        peaks.append(usage.ru_maxrss / 1024)
    print(f"\nanalyze, {name}: {median(spent[1:]):.2f} CPU s, {median(peaks[1:]):.0f} MB")
