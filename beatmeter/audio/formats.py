"""Which files hold sound: the containers that are opened, their suffixes, and what the rest is."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

# fmt: off
AUDIO_SUFFIXES = frozenset({
    ".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".asf", ".au", ".avi",
    ".caf", ".dts", ".eac3", ".flac", ".m4a", ".m4b", ".mka", ".mkv", ".mov", ".mp2", ".mp3",
    ".mp4", ".mpc", ".oga", ".ogg", ".ogv", ".opus", ".rf64", ".snd", ".spx", ".tak", ".tta",
    ".w64", ".wav", ".weba", ".webm", ".wma", ".wv",
})
"""What a search of folders looks for. To read a file its content counts, not its suffix."""

DEMUXERS = ",".join([
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "dts", "dtshd", "eac3", "flac",
    "flv", "loas", "matroska", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "ogg", "rm", "tak",
    "truehd", "tta", "voc", "w64", "wav", "wv", "xwma",
])
"""Containers that hold sound themselves; playlists, which name other files, are not among them."""
# fmt: on

_HEAD = 4096
"""Bytes that are looked at to name what a file is instead of sound."""
_MOST_CHUNKS = 10_000
"""Chunks or boxes of a file that are looked at: no recording has as many, but a file of 1 GB made
of empty ones has 100 million, which take half an hour."""
_STREAMED_BYTES = 2**31 - 2**16
"""Lengths from here on stand in the headers of WAV that was written to a pipe, instead of none."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"BM", "a picture"),
    (b"II*\0", "a picture"),
    (b"MM\0*", "a picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"MThd", "a MIDI file, notes without sound"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
)
_PLAYLISTS = (b"#extm3u", b"[playlist]", b"#extinf")
_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<svg")


def describe(file: BinaryIO) -> str | None:
    """Say what a file that holds no sound is, as "a web page"; None where nothing fits."""
    file.seek(0)
    head = file.read(_HEAD)
    if head.startswith(b"ID3"):
        file.seek(id3_size(head))
        body = file.read(_HEAD)
        return "an ID3 tag and nothing else" if not body.strip(b"\0") else None
    if head.startswith(b"TAG") and len(head) == 128:  # the ID3v1 tag, which ends an mp3
        return "an ID3 tag and nothing else"
    if not head.strip(b"\0"):
        return "nothing but zeros"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a picture"
    if head[4:8] == b"ftyp" and _lacks_index(file):
        return "an MP4 file without its index, perhaps cut off"
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return what
    return _describe_text(head)


def id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that a file begins with, 0 without one (ID3v2.4, section 3.1)."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    shifts = (21, 14, 7, 0)
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], shifts, strict=True))


def _lacks_index(mp4: BinaryIO) -> bool:
    """Whether no box of an MP4 file is named ``moov`` (ISO/IEC 14496-12, section 4.2)."""
    size = mp4.seek(0, os.SEEK_END)
    at = 0
    for _ in range(_MOST_CHUNKS):
        if at + 16 > size:
            return True
        mp4.seek(at)
        length, name, long_length = struct.unpack(">I4sQ", mp4.read(16))
        if name == b"moov":
            return False
        length = long_length if length == 1 else length
        if length < 8:
            return True
        at += length
    return False


def is_wav(file: BinaryIO) -> bool:
    """Whether a file begins as a WAV of less than 4 GB does."""
    file.seek(0)
    head = file.read(12)
    return head[:4] == b"RIFF" and head[8:] == b"WAVE"


def understates_length(file: BinaryIO) -> bool:
    """Whether more samples follow in a WAV than its data chunk claims: a crashed recorder's file.

    What follows the data chunk of a whole file is another chunk, or less than a header.
    """
    size = file.seek(0, os.SEEK_END)
    was_data = False
    for name, start, length in _chunks(file):
        if not (name.isascii() and name.decode().isprintable() and start + length <= size):
            return was_data
        was_data = name == b"data"
    return False


def overstatement(file: BinaryIO) -> float:
    """How many times as long as it is the data chunk of a WAV claims to be.

    1 where it is whole, and where it was streamed: nobody knew its length.
    """
    size = file.seek(0, os.SEEK_END)
    for name, start, length in _chunks(file):
        if name == b"data":
            here = size - start
            return length / here if 0 < here < length < _STREAMED_BYTES else 1.0
    return 1.0


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a WAV: their names, where their content begins, and the bytes it claims."""
    size = file.seek(0, os.SEEK_END)
    at = 12  # after "RIFF", a length and "WAVE"
    for _ in range(_MOST_CHUNKS):
        if at + 8 > size:
            return
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        yield name, at + 8, length
        at += 8 + length + length % 2


def _describe_text(head: bytes) -> str | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_PLAYLISTS):
        return "a playlist"
    if start.startswith(_PAGES):
        return "a web page"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else the last character is cut
            return None
        text = head[: error.start].decode("utf-8")
    is_text = all(character.isprintable() or character.isspace() for character in text)
    return "text" if is_text else None
