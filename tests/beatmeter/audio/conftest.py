"""Recordings in all formats, made without any program."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

Coder = Callable[..., Path]


@pytest.fixture
def code_audio(tmp_path: Path) -> Coder:
    """``code_audio(name, samples, rate, codec, ...)``: a file coded by PyAV, its path.

    ``samples`` has shape (n,) or (n, channels); ``container`` is needed where the suffix does not
    tell it; ``picture`` adds a cover, ``video`` a moving picture; further keywords are options.
    """

    def code(
        name: str,
        samples: np.ndarray,
        rate: int,
        codec: str,
        container: str | None = None,
        bit_rate: int | None = None,
        video: bool = False,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / name
        channels = samples.shape[1] if samples.ndim == 2 else 1
        layout = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 8: "7.1"}
        with av.open(path, "w", format=container, container_options=options or {}) as file:
            if video:
                picture = file.add_stream("mpeg4", 10)
                picture.width = picture.height = 32
                picture.pix_fmt = "yuv420p"
            stream = file.add_stream(codec, rate, layout=layout[channels])
            stream.time_base = Fraction(1, rate)
            if bit_rate:
                stream.bit_rate = bit_rate
            if video:
                for number in range(10):
                    still = np.full((32, 32, 3), number, np.uint8)
                    image = av.VideoFrame.from_ndarray(still, "rgb24")
                    image.pts, image.time_base = number, Fraction(1, 10)
                    file.mux(picture.encode(image))
                file.mux(picture.encode(None))
            _encode(file, stream, samples.reshape(len(samples), channels), rate)
        return path

    return code


def _encode(file: Any, stream: Any, samples: np.ndarray, rate: int) -> None:
    layout = stream.codec_context.layout.name
    resampler = av.AudioResampler(
        stream.codec_context.format, layout, rate, stream.codec_context.frame_size or 4096
    )
    packed = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        file.mux(stream.encode(part))
    file.mux(stream.encode(None))
