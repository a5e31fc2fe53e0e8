"""Tables read as tables: what the headings over a number and beside it say of it.

In: a draft whose layers some maker has filled, of a text whose tables are known (``Text.tables``). Out: the same draft;
every cell that is a number is a NUMBER, linked to its METRIC (the heading that names the indicator), TIME, PLACE and
SCHOOL, with its unit. The words are in ``configs/tables.toml``. Not for: running text inside cells, which stays as the
maker left it.

Read this first: each heading is read once (``_Heads.label``) into a ``_Label``: the noun that it names, a time, a
place, a school, a unit. A number's labels are those over its column and those beside it in its row (``_Sheet.fact``).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from zongjie.layers import LINKS, D, Layers, Link, layers, reading
from zongjie.ontology import Table, load_table
from zongjie.quantity import parse_quantity
from zongjie.readers.stated import key_of
from zongjie.reading import Reading
from zongjie.record import Kind, Status
from zongjie.rules.grid import Grid, Row, moved
from zongjie.rules.links import status_on
from zongjie.rules.order import Ordered
from zongjie.text import Cell, Mention, fold

_NEAR = 3  # spans before another that may reach into it; those of a table are nested no deeper


class Headings(Table):
    """``[headings]``: classes of headings, as they stand without white space, units and numbering."""

    generic: frozenset[str]
    totals: frozenset[str]
    ignored: frozenset[str]
    times: frozenset[str]
    deadlines: frozenset[str]
    units: frozenset[str]
    schools: frozenset[str]
    places: frozenset[str]
    indicators: frozenset[str]
    categories: frozenset[str]


class Patterns(Table):
    """``[patterns]``: regular expressions over width-folded text."""

    bracket: str
    unit_line: str
    lead: str
    trailing: str
    number: str
    code: str
    year: str
    target: str
    reached: str
    rise: str
    fall: str
    change: str
    rank: str


class Limits(Table):
    """``[limits]``."""

    header_rows: int
    caption: int
    captions: int
    heading: int
    rank_unit: str


class TableWords(Table):
    """``configs/tables.toml``."""

    headings: Headings
    patterns: Patterns
    limits: Limits


@cache
def _words() -> TableWords:
    return load_table("tables.toml", TableWords)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(getattr(_words().patterns, name))


def _squeezed(words: str) -> str:
    return "".join(fold(words).split())


def _unit(words: str) -> str | None:
    """Give a unit if that is what the words are."""
    words = _squeezed(words)
    found = parse_quantity(f"1{words}") if words and not words[0].isdigit() else None
    return words if found and found.unit else None


@dataclass(frozen=True, slots=True)
class _Label:
    """What one heading says.

    Attributes:
        word: It, without white space, unit and numbering.
        metric: The noun that names an indicator or a kind of it.
        time: Its TIME.
        place: Its PLACE.
        school: Its SCHOOL.
        unit: The unit in its brackets.
    """

    word: str
    metric: Mention | None = None
    time: Mention | None = None
    place: Mention | None = None
    school: Mention | None = None
    unit: str | None = None


class _Heads:
    """Reads headings; each once."""

    def __init__(self, view: Reading, named: Iterable[Mention]) -> None:
        self.text = view.text
        times = [Mention(p.start, p.end, "TIME") for p in view.periods]
        self.named = Ordered([*times, *(m for m in named if m.type in ("PLACE", "SCHOOL"))])
        self.known: dict[tuple[int, int, str], _Label] = {}

    def label(self, cell: Cell, over: str = "") -> _Label:
        """Read a heading; ``over`` is the word over its column, which may say what kind of name it is."""
        key = (cell.start, cell.end, over)
        if key not in self.known:
            self.known[key] = self._read(cell.start, cell.end, over)
        return self.known[key]

    def _read(self, start: int, end: int, over: str) -> _Label:
        kinds, folded = _words().headings, fold(self.text[start:end])
        bracket = _pattern("bracket").search(folded)
        unit = _unit(bracket["unit"]) if bracket else None
        if bracket and unit:
            end = start + bracket.start()
        elif (alone := _unit(folded)) and _squeezed(folded) not in kinds.categories:
            return _Label(_squeezed(folded), unit=alone)
        start, end = self._trimmed(start, end)
        word = _squeezed(self.text[start:end])
        if over in kinds.times or (_pattern("year").fullmatch(word) and not over):
            return _Label(word, time=Mention(start, end, "TIME"), unit=unit)
        if over in kinds.schools and word not in kinds.totals:
            return _Label(word, school=Mention(start, end, "SCHOOL"), unit=unit)
        if over in kinds.places and word not in kinds.totals:
            return _Label(word, place=Mention(start, end, "PLACE"), unit=unit)
        return self._composed(start, end, word, unit)

    def _composed(self, start: int, end: int, word: str, unit: str | None) -> _Label:
        """Read a heading that may name a time and a place before its noun (2023年全市‹在校生数›)."""
        found: dict[str, Mention] = {}
        for mention in self.named.inside(start, end):
            if mention.start == start and mention.type not in found:
                found[mention.type] = mention
                start = self._trimmed(mention.end, end)[0]
            elif mention.type != "TIME":
                found.setdefault(mention.type, mention)
        whole = found.get("SCHOOL")
        kinds = _words().headings
        noun = _squeezed(self.text[start:end])
        says = noun and noun not in kinds.generic and noun not in kinds.totals and noun not in kinds.ignored
        metric = (
            Mention(start, end, "METRIC") if says and not _qualifier(noun) and any(map(str.isalpha, noun)) else None
        )
        if whole and whole.end == end:
            metric = None
        return _Label(word, metric, found.get("TIME"), found.get("PLACE"), whole, unit)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Leave out numbering, colons and white space at the edges."""
        words = fold(self.text[start:end])
        lead = re.match(rf"(?:\s|{_words().patterns.lead})*", words)
        begin = lead.end() if lead else 0
        tail = _pattern("trailing").search(words, begin)
        finish = tail.start() if tail else len(words)
        return (start + begin, start + finish) if begin < finish else (start, end)


