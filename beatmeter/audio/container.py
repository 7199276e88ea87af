"""One audio stream in a file, as PyAV gives it: packets from anywhere, and the samples of each.

A *packet* is what a decoder takes at once: a few hundred to a few thousand samples. PyAV carries
the libraries of FFmpeg, so that no program needs to be installed. Everything is read through a
Python file: nothing but the file itself can be opened, whatever its content names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import numpy as np
import numpy.typing as npt

from beatmeter.audio.formats import DEMUXERS, is_wav, understates_length

if TYPE_CHECKING:
    from av import Packet
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer

Block = npt.NDArray[np.float32]

_BUFFER_BYTES = 1 << 16
_WAV_OPTIONS = {"max_size": "65536", "probesize": "262144"}
"""Bytes. WAV has no packets of its own: the larger they are, the fewer there are. FFmpeg looks for
DTS in the first 5 MB, in time squared; a quarter of one holds a dozen frames of it."""
_MOST_ERRORS = 64
"""Errors in a row, without a packet between them, after which a file is taken to have ended."""
_SKIP_MANUAL = 1 << 29
"""AV_CODEC_FLAG2_SKIP_MANUAL: decoders give all samples; padding is left out here."""


_SAMPLE_TYPES: dict[str, type] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}
_FULL_SCALES: dict[type, float] = {
    np.uint8: 2.0**7,
    np.int16: 2.0**15,
    np.int32: 2.0**31,
    np.int64: 2.0**63,
}


class UndecodableError(Exception):
    """A file without a stream that can be decoded, or a packet that cannot."""


class Container:
    """An open file and its best audio stream; video, pictures and further streams are passed over.

    Parameters
    ----------
    file : BinaryIO
        Seekable; not closed.

    Raises
    ------
    UndecodableError
        If it is of no known format, or holds no audio stream.

    Attributes
    ----------
    time_base : Fraction
        Seconds a tick: what the times of packets count.
    is_stuck : bool
        Whether the packets that were last asked for ended before the file did, in errors.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._container: InputContainer | None = None
        self._options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
        if is_wav(file):
            self._options |= _WAV_OPTIONS
            self._options["ignore_length"] = str(int(understates_length(file)))
        self.is_stuck = False
        self._stream: AudioStream
        self._decoder: AudioCodecContext
        self.rewind()
        self.format = self._open.format.name
        self.codec = self._stream.codec_context.name
        self.time_base = Fraction(self._stream.time_base or 1)

    def rewind(self) -> None:
        """Open the file anew, at its beginning."""
        import av
        from av.stream import Discard

        self.close()
        try:
            self._file.seek(0)
            container = av.open(
                _Patient(self._file),
                "r",
                container_options=self._options,
                metadata_errors="replace",
                buffer_size=_BUFFER_BYTES,
                io_open=_refuse_to_open,
            )
        except (av.FFmpegError, ValueError, OSError) as error:
            raise UndecodableError(_reason(error)) from error
        self._container = container
        stream = container.streams.best("audio")
        if stream is None:
            raise UndecodableError("holds no audio stream")
        if stream.codec_context is None:
            raise UndecodableError("holds audio that no decoder knows")
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        self._stream = stream  # type: ignore[assignment]
        self._decoder = _decoder_of(self._stream)
        self._decoder.flags2 |= _SKIP_MANUAL

    def close(self) -> None:
        """Let go of everything but the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def declared_s(self) -> float | None:
        """Length that the header declares or that was guessed from the bit rate, in seconds."""
        if self._stream.duration:
            return float(self._stream.duration * self.time_base)
        return None if not self._open.duration else self._open.duration / 1e6

    def packets(self) -> Iterator[Packet[AudioStream]]:
        """Packets from here to the end of the file, past whatever cannot be read between them."""
        import av

        errors = 0
        while errors < _MOST_ERRORS:
            try:
                for packet in self._open.demux(self._stream):
                    if packet.size:
                        errors = 0
                        yield packet
            except (av.FFmpegError, ValueError, OSError):
                errors += 1
            else:
                break
        self.is_stuck = errors > 0

    def seek(self, ticks: int) -> bool:
        """Go to a packet at or before a time, as well as the container can; whether it could."""
        import av

        try:
            self._open.seek(ticks, stream=self._stream)
            self._decoder.flush_buffers()
        except (av.FFmpegError, ValueError, OverflowError, OSError):
            return False
        return True

    def decode(self, packet: Packet[AudioStream]) -> tuple[Block, int]:
        """The samples of a packet, shape (n, channels), and their rate in Hz.

        Raises
        ------
        UndecodableError
            If the packet is damaged.
        """
        import av

        try:
            frames = self._decoder.decode(packet)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise UndecodableError(_reason(error)) from error
        blocks = [_to_float(frame) for frame in frames if frame.samples]
        if not blocks:
            return np.zeros((0, 0), np.float32), 0
        rate = frames[0].sample_rate
        if len(blocks) == 1:
            return blocks[0], rate
        return np.concatenate([b for b in blocks if b.shape[1] == blocks[0].shape[1]]), rate

    @property
    def _open(self) -> InputContainer:
        assert self._container is not None
        return self._container


class _Patient:
    """A file for PyAV, which prints a traceback for each error that one raises in its calls.

    Damaged containers name places that do not exist; what cannot be read there has ended.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError:
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def _decoder_of(stream: AudioStream) -> AudioCodecContext:
    """The stream's decoder; for Opus the reference one, not FFmpeg's approximation."""
    import av

    own = stream.codec_context
    if own.name != "opus" or "libopus" not in av.codecs_available:
        return own
    decoder = av.CodecContext.create("libopus", "r")
    decoder.extradata = own.extradata
    decoder.options = {"request_sample_fmt": "flt"}
    return decoder


def skips(packet: Packet[Any]) -> tuple[int, int]:
    """How many samples a decoder adds before and after the music of a packet: its padding.

    ``AV_PKT_DATA_SKIP_SAMPLES``: two little-endian numbers of 32 bits.
    """
    for data in packet.iter_sidedata():  # most packets have none, which this tells quickest
        if data.data_type == "skip_samples":
            first, last = np.frombuffer(bytes(data)[:8], "<u4")
            return int(first), int(last)
    return 0, 0


def _to_float(frame: Any) -> Block:
    """The samples of a frame: shape (n, channels), full scale 1."""
    dtype = _SAMPLE_TYPES[frame.format.name.removesuffix("p")]
    count, channels = frame.samples, frame.layout.nb_channels
    if frame.format.is_planar and channels > 1:
        block = np.empty((count, channels), np.float32)
        for channel, plane in enumerate(frame.planes):
            block[:, channel] = np.frombuffer(plane, dtype, count)
    else:
        packed: npt.NDArray[Any] = np.frombuffer(frame.planes[0], dtype, count * channels)
        block = packed.astype(np.float32, copy=False).reshape(count, channels)
    if dtype is np.uint8:
        block -= 128.0
    if dtype in _FULL_SCALES:
        block /= _FULL_SCALES[dtype]
    return block


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def _refuse_to_open(url: str, *_: Any) -> NoReturn:
    raise PermissionError(f"{url}: a recording may open no other file")
