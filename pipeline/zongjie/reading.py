"""What can be read off a text before anyone has said what it means: its view, sentences, clauses, headings, sections.

In: a frozen ``Text``. Out: a ``Reading``. Not for: spaCy (``language``), or deciding what a span means (``rules``).

Read this first: makers never look at ``Text.content``. They look at ``Reading.text``, the *view*: the content without
page furniture, invisible characters and the line feeds that a page layout put into the middle of a sentence. The view
carries an offset map, so every mention is turned back into offsets of the content in one place, ``Reading.to_content``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from itertools import pairwise, zip_longest

from pydantic import ConfigDict

from zongjie.clauses import split_clauses
from zongjie.ontology import Table, load_table
from zongjie.period import Period, PeriodMention, find_periods, parse_period
from zongjie.places import Areas, find_areas
from zongjie.profile import Profile, profile
from zongjie.quantity import Quantity, QuantityMention, find_quantities
from zongjie.text import Block, Text

_LEAST_LINES = 4  # lines without which a text has no common width
_RUNNING = 60  # how far back in a line a mark shows that it is running text
_SIGNS = "，,。.；;：:、！!？? \n\t\u3000"
_SCHOOL_YEAR = 400  # days; a report on more is on several years
_NUMBERED = 5  # level of the highest numbering; those of containers and plain lines stand above


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in the view; ``level`` 1 is the highest."""

    start: int
    end: int
    level: int


class HeadingLevel(Table):
    """One numbering style of headings; ``pattern`` is a regular expression for the marker."""

    pattern: str
    inline: bool = False


class Headings(Table):
    """``[headings]``: numbering styles, highest first."""

    marker: str
    limit: int
    label: int
    short: int
    glued: str
    cues: list[str]
    levels: list[HeadingLevel]


class View(Table):
    """``[view]``: what the view of a text leaves out."""

    sentence_ends: str
    line_ends: str
    invisible: str
    broken_number: str
    goes_on: str
    number_line: str
    running: str


class Dates(Table):
    """``[dates]``: words that take their year from the heading or the sentence that they stand in."""

    yearless: str
    whole: list[str]
    terms: list[str]
    bounds: list[str]


