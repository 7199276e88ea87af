"""Lossy coding in memory: what a recording sounds like after it."""

from __future__ import annotations

from io import BytesIO

from beatmeter.audio.samples import Samples

FORMATS = {
    "vorbis": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}

_BLOCK = 1 << 16
"""Samples written at once: libsndfile overflows its stack on a minute of Vorbis in one piece."""


def encode(samples: Samples, sample_rate: int, codec: str, compression: float) -> bytes:
    """Code a mono recording.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
        Within -1 to 1.
    sample_rate : int
        Hz, one that the codec knows.
    codec : {"vorbis", "opus", "mp3"}
    compression : float in [0, 1]
        0 for the best quality, 1 for the smallest file.

    Returns
    -------
    bytes
        The file.
    """
    import soundfile

    container, subtype = FORMATS[codec]
    buffer = BytesIO()
    with soundfile.SoundFile(
        buffer,
        "w",
        sample_rate,
        channels=1,
        format=container,
        subtype=subtype,
        compression_level=compression,
    ) as file:
        for first in range(0, len(samples), _BLOCK):
            file.write(samples[first : first + _BLOCK])
    return buffer.getvalue()


def decode(data: bytes) -> Samples:
    """Decode a mono recording: shape (n,)."""
    import soundfile

    samples: Samples = soundfile.read(BytesIO(data), dtype="float32")[0]
    return samples
