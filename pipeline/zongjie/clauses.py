"""Where clauses end.

In: any string. Out: half-open ranges that follow on from one another and cover it. A clause ends at a comma, full
stop, semicolon, question or exclamation mark of either width, or at a line feed, unless brackets or quotation marks
enclose it (annotation guide, section 3). Not for: sentences, headings or what a clause is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import ConfigDict, Field

from zongjie.ontology import Table, load_table


class ClauseMarks(Table):
    """The ``[clauses]`` table.

    Attributes:
        ends: The characters that end a clause.
        pairs: Opening and closing characters that belong together.
        reach: Most characters between an opening and its closing character.
    """

    ends: Annotated[str, Field(min_length=1)]
    pairs: tuple[tuple[str, str], ...]
    reach: Annotated[int, Field(ge=0)]


class Structure(Table):
    """``configs/structure.toml``, as far as clauses need it."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # tables of other modules may stand in the same file

    clauses: ClauseMarks


@dataclass(frozen=True, slots=True)
class _Scanner:
    """The marks, ready to be looked for: every character maps to the number of its pair."""

    pattern: re.Pattern[str]
    content: re.Pattern[str]
    openers: dict[str, int]
    closers: dict[str, int]
    reach: int


@cache
def _scanner() -> _Scanner:
    """Compile the marks of ``configs/structure.toml``."""
    marks = load_table("structure.toml", Structure).clauses
    openers = {mark: kind for kind, pair in enumerate(marks.pairs) for mark in pair[0]}
    closers = {mark: kind for kind, pair in enumerate(marks.pairs) for mark in pair[1]}
    single = re.escape("".join([marks.ends, *openers, *closers]))
    # Digits grouped by commas are taken whole, so that their commas are never seen as marks.
    pattern = re.compile(rf"(?<!\d)\d{{1,3}}(?:,\d{{3}})+(?!\d)|[{single}\n]")
    content = re.compile(rf"[^\s{re.escape(marks.ends)}]")
    return _Scanner(pattern, content, openers, closers, marks.reach)


def _stops(text: str) -> list[int]:
    """Find the positions after clause-ending marks that no bracket encloses.

    A stop inside a bracket is taken back when the bracket closes; so a bracket that never closes takes nothing back.
    """
    scanner = _scanner()
    stops: list[int] = []
    opened: list[tuple[int, int, int]] = []  # pair, position, number of stops before it
    for match in scanner.pattern.finditer(text):
        mark, at = match[0], match.start()
        while opened and (mark == "\n" or at - opened[0][1] - 1 > scanner.reach):
            del opened[0]
        if (kind := scanner.openers.get(mark)) is not None:
            opened.append((kind, at, len(stops)))
        elif (kind := scanner.closers.get(mark)) is not None:
            if any(entry[0] == kind for entry in opened):
                while opened[-1][0] != kind:
                    opened.pop()
                del stops[opened.pop()[2] :]
        elif len(mark) == 1:
            stops.append(match.end())
    return stops


def split_clauses(text: str) -> list[tuple[int, int]]:
    """Split a text into clauses, in time linear in its length.

    Args:
        text: Any string.

    Returns:
        Half-open ranges (code points) that cover ``text`` without gap or overlap. Each ends after its mark and holds
        something besides marks and blank space, unless the whole text does not; marks that follow a mark, and the
        blank space between them, belong to the clause before. The empty text has no clauses.
    """
    content = _scanner().content
    clauses: list[tuple[int, int]] = []
    start = last = 0
    for stop in [*_stops(text), len(text)]:
        if content.search(text, last, stop):
            clauses.append((start, stop))
            start = stop
        elif clauses:
            clauses[-1] = (clauses[-1][0], stop)
            start = stop
        last = stop
    if not clauses and text:
        return [(0, len(text))]
    return clauses
