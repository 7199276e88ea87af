"""Recordings of every format, and everything that can be wrong with one."""

from __future__ import annotations

import os
import struct
import tempfile
import tracemalloc
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from beatmeter.audio import decode as audio
from beatmeter.audio import formats
from beatmeter.audio.source import open_source
from beatmeter.errors import AudioError, AudioWarning

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


def complaint(path: Path | str) -> str:
    with pytest.raises(AudioError) as caught:
        audio.load(path)
    message = str(caught.value)
    assert message.isprintable()  # one line, whatever the name
    return message


def test_a_path_that_is_no_recording(tmp_path):
    (tmp_path / "empty.wav").touch()
    assert complaint(tmp_path / "no\nsuch.wav").endswith("no\\nsuch.wav: no such file")
    assert "is a folder" in complaint(tmp_path)
    assert "is empty" in complaint(tmp_path / "empty.wav")
    assert complaint("a\0b.wav").endswith("is no file name (embedded null byte)")


@pytest.mark.parametrize(
    ("samples", "what"),
    [
        (np.zeros(0), "holds no samples"),
        (sine(8000, 0.5), "0.50 s long"),
        (np.zeros(24000), "is silent"),
        (np.full(24000, 0.5), "is silent"),
        *((np.append(sine(8000), odd), "NaN or infinite") for odd in (np.nan, np.inf, -np.inf)),
    ],
)
def test_samples_in_which_nothing_is_heard(write_audio, samples, what):
    assert what in complaint(write_audio("a.wav", samples, 8000, subtype="FLOAT"))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"not a sound\n" * 100, "is text, not audio"),
        (b"<!DOCTYPE html><title>404</title>" * 9, "is a web page, not audio"),
        (b"\xef\xbb\xbf\n <HTML><body>Sign in</body>" * 9, "is a web page, not audio"),
        (b"ID3\4\0\0\0\0\0\x0a" + bytes(10), "is an ID3 tag and nothing else, not audio"),
        (b"ID3\3\0\0\0\0\1\0" + bytes(2000), "is an ID3 tag and nothing else, not audio"),
        (b"TAG" + b"song".ljust(125), "is an ID3 tag and nothing else, not audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "is a picture, not audio"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(range(256)) * 20, "is a picture, not audio"),
        (b"%PDF-1.7\n" + bytes(range(256)), "is a PDF document, not audio"),
        (b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk", "is a MIDI file, notes without sound, not audio"),
        (b"PK\3\4" + bytes(range(256)), "is a ZIP archive, not audio"),
        (bytes(5000), "is nothing but zeros, not audio"),
        (b"#EXTM3U\n#EXTINF:3,\nsecret.wav\n", "is a playlist, not audio"),
        (b"\0\0\0\x20ftypM4A " + bytes(100), "is an MP4 file without its index, perhaps cut off"),
        (
            b"\0\0\0\x10ftypM4A \0\0\0\0" + b"\0\0\0\1free" + b"\xff" * 8,  # a box of 2^64 bytes
            "is an MP4 file without its index, perhaps cut off",
        ),
        (np.random.default_rng(0).bytes(9000), "is not audio that can be decoded ("),
    ],
)
@pytest.mark.parametrize("suffix", [".mp3", ".wav", ".m4a"])
def test_what_is_no_audio_is_named(tmp_path, content, what, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    assert complaint(path).startswith(f"{path}: {what}")


@pytest.mark.parametrize(
    ("look", "head", "chunk"),
    [
        (formats.describe, b"\0\0\0\x10ftypM4A \0\0\0\0", b"\0\0\0\x08free"),
        (formats.understates_length, b"RIFF\0\0\0\0WAVE", b"junk\0\0\0\0"),
    ],
)
def test_a_file_of_empty_chunks_is_not_read_to_its_end(look, head, chunk):
    class Counted(BytesIO):
        reads = 0

        def read(self, size):
            self.reads += 1
            return super().read(size)

    file = Counted(head + 100_000 * chunk)
    assert not look(file)
    assert file.reads < 20_000


def test_a_film_without_sound_is_refused(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(path, "w") as file:
        picture = file.add_stream("mpeg4", 10)
        picture.width = picture.height = 32
        for _ in range(5):
            still = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            file.mux(picture.encode(still))
        file.mux(picture.encode(None))
    assert complaint(path).endswith("is not audio that can be decoded (holds no audio stream)")


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
    ],
)
def test_a_playlist_renamed_to_m4a_opens_no_other_file(write_audio, tmp_path, playlist):
    secret = write_audio("secret.wav", sine(8000), 8000)
    path = tmp_path / "a.m4a"
    path.write_text(playlist.format(secret))
    assert "not audio" in complaint(path)


def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    assert "not a regular file" in complaint(tmp_path / "a.wav")


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


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("MP3", "MPEG_LAYER_III"), ("FLAC", "PCM_16"), ("WAV", "PCM_16"), ("WAV", "MS_ADPCM")],
)
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


def test_a_hostile_header_asks_for_no_memory(tmp_path):
    """A wav that declares four gigabytes and holds three seconds."""
    path = tmp_path / "a.wav"
    data = (1000 * sine(8000)).astype("<i2").tobytes()
    path.write_bytes(wav_header(2**32 - 46) + data)
    assert len(audio.load(path)[0]) == 24000


@pytest.mark.parametrize("declared", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0])
def test_a_wav_from_a_pipe_never_knew_its_length(tmp_path, recwarn, declared):
    """The programs that write one put such lengths in its header."""
    path = tmp_path / "a.wav"
    data = (1000 * sine(8000)).astype("<i2").tobytes()
    path.write_bytes(wav_header(0)[:40] + struct.pack("<I", declared) + data)
    assert len(audio.load(path)[0]) == 24000
    assert not recwarn.list


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
            for start in range(0, 7200, 300)
            if np.abs(recording.read(start, start + 60.0)).max() > 0.1
        ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert loud == list(range(0, 7200, 600))
    assert peak < 48 * 60 * 8000  # a few copies of one minute, a tenth of the whole


def test_sections_of_two_hours_let_their_samples_go(two_hours):
    tracemalloc.start()
    with open_source(two_hours, None) as source:
        spans = [(float(start), start + 30.0) for start in range(0, 7200, 300)]
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
