"""Every format that a musician has is read whole, at every rate and number of channels."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from beatmeter.audio.decode import load, open_recording

RATE = 44100
SECONDS = 5.0
SIGNALS = "onset_autocorrelation,accent_folding"
PRIMING = 2112
"""Samples that AAC adds at most before the music, and the longest of what codecs add."""


def music(rate: int = RATE, channels: int = 1, seconds: float = SECONDS) -> np.ndarray:
    """A sweep from 100 Hz to 3 kHz under a slow swell, so that no two moments are alike."""
    time = np.arange(round(seconds * rate)) / rate
    sweep = np.sin(2 * np.pi * (100 + 290 * time) * time)
    swell = 0.3 + 0.15 * np.sin(2 * np.pi * 1.7 * time)
    return np.repeat((sweep * swell)[:, None], channels, axis=1).astype(np.float32)


def same_sound(heard: np.ndarray, truth: np.ndarray) -> bool:
    """Whether two are alike sample by sample where both have something: no shift, no gap."""
    length = min(len(heard), len(truth)) - 4000
    return np.corrcoef(heard[2000:length], truth[2000:length])[0, 1] > 0.98


SOUNDFILE = [
    ("WAV", "PCM_U8", 1e-2),
    ("WAV", "PCM_16", 1e-4),
    ("WAV", "PCM_24", 1e-6),
    ("WAV", "PCM_32", 1e-6),
    ("WAV", "FLOAT", 0),
    ("WAV", "DOUBLE", 1e-7),
    ("WAV", "ULAW", 0.02),
    ("WAV", "ALAW", 0.02),
    ("WAV", "IMA_ADPCM", 0.1),
    ("WAV", "MS_ADPCM", 0.1),
    ("WAVEX", "PCM_16", 1e-4),
    ("RF64", "PCM_24", 1e-6),
    ("W64", "PCM_16", 1e-4),
    ("AIFF", "PCM_S8", 1e-2),
    ("AIFF", "PCM_24", 1e-6),
    ("AIFF", "FLOAT", 0),
    ("AU", "PCM_16", 1e-4),
    ("CAF", "PCM_24", 1e-6),
    ("CAF", "ALAC_16", 1e-4),
    ("FLAC", "PCM_S8", 1e-2),
    ("FLAC", "PCM_16", 1e-4),
    ("FLAC", "PCM_24", 1e-6),
]


@pytest.mark.parametrize(("container", "subtype", "tolerance"), SOUNDFILE)
def test_what_keeps_every_sample(write_audio, container, subtype, tolerance):
    truth = music(channels=2)
    path = write_audio("a", truth, RATE, format=container, subtype=subtype)
    heard, rate = load(path)
    assert rate == RATE
    whole = len(truth) if "ADPCM" not in subtype else len(heard)
    assert len(truth) <= len(heard) == whole < len(truth) + PRIMING
    np.testing.assert_allclose(heard[: len(truth)], truth[:, 0], atol=tolerance)


CODED = [
    ("a.mp3", "libmp3lame", {}),
    ("a.mp3", "libmp3lame", {"options": {"write_xing": "0"}}),
    ("a.mp3", "libmp3lame", {"options": {"id3v2_version": "0", "write_xing": "0"}}),
    ("a.mp3", "libmp3lame", {"options": {"write_id3v1": "1"}}),
    ("a.mp2", "mp2", {}),
    ("a.m4a", "aac", {}),
    ("a.m4a", "aac", {"options": {"movflags": "frag_keyframe+empty_moov"}}),
    ("a.m4a", "aac", {"options": {"movflags": "faststart"}}),
    ("a.m4a", "alac", {}),
    ("a.aac", "aac", {"container": "adts"}),
    ("a.ogg", "libopus", {}),
    ("a.opus", "libopus", {}),
    ("a.oga", "flac", {"container": "ogg"}),
    ("a.webm", "libopus", {}),
    ("a.mka", "flac", {}),
    ("a.mkv", "aac", {}),
    ("a.wma", "wmav2", {"container": "asf", "bit_rate": 128000}),
    ("a.wv", "wavpack", {}),
    ("a.tta", "tta", {}),
    ("a.ac3", "ac3", {}),
    ("a.ts", "aac", {"container": "mpegts"}),
    ("a.avi", "libmp3lame", {}),
    ("a.mov", "pcm_s24be", {}),
    ("a.wav", "pcm_s64le", {}),
    ("a.mp4", "aac", {"video": True}),
    ("a.mkv", "libopus", {"video": True}),
]


@pytest.mark.parametrize(("name", "codec", "how"), CODED)
def test_what_is_coded(code_audio, name, codec, how):
    rate = 48000 if "opus" in codec else RATE
    truth = music(rate, channels=2)
    path = code_audio(name, truth, rate, codec, **how)
    with open_recording(path) as recording:
        heard = recording.read(0.0, recording.duration_s)
        assert (recording.sample_rate, recording.channels) == (rate, 2)
        assert len(truth) - PRIMING <= len(heard) <= len(truth) + 2 * PRIMING
        offset = _offset(heard, truth[:, 0])
        assert abs(offset) <= PRIMING
        assert same_sound(heard[max(offset, 0) :], truth[max(-offset, 0) :, 0])
        for start_s in (0.0, 3.7, 0.4, 2.9, 1.0, 4.8):  # back and forth: the exact sample
            piece = recording.read(start_s, start_s + 0.5)
            first = round(start_s * rate)
            part = heard[first : first + len(piece)]
            assert len(piece) == len(part)
            np.testing.assert_allclose(piece, part, atol=0.02)


def _offset(heard: np.ndarray, truth: np.ndarray) -> int:
    """How many samples of padding come first, by the peak of the correlation."""
    part = truth[20000:30000]
    return int(correlate(heard[: 30000 + 2 * PRIMING], part, "valid").argmax()) - 20000


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 48000, 96000, 192000])
@pytest.mark.parametrize("container", ["WAV", "FLAC"])
def test_every_rate(write_audio, container, rate):
    truth = music(rate, seconds=2.5)
    heard, found = load(write_audio("a", truth, rate, format=container, subtype="PCM_16"))
    assert found == rate
    np.testing.assert_allclose(heard, truth[:, 0], atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000])
def test_every_rate_of_mp3(write_audio, rate):
    truth = music(rate, seconds=2.5)
    heard, found = load(write_audio("a", truth, rate, format="MP3"))
    assert (found, len(heard)) == (rate, len(truth))
    assert same_sound(heard, truth[:, 0])


@pytest.mark.parametrize("channels", range(1, 9))
def test_every_number_of_channels(write_audio, channels):
    truth = music(8000, channels, 2.5) * np.linspace(0.2, 1.0, channels, dtype=np.float32)
    with open_recording(write_audio("a", truth, 8000, format="FLAC")) as recording:
        assert recording.channels == channels
        heard = recording.read(0.0, 9.9)
    np.testing.assert_allclose(heard, truth.mean(axis=1), atol=1e-4)


def test_vorbis(write_audio):
    truth = music()
    path = write_audio("a.ogg", truth, RATE, format="OGG", subtype="VORBIS")
    heard, _ = load(path)
    assert len(heard) == len(truth)
    assert same_sound(heard, truth[:, 0])
    with open_recording(path) as recording:
        for start_s in (4.0, 1.1, 3.3, 2.5):
            piece = recording.read(start_s, start_s + 0.3)
            first = round(start_s * RATE)
            np.testing.assert_allclose(piece, heard[first : first + len(piece)], atol=1e-5)


def test_vorbis_whose_blocks_change_late(write_audio):
    """A steady tone, in long blocks only, that clicks interrupt after two seconds."""
    time = np.arange(4 * RATE)
    tone = 0.2 * np.sin(time / 9)
    clicks = (time > 2 * RATE) * (time % 6000 < 40) * np.sin(time)
    truth = (tone + 0.7 * clicks).astype(np.float32)
    path = write_audio("a.ogg", truth, RATE, format="OGG", subtype="VORBIS")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heard, _ = load(path)
    np.testing.assert_allclose(heard, soundfile.read(path)[0], atol=1e-5)


def test_a_cover_is_no_sound(write_audio):
    """An ID3 tag with a picture, a JPEG file by its looks."""
    plain = write_audio("a.mp3", music(), RATE, format="MP3").read_bytes()
    picture = b"\0image/jpeg\0\3\0" + b"\xff\xd8\xff\xe0" + bytes(range(256)) * 200
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = len(frame)
    shifted = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path = write_audio("b.mp3", music(), RATE, format="MP3")
    path.write_bytes(b"ID3\3\0\0" + shifted + frame + plain)
    heard, _ = load(path)
    assert len(heard) == len(music())


def test_decoders_of_two_libraries_agree(write_audio):
    """The samples of libsndfile, which an independent implementation decodes."""
    for container, subtype, tolerance in (
        ("FLAC", "PCM_16", 0),
        ("WAV", "PCM_24", 0),
        ("MP3", "MPEG_LAYER_III", 1e-4),
        ("OGG", "VORBIS", 1e-4),
    ):
        path = write_audio("a", music(), RATE, format=container, subtype=subtype)
        expected, _ = soundfile.read(path, dtype="float32")
        heard, _ = load(path)
        assert len(heard) == len(expected)
        np.testing.assert_allclose(heard, expected, atol=tolerance)
