import subprocess

import numpy as np
import pytest
import soundfile

from beatmeter.errors import AudioError
from beatmeter_mert.training.wikimeter.segments import SAMPLE_RATE, cut, decode, plan


def _seconds(duration_s, **trim):
    pieces = plan(round(duration_s * SAMPLE_RATE), **trim)
    return [(piece.start / SAMPLE_RATE, piece.length / SAMPLE_RATE) for piece in pieces]


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0, []),
        (12, []),
        (15, [(0, 15)]),
        (39, [(0, 30)]),
        (40, [(0, 30)]),
        (41, [(10, 21)]),
        (300, [(10 + 30 * n, 30) for n in range(9)]),
        (305, [(10 + 30 * n, 30) for n in range(9)] + [(280, 15)]),
        (1200, [(10 + 30 * n, 30) for n in range(25)]),
    ],
)
def test_tracks_are_cut_as_specified(duration_s, expected):
    assert _seconds(duration_s) == expected


def test_trims_are_honoured_beside_the_margins():
    assert _seconds(300, start_s=45, end_s=125) == [(45, 30), (75, 30), (105, 20)]
    assert _seconds(300, start_s=5, end_s=299) == _seconds(300)
    assert _seconds(300, start_s=290) == []


@pytest.fixture
def track(tmp_path, ffmpeg):
    """A recording of a slowly rising tone, so that no two moments of it are alike."""

    def make(duration_s, suffix=".wav", rate=11_025):
        time = np.arange(round(duration_s * rate), dtype=np.float32) / rate
        tone = 0.4 * np.sin(2 * np.pi * (200 + time / 2) * time)
        path = tmp_path / "track.wav"
        soundfile.write(path, tone, rate, subtype="PCM_16")
        if suffix == ".wav":
            return path
        coded = path.with_suffix(suffix)
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), str(coded)], check=True)
        return coded

    return make


@pytest.mark.parametrize(
    ("duration_s", "suffix", "clips"),
    [(12, ".ogg", 0), (39, ".m4a", 1), (41, ".webm", 1), (300, ".wav", 9), (1200, ".wav", 25)],
)
def test_clips_decode_to_the_exact_sample(tmp_path, track, duration_s, suffix, clips):
    decoded = tmp_path / "decoded.wav"
    samples = decode(track(duration_s, suffix), decoded)
    assert samples == pytest.approx(duration_s * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    pieces = plan(samples)
    assert len(pieces) == clips
    for number, piece in enumerate(pieces):
        path = tmp_path / f"{number}.mp3"
        cut(decoded, piece, path)
        clip, rate = soundfile.read(path)
        assert (rate, len(clip)) == (SAMPLE_RATE, piece.length)
        original, _ = soundfile.read(decoded, start=piece.start, frames=piece.length)
        assert np.corrcoef(clip, original)[0, 1] > 0.99


def test_what_ffmpeg_cannot_read_is_refused(tmp_path, ffmpeg):
    (tmp_path / "x.webm").write_text("<html>not found</html>")
    with pytest.raises(AudioError):
        decode(tmp_path / "x.webm", tmp_path / "x.wav")
