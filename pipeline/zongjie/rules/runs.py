"""Runs of name characters: the small tools that the finders of names share.

In: a string and places in it. Out: places in it. Not for: deciding what is a name (``schools.py``, ``programs.py``).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

REACH = 32  # longest part of a name before its head, in characters; keeps every scan linear

Words = Annotated[list[str], Field(min_length=1)]


def in_name(character: str) -> bool:
    """Whether a character may stand in a name: a letter of any script, a digit or a middle dot.

    Args:
        character: One character.

    Returns:
        ``True`` if so.
    """
    return character.isalnum() or character in "·•"


def cut(stop: re.Pattern[str], text: str, start: int, end: int) -> int:
    """Find where a name may begin: after the last stop word before its head.

    Args:
        stop: Pattern of the stop words; what its group ``keep`` matches is no stop.
        text: The text.
        start: First character of the run.
        end: First character of the head.

    Returns:
        The end of the last stop word in ``text[start:end]``, else ``start``.
    """
    for match in stop.finditer(text, start, end):
        if match.lastgroup != "keep":
            start = match.end()
    return start


def skip(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    """Find where the words that ``pattern`` matches at ``start`` end.

    Args:
        pattern: Any pattern.
        text: The text.
        start: Where to match.
        end: Where the text is taken to end.

    Returns:
        The end of the match, else ``start``.
    """
    match = pattern.match(text, start, end)
    return match.end() if match else start
