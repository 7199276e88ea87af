"""Drum cycles as players of aksak and frame-drum music name them, one sign per beat.

``D`` is düm, the low stroke, ``T`` tek, the high one, ``k`` the light answer, ``.`` silence. Among
them are Türk aksaği (2+3), devr-i turan (2+2+3), devr-i hindi (3+2+2), aksak (2+2+2+3), evfer,
sofyan, semai and yürük semai of Turkish practice, and the common strokes of pajdushko, ruchenitsa,
lesnoto, daichovo and kopanitsa.
"""

from __future__ import annotations

from beatmeter.corpora.compose.groupings import Grouping

CYCLES: dict[Grouping, tuple[str, ...]] = {
    (3,): ("DTT", "D.T", "DkT", "DTk"),
    (3, 3): ("DTTDT.", "D.TD.T", "DkTDkT", "D.TT.T", "DTkTDk"),
    (4,): ("D.Tk", "DTDT", "D.T.", "DkTk", "DTkD"),
    (2, 2): ("D.Tk", "DkTk", "DDT.", "D.T."),
    (2,): ("DT", "Dk", "D."),
    (3, 2): ("D.TT.", "D.kT.", "DTkDT", "D.TD.", "DkTTk"),
    (2, 3): ("DTT..", "D.T.k", "DkT.T", "D.TkT", "D.D.T"),
    (2, 2, 3): ("D.T.T..", "D.D.T.k", "DkTkT.k", "D.T.D.T", "DkT.TkT"),
    (3, 2, 2): ("DTTD.T.", "D.kT.T.", "D..T.T.", "DkkTkTk", "D.TD.Tk"),
    (2, 3, 2): ("D.T..T.", "DkT.kD.", "D.D.TT.", "DkTkkTk"),
    (2, 2, 2, 3): ("D.TkD.T.T", "D.T.D.T.T", "DkTkDkTkk", "D.T.D.TTT", "D.D.T.T.."),
    (2, 2, 3, 2): ("D.T.D.TT.", "DkTkDkkTk", "D.T.T..D."),
    (2, 3, 2, 2): ("D.T.kD.T.", "DkTkkDkTk", "D.D..T.T."),
    (3, 2, 2, 2): ("D.TD.T.T.", "DkkTkDkTk", "D..T.T.T.", "DTTD.T.D."),
    (3, 3, 3): ("D.TD.TD.T", "D.kT.kT.k", "DTTDTTDT.", "D.TkTkD.T", "D..T..T.k"),
    (2, 2, 3, 2, 2): ("D.T.D.TT.T.", "DkTkDkkTkTk", "D.D.T..D.T.", "D.T.T.kD.T."),
    (3, 3, 3, 2): ("D.TD.TD.TT.", "D.kT.kD.kT.", "DTTDTTDTTD.", "D..T..D..T."),
    (2, 2, 2, 2, 3): ("D.T.D.T.T..", "DkTkDkTkTkk", "D.T.D.T.D.T", "D.TkD.TkT.T"),
}


def cycle(grouping: Grouping, choice: int) -> str:
    """One cycle for a grouping, composed of its groups where tradition gives none."""
    known = CYCLES.get(grouping)
    if known:
        return known[choice % len(known)]
    low = "".join(("D" + ".Tk" * size)[:size] for size in grouping)
    return low if choice % 2 else "D" + low[1:].replace("D", "T")