class Structure(Table):
    """``configs/structure.toml`` without the part that ``clauses`` reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    view: View
    headings: Headings
    dates: Dates


@cache
def _structure() -> Structure:
    return load_table("structure.toml", Structure)


@cache
def _heading_marker() -> re.Pattern[str]:
    """Match a heading marker at the start of a line, after a sentence end, or after a space inside a long line."""
    table = _structure()
    ends = re.escape(table.view.sentence_ends)
    own, inline = (
        "|".join(f"(?P<L{i}>{x.pattern})" for i, x in enumerate(table.headings.levels) if x.inline is wanted)
        for wanted in (False, True)
    )
    at_line = rf"(?:^|(?<=[\n{ends} \u3000]))(?:{own})"
    return re.compile(rf"{at_line}|(?:^|(?<=[\n{ends} \u3000；;：:]))(?:{inline})", re.MULTILINE)


@cache
def list_marker() -> re.Pattern[str]:
    """Give the pattern of what numbers an item of a list at the start of its clause ((一), 1., 二是).

    Returns:
        The compiled pattern.
    """
    return re.compile(_structure().headings.marker)


@cache
def _yearless() -> re.Pattern[str]:
    """Match the beginning of a time that tells a part of a year, but not which."""
    return re.compile(_structure().dates.yearless)


@cache
def _inline_level() -> int:
    """Give the level from which on headings stand inside paragraphs."""
    return next(i for i, level in enumerate(_structure().headings.levels) if level.inline) + _NUMBERED


class Reading:
    """What can be read off a text before any maker has spoken.

    Attributes:
        source: The text itself.
        text: The view: the content without furniture, invisible characters and soft line feeds.
        rejoined: Where in the content the soft line feeds stand.
    """

    def __init__(self, source: Text) -> None:
        self.source = source
        self.text, self._origin, self.rejoined = _view(source)
        self._times: dict[tuple[int, int], Period | None] = {}  # what has been asked for; each is asked for often

    def to_content(self, start: int, end: int) -> tuple[int, int]:
        """Turn a range of the view into a range of the content.

        Args:
            start: First character in ``text``.
            end: One past the last; greater than ``start``.

        Returns:
            Half-open offsets into ``source.content``.
        """
        if self._origin is None:
            return start, end
        return self._origin[start], self._origin[end - 1] + 1

    @cached_property
    def profile(self) -> Profile:
        """The document facts."""
        return profile(self.source)

    @cached_property
    def areas(self) -> Areas:
        """Every area that the view names."""
        return find_areas(self.text)

    @cached_property
    def quantities(self) -> list[QuantityMention]:
        """Every quantity of the view, left to right, but for those that are part of a time expression."""
        times = self.periods
        starts = [t.start for t in times]
        kept = []
        for q in find_quantities(self.text):
            i = bisect_right(starts, q.start) - 1
            inside = i >= 0 and times[i].end > q.start
            ahead = i + 1 < len(times) and times[i + 1].start < q.end
            # a line feed that is left in the view is a hard one: nothing runs on across it
            if not inside and not ahead and "\n" not in q.text:
                kept.append(q)
        return kept

    @cached_property
    def _quantity_at(self) -> dict[tuple[int, int], QuantityMention]:
        return {(q.start, q.end): q for q in self.quantities}

    def quantity_at(self, start: int, end: int) -> Quantity | None:
        """Give the quantity that stands in exactly this range, read in its surroundings (a list shares its unit).

        Args:
            start: First character in ``text``.
            end: One past the last.

        Returns:
            The quantity, or ``None`` if none was found in exactly this range.
        """
        found = self._quantity_at.get((start, end))
        return found.quantity if found else None

    def unit_at(self, start: int, end: int) -> str:
        """Give the unit of the quantity that stands in exactly this range; empty where there is none."""
        quantity = self.quantity_at(start, end)
        return quantity.unit if quantity else ""

    @cached_property
    def periods(self) -> list[PeriodMention]:
        """Every time expression of the view, left to right."""
        return find_periods(self.text)

    @cached_property
    def clauses(self) -> list[tuple[int, int]]:
        """The clauses of the view as the annotation guide splits them."""
        return split_clauses(self.text)

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Runs of clauses up to a sentence end or a hard line feed."""
        ends = _structure().view.sentence_ends
        sentences: list[tuple[int, int]] = []
        begin = 0
        for start, end in self.clauses:
            tail = self.text[start:end].rstrip("”’」』)） \t")
            if self.text[end - 1] == "\n" or (tail and tail[-1] in ends):
                sentences.append((begin, end))
                begin = end
        if begin < len(self.text):
            sentences.append((begin, len(self.text)))
        return sentences

    @cached_property
    def _sentence_starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    def sentence_at(self, position: int) -> tuple[int, int]:
        """Give the sentence that a position stands in.

        Args:
            position: An offset into a ``text`` that is not empty.

        Returns:
            Half-open offsets into ``text``.
        """
        return self.sentences[max(0, bisect_right(self._sentence_starts, position) - 1)]

    @cached_property
    def headings(self) -> list[Heading]:
        """Numbered headings, those that the container marks, and plain lines that read as one, in order."""
        found = [*self._numbered_headings(), *self._stated_headings(), *self._plain_headings()]
        found.sort(key=lambda h: (h.start, h.level))
        return [h for i, h in enumerate(found) if i == 0 or h.start >= found[i - 1].end]

    def section(self, position: int) -> list[str]:
        """Give the path of headings that a position stands under, outermost first.

        Args:
            position: An offset into ``text``.

        Returns:
            Heading texts; empty before the first heading. A heading stands under the ones above it, not under itself.
        """
        starts, paths = self._sections
        i = bisect_right(starts, position) - 1
        return paths[i] if i >= 0 else []

    def section_end(self, position: int) -> int:
        """Give where the section of a position ends: at the next heading of its level or above.

        Args:
            position: An offset into ``text``.

        Returns:
            An offset into ``text``, its length before the first heading and in the last section. What is named in a
            section (a school, a programme) is not what the next one is about.
        """
        starts, ends = self._section_ends
        i = bisect_right(starts, position) - 1
        return ends[i] if i >= 0 else len(self.text)

    def in_one_item(self, first: int, second: int) -> bool:
        """Tell whether no item of a list in running text (一是… 二是…) begins between two positions.

        Args:
            first: An offset into ``text``.
            second: Another, before or behind it.
        """
        low, high = sorted((first, second))
        return bisect_right(self._item_starts, low) == bisect_right(self._item_starts, high)

    def time_at(self, start: int, end: int) -> Period | None:
        """Read the time that some words state, where they stand.

        Args:
            start: First character.
            end: One past the last.

        Returns:
            Its days, counted from the document's own; those of words that tell no year (6月底前, 上年, 全年) from the
            year that their sentence, the nearest heading or their paragraph names. ``None`` if they state no time.
        """
        if (start, end) not in self._times:
            self._times[start, end] = self._time_at(start, end)
        return self._times[start, end]

    def _time_at(self, start: int, end: int) -> Period | None:
        words, base, table = self.text[start:end], self.profile.base, _structure().dates
        first, last = self.profile.period_start, self.profile.period_end
        over_years = first and last and first.year < last.year and (last - first).days < _SCHOOL_YEAR
        if words in table.terms and first and over_years:
            return parse_period(f"{first.year}—{first.year + 1}学年{words}")
        whole = words in table.whole
        if whole or _yearless().match(words):
            year = self._year_at(start)
            if whole and year is None and self.profile.kind in ("summary", "plan", "bulletin"):
                year = _one_year(first, last)
            if year and whole:
                return Period(date(year, 1, 1), date(year, 12, 31), True, "year")
            if year is None and first and last and over_years:  # September is in the year in which a school year begins
                told = (parse_period(words, base=date(y, 12, 31)) for y in (first.year, last.year))
                within = (p for p in told if p and (day := p.start or p.end) and first <= day <= last)
                return next(within, None) or parse_period(words, base=base)
            base = date(year, 12, 31) if year and not (base and base.year == year) else base
        return parse_period(words, base=base)

    def _year_at(self, position: int) -> int | None:
        """Give the year that is named before a place in its sentence, by the nearest heading, or in its paragraph."""
        sentence = self.sentence_at(position)[0]
        return (
            self._year_between(sentence, position)
            or self._year_of_heading(position)
            or self._year_between(self.text.rfind("\n", 0, position) + 1, sentence)
        )

    def _year_between(self, start: int, end: int) -> int | None:
        """Give the last year named between two places."""
        starts, years = self._years
        i = bisect_left(starts, end) - 1
        return years[i] if i >= 0 and starts[i] >= start else None

    @cached_property
    def _years(self) -> tuple[list[int], list[int]]:
        """Where times of one year stand, and which; what something goes up to or is compared with is left out."""
        dates, starts, years = _structure().dates, list[int](), list[int]()
        bounds = tuple(dates.bounds)
        for mention in self.periods:
            if _yearless().match(mention.text) or self.text.endswith(bounds, 0, mention.start):
                continue
            told = parse_period(mention.text, base=self.profile.base)
            if told and told.start and told.end and told.start.year == told.end.year:
                starts.append(mention.start)
                years.append(told.start.year)
        return starts, years

    def _year_of_heading(self, position: int) -> int | None:
        for heading in reversed(self.section(position)):
            read = (parse_period(m.text, base=self.profile.base) for m in find_periods(heading))
            years = {_one_year(p.start, p.end) for p in read if p}
            if len(years) == 1 and (year := years.pop()):
                return year
        return None

    @cached_property
    def _item_starts(self) -> list[int]:
        return [heading.start for heading in self.headings if heading.level >= _inline_level()]

    @cached_property
    def _section_ends(self) -> tuple[list[int], list[int]]:
        """Where sections begin, and where they end; 一是… opens none."""
        headings = [h for h in self.headings if h.level < _inline_level()]
        ends = [len(self.text)] * len(headings)
        stack: list[int] = []
        for i, heading in enumerate(headings):
            while stack and headings[stack[-1]].level >= heading.level:
                ends[stack.pop()] = heading.start
            stack.append(i)
        return [heading.start for heading in headings], ends

    @cached_property
    def _sections(self) -> tuple[list[int], list[list[str]]]:
        """Where the path of headings changes, and to what."""
        starts: list[int] = []
        paths: list[list[str]] = []
        stack: list[Heading] = []

        def change(position: int) -> None:
            starts.append(position)
            paths.append([self.text[h.start : h.end].strip("# \t\n\u3000") for h in stack])  # without Markdown's marks

        for heading in self.headings:
            self._end_inline(stack, heading.start, change)
            while stack and stack[-1].level >= heading.level:
                stack.pop()
            change(heading.start)
            stack.append(heading)
            change(heading.end)
        self._end_inline(stack, len(self.text), change)
        return starts, paths

    def _end_inline(self, stack: list[Heading], limit: int, change: Callable[[int], None]) -> None:
        """Take 一是… off the path where its paragraph ends, if that is before a limit."""
        if not stack or stack[-1].level < _inline_level():
            return
        line_end = self.text.find("\n", stack[-1].end, limit)
        if line_end >= 0:
            while stack and stack[-1].level >= _inline_level():
                stack.pop()
            change(line_end)

    def _numbered_headings(self) -> Iterator[Heading]:
        table = _structure()
        stop, glued = re.compile(f"[\n{re.escape(table.view.sentence_ends)}]"), re.compile(table.headings.glued)
        markers = list(_heading_marker().finditer(self.text))
        for marker, following in zip_longest(markers, markers[1:]):
            level = int(str(marker.lastgroup)[1:])
            limit = following.start() if following else len(self.text)
            end = stop.search(self.text, marker.end(), limit)
            stop_at = end.start() if end else limit
            inline = table.headings.levels[level].inline
            item = None if inline else glued.search(self.text, marker.end(), stop_at)
            if item:
                stop_at = item.start()
                yield Heading(stop_at, self._first_clause(stop_at, item.end()), _inline_level())
            elif inline or stop_at > marker.start() + table.headings.limit:  # its first clause names what runs on
                stop_at = self._first_clause(marker.start(), marker.end())
            if marker.end() < stop_at <= marker.start() + table.headings.limit:
                yield Heading(marker.start(), stop_at, level + _NUMBERED)

    def _first_clause(self, start: int, marker_end: int) -> int:
        """Give where the first clause ends that goes beyond a marker, the signs behind it left out."""
        i = max(0, bisect_right(self.clauses, (start, len(self.text))) - 1)
        end = next((end for _, end in self.clauses[i : i + 3] if end > marker_end), marker_end)
        return marker_end + len(self.text[marker_end:end].rstrip(_SIGNS))

    def _stated_headings(self) -> Iterator[Heading]:
        """Headings that the container marks (a Word style, an HTML tag); the title is none."""
        for block in self.source.blocks:
            span = self.from_content(block.start, block.end) if block.kind == "heading" else None
            if span and self.text[slice(*span)].strip() != self.profile.title:
                yield Heading(*span, level=min(block.level or 1, _NUMBERED - 1))

    def _plain_headings(self) -> Iterator[Heading]:
        """Short lines without a number that end in a word for a part of a report (主要成效, 下一步打算)."""
        table = _structure().headings
        for start, end in self._lines:
            line = self.text[start:end].rstrip("：:")
            short = len(line) <= table.short and line.endswith(tuple(table.cues)) and line != self.profile.title
            if short and not _heading_marker().match(self.text, start):
                yield Heading(start, end, _NUMBERED - 1)

    @cached_property
    def _lines(self) -> list[tuple[int, int]]:
        """The lines of the view without the white space around them; empty ones are left out."""
        return [m.span() for m in re.finditer(r"[^\s](?:[^\n]*[^\s])?", self.text)]

    @cached_property
    def labels(self) -> list[tuple[int, int]]:
        """What says nothing of its own, in order: short numbered headings; lines that are a heading, title or date."""
        headings = {h.start: h.end for h in self.headings}
        dated = {p.start: p.end for p in self.periods}
        title, issuer = self.profile.title or "", self.profile.issuer

        def is_label(start: int, end: int) -> bool:
            line = self.text[start:end]
            alone = headings.get(start, 0) >= end - 1 or dated.get(start, 0) >= end
            return alone or line == issuer or (len(line) > 1 and line in title)

        limit, ends = _structure().headings.label, "\n" + _structure().view.sentence_ends
        own = (h for h in self.headings if h.level < _inline_level() and self.text[h.end : h.end + 1] in ends)
        numbered = [(h.start, h.end) for h in own if h.end - h.start <= limit]
        return sorted({*numbered, *((start, end) for start, end in self._lines if is_label(start, end))})

    def from_content(self, start: int, end: int) -> tuple[int, int] | None:
        """Turn a range of the content into the range of the view that shows it.

        Args:
            start: First character in ``source.content``.
            end: One past the last.

        Returns:
            Half-open offsets into ``text``, or ``None`` if nothing of the range is in the view.
        """
        if self._origin is None:
            return (start, end) if start < end else None
        low, high = bisect_right(self._origin, start - 1), bisect_right(self._origin, end - 1)
        return (low, high) if low < high else None


