"""What reading foreign JSON can raise."""

from __future__ import annotations

MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""Errors of JSON that is none, nests too deep, or has another shape."""
