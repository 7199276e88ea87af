"""What is left of 500 damaged recordings in nine formats: no traceback, no hang, little lost.

    pytest benchmarks/test_decoding_fuzz.py -s

Each file is damaged in one of eight ways, drawn by its number, and read by BeatMeter and, where one
is on PATH, by the ffmpeg program. The seconds that each gets out of them are told by format; sound
that was decoded counts, silence in place of a hole does not.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from beatmeter.audio.decode import open_recording
from beatmeter.errors import AudioError, AudioWarning

COUNT = 500
RATE = 48000
SECONDS = 6.0
LONGEST_S = 60
"""A file that takes longer than this hangs; most take a hundredth of a second."""
LEAST_SHARE = 0.98
FORMATS = {
    "wav": ("pcm_s16le", None),
    "aiff": ("pcm_s16be", None),
    "flac": ("flac", None),
    "mp3": ("libmp3lame", None),
    "m4a": ("aac", None),
    "aac": ("aac", "adts"),
    "opus": ("libopus", None),
    "webm": ("libopus", None),
    "wma": ("wmav2", "asf"),
}


def code(path: Path, codec: str, container: str | None) -> bytes:
    """Noise under a swell: none of it is silent."""
    rng = np.random.default_rng(1)
    time = np.arange(round(SECONDS * RATE)) / RATE
    samples = (rng.uniform(-0.4, 0.4, len(time)) * (0.6 + 0.4 * np.sin(7 * time))).astype(
        np.float32
    )
    with av.open(path, "w", format=container) as file:
        stream: Any = file.add_stream(codec, RATE, layout="mono")
        stream.bit_rate = 96000
        size = stream.codec_context.frame_size or 4096
        resampler = av.AudioResampler(stream.codec_context.format, "mono", RATE, size)
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path.read_bytes()


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """Bits turned; stretches overwritten, zeroed, cut out, put in or doubled; the end; the head."""
    size = len(content)
    at = int(rng.integers(size))
    length = int(rng.integers(1, size // 8))
    broken = bytearray(content)
    kind = rng.integers(8)
    if kind == 0:
        for place in rng.integers(size, size=20):
            broken[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        broken[at : at + length] = rng.bytes(len(broken[at : at + length]))
    elif kind == 2:
        broken[at : at + length] = bytes(len(broken[at : at + length]))
    elif kind == 3:
        del broken[at : at + length]
    elif kind == 4:
        broken[at:at] = rng.bytes(length)
    elif kind == 5:
        broken[at:at] = broken[at : at + length]
    elif kind == 6:
        del broken[max(at, 200) :]
    else:
        for place in rng.integers(min(size, 400), size=3):
            broken[place] = int(rng.integers(256))
    return bytes(broken)


@contextmanager
def no_hang(name: str) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise AssertionError(f"{name}: took more than {LONGEST_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def seconds_read(path: Path) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        with contextlib.suppress(AudioError), open_recording(path) as recording:
            samples = recording.read(0.0, recording.duration_s)
            return np.count_nonzero(samples) / recording.sample_rate
    return 0.0


def seconds_by_ffmpeg(path: Path) -> float:
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-i", str(path), "-map", "0:a:0", "-ac", "1"]
    command += ["-ar", str(RATE), "-f", "f32le", "-"]
    output = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST_S).stdout
    return np.count_nonzero(np.frombuffer(output[: len(output) // 4 * 4], "<f4")) / RATE


def test_damaged_recordings(tmp_path):
    whole = {suffix: code(tmp_path / f"whole.{suffix}", *how) for suffix, how in FORMATS.items()}
    has_ffmpeg = shutil.which("ffmpeg") is not None
    ours = dict.fromkeys(FORMATS, 0.0)
    theirs = dict.fromkeys(FORMATS, 0.0)
    shared = dict.fromkeys(FORMATS, 0.0)
    for number in range(COUNT):
        suffix = list(FORMATS)[number % len(FORMATS)]
        path = tmp_path / f"{number}.{suffix}"
        path.write_bytes(damage(whole[suffix], np.random.default_rng(number)))
        with no_hang(path.name):
            read_s = seconds_read(path)
        ours[suffix] += read_s
        if has_ffmpeg:
            ffmpeg_s = seconds_by_ffmpeg(path)
            theirs[suffix] += ffmpeg_s
            shared[suffix] += min(read_s, ffmpeg_s)
            if read_s < 0.9 * ffmpeg_s - 0.1:
                print(f"{path.name}: {read_s:.2f} s of {ffmpeg_s:.2f} s")
        path.unlink()
    print(f"\n{COUNT} damaged recordings of {SECONDS:.0f} s; seconds read")
    print("format  beatmeter   ffmpeg    of it")
    for suffix in FORMATS:
        share = f"{shared[suffix] / theirs[suffix]:8.1%}" if has_ffmpeg else ""
        print(f"{suffix:6} {ours[suffix]:10.1f} {theirs[suffix]:8.1f} {share}")
    if has_ffmpeg:
        of_all = sum(shared.values()) / sum(theirs.values())
        print(f"of what ffmpeg reads, {of_all:.2%} is read")
        assert of_all >= LEAST_SHARE