def _qualifier(word: str) -> Kind | None:
    """Give the kind of number that a heading asks for where that is all it says (同比增长)."""
    for name, kind in (("rise", "up"), ("fall", "down"), ("change", "up"), ("rank", "rank")):
        if _pattern(name).fullmatch(word):
            return kind  # type: ignore[return-value]
    return None


class _Sheet:
    """One table of a view."""

    def __init__(self, view: Reading, cells: Sequence[Cell], heads: _Heads) -> None:
        self.view, self.text, self.heads, self.kinds = view, view.text, heads, _words().headings
        self.times = {p.start: p.end for p in view.periods}
        self.grid = Grid(cells, self.is_number, self.is_year, _words().limits.header_rows)
        lines = [*_lines_over(self.text, cells[0].start), *((c.start, c.end) for c in self.grid.captions)]
        self.unit = next((u for s, e in reversed(lines) if (u := _stated_unit(self.text[s:e]))), None)
        captions = [heads.label(Cell(s, e, 0, 0)) for s, e in lines]
        captions += self._named_in_pairs()
        self.captions = [label for label in reversed(captions) if label.time or label.place or label.school]
        self.planned = any(_intends(self.text[s:e]) for s, e in lines)
        self.words = {
            column: [heads.label(cell) for cell in self.grid.over(column)] for column in range(self.grid.width)
        }
        self.claimed: list[tuple[int, int]] = []  # cells of which this has spoken

    def _named_in_pairs(self) -> Iterator[_Label]:
        """Give what a form says that it is about (学校名称 | 云溪市第三小学)."""
        if self.grid.is_pairs:
            for row in self.grid.rows:
                for name, value in pairwise(row.own):
                    word = _squeezed(self.text[name.start : name.end])
                    if name.column % 2 == 0 and word in self.kinds.schools | self.kinds.places:
                        yield self.heads.label(value, word)

    def tasks(self) -> Iterator[tuple[int, int, Mention | None]]:
        """Give the rows of a table of tasks, each with the time by which its task is to be done."""
        dated = [c for c, labels in self.words.items() if any(x.word in self.kinds.deadlines for x in labels)]
        for row in self.grid.body if dated else ():
            over = next(label.word for label in self.words[dated[0]] if label.word in self.kinds.deadlines)
            due = next((self.heads.label(c, over).time for c in row.cells if c.column == dated[0]), None)
            if row.own:
                yield row.own[0].start, row.own[-1].end, due

    def is_number(self, cell: Cell) -> bool:
        """Say whether a cell is a number and nothing else."""
        words = self.text[cell.start : cell.end]
        if not any(c.isdigit() for c in words) or not _pattern("number").fullmatch(fold(words)):
            return False
        if self.times.get(cell.start) == cell.end or _pattern("code").fullmatch(words):
            return False
        return parse_quantity(_unsigned(words)[1]) is not None

    def is_year(self, cell: Cell) -> bool:
        """Say whether a cell is a bare year."""
        return bool(_pattern("year").fullmatch(_squeezed(self.text[cell.start : cell.end])))

    def links(self) -> Iterator[Link]:
        """Give a link for each number of the table."""
        for header in self.grid.headers:
            self.claimed += [(cell.start, cell.end) for cell in header.own]
        for row in self.grid.body:
            counted: list[Cell] = []
            for cell in filter(self.is_number, row.own):
                if self._counts(cell.column):
                    counted.append(cell)
                else:
                    self.claimed.append((cell.start, cell.end))
            if counted:
                yield from self._row(row, counted)

    def _counts(self, column: int) -> bool:
        """Say whether the numbers of a column are values: not an ordinal, a code or a year."""
        words = {label.word for label in self.words[column]}
        return not words & (self.kinds.ignored | self.kinds.times) and not any(map(key_of, words))

    def _row(self, row: Row, numbers: Sequence[Cell]) -> Iterator[Link]:
        first, counted = numbers[0].column, {number.start for number in numbers}  # rows may have 100,000 cells
        words = [cell for cell in row.cells if cell.start not in counted]
        columns = [cell.column for cell in words]
        beside: list[_Label] = []
        unit = None
        for cell in row.cells:
            if cell.end - cell.start > _words().limits.heading:
                continue
            over = next((label.word for label in reversed(self.words[cell.column]) if label.word), "")
            if self.grid.is_pairs or not self.grid.headers:
                continue
            if over in self.kinds.units and (stated := _unit(self.text[cell.start : cell.end])):
                unit = stated
            elif cell.column < first and cell.start not in counted and over not in self.kinds.ignored:
                beside += [self._beside(cell, over)] if over in self.kinds.times or not self.is_number(cell) else []
        for number in numbers:
            near = beside
            if self.grid.is_pairs or not self.grid.headers:
                left = bisect_left(columns, number.column)
                near = [self._beside(words[left - 1], "")] if left else []
            if not any(label.word in self.kinds.ignored or key_of(label.word) for label in near):
                link = self._fact(number, near, unit)
                if link.metric or near:  # else nothing says what it is; its maker may know
                    self.claimed.append((number.start, number.end))
                    yield link

    def _beside(self, cell: Cell, over: str) -> _Label:
        self.claimed.append((cell.start, cell.end))
        return self.heads.label(cell, over)

    def _fact(self, cell: Cell, beside: Sequence[_Label], row_unit: str | None) -> Link:
        """Put together what the labels over a number and beside it say."""
        over = [] if self.grid.is_pairs or not self.grid.headers else self.words[cell.column]
        metric, others = self._metric(over, beside, cell)
        said = [*reversed(over), *reversed(beside), *self.captions]
        kind: Kind = next((k for label in reversed(over) if (k := _qualifier(label.word))), "level")
        sign, surface = _unsigned(self.text[cell.start : cell.end])
        if kind == "up" and sign:
            kind = "down"
        start = cell.end - len(surface) if kind == "down" else cell.start
        units = (*(label.unit for label in (*reversed(over), *reversed(beside))), row_unit, self.unit)
        unit = _words().limits.rank_unit if kind == "rank" else next((u for u in units if u), "")
        own = parse_quantity(surface)
        return Link(
            Mention(start, cell.end, "NUMBER"),
            metric,
            time=next((label.time for label in said if label.time), None),
            place=next((label.place for label in said if label.place), None),
            school=next((label.school for label in said if label.school), None),
            status=self._status(over, beside),
            kind=kind,
            unit="" if own and own.unit else unit,
            labels=others,
        )

    def _metric(
        self, over: Sequence[_Label], beside: Sequence[_Label], cell: Cell
    ) -> tuple[Mention | None, tuple[Mention, ...]]:
        """Choose the heading that names the indicator; the other nouns are its labels."""
        heads = [label for label in over if label.metric]
        rows = [label for label in beside if label.metric]
        corner = {label.word for column in range(min(cell.column, 2)) for label in self.words[column]}
        chosen = heads or rows
        if heads and rows:
            by_row = corner & self.kinds.indicators or (rows[-1].unit and not heads[-1].unit)
            kinds = [label.word in self.kinds.categories for label in (heads[-1], rows[-1])]
            chosen = rows if by_row or kinds == [True, False] else heads
        if not chosen:
            return None, ()
        best = next((x for x in reversed(chosen) if x.word not in self.kinds.categories), chosen[-1])
        return best.metric, tuple(x.metric for x in (*heads, *rows) if x.metric and x is not best)

    def _status(self, over: Sequence[_Label], beside: Sequence[_Label]) -> Status:
        above, words = ("".join(label.word for label in labels) for labels in (over, (*over, *beside)))
        if _pattern("reached").search(words):
            return "actual"
        if _pattern("target").search(above):
            return "target"
        # 预期性 beside a row is said of its goal, not of the year that the plan starts from
        dated = status_on(self.view, next((label.time for label in reversed(over) if label.time), None))
        return dated or ("target" if self.planned or _pattern("target").search(words) else "actual")


