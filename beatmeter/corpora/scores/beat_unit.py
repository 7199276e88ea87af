"""How a time signature is counted: which note value is the beat, and how the beats group.

The beats of a bar agree with the meter as which METER2800 counts the signature (see
:mod:`beatmeter.meters`):

================  ======================  ==============  =======
signature         beat                    beats of a bar  meter
================  ======================  ==============  =======
2/n, 4/n, 8/n     the written n           2, 4, 8         4
12/n              three n (dotted)        4               4
16/n              four n                  4               4
3/n               the written n           3               3
6/n               the written n           6, as 3+3       3
5/n, 10/n         the written n           5, 10           5
15/n              three n (dotted)        5               5
7/n, 14/n         the written n           7, 14           7
9/n, 11/n         the written n           9, 11           9, 11
================  ======================  ==============  =======

So the eighth is the beat of 6/8 and 9/8, the dotted quarter that of 12/8, the quarter that of 2/4.
"""

from __future__ import annotations

from dataclasses import dataclass

from beatmeter.meters import meter_of

_UNITS_OF_BEAT = {12: 3, 15: 3, 16: 4}
_GROUPING = {
    1: (1,),
    2: (2,),
    3: (3,),
    4: (4,),
    5: (3, 2),
    6: (3, 3),
    7: (2, 2, 3),
    8: (4, 4),
    9: (3, 3, 3),
    10: (3, 2, 3, 2),
    11: (3, 3, 3, 2),
    14: (2, 2, 3, 2, 2, 3),
}


@dataclass(frozen=True)
class Counting:
    """The beats of a bar.

    Attributes
    ----------
    beat_quarters : float
        Length of a beat in quarter notes, above 0.
    grouping : tuple of int
        The customary groups; a score may mean others.
    """

    beat_quarters: float
    grouping: tuple[int, ...]

    @property
    def beats(self) -> int:
        """Beats of a bar."""
        return sum(self.grouping)

    @property
    def bar_quarters(self) -> float:
        """Length of a bar in quarter notes."""
        return self.beats * self.beat_quarters


def count(time_signature: str) -> Counting:
    """How `time_signature` is counted.

    Raises
    ------
    MeterError
        If it is not a time signature that stands for one of the six meters.
    """
    meter_of(time_signature)
    units, value = (int(number) for number in time_signature.split("/"))
    per_beat = _UNITS_OF_BEAT.get(units, 1)
    return Counting(4 / value * per_beat, _GROUPING[units // per_beat])
