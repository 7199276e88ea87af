"""The lists of songs, and which of them are wanted."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files

from beatmeter.datasets.labels import parse_labels
from beatmeter.errors import DatasetError
from beatmeter.meters import check_meter

SELECTIONS = ("wikimeter", "oddmeter-wiki", "reviewed")
_LONGEST_SLUG = 80


@dataclass(frozen=True)
class Song:
    """One song of a catalogue.

    Attributes
    ----------
    labels : dict of int to float
        ``{meter: confidence}``, ascending.
    query : str
        What to search for, when there are no sources.
    expected_s : float or None
        How long a recording should be about.
    sources : tuple of str
        Addresses of the very recordings, the best first.
    start_s, end_s : float or None
        The stretch of the recording in which the labels hold.
    """

    artist: str
    title: str
    labels: dict[int, float]
    query: str = ""
    expected_s: float | None = None
    sources: tuple[str, ...] = ()
    start_s: float | None = None
    end_s: float | None = None
    note: str = ""

    @property
    def slug(self) -> str:
        """What the song's files are called: lower case, underscores, at most 80 characters."""
        name = unicodedata.normalize("NFC", f"{self.artist}_{self.title}").lower()
        name = re.sub(r"[^\w\s-]", "", name)
        return re.sub(r"[\s_]+", "_", name).strip("_")[:_LONGEST_SLUG]

    @property
    def is_polyrhythmic(self) -> bool:
        """Whether it has several meters at once."""
        return len(self.labels) > 1


def select(
    selection: str,
    meters: Collection[int] = (),
    polyrhythms: bool = True,
    limit: int | None = None,
) -> list[Song]:
    """List the songs of a selection.

    Parameters
    ----------
    selection : str
        ``wikimeter``: the whole first list; ``oddmeter-wiki``: its songs in 5, 7, 9, 11 or
        several meters; ``reviewed``: the second list.
    meters : collection of int
        Only songs that have one of these; empty for all.
    polyrhythms : bool
        Whether songs with several meters are among them.
    limit : int or None
        At most so many, the first ones.

    Raises
    ------
    DatasetError, MeterError
        If there is no such selection or meter.
    """
    if selection not in SELECTIONS:
        raise DatasetError(f"selection: {selection!r} (allowed: {', '.join(SELECTIONS)})")
    wanted = {check_meter(meter) for meter in meters}
    songs = reviewed_songs() if selection == "reviewed" else searched_songs()
    if selection == "oddmeter-wiki":
        songs = [song for song in songs if song.is_polyrhythmic or min(song.labels) > 4]
    return [
        song
        for song in songs
        if (polyrhythms or not song.is_polyrhythmic) and (not wanted or wanted & song.labels.keys())
    ][:limit]


def searched_songs() -> list[Song]:
    """Read the list of songs that are searched for."""
    return [
        Song(
            artist=row["artist"],
            title=row["title"],
            labels=dict.fromkeys(
                parse_labels(row["meters"], row["title"]), float(row["confidence"])
            ),
            query=row["query"] or f"{row['artist']} {row['title']}",
            expected_s=_seconds(row["expected_s"]),
            note=row["note"],
        )
        for row in _rows("songs.csv")
    ]


def reviewed_songs() -> list[Song]:
    """Read the list of songs whose recordings are known."""
    return [
        Song(
            artist=row["artist"],
            title=row["title"],
            labels=parse_labels(row["meters"], row["title"]),
            sources=tuple(_address(source) for source in row["sources"].split()),
            start_s=_seconds(row["start_s"]),
            end_s=_seconds(row["end_s"]),
            note=row["note"],
        )
        for row in _rows("reviewed.csv")
    ]


def _rows(name: str) -> list[dict[str, str]]:
    text = (files(__package__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _seconds(cell: str) -> float | None:
    return float(cell) if cell else None


def _address(source: str) -> str:
    """The address of ``youtube:ID``, or of the file behind a page of Wikimedia Commons."""
    kind, _, place = source.partition(":")
    if kind == "youtube":
        return f"https://www.youtube.com/watch?v={place}"
    return place.replace("/wiki/File:", "/wiki/Special:FilePath/")
