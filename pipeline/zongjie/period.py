"""Expressions of time, as Chinese government reports write them: where they stand and which days they mean.

In: a string, and for relative expressions the document's own date. Out: ``PeriodMention`` (places) and ``Period``
(days). What the words mean is in ``configs/periods.toml``. Not for: clock times, durations that are a measured value
(``quantity.py``), or guessing: the machine's clock is never read, and what has no date stays unresolved.

Chosen readings, where reports leave room: intervals are closed; a school year runs from 1 September to 31 August, its
autumn term to 31 January, its spring term from 1 February to 15 July; …以来 and …起 end on the document's date, but a
term's 起 has no end; …前 ends with the last day of what it names, but with the first of a term, a holiday or a season,
and begins on the document's date if that lies before; 近三年 counts back from the document's date; a season runs from
one solar term to another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil

from zongjie.almanac import lunar_day, month_end, shift_months, solar_term
from zongjie.period_grammar import Grammar, grammar
from zongjie.text import fold

LONGEST = 48  # characters; no expression of time is longer, and the readers below may then be simple


@dataclass(frozen=True, slots=True)
class Period:
    """The days that an expression of time means.

    Attributes:
        start: First day; ``None`` if that side is open or unknown.
        end: Last day; ``None`` if that side is open or unknown.
        resolved: False where the days cannot be known: a relative expression without a document date, a frequency,
            or a word that points at a date given elsewhere.
        kind: ``date``, ``week``, ``month``, ``quarter``, ``half``, ``year``, ``century``, ``season``, ``term``,
            ``school_year``, ``plan``, ``range``, ``since``, ``until``, ``relative``, ``frequency`` or ``deictic``.
    """

    start: date | None
    end: date | None
    resolved: bool
    kind: str


@dataclass(frozen=True, slots=True)
class PeriodMention:
    """Where an expression of time stands.

    Attributes:
        start: First character.
        end: One past the last character.
        text: The characters themselves; ``parse_period`` reads them.
        repaired: What is read where scanning has mistaken a character, if it has (``11月底`` for ``H月底``).
    """

    start: int
    end: int
    text: str
    repaired: str | None = None


def find_periods(text: str) -> list[PeriodMention]:
    """Find the expressions of time in a text, as the annotation guide delimits them.

    Args:
        text: Any string. Titles in 《》 and document numbers such as 〔2021〕3号 are passed over.

    Returns:
        The expressions from left to right, not overlapping; ``text[m.start:m.end] == m.text`` holds for each.
    """
    rules, folded = grammar(), fold(text)
    mended = rules.mend(folded, level=True)
    found = list(rules.find(mended))
    if mended is folded:
        return [PeriodMention(start, end, text[start:end]) for start, end in found]
    return [PeriodMention(start, end, text[start:end], _repaired(folded[start:end])) for start, end in found]


def _repaired(text: str) -> str | None:
    """Give what is read in place of an expression, or ``None`` if nothing in it is misread."""
    mended = grammar().mend(text)
    return None if mended == text else mended


def parse_period(text: str, *, base: date | None = None) -> Period | None:
    """Read a whole string as an expression of time.

    Args:
        text: Any string, such as 2021年以来, 2022-2023学年, “十四五”期间 or 近三年.
        base: The document's date, to which 今年, 目前 or a month without a year are relative.

    Returns:
        The days it means, or ``None`` if the string is no expression of time or names a day that does not exist.
    """
    clean = _squeeze(grammar().mend(fold(text)))
    if not clean or len(clean) > LONGEST:
        return None
    try:
        return _Reader(grammar(), base).read(clean)
    except _NoBaseError:
        return Period(None, None, False, "relative")
    except (ValueError, OverflowError):  # 2月30日, or a year that the calendar does not reach
        return None


class _NoBaseError(Exception):
    """The expression is relative, and what it is relative to is not known."""


def _squeeze(text: str) -> str:
    """Drop quotes and blanks, save a blank that keeps two numbers apart."""
    return re.sub(r"[“”\"‘’']|(?<!\d)\s+|\s+(?!\d)", "", text)


def _months(year: int, first: int, last: int, kind: str) -> Period:
    """From the first month's first day to the last month's last; months beyond 12 lie in later years."""
    after, month = divmod(first - 1, 12)
    later, end = divmod(last - 1, 12)
    return Period(date(year + after, month + 1, 1), month_end(year + later, end + 1), True, kind)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one expression.

    Attributes:
        grammar: The grammar.
        base: The document's date.
        anchor: The day that supplies a year or month the expression leaves out, such as a range's first day.
        layers: How many expressions within expressions may still be entered; it bounds the work on nonsense.
    """

    grammar: Grammar
    base: date | None
    anchor: date | None = None
    layers: int = 4

    def read(self, text: str) -> Period | None:
        """Try each way of reading in turn; the more specific stand first."""
        ways: tuple[Callable[[str], Period | None], ...] = (
            self._word, self._frequency, self._plan, self._school_year, self._numeric, self._calendar, self._length,
            self._event, self._until, self._before, self._since, self._after, self._within, self._range, self._gloss,
            self._clock, self._century, self._some_event,
        )  # fmt: skip
        for way in ways:
            if (period := way(text)) is not None:
                return period
        return None

    def _nested(self, text: str, anchor: date | None = None) -> Period | None:
        """Read an expression within the expression."""
        return replace(self, anchor=anchor or self.anchor, layers=self.layers - 1).read(text) if self.layers else None

    @property
    def today(self) -> date:
        """The document's date."""
        if self.base is None:
            raise _NoBaseError
        return self.base

    @property
    def near(self) -> date:
        """The day that supplies what the expression leaves out."""
        return self.anchor or self.today

    def number(self, text: str) -> int:
        """Read a numeral: 12, 十二, 二十, 一百三十 or, digit by digit, 二〇二三."""
        if text.isascii():
            return int(text)
        numerals = self.grammar.table.numerals
        text = "".join(numerals.same.get(c, c) for c in text)
        if numerals.ten not in text and numerals.hundred not in text:
            return int("".join(str(numerals.digits.index(c)) for c in text))
        total, digit = 0, 0
        for c in text:
            if c in (numerals.ten, numerals.hundred):
                total += (digit or 1) * (10 if c == numerals.ten else 100)
                digit = 0
            else:
                digit = numerals.digits.index(c)
        return total + digit

    # ---- single words and named stretches ----

    def _word(self, text: str) -> Period | None:
        relative = self.grammar.table.relative
        if text in relative.now:
            return Period(self.today, self.today, True, "relative")
        if text in relative.deictic:
            return Period(None, None, False, "deictic")
        if text in relative.day:
            day = self.today + timedelta(days=relative.day[text])
            return Period(day, day, True, "date")
        if text in relative.week:
            monday = self.today - timedelta(days=self.today.weekday()) + timedelta(weeks=relative.week[text])
            return Period(monday, monday + timedelta(days=6), True, "week")
        if text in relative.years:
            first, last = (self.today.year + n for n in relative.years[text])
            return _months(first, 1, 12 * (last - first + 1), "range")
        return None

    def _frequency(self, text: str) -> Period | None:
        return Period(None, None, False, "frequency") if self.grammar.match("frequency", text) else None

    def _plan(self, text: str) -> Period | None:
        m = self.grammar.match("plan", text)
        if m is None:
            return None
        n, part, readings = self.number(m["plan"]), m["part"], self.grammar.table.readings
        first = 1953 + 5 * (n - 1) if n < 3 else 1966 + 5 * (n - 3)  # 1963 to 1965 belong to no plan
        if part == readings.since:
            return self._open(date(first, 1, 1))
        if part == readings.first:
            return _months(first, 1, 12, "plan")
        return _months(first + 4 if part == readings.final else first, 1, 12 if part == readings.final else 60, "plan")

    def _school_year(self, text: str) -> Period | None:
        match, school = self.grammar.match, self.grammar.table.school
        if m := match("school_year", text):
            first = self.number(m["y1"])
            last = self.number(m["y2"]) - 1 if m["y2"] else first
            if m["term"]:
                return self._term(first if m["term"] in self.grammar.table.readings.autumn else first + 1, m["term"])
            start = date(first, *school.year)
            return Period(start, date(max(first, last) + 1, *school.year) - timedelta(days=1), True, "school_year")
        if m := match("rel_school_year", text):
            return self._rel_school_year(self.grammar.table.relative.step[m["step"]], m["what"])
        if (m := match("term", text)) and (year := self._nested(m["year"])) and year.start and year.kind == "year":
            return self._term(year.start.year, m["term"])
        return None

    def _term(self, year: int, term: str) -> Period:
        """The autumn term that begins, or the spring term that lies, in ``year``."""
        school, autumn = self.grammar.table.school, term in self.grammar.table.readings.autumn
        m1, d1, m2, d2 = school.autumn if autumn else school.spring
        return Period(date(year, m1, d1), date(year + autumn, m2, d2), True, "term")

    def _rel_school_year(self, step: int, what: str) -> Period:
        school, today = self.grammar.table.school, self.today
        year = today.year if (today.month, today.day) >= school.year else today.year - 1
        if what == self.grammar.table.readings.school_year:
            start = date(year + step, *school.year)
            return Period(start, date(start.year + 1, *school.year) - timedelta(days=1), True, "school_year")
        spring = today >= date(year + 1, *school.spring[:2])
        n, is_spring = divmod(2 * year + spring + step, 2)
        m1, d1, m2, d2 = school.spring if is_spring else school.autumn
        return Period(date(n + is_spring, m1, d1), date(n + 1, m2, d2), True, "term")

    def _event(self, text: str) -> Period | None:
        table = self.grammar.table
        prefix = self.grammar.pattern("name_prefix").match(text)
        name = text[prefix.end() if prefix else 0 :]
        for key in (text, name):
            if key in table.events:
                return Period(table.events[key], table.events[key], True, "date")
            if (day := self._festival(key, None)) is not None:
                return Period(day, day, True, "date")
        return self._nested(name) if name != text else None

    def _festival(self, name: str, year: int | None) -> date | None:
        """The day of a festival, a solar term or a day of the lunar calendar, such as 八月十五."""
        table = self.grammar.table
        if name in table.festivals.solar:
            return date(year or self.near.year, *table.festivals.solar[name])
        if name in table.solar_terms:
            return solar_term(year or self.near.year, table.solar_terms[name])
        if name in table.festivals.lunar:
            return lunar_day(year or self.near.year, *table.festivals.lunar[name])
        if m := self.grammar.match("lunar", name):
            return lunar_day(year or self.near.year, self.number(m["m"]), self.number(m["d"]))
        return None

    # ---- expressions that hold another ----

    def _open(self, start: date) -> Period:
        """From a day to the document's date, or without end if the document is older or undated."""
        return Period(start, self.base if self.base and self.base >= start else None, True, "since")

    def _inner(self, name: str, text: str) -> Period | None:
        """The period of the ``body`` of a named pattern."""
        m = self.grammar.match(name, text)
        return self._nested(m["body"]) if m else None

    def _until(self, text: str) -> Period | None:
        body = self._inner("until", text)
        return body and replace(body, start=None, kind="until")

    def _before(self, text: str) -> Period | None:
        m = self.grammar.match("before", text)
        body = self._nested(m["body"]) if m else None
        if m is None or body is None or body.end is None or body.kind == "range":
            return body
        begins = body.kind in ("term", "season") and not m["body"].endswith(self.grammar.table.readings.final)
        end = body.start if begins and body.start else body.end
        return Period(self.base if self.base and self.base < end else None, end, True, "until")

    def _since(self, text: str) -> Period | None:
        m = self.grammar.match("since", text)
        body = (self._nested(m["body"]) if m else None) or self._inner("event_since", text)
        if body is None:
            return self._inner("from", text)
        if m and m["onward"] and body.kind == "term":
            return Period(body.start, None, True, "since")
        return self._open(body.start) if body.start else body

    def _after(self, text: str) -> Period | None:
        m = self.grammar.match("after", text)
        body = self._nested(m["body"]) if m else None
        if m and body and body.start and m["body"].endswith(self.grammar.table.readings.opening):
            return self._open(body.start)
        return self._open(body.end + timedelta(days=1)) if body and body.end else body

    def _within(self, text: str) -> Period | None:
        return self._inner("within", text)

    def _gloss(self, text: str) -> Period | None:
        m = self.grammar.match("gloss", text)
        return m and (self._nested(m["right"]) or self._whole_year(m["right"]) or self._nested(m["left"]))

    def _clock(self, text: str) -> Period | None:
        return self._inner("clock", text)

    def _some_event(self, text: str) -> Period | None:
        """…以来 and …期间 of an event whose day is not known."""
        return Period(None, None, False, "relative") if self.grammar.match("some_event", text) else None

    def _range(self, text: str) -> Period | None:
        grammar = self.grammar
        m = grammar.match("range", text)
        if m is None:
            return None
        left, right = m["left"], m["right"]
        bare = [bool(grammar.match("bare_year", side)) for side in (left, right)]
        if all(bare):
            return None
        units = re.search(grammar.table.patterns["range_unit"], right)
        first = self._nested(left) or (self._nested(left + units[0]) if units else None) or self._whole_year(left)
        if first is None or first.start is None:
            return first
        last = self._nested(right, first.start) or self._whole_year(right)
        if last is None or last.end is None or last.end < first.start:
            return None
        return Period(first.start, last.end, True, "range")

    def _whole_year(self, text: str) -> Period | None:
        return _months(int(text), 1, 12, "year") if self.grammar.match("bare_year", text) else None

    def _length(self, text: str) -> Period | None:
        m, readings = self.grammar.match("length", text), self.grammar.table.readings
        if m is None:
            return Period(None, None, False, "relative") if self.grammar.match("vague", text) else None
        count = 0.5 if m["count"] == self.grammar.table.numerals.half else float(self.number(m["count"]))
        count += 0.5 if m["half"] else 0
        unit, lead, tail = readings.units[m["unit"]], m["lead"] or "", m["tail"] or ""
        if lead in readings.forward or (not lead and tail in readings.within):
            return Period(self.today, self._away(count, unit), True, "relative")
        if lead in readings.backward or tail in readings.backward:
            return Period(self._away(-count, unit), self.today, True, "relative")
        if tail in readings.ago or tail in readings.hence:
            point = self._away(-count if tail in readings.ago else count, unit)
            return Period(point, point, True, "relative")
        return Period(None, None, False, "relative")

    def _away(self, count: float, unit: str) -> date:
        """The day so many units after the document's date, or before it if ``count`` is negative."""
        days = {"day": 1, "week": 7}.get(unit)
        if days:
            whole = ceil(abs(count) * days)
            return self.today + timedelta(days=whole if count > 0 else -whole)
        per = {"month": 1, "quarter": 3, "half": 6, "year": 12}[unit]
        months, part = divmod(abs(count) * per, 1)
        sign = 1 if count > 0 else -1
        return shift_months(self.today, sign * int(months)) + timedelta(days=sign * ceil(part * 30))

    # ---- the calendar ----

    def _century(self, text: str) -> Period | None:
        m = self.grammar.match("century", text)
        if m is None:
            return None
        first = (int(m["century"]) if m["century"] else self.today.year // 100) * 100 - 100
        if not (m["decade"] or m["edge"]):
            return _months(first, 1, 1200, "century")
        n = self.number(m["decade"]) if m["decade"] else 0 if m["edge"] == self.grammar.table.readings.first else 90
        return _months(first + n, 1, 120, "century")

    def _numeric(self, text: str) -> Period | None:
        m = self.grammar.match("numeric", text)
        if m is None:
            return None
        if m["d"] is None:
            date(int(m["y4"]), int(m["m"]), 1)
            return _months(int(m["y4"]), int(m["m"]), int(m["m"]), "month")
        day = date(int(m["y4"]), int(m["m"]), int(m["d"]))
        return Period(day, day, True, "date")

    def _calendar(self, text: str) -> Period | None:
        if m := self.grammar.match("next_year", text):
            if self.anchor is None:
                return Period(None, None, False, "deictic")
            return self._in_year(self.anchor.year + 1, m["rest"])
        if m := self.grammar.match("year", text):
            return self._in_year(self._year(m), m["rest"])
        return self._in_year(None, text) if text else None

    def _year(self, m: re.Match[str]) -> int:
        table = self.grammar.table
        if m["y4"]:
            return self.number(m["y4"])
        if m["y2"]:
            short = self.number(m["y2"])
            return short + (2000 if short <= table.numerals.pivot else 1900)
        if m["era"]:
            return 1911 + self.number(m["era"])
        return self.today.year + table.relative.year[m["rel"]]

    def _in_year(self, year: int | None, rest: str) -> Period | None:
        """Read what lies in a year; ``None`` for the year that goes without saying."""
        if not rest:
            return _months(year, 1, 12, "year") if year else None
        for way in (self._month, self._quarter, self._part, self._relative_month):
            if (period := way(year, rest)) is not None:
                return period
        if rest in self.grammar.table.relative.deictic:
            return Period(None, None, False, "deictic")
        day = self._festival(rest, year) if year else None
        return Period(day, day, True, "date") if day else None

    def _month(self, year: int | None, text: str) -> Period | None:
        if self.grammar.match("lunar", text):
            return None
        if m := self.grammar.match("two_months", text):
            first, last = map(self.number, m["pair"])
            return _months(year or self.near.year, first, last, "range")
        m = self.grammar.match("month", text)
        if m is not None:
            return self._in_month(year or self.near.year, self.number(m["m"]), m)
        if m := self.grammar.match("nth_month", text):
            n = self.number(m["m"])
            return _months(year or self.near.year, n, n, "month")
        if year is None and (m := self.grammar.match("day", text)):
            day = self.near.replace(day=self.number(m["d"]))
            return Period(day, day, True, "date")
        return None

    def _in_month(self, year: int, month: int, m: re.Match[str]) -> Period:
        """Read the named groups ``d``, ``edge``, ``ten`` and ``week`` of a match within a month."""
        groups, readings, first = m.groupdict(), self.grammar.table.readings, date(year, month, 1)
        if groups.get("d"):
            day = date(year, month, self.number(groups["d"]))
            return Period(day, day, True, "date")
        if groups.get("week"):
            monday = first + timedelta(days=-first.weekday() % 7, weeks=self.number(groups["week"]) - 1)
            return Period(monday, monday + timedelta(days=6), True, "week")
        bounds = readings.tens.get(groups.get("ten") or "") or readings.edges_month.get(groups.get("edge") or "")
        if bounds is None:
            return _months(year, month, month, "month")
        last = min(date(year, month, 1) + timedelta(days=bounds[1] - 1), month_end(year, month))
        return Period(date(year, month, bounds[0]), last, True, "month")

    def _quarter(self, year: int | None, text: str) -> Period | None:
        readings = self.grammar.table.readings
        if m := self.grammar.match("quarter", text):
            n = 4 * (year or self.near.year) + self.number(m["q"] or m["latin"]) - 1
        elif year is None and (m := self.grammar.match("rel_quarter", text)):
            n = 4 * self.today.year + (self.today.month - 1) // 3 + self.grammar.table.relative.quarter[m["rel"]]
        else:
            return None
        first, last = n % 4 * 3 + 1, n % 4 * 3 + 3
        if m["edge"]:
            first = last = first if m["edge"] == readings.first else last
        return _months(n // 4, first, last, "month" if m["edge"] else "quarter")

    def _part(self, year: int | None, text: str) -> Period | None:
        """Halves, edges, seasons, and the first or last so many months or quarters."""
        match, readings = self.grammar.match, self.grammar.table.readings
        if text in readings.breaks:
            m1, d1, m2, d2 = readings.breaks[text]
            year = year or self.near.year
            return Period(date(year, m1, d1), date(year, m2, d2), True, "term")
        if m := match("half", text):
            return _months(year or self.near.year, *readings.halves[m["half"]], "half")
        if m := match("edge", text):
            return _months(year or self.near.year, *readings.edges_year[m["edge"]], "month")
        if m := match("lead", text):
            n = self.number(m["count"]) * (1 if m["unit"] == readings.month_unit else 3)
            first, last = (13 - n, 12) if m["lead"] == readings.last else (1, n)
            return _months(year or self.near.year, first, last, "range") if 0 < n <= 12 else None
        if year and (m := match("season", text)):
            return self._season(year, readings.seasons[m["season"]])
        return None

    def _season(self, year: int, first: str) -> Period:
        """The quarter of a year that begins with a solar term."""
        minutes = list(self.grammar.table.solar_terms.values())
        at = minutes.index(self.grammar.table.solar_terms[first])
        later, following = divmod(at + 6, len(minutes))
        end = solar_term(year + later, minutes[following]) - timedelta(days=1)
        return Period(solar_term(year, minutes[at]), end, True, "season")

    def _relative_month(self, year: int | None, text: str) -> Period | None:
        if year is not None:
            return None
        if m := self.grammar.match("rel_month", text):
            day = shift_months(self.today.replace(day=1), self.grammar.table.relative.month[m["rel"]])
            return self._in_month(day.year, day.month, m)
        if m := self.grammar.match("month_edge", text):
            return self._in_month(self.near.year, self.near.month, m)
        return None