def _unsigned(words: str) -> tuple[str, str]:
    """Part a minus from a number."""
    bare = words.lstrip("-−－﹣ \u3000")
    return words[: len(words) - len(bare)].strip(), bare


def _intends(words: str) -> bool:
    return bool(_pattern("target").search(words)) and not _pattern("reached").search(words)


def _stated_unit(words: str) -> str | None:
    found = _pattern("unit_line").search(fold(words))
    return _unit(found["unit"]) if found and not found["more"] else None


def _lines_over(text: str, position: int) -> list[tuple[int, int]]:
    """Give the short lines right over a table, from top to bottom; they say what it is of."""
    limits = _words().limits
    lines: list[tuple[int, int]] = []
    end = text.rfind("\n", 0, position)
    while end > 0 and len(lines) < limits.captions:
        start = text.rfind("\n", 0, end) + 1
        words = text[start:end].strip()
        if len(words) > limits.caption or "|" in words:
            break
        if words:
            lines.insert(0, (start + text[start:end].index(words), start + text[start:end].index(words) + len(words)))
        end = start - 1
    return lines


def read_tables(doc: D) -> D:
    """Read the tables of a document.

    Args:
        doc: A draft or ``Doc`` whose layers are filled, by whichever maker.

    Returns:
        The same one: what its maker has said of headings and numbers of tables is replaced, the rest kept.
    """
    view, marks = reading(doc), layers(doc)
    links: list[Link] = []
    claimed: list[tuple[int, int]] = []
    headers: list[tuple[int, int]] = []
    tasks: list[tuple[int, int, Mention | None]] = []
    heads = _Heads(view, marks.mentions)
    for table in view.source.tables:
        cells = moved(table, view.from_content)
        if cells:
            sheet = _Sheet(view, cells, heads)
            links += sheet.links()
            tasks += sheet.tasks()
            claimed += sheet.claimed
            headers += [(row.own[0].start, row.own[-1].end) for row in sheet.grid.headers if row.own]
    if links or tasks:
        _replace(marks, links, claimed)
        _speak(marks, links, headers)
        _plan(marks, tasks)
    return doc


