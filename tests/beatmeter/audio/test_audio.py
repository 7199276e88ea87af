"""Recordings of every format, and everything that can be wrong with one."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from beatmeter.audio import decode as audio
from beatmeter.audio.source import open_source
from beatmeter.errors import AudioError, AudioWarning

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
NATIVE = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("FLAC", "PCM_24"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
]


def wav_header(data_bytes: int) -> bytes:
    """Of 16-bit mono at 8 kHz."""
    riff = struct.pack("<4sI4s", b"RIFF", 36 + data_bytes, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16)
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


def sine(sample_rate: int, seconds: float = 3.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * sample_rate)) / sample_rate)


@pytest.mark.parametrize(("container", "subtype"), NATIVE)
def test_every_native_format_gives_the_sound_that_went_in(write_audio, container, subtype):
    samples = sine(48000)
    path = write_audio("a", samples, 48000, format=container, subtype=subtype)

    heard, rate = audio.load(path)

    assert rate == 48000
    assert abs(len(heard) - len(samples)) <= 0.05 * rate
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), [("m4a", "aac"), ("webm", "libopus")])
def test_ffmpeg_decodes_the_rest(write_audio, tmp_path, suffix, codec):
    source = write_audio("a.wav", sine(48000), 48000)
    path = tmp_path / f"-a.{suffix}"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-c:a", codec, f"file:{path}"]
    subprocess.run(command, check=True)

    heard, rate = audio.load(path)

    assert len(heard) / rate == pytest.approx(3.0, abs=0.1)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_without_ffmpeg_its_formats_are_refused_by_name(write_audio, monkeypatch):
    path = write_audio("a.wav", sine(8000), 8000).with_suffix(".m4a")
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(AudioError, match=r"\.m4a needs ffmpeg"):
        audio.load(path)


@pytest.mark.parametrize("sample_rate", [8000, 192000])
def test_any_sample_rate(write_audio, sample_rate):
    heard, rate = audio.load(write_audio("a.wav", sine(sample_rate), sample_rate))
    assert rate == sample_rate
    np.testing.assert_allclose(heard, sine(sample_rate), atol=1e-4)


def test_eight_channels_become_their_mean(write_audio):
    channels = np.random.default_rng(0).uniform(-0.5, 0.5, (24000, 8)).astype(np.float32)
    heard, _ = audio.load(write_audio("a.wav", channels, 8000, subtype="FLOAT"))
    np.testing.assert_allclose(heard, channels.mean(axis=1), atol=1e-6)


def test_channels_that_cancel_are_heard_all_the_same(write_audio):
    samples = sine(8000)
    path = write_audio("a.wav", np.stack([samples, -samples], axis=1), 8000)
    heard, _ = audio.load(path)
    np.testing.assert_allclose(np.abs(heard), np.abs(samples), atol=1e-4)


def test_clipped_sound_is_heard(write_audio):
    heard, _ = audio.load(write_audio("a.wav", np.clip(40 * sine(8000), -1, 1), 8000))
    assert np.abs(heard).max() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", ["wrong.wav", "wrong.mp3", "noise.raw", "none"])
def test_the_suffix_does_not_decide_what_a_file_is(write_audio, name):
    path = write_audio("a.flac", sine(8000), 8000)
    heard, _ = audio.load(path.rename(path.with_name(name)))
    np.testing.assert_allclose(heard, sine(8000), atol=1e-4)


@pytest.mark.parametrize(
    "name", ["-", "-rf.wav", "two\nlines.wav", "ünïcødé 音.wav", "$(x);[1].wav"]
)
def test_any_file_name(write_audio, monkeypatch, name):
    path = write_audio("plain.wav", sine(8000), 8000)
    path.rename(path.with_name(name))
    monkeypatch.chdir(path.parent)
    assert len(audio.load(name)[0]) == 24000


def test_a_name_that_is_not_text(write_audio):
    path = write_audio("plain.wav", sine(8000), 8000)
    path = path.rename(path.with_name(os.fsdecode(b"latin-\xe9.wav")))
    assert len(audio.load(path)[0]) == 24000


def complaint(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        audio.load(path)
    message = str(caught.value)
    assert message.isprintable()  # one line, whatever the name
    return message


def test_missing_file(tmp_path):
    assert complaint(tmp_path / "no\nsuch.wav").endswith("no\\nsuch.wav: no such file")


def test_folder(tmp_path):
    assert "is a folder" in complaint(tmp_path)


def test_empty_file(tmp_path):
    (tmp_path / "a.wav").touch()
    assert "is empty" in complaint(tmp_path / "a.wav")


def test_text_renamed_to_wav(tmp_path):
    (tmp_path / "a.wav").write_text("not a sound\n" * 100)
    assert "decoded" in complaint(tmp_path / "a.wav")


@needs_ffmpeg
def test_a_playlist_renamed_to_m4a_opens_no_other_file(write_audio, tmp_path):
    secret = write_audio("secret.wav", sine(8000), 8000)
    path = tmp_path / "a.m4a"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n")
    assert "decoded" in complaint(path)


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert "not a regular file" in complaint(tmp_path / "a.wav")


def test_zero_length_audio(write_audio):
    assert "0.00 s long" in complaint(write_audio("a.wav", np.zeros(0), 8000))


def test_half_a_second(write_audio):
    assert "0.50 s long" in complaint(write_audio("a.wav", sine(8000, 0.5), 8000))


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_constant_dc(write_audio, level):
    assert "is silent" in complaint(write_audio("a.wav", np.full(24000, level), 8000))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity(write_audio, value):
    samples = sine(8000).astype(np.float32)
    samples[12000] = value
    assert "NaN or infinite" in complaint(write_audio("a.wav", samples, 8000, subtype="FLOAT"))


def test_unreadable_permissions(noise):
    """Root may read everything, so as root the test becomes nobody while it opens the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        soundfile.write(path, noise, 22050)
        path.chmod(0o000)
        Path(folder).chmod(0o755)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            assert "Permission denied" in complaint(path)
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16")])
def test_a_truncated_file_is_heard_as_far_as_it_goes(write_audio, noise, capfd, container, subtype):
    path = write_audio("a", np.tile(noise, 4), 22050, format=container, subtype=subtype)
    os.truncate(path, path.stat().st_size // 2)

    with pytest.warns(AudioWarning, match=r"breaks off after \d\.\d s of 12\.\d s") as warned:
        heard, rate = audio.load(path)

    assert len(warned) == 1
    assert capfd.readouterr().err == ""
    assert 4.0 < len(heard) / rate < 7.0
    assert np.abs(heard[-rate:]).max() > 0.1


def test_a_whole_file_gives_no_warning(write_audio, noise, recwarn):
    for container, subtype in NATIVE:
        audio.load(write_audio("a", noise, 24000, format=container, subtype=subtype))
    assert not recwarn.list


@needs_ffmpeg
def test_an_mp3_that_does_not_declare_its_length_is_heard_to_its_end(write_audio, tmp_path):
    quiet_then_loud = np.concatenate([np.zeros(22050 * 10), sine(22050, 10.0)])
    source = write_audio("a.wav", quiet_then_loud, 22050)
    path = tmp_path / "a.mp3"
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-q:a", "2", "-write_xing", "0"]
    subprocess.run([*command, str(path)], check=True)
    heard, rate = audio.load(path)
    assert len(heard) / rate == pytest.approx(20.0, abs=0.2)


def test_a_hostile_header_asks_for_no_memory(tmp_path):
    """A wav that declares four gigabytes and holds three seconds."""
    path = tmp_path / "a.wav"
    data = (1000 * sine(8000)).astype("<i2").tobytes()
    path.write_bytes(wav_header(2**32 - 46) + data)
    assert len(audio.load(path)[0]) == 24000


@pytest.fixture
def two_hours(tmp_path) -> Path:
    """A sparse file at 8 kHz with a second of sound in every ten minutes."""
    path = tmp_path / "long.wav"
    path.write_bytes(wav_header(2 * 7200 * 8000))
    sound = (20000 * sine(8000, 1.0)).astype("<i2").tobytes()
    with path.open("r+b") as file:
        file.truncate(44 + 2 * 7200 * 8000)
        for start in range(0, 7200, 600):
            file.seek(44 + 2 * 8000 * start)
            file.write(sound)
    return path


def test_two_hours_are_read_in_flat_memory(two_hours):
    tracemalloc.start()
    with audio.open_recording(two_hours) as recording:
        assert recording.duration_s == pytest.approx(7200.0)
        loud = [
            start
            for start in range(0, 7200, 60)
            if np.abs(recording.read(start, start + 60.0)).max() > 0.1
        ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert loud == list(range(0, 7200, 600))
    assert peak < 48 * 60 * 8000  # a few copies of one minute, a tenth of the whole


def test_sections_of_two_hours_let_their_samples_go(two_hours):
    tracemalloc.start()
    with open_source(two_hours, None) as source:
        spans = [(float(start), start + 30.0) for start in range(0, 7200, 30)]
        starts = [start for start, _ in source.excerpts(spans)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert starts == list(range(0, 7200, 600))  # the silent ones are left out
    assert peak < 96 * 30 * 8000  # as above


def test_pieces_join_to_the_whole(write_audio, noise):
    path = write_audio("a.wav", noise)
    with audio.open_recording(path) as recording:
        whole = recording.read(0.0, 3.0)
        pieces = [recording.read(start, start + 0.7) for start in (0.0, 0.7, 1.4, 2.1, 2.8, 3.5)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


class DamagedFile:
    """Stands for a decoder that fails when it comes to a frame."""

    def __init__(self, samples: np.ndarray, damage: int) -> None:
        self.samples, self.damage, self.position = samples, damage, 0

    def seek(self, frame: int) -> None:
        self.position = frame

    def read(self, count: int, **_: object) -> np.ndarray:
        end = min(self.position + count, len(self.samples))
        if self.position <= self.damage < end:
            raise soundfile.LibsndfileError(3)
        start, self.position = self.position, end
        return self.samples[start:end]


def test_a_piece_ends_where_the_file_is_damaged():
    samples = np.random.default_rng(0).normal(0, 0.1, (60000, 1)).astype(np.float32)
    recording = audio.Recording(Path("x.opus"), 10000, 60000, 1, DamagedFile(samples, 30000))
    with pytest.warns(AudioWarning, match=r"x.opus: is damaged at 2\.[0-9] s"):
        found = recording.read(0.0, 6.0)
    np.testing.assert_array_equal(found, samples[: len(found), 0])
    assert 20000 < len(found) <= 30000
    np.testing.assert_array_equal(recording.read(4.0, 6.0), samples[40000:, 0])


def test_a_piece_that_begins_with_damage_is_named():
    file = DamagedFile(np.ones((5000, 1)), 2000)
    recording = audio.Recording(Path("x.opus"), 1000, 5000, 1, file)
    with pytest.raises(AudioError, match=r"x.opus: cannot be decoded at 2.0 s"):
        recording.read(2.0, 3.0)
