"""Small random choices, so that composing reads as music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of `options`, all equally likely."""
    return options[int(rng.integers(len(options)))]


def weighted(rng: np.random.Generator, options: Mapping[T, float]) -> T:
    """One of the keys of `options`, as likely as its weight."""
    weights = np.cumsum(list(options.values()))
    return list(options)[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Whether an event of this probability happens."""
    return bool(rng.random() < probability)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from low to high, uniformly."""
    return float(low + (high - low) * rng.random())


def log_between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number from low to high, both above 0, whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
