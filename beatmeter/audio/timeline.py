"""Where in a recording the samples of each packet belong, to the sample, and how many there are.

Headers lie, and most containers seek only near to a time. So positions are counted: what comes
before a packet is the sum of what the packets before it hold. Four rulers count; the first that
agrees with the decoder over the first packets of a file is taken:

``STAMPS``
    The difference of the times of two packets, for containers whose ticks are fine enough.
``PAGES``
    The same over a page of Ogg; within it, what the decoder gives: where blocks change from long to
    short, the demuxer counts one packet of Vorbis too long and the next as much too short.
``CONSTANT``
    One length for each packet, where ticks are coarser (milliseconds) and the codec is even.
``DECODED``
    What the decoder gives; the whole stream is decoded once to count it.

One pass over the packets, without decoding them, finds the true end and notes a landmark every
second: where a packet lies in the file, and the sample that it begins with. After a seek, packets
are passed over until one of them is a landmark; so a place that is found is exact, and where none
is found, one reads on from the beginning. PCM and mp3 need no pass: the demuxer itself counts the
times of their packets, which are exact after any seek, and their last packets tell the end.

The padding that an encoder adds before and after the music is left out, as containers declare it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from beatmeter.audio.container import Block, Container, UndecodableError, skips

if TYPE_CHECKING:
    from av import Packet

_PROBED = 24
"""Packets at the beginning of a file whose decoded length chooses the ruler."""
_MOST_PROBED = 500
"""Packets after which a file of which none could be decoded is given up."""
_LANDMARK_S = 1.0
_LONGEST_GAP_S = 10.0
"""A greater difference between the times of two packets is a jump of the clock, not a hole."""
_TAIL_S = 5.0
"""How far before the supposed end one begins to look for the true one."""
_BACK_S = (2.5, 15.0)
"""How far before a sample one seeks: landmarks are a second apart, pages of Ogg one or two long."""
_ASTRAY_S = 60.0
"""How far behind the time that was sought one gives up looking for a landmark."""
_PCM_FORMATS = frozenset({"wav", "w64", "aiff", "au", "caf"})


class Ruler(Enum):
    """How the length of a packet is known."""

    STAMPS = auto()
    PAGES = auto()
    CONSTANT = auto()
    DECODED = auto()


@dataclass(slots=True)
class Piece:
    """What one packet adds to a recording.

    Attributes
    ----------
    start : int
        The sample that it begins with.
    lead : int
        Samples of padding that it decodes to first.
    count : int
        Samples that follow them and belong to the recording.
    packet : Packet
    block : ndarray of shape (n, channels) or None
        What it decodes to, where that is known already.
    """

    start: int
    lead: int
    count: int
    packet: Packet[Any]
    block: Block | None


class Timeline:
    """The packets of a stream on its own axis of samples.

    Parameters
    ----------
    container : Container
        Just opened.
    size : int
        Bytes of the file.

    Raises
    ------
    UndecodableError
        If none of the first packets can be decoded.

    Attributes
    ----------
    sample_rate, channels : int
        Of what the first packets decode to; headers may name half the rate (HE-AAC).
    frames : int
        Length in samples.
    """

    def __init__(self, container: Container, size: int) -> None:
        self.container = container
        packets = container.packets()
        probed, lengths = self._probe(packets)
        self.ruler, self._even = self._choose(probed, lengths)
        self._first_length = lengths[0]
        self._origin = probed[0].pts
        self._padding = self._initial_padding(probed[0])
        self._landmarks: dict[tuple[int | None, int | None], int] = {}
        self._known: list[tuple[int, int]] = []
        self._counted_by_demuxer = (
            self._origin is not None
            and self.ruler is Ruler.STAMPS
            and (
                container.format == "mp3"
                or (container.format in _PCM_FORMATS and container.codec.startswith("pcm_"))
            )
        )
        self.frames = self._find_end(probed[0], size) if self._counted_by_demuxer else 0
        if not self.frames:
            self._counted_by_demuxer = False
            self.frames = self._survey(probed, packets)

    @property
    def is_cut(self) -> bool:
        """Whether it was cut from a longer stream: its first packet is not that stream's first."""
        return (self._origin or 0) * self.container.time_base > _LANDMARK_S

    def pieces(self, first: int) -> Iterator[Piece]:
        """Packets in order to the end, from one that begins a second or more before a sample.

        Parameters
        ----------
        first : int
            In samples.
        """
        pieces = self._from_landmark(first)
        if pieces is None:
            self.container.rewind()
            pieces = self._from_beginning(self.container.packets())
        return self._refined(pieces) if self.ruler is Ruler.PAGES else pieces

    def _probe(self, packets: Iterator[Packet[Any]]) -> tuple[list[Packet[Any]], list[int | None]]:
        """The first packets, and how many samples each decodes to: None for damaged ones."""
        probed: list[Packet[Any]] = []
        lengths: list[int | None] = []
        shape = None
        for packet in packets:
            probed.append(packet)
            try:
                block, rate = self.container.decode(packet)
            except UndecodableError:
                lengths.append(None)
            else:
                lengths.append(len(block))
                shape = shape or (len(block) and (rate, block.shape[1])) or None
            if len(probed) >= (_PROBED if shape else _MOST_PROBED):
                break
        if not shape:
            raise UndecodableError("nothing of it can be decoded" if probed else "holds no samples")
        self.sample_rate, self.channels = shape
        self._longest = round(_LONGEST_GAP_S * self.sample_rate)
        self._tick = (self.container.time_base * self.sample_rate).as_integer_ratio()
        return probed, lengths

    def _choose(
        self, probed: Sequence[Packet[Any]], lengths: Sequence[int | None]
    ) -> tuple[Ruler, int | None]:
        """The ruler, and the length of each packet if all have the same."""
        inner = [length for length in lengths[1:-1] if length is not None]
        even = inner[0] if inner and len(set(inner)) == 1 and inner[0] else None
        stamps = [
            self._stamped(packet, following, packet.pts) for packet, following in pairwise(probed)
        ]
        if self._tick[0] == 1 and inner:
            is_ogg = self.container.format == "ogg"
            changes_blocks = is_ogg and self.container.codec == "vorbis"
            if not changes_blocks and _agree(stamps[1:], lengths[1:-1]):
                return Ruler.STAMPS, even
            if is_ogg:
                return Ruler.PAGES, None
        return (Ruler.CONSTANT if even else Ruler.DECODED), even

    def _survey(self, probed: Sequence[Packet[Any]], packets: Iterator[Packet[Any]]) -> int:
        """Pass over all packets, noting landmarks: the true length in samples."""
        while True:
            if self.ruler is Ruler.DECODED:
                self.container.rewind()
                packets = self.container.packets()
            else:
                packets = chain(probed, packets)
            try:
                return self._note(self._from_beginning(packets))
            except _UnevenError:
                self.ruler = Ruler.DECODED

    def _initial_padding(self, begun: Packet[Any]) -> int:
        """Samples before the music: Vorbis tells them by a first page that begins before zero."""
        added = skips(begun)[0]
        if not added and self.container.format == "ogg" and self._origin is not None:
            early = self._samples(-self._origin)
            return early if 0 < early <= (self._first_length or 0) else 0
        return added

    def _note(self, pieces: Iterable[Piece]) -> int:
        self._landmarks.clear()
        self._known.clear()
        before = 0
        end, due, uneven = 0, round(_LANDMARK_S * self.sample_rate), False
        for piece in pieces:
            if uneven:
                raise _UnevenError
            uneven = self.ruler is Ruler.CONSTANT and not self._is_even(piece.packet)
            end = piece.start + piece.count
            packet = piece.packet
            is_sure = self.ruler is not Ruler.PAGES or piece.count == before
            before = piece.count
            if piece.start >= due and not piece.lead and is_sure:
                self._landmarks[packet.pos, packet.pts] = piece.start
                if packet.pts is not None:
                    self._known.append((piece.start, packet.pts))
                due = piece.start + round(_LANDMARK_S * self.sample_rate)
        return end

    def _find_end(self, begun: Packet[Any], size: int) -> int:
        """The true length, from the last packets; 0 where they are not found."""
        declared_s = self.container.declared_s
        supposed = [] if declared_s is None else [declared_s]
        if begun.pos is not None and begun.size and begun.duration:
            ticks = (size - begun.pos) / begun.size * begun.duration
            supposed.append(float(ticks * self.container.time_base))
        for end_s in supposed:
            stamp = self._stamp_of(max(0, round((end_s - _TAIL_S) * self.sample_rate)))
            if stamp is None or not self.container.seek(stamp):
                continue
            pieces = self._measure(self.container.packets(), 0)
            last = next(iter(deque(pieces, maxlen=1)), None)
            start = None if last is None else self._locate(last.packet)
            if last is not None and start is not None:
                return start + last.count
        return 0

    def _from_landmark(self, first: int) -> Iterator[Piece] | None:
        for back_s in _BACK_S:
            target = first - round(back_s * self.sample_rate)
            found = self._land(target, first) if target > 0 else None
            if found is not None:
                return self._measure(*found)
        return None

    def _land(self, target: int, first: int) -> tuple[Iterator[Packet[Any]], int] | None:
        """Seek to a sample: packets from a known one that begins at or before `first`."""
        stamp = self._stamp_of(target)
        if stamp is None or not self.container.seek(stamp):
            return None
        packets = self.container.packets()
        next(packets, None)  # whose padding and time the demuxer may have made up
        furthest = stamp + _ASTRAY_S / self.container.time_base
        for packet in packets:
            start = self._locate(packet)
            if start is not None:
                return (chain([packet], packets), start) if start <= first else None
            if packet.pts is not None and packet.pts > furthest:
                return None
        return None

    def _stamp_of(self, sample: int) -> int | None:
        """The time in ticks to seek to for a sample."""
        if self._counted_by_demuxer:
            seconds = (sample + self._padding) / self.sample_rate
            return (self._origin or 0) + math.floor(seconds / self.container.time_base)
        place = bisect_right(self._known, (sample, math.inf)) - 1
        return self._known[place][1] if place >= 0 else None

    def _locate(self, packet: Packet[Any]) -> int | None:
        """The sample with which a packet begins, if it can be told from the packet alone."""
        if not self._counted_by_demuxer:
            return self._landmarks.get((packet.pos, packet.pts))
        if packet.pts is None:
            return None
        start = self._samples(packet.pts - (self._origin or 0)) - self._padding
        return start if start >= 0 else None

    def _samples(self, ticks: int) -> int:
        """Ticks in samples, rounded; in whole numbers, for this is asked of every packet."""
        numerator, denominator = self._tick
        return (2 * ticks * numerator + denominator) // (2 * denominator)

    def _stamped(self, packet: Packet[Any], following: Packet[Any] | None, now: int | None) -> int:
        """The length of a packet by the times of it and of the one that follows."""
        if now is not None and following is not None and following.pts is not None:
            length = self._samples(following.pts - now)
            if 0 < length <= self._longest:
                return length
        return min(self._samples(packet.duration or 0), self._longest)

    def _from_beginning(self, packets: Iterator[Packet[Any]]) -> Iterator[Piece]:
        begun = next(packets, None)
        return iter(()) if begun is None else self._measure(chain([begun], packets), 0, begun)

    def _refined(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """The same pieces, laid by the decoder where the times of packets cannot be trusted."""
        start, before = None, 0
        for piece in pieces:
            block = self._decoded(piece.packet)
            count = piece.count if block is None else max(0, len(block) - piece.lead)
            if start is None or piece.count == before:
                start = piece.start
            before = piece.count
            yield Piece(start, piece.lead, count, piece.packet, block)
            start += count

    def _measure(
        self,
        packets: Iterator[Packet[Any]],
        start: int,
        begun: Packet[Any] | None = None,
    ) -> Iterator[Piece]:
        """Lay packets one behind the other.

        Parameters
        ----------
        packets : iterator of Packet
        start : int
            The sample with which the first one begins.
        begun : Packet, optional
            The first packet of the file, if that is where `packets` begin.
        """
        padding, now = 0, None
        packet = next(packets, None)
        while packet is not None:
            following = next(packets, None)
            added, dropped = skips(packet)
            padding += self._padding if packet is begun else added
            now = now if packet.pts is None else packet.pts
            block = self._decoded(packet) if self.ruler is Ruler.DECODED else None
            if block is not None:
                length = len(block)
            elif self.ruler is Ruler.CONSTANT:
                length = self._even or 0
            else:
                length = self._stamped(packet, following, now)
            if packet is begun and self._first_length is not None:
                length = min(length, self._first_length)
            if following is None:
                length = self._last_length(packet, length, dropped, block is not None)
            lead = min(padding, length)
            padding -= lead
            count = 0 if packet.is_discard else length - lead
            known = None if packet is begun else self._locate(packet)
            start = start if known is None else known
            yield Piece(start, lead, count, packet, block)
            start += count
            now = None if now is None else now + (packet.duration or 0)
            packet = following

    def _last_length(self, packet: Packet[Any], length: int, dropped: int, decoded: bool) -> int:
        """The last packet without its padding, which some containers take off its duration."""
        if decoded:
            return max(0, length - dropped)
        if self._even is None:
            return length
        if packet.duration:
            length = min(length, self._samples(packet.duration))
        return max(0, min(length, self._even - dropped))

    def _is_even(self, packet: Packet[Any]) -> bool:
        """Whether the duration of a packet is that of all, as far as its ticks tell."""
        tick = self._tick[0] / self._tick[1]
        return not packet.duration or abs(packet.duration * tick - (self._even or 0)) <= tick + 1

    def _decoded(self, packet: Packet[Any]) -> Block | None:
        try:
            return self.container.decode(packet)[0]
        except UndecodableError:
            return None


class _UnevenError(Exception):
    """Packets of a stream that seemed to be of one length are not."""


def _agree(stamped: Sequence[int], decoded: Sequence[int | None]) -> bool:
    pairs = zip(stamped, decoded, strict=False)
    return all(length is None or length == stamp for stamp, length in pairs)
