"""Foreign text, such as file names, made safe to print on one line."""

from __future__ import annotations


def escape_control(text: str) -> str:
    r"""`text` with every control character, newline and undecodable byte escaped.

    Examples
    --------
    >>> print(escape_control("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
