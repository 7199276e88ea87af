"""Styles: what players of a tradition tend to choose, none of it bound to a meter."""

from __future__ import annotations

from dataclasses import dataclass

from beatmeter.corpora.compose.bass import BASSES
from beatmeter.corpora.compose.comping import COMPINGS
from beatmeter.corpora.compose.drums import DRUMS


@dataclass(frozen=True)
class Style:
    """A tradition's preferences.

    Attributes
    ----------
    family : str
        Its name.
    modes, progressions, basses, compings, drums : tuple of str
        Keys of ``harmony.MODES``, ``harmony.PROGRESSIONS``, ``bass.BASSES``,
        ``comping.COMPINGS`` and ``drums.DRUMS`` to choose from; a drum manner ``"none"`` is a
        band without drums.
    """

    family: str
    modes: tuple[str, ...]
    progressions: tuple[str, ...]
    basses: tuple[str, ...]
    compings: tuple[str, ...]
    drums: tuple[str, ...]


_MAJOR_MINOR = ("ionian", "aeolian", "harmonic minor")
_ALL_DRUMS = (*DRUMS, "none", "none")

STYLES: dict[str, Style] = {
    style.family: style
    for style in (
        Style(
            "balkan",
            ("hijaz", "harmonic minor", "ukrainian dorian", "dorian", "mixolydian", "phrygian"),
            ("balkan", "drone"),
            ("heads", "root fifth", "tumbao", "riff"),
            ("after beats", "stabs", "strum", "block", "vamp"),
            ("davul", "usul", "oom-pah", "rock", "none"),
        ),
        Style(
            "turkish",
            ("hijaz", "phrygian", "nikriz", "double harmonic", "aeolian"),
            ("drone", "balkan"),
            ("pedal", "heads", "riff"),
            ("pad", "strum", "arpeggio"),
            ("usul", "davul", "timeline", "none"),
        ),
        Style(
            "west african",
            ("major pentatonic", "mixolydian", "ionian", "minor pentatonic"),
            ("west african", "drone"),
            ("riff", "timeline", "tumbao"),
            ("rolling", "arpeggio", "stabs", "strum"),
            ("timeline", "toms", "shaker"),
        ),
        Style(
            "jazz",
            ("dorian", "ionian", "melodic minor", "mixolydian", "lydian dominant"),
            ("jazz", "blues"),
            ("walking", "heads", "root fifth", "pedal"),
            ("stabs", "vamp", "block", "off beats"),
            ("jazz", "jazz", "timeline", "none"),
        ),
        Style(
            "baroque",
            _MAJOR_MINOR,
            ("baroque",),
            ("walking", "pulse", "heads", "pedal"),
            ("arpeggio", "alberti", "block", "after beats"),
            ("none", "none", "none", "march"),
        ),
        Style(
            "prog",
            ("dorian", "lydian", "aeolian", "phrygian", "mixolydian"),
            ("prog", "rock"),
            ("riff", "pulse", "timeline", "heads"),
            ("arpeggio", "stabs", "pad", "rolling", "vamp"),
            ("rock", "rock", "toms", "electronic"),
        ),
        Style(
            "metal",
            ("phrygian", "aeolian", "harmonic minor", "hungarian minor"),
            ("prog", "rock", "drone"),
            ("pulse", "riff", "heads"),
            ("stabs", "block", "strum"),
            ("rock", "toms"),
        ),
        Style(
            "folk",
            ("ionian", "dorian", "mixolydian", "aeolian"),
            ("folk",),
            ("heads", "root fifth", "pedal"),
            ("strum", "after beats", "arpeggio", "block"),
            ("shaker", "usul", "oom-pah", "none", "none"),
        ),
        Style(
            "pop",
            ("ionian", "aeolian", "mixolydian"),
            ("pop",),
            ("heads", "pulse", "tumbao", "riff"),
            ("block", "pad", "arpeggio", "strum"),
            ("rock", "electronic", "shaker", "none"),
        ),
        Style(
            "rock",
            ("aeolian", "mixolydian", "minor pentatonic", "dorian"),
            ("rock", "blues"),
            ("riff", "pulse", "heads"),
            ("strum", "stabs", "block"),
            ("rock", "rock", "toms"),
        ),
        Style(
            "latin",
            ("ionian", "harmonic minor", "dorian"),
            ("pop", "jazz", "folk"),
            ("tumbao", "root fifth", "timeline"),
            ("stabs", "off beats", "arpeggio", "vamp"),
            ("timeline", "shaker", "toms"),
        ),
        Style(
            "electronic",
            ("aeolian", "dorian", "phrygian", "minor pentatonic"),
            ("pop", "drone", "prog"),
            ("pulse", "riff", "timeline"),
            ("pad", "arpeggio", "stabs"),
            ("electronic", "electronic", "timeline", "none"),
        ),
        Style(
            "minimal",
            ("ionian", "lydian", "dorian", "major pentatonic"),
            ("drone", "prog", "pop"),
            ("pedal", "heads", "timeline"),
            ("rolling", "arpeggio", "alberti", "pad"),
            ("none", "none", "shaker"),
        ),
        Style(
            "chamber",
            (*_MAJOR_MINOR, "melodic minor"),
            ("baroque", "folk", "pop"),
            ("heads", "root fifth", "walking", "pedal"),
            ("after beats", "alberti", "block", "arpeggio"),
            ("none",),
        ),
        Style(
            "eclectic",
            ("dorian", "double harmonic", "lydian dominant", "ionian", "aeolian"),
            ("prog", "jazz", "balkan", "west african"),
            BASSES,
            COMPINGS,
            _ALL_DRUMS,
        ),
        Style(
            "klezmer",
            ("hijaz", "ukrainian dorian", "harmonic minor"),
            ("balkan", "folk"),
            ("root fifth", "heads", "walking"),
            ("after beats", "off beats", "strum"),
            ("march", "davul", "oom-pah", "none"),
        ),
        Style(
            "cinematic",
            ("aeolian", "harmonic minor", "lydian", "phrygian"),
            ("pop", "prog"),
            ("pedal", "heads", "pulse"),
            ("pad", "arpeggio", "alberti"),
            ("toms", "march", "none"),
        ),
    )
}
"""Presets by family."""
