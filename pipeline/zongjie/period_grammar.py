"""The grammar of time expressions: the shape of ``configs/periods.toml``, with its patterns put together and compiled.

In: the table. Out: ``Grammar``, which ``period.py`` reads with. Not for: knowledge of words, which is all in the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, cached_property, partial
from itertools import count

from zongjie.ontology import Table, load_table

_NAME = re.compile(r"%(\w+)%")
_SKIP = "skip"
_DEAR = {"gloss": r"\(", "moment": "", "range": "", "core": ""}  # fragments that hold others, and how they open
_BARRED = re.compile(rf"\(\?<?!(?:[^()%]|%\w+%)*%(?:{'|'.join(_DEAR)})%[^()]*\)")
_LONGEST = 100  # characters; none of these fragments matches more


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
    opening: str
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

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Find expressions of time.

        Args:
            text: Text of folded width, in which level mending has been done.

        Yields:
            Half-open offsets, left to right; they do not overlap.
        """
        at = 0
        while match := self._scout.search(text, at):
            start, at = match.span()
            if match.lastgroup is None:
                yield start, at
            elif match.lastgroup != _SKIP:
                first = int(match.lastgroup.split("_")[1])
                read = (self._form(i).match(text, start) for i in range(first, len(self._forms)))
                exact = next(filter(None, read), None)
                at = exact.end() if exact else start + 1
                if exact:
                    yield start, at

    @cached_property
    def _forms(self) -> list[str]:
        """The forms that expressions have, not yet put together; the first that fits is the one."""
        return [*(f"%open%(?:{form})" for form in self.table.find.opening), *self.table.find.take]

    @cache  # noqa: B019 - there is one grammar
    def _form(self, i: int) -> re.Pattern[str]:
        taken = i >= len(self.table.find.opening)
        return re.compile(f"(?={self.table.find.start if taken else ''})(?:{self._expand(self._forms[i])})")

    @cached_property
    def _scout(self) -> re.Pattern[str]:
        """What finds where expressions stand; a match whose ``lastgroup`` is ``skip`` only looks like one.

        Expressions within expressions are most of the grammar, and compiling them takes longer than reading a short
        document. Here a few characters of any kind stand for them, in a group that names the form: where such a group
        took part in a match, that form itself is asked, else those after it. Without one the match is exact.
        """
        find, opened, numbers = self.table.find, len(self.table.find.opening), count()
        inner = f"(?={find.start})(?s:.){{1,{_LONGEST}}}?"

        def stand_in(name: str, form: int) -> str | None:
            return f"(?P<_{form}_{next(numbers)}>{_DEAR[name]}{inner})" if name in _DEAR else None

        forms = []
        for i, form in enumerate(self._forms):
            # what must not stand there is left to the form itself: a few characters of any kind would bar too much
            open_form = _BARRED.sub(lambda _, i=i: f"(?P<_{i}_{next(numbers)}>)", form)  # type: ignore[misc]
            forms.append(self._expand(open_form, partial(stand_in, form=i)))
        skip, opening, take = map("|".join, (map(self._expand, find.skip), forms[:opened], forms[opened:]))
        return re.compile(f"(?={find.skip_start})(?P<{_SKIP}>{skip})|{opening}|(?={find.start})(?:{take})")

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

    def _expand(self, pattern: str, instead: Callable[[str], str | None] = lambda _: None) -> str:
        """Put fragments in the places of their names, or what is to stand there instead."""
        while (filled := _NAME.sub(lambda m: instead(m[1]) or f"(?:{self._fragments[m[1]]})", pattern)) != pattern:
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
