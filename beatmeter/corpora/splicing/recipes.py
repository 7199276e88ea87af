"""Which beats of bars of 3 or 4 make a bar of another meter.

A recipe is a row of spans; each takes `length` beats from position `start` of a source bar. A span
that goes on where the one before ended, or further right, stays in the same source bar, skipping
the beats between; one that goes back takes from the next bar, so that no beat is copied.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """A run of beats of one source bar.

    Attributes
    ----------
    start : int
        Position of the first beat in its bar, from 0.
    length : int
        Beats.
    """

    start: int
    length: int

    @property
    def end(self) -> int:
        """Position one past the last beat."""
        return self.start + self.length


Recipe = tuple[Span, ...]


def _recipe(*spans: tuple[int, int]) -> Recipe:
    return tuple(Span(start, length) for start, length in spans)


RECIPES: dict[tuple[int, int], tuple[Recipe, ...]] = {
    (3, 3): (_recipe((0, 3)),),
    (3, 4): (_recipe((0, 3), (2, 1)), _recipe((0, 3), (1, 1)), _recipe((0, 2), (1, 2))),
    (3, 5): (_recipe((0, 3), (0, 2)), _recipe((0, 2), (0, 3)), _recipe((0, 3), (1, 2))),
    (3, 7): (
        _recipe((0, 3), (0, 2), (0, 2)),
        _recipe((0, 2), (0, 2), (0, 3)),
        _recipe((0, 2), (0, 3), (0, 2)),
        _recipe((0, 3), (0, 3), (2, 1)),
    ),
    (3, 9): (
        _recipe((0, 2), (0, 2), (0, 2), (0, 3)),
        _recipe((0, 3), (0, 2), (0, 2), (0, 2)),
        _recipe((0, 2), (0, 3), (0, 2), (0, 2)),
    ),
    (3, 11): (
        _recipe((0, 3), (0, 3), (0, 3), (0, 2)),
        _recipe((0, 2), (0, 2), (0, 3), (0, 2), (0, 2)),
        _recipe((0, 3), (0, 3), (0, 2), (0, 3)),
    ),
    (4, 3): (_recipe((0, 3)), _recipe((0, 2), (3, 1)), _recipe((0, 1), (2, 2))),
    (4, 4): (_recipe((0, 4)),),
    (4, 5): (
        _recipe((0, 4), (3, 1)),
        _recipe((0, 4), (1, 1)),
        _recipe((0, 3), (0, 2)),
        _recipe((0, 2), (1, 3)),
    ),
    (4, 7): (
        _recipe((0, 4), (0, 3)),
        _recipe((0, 3), (0, 4)),
        _recipe((0, 4), (1, 3)),
        _recipe((0, 2), (0, 2), (0, 3)),
    ),
    (4, 9): (
        _recipe((0, 4), (0, 4), (3, 1)),
        _recipe((0, 4), (0, 3), (2, 2)),
        _recipe((0, 2), (0, 2), (0, 2), (0, 3)),
    ),
    (4, 11): (
        _recipe((0, 4), (0, 4), (0, 3)),
        _recipe((0, 4), (0, 3), (0, 4)),
        _recipe((0, 3), (0, 4), (0, 4)),
        _recipe((0, 3), (0, 3), (0, 3), (0, 2)),
    ),
}
"""Recipes by source and target meter."""

SOURCE_METERS = (3, 4)


def grouping_of(recipe: Recipe) -> tuple[int, ...]:
    """Beats of each group of the bar that a recipe makes."""
    return tuple(span.length for span in recipe)
