"""The grammar of time expressions: the shape of ``configs/periods.toml``, with its patterns put together and compiled.

In: the table. Out: ``Grammar``, which ``period.py`` reads with. Not for: knowledge of words, which is all in the table.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache, cached_property

from zongjie.ontology import Table, load_table


class _Find(Table):
    skip_start: str
    skip: tuple[str, ...]
    opening: tuple[str, ...]
    start: str
    take: tuple[str, ...]
    words: tuple[str, ...]


class _Misread(Table):
    digits: dict[str, str]
    suspect: str
    places: tuple[str, ...]


class _Numerals(Table):
    digits: str
    same: dict[str, str]
    ten: str
    hundred: str
    half: str
    pivot: int


class _Relative(Table):
    now: frozenset[str]
    year: dict[str, int]
    years: dict[str, tuple[int, int]]
    month: dict[str, int]
    quarter: dict[str, int]
    week: dict[str, int]
    day: dict[str, int]
    step: dict[str, int]
    deictic: frozenset[str]


class _Readings(Table):
    seasons: dict[str, str]
    halves: dict[str, tuple[int, int]]
    breaks: dict[str, tuple[int, int, int, int]]
    tens: dict[str, tuple[int, int]]
    edges_year: dict[str, tuple[int, int]]
    edges_month: dict[str, tuple[int, int]]
    units: dict[str, str]
    forward: frozenset[str]
    backward: frozenset[str]
    within: frozenset[str]
    ago: frozenset[str]
    hence: frozenset[str]
    last: str
    month_unit: str
    first: str
    final: str
    since: str
    school_year: str
    autumn: frozenset[str]


class _School(Table):
    year: tuple[int, int]
    autumn: tuple[int, int, int, int]
    spring: tuple[int, int, int, int]


class _Festivals(Table):
    solar: dict[str, tuple[int, int]]
    lunar: dict[str, tuple[int, int]]


class _Periods(Table):
    fragments: dict[str, str]
    find: _Find
    misread: _Misread
    patterns: dict[str, str]
    numerals: _Numerals
    relative: _Relative
    readings: _Readings
    school: _School
    events: dict[str, date]
    festivals: _Festivals
    solar_terms: dict[str, int]


class Grammar:
    """The tables, with their patterns put together from their fragments and compiled when first used.

    Attributes:
        table: What ``configs/periods.toml`` says.
    """

    def __init__(self, table: _Periods) -> None:
        self.table = table
        words = sorted(table.relative.year, key=len, reverse=True)
        self._fragments = table.fragments | {"word": "|".join(table.find.words), "rel_word": "|".join(words)}
        self._compiled: dict[str, re.Pattern[str]] = {}

    @cached_property
    def finder(self) -> re.Pattern[str]:
        """What finds expressions of time; a match whose ``lastgroup`` is ``skip`` only looks like one."""
        find = self.table.find
        skip, opening, take = (
            "|".join(self._expand(p) for p in group) for group in (find.skip, find.opening, find.take)
        )
        passed = f"(?={find.skip_start})(?P<skip>{skip})"
        return re.compile(f"{passed}|{self._expand('%open%')}(?:{opening})|(?={find.start})(?:{take})")

    @cached_property
    def _suspect(self) -> re.Pattern[str]:
        return re.compile(self._expand(self.table.misread.suspect))

    @cached_property
    def _misread(self) -> re.Pattern[str]:
        return re.compile("|".join(self._expand(p) for p in self.table.misread.places))

    def mend(self, text: str, *, level: bool = False) -> str:
        """Put digits for the characters that scanning has mistaken for others in a date.

        Args:
            text: Text of folded width.
            level: Whether to keep the length, with the first digit of what a character stands for (1 for the H of
                H月底); then offsets hold, and where expressions stand can be told but not what they mean.

        Returns:
            The mended text; ``text`` itself where nothing in it is misread.
        """
        if self._suspect.search(text) is None:
            return text
        digits = self.table.misread.digits

        def digit(c: str) -> str:
            return digits.get(c, c)[:1] if level else digits.get(c, c)

        return self._misread.sub(lambda m: "".join(map(digit, m.group())), text)

    def match(self, name: str, text: str) -> re.Match[str] | None:
        """Match a whole text against one of the patterns.

        Args:
            name: A key of the table's ``patterns``.
            text: What must match from end to end.

        Returns:
            The match, or ``None``.
        """
        return self.pattern(name).fullmatch(text)

    def pattern(self, name: str) -> re.Pattern[str]:
        """One of the patterns, compiled.

        Args:
            name: A key of the table's ``patterns``.

        Returns:
            The pattern.
        """
        if name not in self._compiled:
            self._compiled[name] = re.compile(self._expand(self.table.patterns[name]))
        return self._compiled[name]

    def _expand(self, pattern: str) -> str:
        while (filled := re.sub(r"%(\w+)%", lambda m: f"(?:{self._fragments[m[1]]})", pattern)) != pattern:
            pattern = filled
        return pattern


@cache
def grammar() -> Grammar:
    """The grammar of the shipped table, read once.

    Returns:
        The grammar.

    Raises:
        ConfigError: If the table is missing or wrong.
    """
    return Grammar(load_table("periods.toml", _Periods))
