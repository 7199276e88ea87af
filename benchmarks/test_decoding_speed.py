"""How fast recordings are decoded, and how much memory a two-hour one takes.

    pytest benchmarks/test_decoding_speed.py -s

Five minutes of stereo in each format are read by BeatMeter (PyAV, in excerpts of 30 s, mixed to
mono), by libsndfile in one piece, and by the ffmpeg program where one is on PATH, in CPU seconds,
the children's included. Two hours are read as an analysis reads them: 24 excerpts of 30 s.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from beatmeter.audio.decode import open_recording

RATE = 48000
SECONDS = 300
EXCERPT_S = 30.0
HOURS = 2
CODECS = {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "m4a": "aac",
    "opus": "libopus",
    "webm": "libopus",
    "wv": "wavpack",
}
MOST_MEMORY_MIB = 120
"""Beyond what the modules take: a few copies of 30 s of stereo, and the decoder's buffers."""
READ_AS_AN_ANALYSIS = r"""
import re, sys, time
from pathlib import Path
import numpy, scipy.fft, av
from beatmeter.audio.decode import open_recording
from beatmeter.audio.excerpts import excerpts
def peak():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before, begun = peak(), time.process_time()
with open_recording(sys.argv[1]) as recording:
    opened = time.process_time()
    for start, end in excerpts(recording.duration_s):
        recording.read(start, end)
    print(recording.duration_s, opened - begun, time.process_time() - begun, peak() - before)
"""


def music(seconds: float) -> np.ndarray:
    """Decaying notes and noise in two channels: shape (n, 2)."""
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    notes = np.sin(2 * np.pi * 220 * 2 ** ((time // 0.5) % 12 / 12) * time)
    decay = np.exp(-6 * (time % 0.5))
    noise = rng.standard_normal((len(time), 2))
    return (0.3 * (notes * decay)[:, None] + 0.02 * noise).astype(np.float32)


def code(path: Path, codec: str, seconds: float) -> Path:
    """Code some music."""
    with av.open(path, "w") as file:
        stream: Any = file.add_stream(codec, RATE, layout="stereo")
        sizes = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(stream.codec_context.format, "stereo", RATE, sizes)
        frame = av.AudioFrame.from_ndarray(music(seconds).reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path


def lengthen(path: Path, hours: float) -> Path:
    """Repeat the packets of a file until it is so many hours long."""
    target = path.with_stem("hours")
    with av.open(path) as source, av.open(target, "w") as file:
        stream = source.streams.audio[0]
        copy = file.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        length = packets[2].duration or 0
        kept = [(bytes(packet), packet.time_base) for packet in packets[2:-2]]
        at, number = 0, 0
        while at * kept[0][1] < hours * 3600:
            content, time_base = kept[number % len(kept)]
            packet = av.Packet(content)
            packet.time_base, packet.stream = time_base, copy
            packet.pts = packet.dts = at
            packet.duration = length
            file.mux(packet)
            at, number = at + length, number + 1
    return target


def cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def by_beatmeter(path: Path) -> None:
    with open_recording(path) as recording:
        for start_s in np.arange(0.0, recording.duration_s, EXCERPT_S):
            recording.read(start_s, start_s + EXCERPT_S)


def by_soundfile(path: Path) -> None:
    soundfile.read(path, dtype="float32")


def by_ffmpeg(path: Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-f", "f32le", "-"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


READERS = {"beatmeter": by_beatmeter, "libsndfile": by_soundfile}
if shutil.which("ffmpeg"):
    READERS["ffmpeg"] = by_ffmpeg


def test_speed(tmp_path):
    print(f"\n{SECONDS} s of stereo, times real time, best of 3 in CPU time")
    print("format", *(f"{name:>11}" for name in READERS))
    for suffix, codec in CODECS.items():
        path = code(tmp_path / f"a.{suffix}", codec, SECONDS)
        row = []
        for reader in READERS.values():
            spent = []
            try:
                for _ in range(3):
                    before = cpu_s()
                    reader(path)
                    spent.append(cpu_s() - before)
            except soundfile.LibsndfileError:
                row.append(f"{'refused':>11}")
            else:
                row.append(f"{SECONDS / min(spent):11.0f}")
        print(f"{suffix:6}", *row)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux only")
@pytest.mark.parametrize("suffix", ["mp3", "m4a", "opus", "flac"])
def test_two_hours_take_no_more_memory_than_an_excerpt(tmp_path, suffix):
    path = lengthen(code(tmp_path / f"a.{suffix}", CODECS[suffix], 120), HOURS)
    command = [sys.executable, "-c", READ_AS_AN_ANALYSIS, str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    duration_s, opening_s, reading_s, memory_mib = map(float, output.split())
    print(
        f"\n{suffix}: {duration_s:.0f} s, {path.stat().st_size / 2**20:.0f} MiB: open "
        f"{opening_s:.2f} s, 24 excerpts {reading_s:.2f} s of CPU, {memory_mib:.0f} MiB more"
    )
    assert duration_s == pytest.approx(HOURS * 3600, abs=1)
    assert memory_mib < MOST_MEMORY_MIB