def _one_year(start: date | None, end: date | None) -> int | None:
    """Give the year that two days are the first and the last of."""
    whole = start and end and (start.month, start.day, end.month, end.day) == (1, 1, 12, 31)
    return start.year if whole and start and end and start.year == end.year else None


def _furniture(blocks: Iterable[Block]) -> list[tuple[int, int]]:
    return [(b.start, b.end) for b in blocks if b.kind == "furniture" and b.start < b.end]


def _soft_breaks(content: str) -> set[int]:
    """Find the line feeds that layout put into running text.

    A line feed inside a number, or between a number and its unit, is always soft; so is one before a comma, and one
    between running text and a number with its unit. Others are soft where the document is set in lines of one width and
    this line fills it without an end mark.
    """
    table = _structure().view
    soft = {m.end() for m in re.finditer(table.broken_number, content)}
    lines = content.split("\n")
    goes_on, number, starts_item = re.compile(table.goes_on), re.compile(table.number_line), _heading_marker()
    wrapped, cues = _wrapped(lines), tuple(_structure().headings.cues)
    position = 0
    for i, (line, after) in enumerate(pairwise(lines)):
        position += len(line)
        item = starts_item.match(after) or after.startswith((" ", "\u3000"))
        if (goes_on.match(after) and line.strip()) or (i in wrapped and after.strip() and not item):
            soft.add(position)
        elif (counted := number.match(after)) and line[-1:].isalpha() and not line.endswith(cues):
            running = any(mark in line[-_RUNNING:] for mark in table.running)
            alone = counted.end() == len(after)
            if running or alone or after[counted.end()] in table.running:
                soft.add(position)
            if running and alone:  # the number stands between two pieces of one sentence
                soft.add(position + 1 + len(after))
        position += 1
    return soft & {m.start() for m in re.finditer("\n", content)}