def _replace(marks: Layers, links: Sequence[Link], claimed: Iterable[tuple[int, int]]) -> None:
    """Put links and their spans in the place of what the maker said of the same cells."""
    cells = sorted(set(claimed))
    starts = [start for start, _ in cells]
    ours = {m for link in links for m in (*(getattr(link, name) for name in LINKS), link.number, *link.labels) if m}

    def touched(mention: Mention) -> bool:
        i = bisect_right(starts, mention.start) - 1
        return any(start < mention.end and mention.start < end for start, end in cells[max(i, 0) : i + 2])

    def crossed(mention: Mention) -> bool:
        first = max(bisect_left(own.starts, mention.start) - _NEAR, 0)
        return any(_crosses(m, mention) for m in own.all[first : bisect_left(own.starts, mention.end)])

    own = Ordered(ours)
    gone = {
        m
        for m in marks.mentions
        if m not in ours and touched(m) and (m.type in ("NUMBER", "METRIC", "ACTION") or crossed(m))
    }
    marks.mentions = sorted({*(m for m in marks.mentions if m not in gone), *ours})
    programs = Ordered(m for m in marks.mentions if m.type == "PROGRAM")
    kept = [
        replace(link, **{name: None for name in LINKS if getattr(link, name) in gone})  # type: ignore[arg-type]
        for link in marks.links
        if link.number not in gone and not touched(link.number)
    ]
    marks.links = [*kept, *(_with_program(link, programs) for link in links)]


