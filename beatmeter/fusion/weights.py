"""The weights of the ensemble: ``weights.toml`` and its reading.

``W_<NAME>`` is the weight of signal ``<name>`` in the log-linear pool; a signal that is not named
has weight 0.0: it is shown, but does not vote. ``[pool] growth`` tells how much more all of them
count when more is heard. ``[tuned.<name>]`` tells which weight
``beatmeter tune`` found for a signal, when, and the hash of the gate record it relied on.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from beatmeter._util.atomic import replacing
from beatmeter._util.fitted import find_fitted, user_path
from beatmeter.errors import WeightsError
from beatmeter.meters import METERS, check_meter

FILE_NAME = "weights.toml"
_PREFIX = "W_"


@dataclass(frozen=True)
class Tuned:
    """Where a tuned weight comes from.

    Attributes
    ----------
    weight : float
    record : str
        Hash of the gate record.
    date : str
        ISO 8601.
    """

    weight: float
    record: str
    date: str


@dataclass(frozen=True)
class Weights:
    """What the ensemble gives to whom.

    Attributes
    ----------
    signals : dict of str to float
        By signal name, not negative.
    prior : dict of int to float
        By meter, positive, relative.
    fitted : dict
        On what the weights were fitted, for the record.
    tuned : dict of str to Tuned
        By signal name, for weights found by ``beatmeter tune``.
    growth : float
        Not negative: see :func:`beatmeter.fusion.pool.inverse_temperature`.
    """

    signals: dict[str, float]
    prior: dict[int, float] = field(default_factory=lambda: dict.fromkeys(METERS, 1.0))
    fitted: dict[str, Any] = field(default_factory=dict)
    tuned: dict[str, Tuned] = field(default_factory=dict)
    growth: float = 0.0

    def with_signals(self, changes: Mapping[str, float]) -> Weights:
        """The same with some weights changed."""
        return replace(self, signals=self.signals | dict(changes))


def load_weights(path: str | Path | None = None) -> Weights:
    """Read a weights file; the one in force when none is named: the user's own, else what ships.

    Raises
    ------
    WeightsError
        If it cannot be read, a weight is negative or not finite, a key is no weight, the prior
        names an unknown meter or is not positive, or what is told of a tuned weight is malformed.
    """
    path = find_fitted(FILE_NAME) if path is None else Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise WeightsError(f"{path}: cannot be read ({error})") from error
    signals = {}
    for key, value in _table(content, "weights", path).items():
        if not key.startswith(_PREFIX) or key != key.upper():
            raise WeightsError(f"{path}: key {key!r} (allowed: such as W_ACCENT_FOLDING)")
        signals[key.removeprefix(_PREFIX).lower()] = _number(value, key, path, least=0.0)
    prior = read_prior_table(content, path)
    told = _table(content, "tuned", path)
    tuned = {name: _tuned(value, name, path) for name, value in told.items()}
    growth = _number(_table(content, "pool", path).get("growth", 0.0), "growth", path, least=0.0)
    return Weights(signals, prior, _table(content, "fitted", path), tuned, growth)


def write_weights(weights: Weights, path: str | Path | None = None) -> Path:
    """Write a weights file, atomically: the user's own when none is named; returns its path."""
    path = user_path(FILE_NAME) if path is None else Path(path)
    lines = ["# W_<SIGNAL>: weights of the log-linear pool (docs/ensemble.md).", "[weights]"]
    lines += [
        f"{_PREFIX}{name.upper()} = {value:.4f}" for name, value in sorted(weights.signals.items())
    ]
    lines += ["", "# All weights times (seconds heard / 30) ** growth.", "[pool]"]
    lines += [f"growth = {weights.growth:.4f}"]
    lines += ["", "# Relative probability of a meter before anything is heard.", "[prior]"]
    lines += [f"{meter} = {weights.prior[meter]:.4f}" for meter in METERS]
    lines += ["", "[fitted]"]
    lines += [f"{key} = {_toml(value)}" for key, value in weights.fitted.items()]
    for name, tuned in sorted(weights.tuned.items()):
        lines += ["", f"[tuned.{name}]"]
        lines += [f"{key} = {_toml(value)}" for key, value in asdict(tuned).items()]
    with replacing(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_prior_table(content: Mapping[str, Any], path: Path) -> dict[int, float]:
    """The table ``prior`` of a file: relative probabilities by meter, 1.0 where none is named.

    Raises
    ------
    WeightsError
        If it is no table, or names an unknown meter or a number below 0.001.
    """
    prior = dict.fromkeys(METERS, 1.0)
    for key, value in _table(content, "prior", path).items():
        meter = check_meter(int(key)) if key.isdigit() else check_meter(-1)
        prior[meter] = _number(value, f"prior of {key}", path, least=1e-3)
    return prior


def _table(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise WeightsError(f"{path}: {name} is {table!r} (allowed: a table)")
    return table


def _number(value: object, name: str, path: Path, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WeightsError(f"{path}: {name} is {value!r} (allowed: a number)")
    if not math.isfinite(value) or value < least:
        raise WeightsError(f"{path}: {name} is {value} (allowed: finite, at least {least:g})")
    return float(value)


def _tuned(value: object, name: str, path: Path) -> Tuned:
    keys = ["weight", "record", "date"]
    if not isinstance(value, dict) or sorted(value) != sorted(keys):
        raise WeightsError(f"{path}: tuned.{name} is {value!r} (allowed: {', '.join(keys)})")
    weight = _number(value["weight"], f"tuned.{name}.weight", path, least=0.0)
    return Tuned(weight, str(value["record"]), str(value["date"]))


def _toml(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
