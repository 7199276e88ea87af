"""A single recording that cannot be analysed is one clear line and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

RATE = 8000
WAVE = 0.5 * np.sin(np.arange(3 * RATE) / 6)


def with_one(value: float) -> np.ndarray:
    samples = WAVE.copy()
    samples[RATE] = value
    return samples


def folder(path: Path) -> None:
    (path / "deeper").mkdir(parents=True)
    (path / "deeper" / "readme.txt").touch()


BAD: dict[str, tuple[str, Callable[[Path], object] | np.ndarray]] = {
    "missing": ("no such file", lambda path: None),
    "folder without audio": ("holds no audio", folder),
    "empty file": ("is empty", lambda path: path.touch()),
    "text": ("is text, not audio", lambda path: path.write_text("not a sound\n" * 100)),
    "zero-length audio": ("holds no samples", WAVE[:0]),
    "half a second": ("0.50 s long", WAVE[: RATE // 2]),
    "digital silence": ("is silent", 0 * WAVE),
    "constant DC": ("is silent", 0 * WAVE + 0.5),
    "NaN": ("NaN or infinite", with_one(np.nan)),
    "infinity": ("NaN or infinite", with_one(np.inf)),
}


@pytest.mark.parametrize("name", ["song.wav", "-two\nlines.wav"])
@pytest.mark.parametrize("what", BAD)
def test_a_bad_recording_is_one_clear_line(
    beatmeter, write_audio, tmp_path, monkeypatch, what, name
):
    reason, content = BAD[what]
    monkeypatch.chdir(tmp_path)
    if isinstance(content, np.ndarray):
        write_audio(name, content.astype(np.float32), RATE, subtype="FLOAT")
    else:
        content(Path(name))

    ran = beatmeter("analyze", "--", name)

    assert ran.code == 2
    assert ran.out == ""
    (line,) = ran.err.splitlines()
    assert line.startswith(f"beatmeter: {name}: ".replace("\n", "\\n"))
    assert reason in line