def _with_program(link: Link, programs: Ordered) -> Link:
    """Link the PROGRAM that a METRIC or label holds, if it is one."""
    nested = [p for m in (link.metric, *link.labels) if m for p in programs.inside(m.start, m.end)]
    return replace(link, program=nested[0]) if len(nested) == 1 else link


def _crosses(a: Mention, b: Mention) -> bool:
    """Say whether two ranges overlap and neither holds the other, or are the same kind of thing twice."""
    overlap = a.start < b.end and b.start < a.end
    nested = (a.start <= b.start and b.end <= a.end) or (b.start <= a.start and a.end <= b.end)
    return overlap and (not nested or (a.type == b.type))


def _speak(marks: Layers, links: Sequence[Link], headers: Sequence[tuple[int, int]]) -> None:
    """Give the clauses of a table their roles: a value reached is a result, one to be reached a target."""
    numbers = sorted((link.number.start, link.status) for link in links)
    starts = [start for start, _ in numbers]
    tops = sorted(headers)
    for i, clause in enumerate(marks.clauses):
        at = bisect_left(starts, clause.start)
        if at < len(starts) and starts[at] < clause.end:
            marks.clauses[i] = replace(clause, role="T" if numbers[at][1] == "target" else "R")
            continue
        j = bisect_right(tops, (clause.start, 1 << 60)) - 1
        if j >= 0 and clause.start < tops[j][1]:
            marks.clauses[i] = replace(clause, role="O")


def _plan(marks: Layers, tasks: Sequence[tuple[int, int, Mention | None]]) -> None:
    """Make what a maker found in the rows of a table of tasks targets, due when their row says."""
    rows = sorted(tasks, key=lambda task: task[0])
    starts = [start for start, _, _ in rows]

    def task_at(position: int) -> tuple[int, int, Mention | None] | None:
        i = bisect_right(starts, position) - 1
        return rows[i] if i >= 0 and position < rows[i][1] else None

    for i, link in enumerate(marks.links):
        if task := task_at(link.number.start):
            marks.links[i] = replace(link, status="target", time=task[2] or link.time)
    for i, clause in enumerate(marks.clauses):
        if clause.role in ("M", "R") and task_at(clause.start):
            marks.clauses[i] = replace(clause, role="T")
    marks.mentions = sorted({*marks.mentions, *(link.time for link in marks.links if link.time)})
