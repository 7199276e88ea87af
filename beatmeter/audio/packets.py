"""How many samples each packet of a stream holds, and how packets are laid one behind the other.

Headers lie, so lengths are counted. Of four rules the first that agrees with the decoder over the
first packets of a file is taken:

``TIMESTAMPS``
    The difference of the times of two packets, for containers whose ticks are fine enough.
``PAGES``
    The same over a page of Ogg; within it, what the decoder gives: where blocks change from long to
    short, the demuxer counts one packet of Vorbis too long and the next as much too short.
``CONSTANT``
    One length for each packet, where ticks are coarser (milliseconds) and the codec is even.
``DECODED``
    What the decoder gives; the whole stream is decoded once to count it.

The padding that an encoder adds before and after the music is left out, as containers declare it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from beatmeter.audio.container import Block, Container, UndecodableError, skips

if TYPE_CHECKING:
    from av import Packet

_PROBED = 24
"""Packets at the beginning of a file whose decoded length chooses the rule."""
_MOST_PROBED = 500
"""Packets after which a file of which none could be decoded is given up."""
_LONGEST_GAP_S = 10.0
"""A greater difference between the times of two packets is a jump of the clock, not a hole."""


class LengthRule(Enum):
    """How the length of a packet is known."""

    TIMESTAMPS = auto()
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


@dataclass(frozen=True)
class Probe:
    """The first packets of a stream.

    Attributes
    ----------
    packets : list of Packet
    lengths : list of int or None
        Samples that each decodes to; None for damaged ones.
    sample_rate, channels : int
        Of what they decode to; headers may name half the rate (HE-AAC).
    """

    packets: list[Packet[Any]]
    lengths: list[int | None]
    sample_rate: int
    channels: int


def probe(container: Container, packets: Iterator[Packet[Any]]) -> Probe:
    """Decode the first packets of a stream.

    Raises
    ------
    UndecodableError
        If none of them can be decoded.
    """
    probed: list[Packet[Any]] = []
    lengths: list[int | None] = []
    shape = None
    for packet in packets:
        probed.append(packet)
        try:
            block, rate = container.decode(packet)
        except UndecodableError:
            lengths.append(None)
        else:
            lengths.append(len(block))
            shape = shape or (len(block) and (rate, block.shape[1])) or None
        if len(probed) >= (_PROBED if shape else _MOST_PROBED):
            break
    if not shape:
        raise UndecodableError("nothing of it can be decoded" if probed else "holds no samples")
    return Probe(probed, lengths, *shape)


class PacketLengths:
    """The lengths of a stream's packets, by the rule that fits the first ones.

    Attributes
    ----------
    rule : LengthRule
    origin : int or None
        Time of the first packet, in ticks.
    padding : int
        Samples before the music.
    """

    def __init__(self, container: Container, probed: Probe) -> None:
        self._container = container
        first = probed.packets[0]
        self._tick = (container.time_base * probed.sample_rate).as_integer_ratio()
        self._longest = round(_LONGEST_GAP_S * probed.sample_rate)
        self.rule, self._even = self._choose(probed)
        self._first_length = probed.lengths[0]
        self.origin = first.pts
        self.padding = self._initial_padding(first)

    def samples(self, ticks: int) -> int:
        """Ticks in samples, rounded; in whole numbers, for this is asked of every packet."""
        numerator, denominator = self._tick
        return (2 * ticks * numerator + denominator) // (2 * denominator)

    def is_constant(self, packet: Packet[Any]) -> bool:
        """Whether the duration of a packet is that of all, as far as its ticks tell."""
        tick = self._tick[0] / self._tick[1]
        return not packet.duration or abs(packet.duration * tick - (self._even or 0)) <= tick + 1

    def lay(
        self,
        packets: Iterator[Packet[Any]],
        start: int,
        locate: Callable[[Packet[Any]], int | None],
        first: Packet[Any] | None = None,
    ) -> Iterator[Piece]:
        """Lay packets one behind the other.

        Parameters
        ----------
        packets : iterator of Packet
        start : int
            The sample with which the first one begins.
        locate : callable
            The sample with which a packet begins, where it is known from the packet alone.
        first : Packet, optional
            The first packet of the file, if that is where `packets` begin.
        """
        padding, now = 0, None
        packet = next(packets, None)
        while packet is not None:
            following = next(packets, None)
            added, dropped = skips(packet)
            padding += self.padding if packet is first else added
            now = now if packet.pts is None else packet.pts
            block = self._decoded(packet) if self.rule is LengthRule.DECODED else None
            if block is not None:
                length = len(block)
            elif self.rule is LengthRule.CONSTANT:
                length = self._even or 0
            else:
                length = self._by_timestamps(packet, following, now)
            if packet is first and self._first_length is not None:
                length = min(length, self._first_length)
            if following is None:
                length = self._last_length(packet, length, dropped, block is not None)
            lead = min(padding, length)
            padding -= lead
            count = 0 if packet.is_discard else length - lead
            known = None if packet is first else locate(packet)
            start = start if known is None else known
            yield Piece(start, lead, count, packet, block)
            start += count
            now = None if now is None else now + (packet.duration or 0)
            packet = following

    def refined(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
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

    def _choose(self, probed: Probe) -> tuple[LengthRule, int | None]:
        """The rule, and the length of each packet if all have the same."""
        inner = [length for length in probed.lengths[1:-1] if length is not None]
        even = inner[0] if inner and len(set(inner)) == 1 and inner[0] else None
        stamped = [
            self._by_timestamps(packet, following, packet.pts)
            for packet, following in pairwise(probed.packets)
        ]
        if self._tick[0] == 1 and inner:
            is_ogg = self._container.format == "ogg"
            changes_blocks = is_ogg and self._container.codec == "vorbis"
            if not changes_blocks and _agree(stamped[1:], probed.lengths[1:-1]):
                return LengthRule.TIMESTAMPS, even
            if is_ogg:
                return LengthRule.PAGES, None
        return (LengthRule.CONSTANT if even else LengthRule.DECODED), even

    def _initial_padding(self, first: Packet[Any]) -> int:
        """Samples before the music: Vorbis tells them by a first page that begins before zero."""
        added = skips(first)[0]
        if not added and self._container.format == "ogg" and self.origin is not None:
            early = self.samples(-self.origin)
            return early if 0 < early <= (self._first_length or 0) else 0
        return added

    def _by_timestamps(
        self, packet: Packet[Any], following: Packet[Any] | None, now: int | None
    ) -> int:
        """The length of a packet by the times of it and of the one that follows."""
        if now is not None and following is not None and following.pts is not None:
            length = self.samples(following.pts - now)
            if 0 < length <= self._longest:
                return length
        return min(self.samples(packet.duration or 0), self._longest)

    def _last_length(self, packet: Packet[Any], length: int, dropped: int, decoded: bool) -> int:
        """The last packet without its padding, which some containers take off its duration."""
        if decoded:
            return max(0, length - dropped)
        if self._even is None:
            return length
        if packet.duration:
            length = min(length, self.samples(packet.duration))
        return max(0, min(length, self._even - dropped))

    def _decoded(self, packet: Packet[Any]) -> Block | None:
        try:
            return self._container.decode(packet)[0]
        except UndecodableError:
            return None


def _agree(stamped: Sequence[int], decoded: Sequence[int | None]) -> bool:
    pairs = zip(stamped, decoded, strict=False)
    return all(length is None or length == stamp for stamp, length in pairs)
