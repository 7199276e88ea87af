"""Decoding through ffmpeg, for what libsndfile does not read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from beatmeter.errors import AudioError

_DEMUXERS = "aac,aiff,asf,caf,flac,matroska,mov,mp3,mpeg,mpegts,ogg,wav,webm"
"""Formats that hold sound themselves; playlists, which name other files, are not among them."""
_TIMEOUT_S = 3600


def available() -> bool:
    """Whether ffmpeg is installed."""
    return shutil.which("ffmpeg") is not None


def decode(path: Path, target: Path) -> None:
    """Decode the first audio stream of `path` into the FLAC file `target`.

    Parameters
    ----------
    path : Path
    target : Path

    Raises
    ------
    AudioError
        If ffmpeg is missing, fails, or takes more than an hour.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise AudioError(f"{path}: {path.suffix} needs ffmpeg, which is not installed")
    command = [ffmpeg, "-nostdin", "-v", "error"]
    command += ["-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS]
    command += ["-i", f"file:{path.absolute()}", "-map", "0:a:0", "-c:a", "flac", str(target)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise AudioError(f"{path}: ffmpeg took more than {_TIMEOUT_S} s") from error
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip().rpartition(": ")[2]
        raise AudioError(f"{path}: cannot be decoded ({reason or 'ffmpeg failed'})")
