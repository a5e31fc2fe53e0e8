"""Offsets of tools that count UTF-16 units, as JavaScript does, where we count code points.

In: a text and a range in the one. Out: the range in the other. They differ behind a character above U+FFFF.
"""

from __future__ import annotations

_WIDEST = 0xFFFF  # the last character that is one unit


def to_utf16(text: str, place: tuple[int, int]) -> tuple[int, int]:
    """Turn a range of code points into a range of UTF-16 units.

    Args:
        text: The text.
        place: Half-open offsets into it.

    Returns:
        The same range in units.
    """
    start, end = (at + sum(ord(char) > _WIDEST for char in text[:at]) for at in place)
    return start, end


def from_utf16(text: str, place: tuple[int, int]) -> tuple[int, int] | None:
    """Turn a range of UTF-16 units into a range of code points.

    Args:
        text: The text.
        place: Half-open offsets in units.

    Returns:
        The same range in code points; ``None`` if it ends outside of the text, or within a character.
    """
    start, end = (_code_point(text, at) for at in place)
    return None if start is None or end is None else (start, end)


def _code_point(text: str, unit: int) -> int | None:
    seen = 0
    for at, char in enumerate(text):
        if seen >= unit:
            return at if seen == unit else None
        seen += 1 + (ord(char) > _WIDEST)
    return len(text) if seen == unit else None