def _wrapped(lines: list[str]) -> set[int]:
    """Give the lines that fill the width of a page without an end mark; none where lines have no common width."""
    ends = _structure().view.line_ends
    # Han characters are two columns wide, ASCII one: 2n - (ASCII characters) needs no loop in Python.
    widths = [2 * len(line) - len(line.encode("ascii", "ignore")) for line in lines]
    filled = sorted(w for w in widths if w)
    full = filled[int(len(filled) * 0.8)] if len(filled) >= _LEAST_LINES else 0
    near = sum(full - 6 <= w <= full + 4 for w in filled)
    if not 20 <= full <= 140 or near * 2 < len(filled):
        return set()
    return {
        i
        for i, (line, w) in enumerate(zip(lines, widths, strict=True))
        if full - 6 <= w <= full + 4 and line[-1:] not in ends
    }


def _view(source: Text) -> tuple[str, array[int] | None, list[int]]:
    """Build the view, its offset map (``None`` where the view is the content) and the list of soft line feeds."""
    content = source.content
    soft = _soft_breaks(content) if "\n" in content else set()
    if source.tables and soft:  # a row of a table ends where its container says
        soft -= {i for b in source.blocks if b.kind == "table" for i in range(b.start - 1, b.end + 1)}
    drop = soft | {m.start() for m in re.finditer(f"[{_structure().view.invisible}]", content)}
    hidden = _furniture(source.blocks)
    if not drop and not hidden:
        return content, None, []
    origin = array("L")
    pieces: list[str] = []
    position = 0
    for start, end in [*hidden, (len(content), len(content))]:
        keep = [i for i in range(position, start) if i not in drop]
        origin.extend(keep)
        pieces.append("".join(content[i] for i in keep))
        if start < end:  # furniture becomes one hard line feed, so that nothing runs on across it
            origin.append(start)
            pieces.append("\n")
        position = end
    return "".join(pieces), origin, sorted(soft)
