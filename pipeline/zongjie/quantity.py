"""Quantities in running text: the NUMBER spans of the annotation guide, with their values.

In: any string. Out: ``QuantityMention`` in text order, offsets into that string; or, for a string that is one quantity,
its ``Quantity``, which can be written back. The grammar of one quantity is in ``measure.py``. Not for: dates and
periods (``period.py``), nor for deciding what a number measures.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise

from zongjie.measure import Grammar, Piece, grammar
from zongjie.numeral import read_numeral
from zongjie.ontology import either
from zongjie.patterns import Flagged
from zongjie.phrase import format_quantity, parse_quantity
from zongjie.record import Flag
from zongjie.text import fold
from zongjie.units import divisible, unit_names, units
from zongjie.value import Quantity, UnitMismatch, bounded, hedge, negated

__all__ = ["Quantity", "QuantityMention", "UnitMismatch", "find_quantities", "format_quantity", "parse_quantity"]

_ADDRESS = r"(?:https?://|www\.)[!-~]{1,2000}"
_DIGITS = frozenset("0123456789")
_JOINED = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=#&@%"  # before a numeral: it goes on a code
)
_CODED = _JOINED + ")~:"  # before a hyphen: it is no minus
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")
_LIST_HEAD = re.compile(r"\d{1,2}\.(\d+)")
_LINE_STARTS = ("", "\n", "。", ";")
_INDENT = 8  # characters of indentation before a list head
_YEAR_DIGITS = 4
_APART_REACH = 8  # characters: how far before its number a bound may stand
_LASTING_REACH = 7  # characters: what lasts, and what links it to its length
_CHANGE_REACH = 3  # characters: a verb of change before its number
_SOURCE_REACH = 16  # characters: how far before a number what it is the start of may begin, or the verb of a rank
_BOUND_REACH = 8  # characters: how far before a ratio its cue may stand
_YEAR_LENGTH = 14  # characters: a longer span with a unit of years is a range of bounds
_FEW = 20  # a Chinese numeral up to this may classify
_MANY = 10  # one from this on may stand without a unit where a bound stands with it
_SHARED_DIGITS = 3  # a longer number in a list has no share in the scale of the last
_CLAUSE_REACH = 20  # characters: how far 每 may stand before its count
_BEFORE_DAYS = 12  # characters: a verb with what links it to its days
_LONGEST_NOUN = 8  # characters: what a bare number in a row counts
_BRACKET_REACH = 200  # characters: how long a bracket may be
_REMEMBERED = 4096  # values of bare numbers in lists
_LONG_ROW = 64  # bare numbers: a row of more is a table, whose cells state nothing by themselves
_ROW_KEPT = 32  # the last numbers of such a row may be a list with one unit
_MONEY_REACH = 8  # characters: a word for money and what links it to its amount
_TITLE_REACH = 60
_NAME_REACH = 30  # characters: a longer quotation is speech, in which numbers do state values


@dataclass(frozen=True, slots=True)
class QuantityMention:
    """A quantity and where it stands.

    Attributes:
        start: First character.
        end: One past the last character.
        text: ``source[start:end]``.
        quantity: Its value.
        implied: Whether the unit stands elsewhere (in the list, before the bracket) or is understood (投入3.2亿).
        repaired: What was read where scanning has mistaken a character, if it has (``8:1`` for ``8」``).
    """

    start: int
    end: int
    text: str
    quantity: Quantity
    implied: bool = False
    repaired: str | None = None


@dataclass(slots=True)
class _Candidate:
    """A piece of the grammar with its place: ``start`` counts the bound before it in, ``at`` is where it begins."""

    start: int
    at: int
    end: int
    piece: Piece
    quantity: Quantity
    implied: bool = False
    admitted: bool = False


class _Finder:
    """The rules for what in running text is a quantity, compiled from the configs."""

    def __init__(self, rules: Grammar) -> None:
        table = rules.table
        self.rules = rules
        self.table = table
        digits, steps = "".join(table.digits), "".join((*table.steps, *table.scales))
        numeral, rank, words, deny = f"0-9{digits}{steps}{self.rules.contracted}", table.rank, table.words, table.deny
        units_first = "".join({form[0] for form in unit_names()} | {word[0] for word in (*table.more, *words.tenths)})
        goes_on = (
            rf"[{re.escape(units_first)}{numeral}\s{words.half}{words.share[0]}{words.point}{words.to}{words.doubling}"
        )
        goes_on += "".join(word[0] for word in (*table.links, *self.rules.after.words)).replace("-", r"\-") + "(:∶/"
        # A single digit before anything else begins no quantity, which spares most of 一 in prose.
        self.anchor = re.compile(
            rf"[0-9{steps}{self.rules.contracted}]|[{digits}](?={goes_on}{rank.leading}])"
            rf"|[{words.ordinal}{rank.top}](?=[{numeral}])|{rank.first}|{words.doubled}"
            rf"|{words.halves[-1]}|{words.half}(?={either(words.halved)})"
        )
        self.run = re.compile(f"[{words.ordinal}{rank.top}]?[{numeral}.,]*")
        self.continued = re.compile(f"[{numeral}]")
        joined = re.escape(_JOINED)
        self.code = re.compile(
            rf"(?<=[{joined}])\d++(?=(?![.%])[{joined}]|\.\d{{1,20}}\.)|(?<=\d[:∶])\d++(?:\.\d++)?(?=[:∶])"
        )
        number = r"\d{1,15}+(?:,\d{3}(?!\d)){0,4}+(?:\.\d{1,10})?+"
        gap = rf"(?:\s{{0,3}}{either(table.separators)}\s{{0,3}}|[\s|]{{1,4}})"
        self.row = re.compile(rf"(?:{number}{gap}){{{_LONG_ROW},}}+")
        # Cells of a table; single digits may be one number with spaces in it (1 2 6 万元).
        self.cells = re.compile(r"(?<=\s)(?:\d{2,15}+(?:,\d{3}(?!\d)){0,4}+(?:\.\d{1,10})?+\s{1,4}(?=\d))++")
        self.row_number = re.compile(number)
        quoted = (f"{a}[^{a}{b}。,;\\n]{{0,{_NAME_REACH}}}{b}" for a, b in map(tuple, table.names))
        titles = f"{table.titles[0]}[^{table.titles}]{{0,{_TITLE_REACH}}}{table.titles[-1]}"
        self.names = re.compile("|".join((titles, *quoted, either(deny.words), _ADDRESS)))
        self.joined = frozenset(_JOINED)
        money = table.money
        self.money = re.compile(rf"{either(money.cues)}(?:{either(money.links)}){{0,2}}\Z")
        self.scopes = re.compile(rf"{either(rank.scopes)}\Z")
        self.denied_before = re.compile(rf"{either(table.deny.after)}\Z")
        self.class_names = re.compile(rf"{either(table.deny.class_before)}\Z")
        self.ratio_cues = re.compile(either(table.deny.ratio_cues))
        linking = (*table.linking, *self.rules.before.words)
        self.linking, self.linking_last = re.compile(rf"{either(linking)}\Z"), frozenset(word[-1] for word in linking)
        self.lasting = re.compile(rf"{either(table.deny.lasting)}(?:{either(table.deny.lasting_links)})?\Z")
        self.apart = Flagged(table.before_apart)
        self.apart_end = re.compile(rf"({self.apart.source})[^\W{table.deny.apart_not}{numeral}]{{1,6}}\Z")
        self.placed = re.compile(rf"{either(rank.placed)}\Z")
        self.clause = re.compile(r"[,。;!?\n]")
        self.item_end = re.compile(r"[,、。;!?\n]|\Z")
        self._compile_changes()
        self.circle = re.compile(rf"\w{{1,6}}{table.deny.circle}")
        self.aside = re.compile(r"[(（][^()（）\n]{1,30}[)）]")
        self.own_points = re.compile(either(table.deny.own_points))
        self.counted = re.compile(rf"\s?{either(units().counted.nouns)}")
        self.separator = re.compile(rf"\s?{either(table.separators)}\s?")
        noun, bare = rf"[^\W\d_]{{2,{_LONGEST_NOUN}}}", r"\d{1,6}(?:\.\d{1,4})?"
        item = rf"({noun})({bare})(?:[、,;](?!\d{{3}})|(?=[。)\n]|\Z))"
        self.item, self.items = re.compile(item), re.compile(rf"(?:{item}){{3,20}}|(?<=\()(?:{item}){{2}}(?=\))")
        self.size_unit = re.compile(either(table.deny.size_units))
        self.sized = re.compile(rf"{table.deny.size}[^,。;\n{table.deny.size_not}]*\Z")
        self.size_after = re.compile(rf"\w{{0,2}}{table.deny.size}")
        self.listed = re.compile(rf"(?<=[^\W\d_]){bare}[、,;](?=[^\W\d_])")
        self.noun = re.compile(rf"{noun}\Z")
        self.numbered = re.compile(rf"{either(table.deny.numbered)}\Z")
        self.joint = re.compile(rf"{either(table.separators)}(?=\d)")
        self.closing = re.compile(r"\s?(?:[、,。;)!?]|\Z)")

    def _compile_changes(self) -> None:
        """Compile how values, ranks and lengths of time change, and what names an event or a line of a table."""
        table, days, deny = self.table, self.table.days, self.table.deny
        self.moved = re.compile(rf"{either(table.moves)}[{table.moved_to}]")
        self.source = re.compile(rf"{either(table.sources)}[^,。;\n]+\Z")
        self.changed = re.compile(rf"{either(table.changes)}\Z")
        self.ranked = re.compile(rf"{either(table.rank.verbs)}[^,。;\n]+\Z")
        grades = (word for word in deny.class_before if word[-1] in table.digits)
        self.grade = re.compile(rf"{either(grades)}(?=\d)")
        links = rf"(?:{either(days.links)})?(?:{days.legal})?(?:{self.rules.before.source})?"
        self.days_before = re.compile(rf"{either(days.verbs)}{links}\Z")
        self.days_after = re.compile(rf"{days.unit}{either(days.verbs)}{either(days.links)}")
        self.event = re.compile(rf"{either(deny.events)}(?!{deny.events_not_before})")
        self.event_before = re.compile(rf"{either(deny.events_before)}(?:\d×)?\Z")
        self.line_head = re.compile(r"(?:^|\n)[ \t\u3000|]*\Z")
        self.cell = re.compile(r"[\s|]{1,4}\d[\d,.]*(?![\d.、)])")

    def scan(self, text: str) -> Iterator[_Candidate]:
        """Yield everything that the grammar reads and no name holds, bare numbers included.

        The position only moves on and every step looks at a bounded stretch, so the time is linear.
        """
        masks = [match.span() for match in self.names.finditer(text)]
        starts = [start for start, _ in masks]
        position = floor = 0
        headed = -1  # where a number begins that a list head stands before
        while anchor := self.anchor.search(text, position):
            start = anchor.start()
            if passed := self._coded(text, start):
                position = passed
                continue
            piece = self._read(text, start)
            if piece is None:
                position = start + 1 if text[start] == self.table.rank.top else self._skip(text, start)
                continue
            end = start + piece.length
            if "." in piece.numeral and self._heads_line(text, start, piece):
                position = headed = text.index(".", start) + 1
                continue
            if go_on := self._passes(text, start, piece):
                position = go_on
                continue
            position = end
            mask = bisect_right(starts, end - 1) - 1 if starts else -1
            if mask >= 0 and masks[mask][1] > start:
                position = max(position, masks[mask][1]) if masks[mask][0] <= start else position
                continue
            head, quantity = start, piece.quantity
            if piece.shape != "rank":
                head, flag = self.rules.bound_before(text, floor, start)
                flag = flag or self._bound_apart(text, floor, start, piece)
                quantity = hedge(quantity, flag) if flag else quantity
            if found := self._size_unit(text, end, piece):
                end, quantity = found.end(), replace(quantity, unit=found.group())
                position = end
            free = start == headed or self._stands_free(text, start, piece)
            if not free and self._is_signed(text, start, piece):
                free, head, quantity = True, start - 1, negated(quantity)
            if free:
                floor = end
                yield _Candidate(head, start, end, piece, quantity)

    def _coded(self, text: str, start: int) -> int:
        """Give the end of a part of a code, of cells of a table or of a grade (高一18个班) that begins here, else 0."""
        passed = self.code.match(text, start) or self.cells.match(text, start)
        if passed is None and start:
            passed = self.grade.match(text, start - 1)
        return passed.end() if passed else 0

    def _read(self, text: str, start: int) -> Piece | None:
        """Read what begins at a place, also a number of days as a length of time."""
        piece = self.rules.read(text, start)
        if piece is None or piece.measured or not self._lasts_days(text, start, piece):
            return piece
        return self.rules.read_in(text, start, self.table.days.unit)

    def _lasts_days(self, text: str, start: int, piece: Piece) -> bool:
        """Tell a length of time that shrinks (由60日压缩到18日) from the day of a date."""
        end = start + piece.length
        if piece.shape != "plain" or not text.startswith(self.table.days.unit, end):
            return False
        if text[start - 1 : start] == self.table.days.not_after:
            return False
        before = self.days_before.search(text, max(0, start - _BEFORE_DAYS), start)
        return before is not None or self.days_after.match(text, end) is not None

    def _size_unit(self, text: str, end: int, piece: Piece) -> re.Match[str] | None:
        """Find the unit of a size behind its measure word (办学规模为36个班)."""
        if not piece.measured or piece.quantity.unit != units().generic.measure:
            return None
        unit = self.size_unit.match(text, end)
        if unit is None:
            return None
        sized = self.sized.search(text, max(0, end - 2 * _CLAUSE_REACH), end)
        return unit if sized or self.size_after.match(text, unit.end()) else None

    def _bound_apart(self, text: str, floor: int, start: int, piece: Piece) -> Flag | None:
        """Give what a bound says that a verb parts from an exact number (至少选派4名)."""
        if not piece.measured or piece.quantity.flag != "=":
            return None
        found = self.apart_end.search(text, max(floor, start - _APART_REACH), start)
        return self.apart.flag(found) if found else None

    def _passes(self, text: str, start: int, piece: Piece) -> int:
        """Give where to read on after a piece that is no rank of anything, a part of a code or of a table, else 0."""
        end = start + piece.length
        if piece.shape == "rank" and not self._ranks(text, start, piece):
            return start + 1 if text[start] == self.table.rank.top else end
        if piece.measured:
            return 0
        return self._skip(text, end) if self.continued.match(text, end) else self._row(text, start)

    def _row(self, text: str, start: int) -> int:
        """Give the place from which to read a long row of bare numbers, such as a table's, else 0."""
        row = self.row.match(text, start)
        if row is None:
            return 0
        return [number.start() for number in self.row_number.finditer(text, start, row.end())][-_ROW_KEPT]

    def _skip(self, text: str, start: int) -> int:
        """Give the end of the run of numeral characters that begins at a place."""
        run = self.run.match(text, start)
        return max(start + 1, run.end() if run else 0)

    def _heads_line(self, text: str, start: int, piece: Piece) -> bool:
        """Tell a list head with what follows it (``1.2023年``, ``2.3所学校``) from a decimal."""
        match = _LIST_HEAD.match(piece.numeral)
        if match is None or piece.shape != "plain" or not piece.measured:
            return False
        if text[max(0, start - _INDENT) : start].rstrip(" \t\u3000")[-1:] not in _LINE_STARTS:
            return False
        year = piece.quantity.unit in self.table.year_units and len(match[1]) == _YEAR_DIGITS
        return year or not (divisible(piece.quantity.unit) or set(piece.numeral) & set(self.rules.scale))

    def _stands_free(self, text: str, start: int, piece: Piece) -> bool:
        """Tell whether a numeral is no part of a longer code, word or ordinal."""
        before = text[start - 1] if start else ""
        if before in self.joined or before == self.table.words.ordinal:
            return False
        if text[start] == "0" and text[start + 1 : start + 2].isdigit():  # the end of a number with spaces in it
            return False
        if before in (":", "∶") and start > 1 and text[start - 2] in _DIGITS:
            return False
        return piece.numeral[0] in _DIGITS or not self.denied_before.search(text, max(0, start - 4), start)

    def _is_signed(self, text: str, start: int, piece: Piece) -> bool:
        """Tell a number below zero (增长-2.5%) from the end of a range or of a code."""
        before = text[start - 2 : start - 1] if start > 1 else ""
        signed = start > 0 and text[start - 1] == self.table.words.negative[-1] and (not before or before not in _CODED)
        return signed and piece.shape == "plain" and piece.quantity.unit in self.table.words.signed

    def admits(self, text: str, found: _Candidate) -> bool:
        """Tell whether a candidate states a value by itself."""
        piece = found.piece
        if piece.shape == "ratio":
            return not self._is_clock(text, found)
        if piece.shape == "share" and "/" in text[found.at : found.end]:
            return self._is_part(text, found)
        if piece.shape in ("share", "double", "rank"):
            return True
        if self._names_kind(text, found):
            return False
        if piece.numeral[0] in _DIGITS:
            return self._measures(text, found)
        return self._counts(text, found)

    def _is_part(self, text: str, found: _Candidate) -> bool:
        """Tell a fraction (占全国1/10) from a date or a page."""
        value = found.quantity.high if found.quantity.low is None else found.quantity.low
        before = text[found.start - 1 : found.start]
        proper = value is not None and value < 1 and _is_word(before)
        return proper and (found.piece.bounded or self.closing.match(text, found.end) is not None)

    def _names_kind(self, text: str, found: _Candidate) -> bool:
        """Tell a classifying quantity (65岁以上老年人), a year and a point of the text itself (五个方面)."""
        deny, unit = self.table.deny, found.quantity.unit
        value = found.quantity.high if found.quantity.low is None else found.quantity.low
        if value is None:
            return False
        if unit in self.table.year_units and 1000 <= value < 3000 and found.end - found.start < _YEAR_LENGTH:
            return True
        if value <= deny.own_points_limit and self.own_points.match(text, found.end):
            return True
        before = text[found.start - 1 : found.start]
        if before == deny.each and value > 1 and str(value).rstrip("0") == "1":
            return True
        if before == self.table.rank.top and unit == self.table.words.percent:
            return True
        return bool(unit) and self._modifies(text, found)

    def _modifies(self, text: str, found: _Candidate) -> bool:
        """Tell a quantity that says which kind of the noun after it is meant (65岁以上老年人, 15分钟健身圈)."""
        deny, unit, piece = self.table.deny, found.quantity.unit, found.piece
        if piece.measured and text.startswith(deny.class_after, found.end):
            return True
        if unit in deny.circle_units:
            return self.circle.match(text, found.end) is not None
        if unit in deny.event_units and found.quantity.flag == "=":
            before = self.event_before.search(text, max(0, found.at - _LASTING_REACH), found.at)
            return before is not None or self.event.match(text, found.end) is not None
        limited = piece.bounded or piece.shape == "range"
        if unit in deny.ages and limited and self._heads_row(text, found):
            return True
        if (unit in deny.attributive and limited) or (unit in deny.ages and found.start < found.at):
            aside = unit in deny.ages and self.aside.match(text, found.end)  # 6周岁(2018年8月31日前出生)的儿童
            end = aside.end() if aside else found.end
            follows = text[end : end + 1]
            return (_is_word(follows) or follows.isdigit()) and follows not in deny.attributive_not_before
        return False

    def _heads_row(self, text: str, found: _Candidate) -> bool:
        """Tell what names a line of a table (0-15岁 1200) from what stands in one."""
        headed = self.line_head.search(text, max(0, found.start - _INDENT), found.start) is not None
        return headed and self.cell.match(text, found.end) is not None

    def _measures(self, text: str, found: _Candidate) -> bool:
        """Admit an Arabic number with a unit, a scale or a bound, or before a noun that needs no measure word."""
        piece = found.piece
        if piece.measured and found.quantity.unit == self.table.deny.class_unit:
            return not self.class_names.search(text, max(0, found.at - 2), found.at)
        if piece.measured or piece.bounded or piece.numeral[-1] in self.table.scales:
            return True
        if piece.hedged and self.closing.match(text, found.end):
            return True
        if self.counted.match(text, found.end):
            return True
        if "." in piece.numeral and self._changes(text, found):
            return True
        if text[found.at - 1 : found.at] not in self.linking_last:
            return False
        linked = self.linking.search(text, max(0, found.at - 4), found.at)
        return bool(linked and (self.closing.match(text, found.end) or self.joint.match(text, found.end)))

    def _changes(self, text: str, found: _Candidate) -> bool:
        """Tell the value from which one without a unit changes (由上年的16.2降至15.8), and by how much it does."""
        at, end = found.at, found.end
        if text[at - 1 : at] in self.table.sources:
            return True
        if self.moved.match(text, end) and self.source.search(text, max(0, at - _SOURCE_REACH), at):
            return True
        return bool(self.closing.match(text, end) and self.changed.search(text, max(0, at - _CHANGE_REACH), at))

    def _is_clock(self, text: str, found: _Candidate) -> bool:
        """Tell 8:30, and a closing quotation mark, from a ratio."""
        if found.piece.repaired is None:
            clock = found.piece.numeral != "1" and _CLOCK.fullmatch(text, found.at, found.end) is not None
            return clock and not self.ratio_cues.search(text, max(0, found.at - _BOUND_REACH), found.end + 2)
        return not self.ratio_cues.search(text, max(0, found.at - _BOUND_REACH), found.at)

    def _ranks(self, text: str, start: int, piece: Piece) -> bool:
        """Admit a place in an order: after a scope or a ranking verb, and where its clause ends."""
        end = start + piece.length
        if self.placed.search(text, max(0, start - 2), start):
            return False
        scoped = self.scopes.search(text, max(0, start - 4), start) is not None
        closed, moved = self.closing.match(text, end) is not None, self.moved.match(text, end) is not None
        ends = closed or moved
        if text[end - 1] == self.table.rank.leading and text[start] != self.table.rank.top:
            return scoped and ends and text[end : end + 1] != self.table.separators[0]
        if not scoped and ends:  # 由上年的第七上升到第五, 位居全市九县(区)第二
            governing = self.source if moved else self.ranked
            scoped = governing.search(text, max(0, start - _SOURCE_REACH), start) is not None
        return (scoped and (piece.measured or ends)) or (piece.measured and ends)

    def _counts(self, text: str, found: _Candidate) -> bool:
        """Admit a Chinese numeral that counts and is no article, ordinal, classifier or piece of a word."""
        piece, deny = found.piece, self.table.deny
        hedged = piece.hedged or found.quantity.flag != piece.quantity.flag
        unit = found.quantity.unit
        if not set(piece.numeral) - self.rules.bare:
            bounded_before = found.start < found.at or (piece.hedged and not piece.bounded)
            if bounded_before or (len(piece.numeral) > 1 and hedged):
                return True
            topped = text[found.at - 1 : found.at] == self.table.rank.top  # 前百名
            return piece.measured and unit in deny.bare_units and not topped
        value = read_numeral(piece.numeral)
        if value is None or piece.shape == "range":
            return piece.measured
        if not piece.measured:
            return piece.numeral[-1] in self.table.scales or (hedged and value >= _MANY)
        if self._lasts(text, found):
            return True
        if value <= _FEW and unit[:1] in deny.strict_classifiers:
            return False
        if hedged:
            return True
        if value <= _FEW and unit[:1] in deny.classifiers and (len(unit) == 1 or not divisible(unit)):
            return False
        return value > 1 or (value == 1 and (unit in self.table.never_article or self._stands_behind(text, found)))

    def _stands_behind(self, text: str, found: _Candidate) -> bool:
        """Tell a count behind its noun (教学楼一栋) from an article before one (一栋教学楼) and from 唯一一所."""
        before = text[found.at - 1 : found.at]
        noun = _is_word(before) and before not in (*self.table.digits, self.table.deny.each) and found.at > 0
        return noun and found.quantity.unit in self.table.behind_noun and bool(self.item_end.match(text, found.end))

    def _lasts(self, text: str, found: _Candidate) -> bool:
        """Admit a length of time after a verb of lasting (延长一年), and how often (每月一次)."""
        deny, start, unit = self.table.deny, found.at, found.quantity.unit
        if unit in deny.lasting_units:
            return self.lasting.search(text, max(0, start - _LASTING_REACH), start) is not None
        if unit not in deny.each_units or text[start - 1 : start] == deny.each:
            return False
        return deny.each in self.clause.split(text[max(0, start - _CLAUSE_REACH) : start])[-1]

    @staticmethod
    def repair(text: str, mended: str, found: _Candidate) -> str | None:
        """Give what was read in a mended span, or ``None`` if nothing in it was."""
        if mended is text or text[found.start : found.end] == mended[found.start : found.end]:
            return None
        return mended[found.start : found.end]

    def judge(self, text: str, found: Iterable[_Candidate]) -> list[_Candidate]:
        """Give the candidates that state a value; bare ones in a list or a bracket have its unit."""
        candidates = list(found)
        items = self._items(text)
        following: _Candidate | None = None
        for candidate in reversed(candidates):
            lent = following is not None and following.quantity.unit and self._lists(text, candidate, following)
            candidate.admitted = candidate.end in items or (not lent and self.admits(text, candidate))
            if candidate.admitted:
                self._imply_money(text, candidate)
                if following:
                    self._complete_unit(text, candidate, following)
            elif following and self._lists(text, candidate, following):
                self._lend_unit(candidate, following, scaled=True)
            following = candidate if candidate.admitted else None
        self._carry_on(text, candidates, items)
        return self._sorted_out(text, [candidate for candidate in candidates if candidate.admitted])

    def _items(self, text: str) -> set[int]:
        """Give the ends of bare numbers each of which counts another noun in a row (班级12,幼儿361,教职工46)."""
        ends: set[int] = set()
        position = 0
        while number := self.listed.search(text, position):
            position = number.end()
            noun = self.noun.search(text, max(0, number.start() - _LONGEST_NOUN), number.start())
            if row := self.items.match(text, noun.start()) if noun else None:
                items = list(self.item.finditer(text, row.start(), row.end()))
                nouns = {item[1] for item in items}
                if len(nouns) == len(items) and not any(self.numbered.search(noun) for noun in nouns):
                    ends.update(item.end(2) for item in items)
                position = row.end()
        return ends

    def _sorted_out(self, text: str, found: list[_Candidate]) -> list[_Candidate]:
        """Leave out bounded amounts that say which of the counted is meant (营业额超8亿元的企业16家)."""
        apart = [self.clause.search(text, a.end, b.start) is not None for a, b in pairwise(found)]
        edges = pairwise((True, *apart, True))  # before and after each
        return [one for one, edge in zip(found, edges, strict=False) if all(edge) or not self._sorts(text, one)]

    def _sorts(self, text: str, found: _Candidate) -> bool:
        deny, quantity, end = self.table.deny, found.quantity, found.end
        bounded = found.piece.bounded or found.start < found.at
        if not bounded or (quantity.low is not None and quantity.high is not None):
            return False
        if quantity.unit == self.table.words.percent:
            return text.startswith(deny.sorting_shares, end)
        follows = text[end : end + 1]
        if follows == deny.sorting:
            return text[end + 1 : end + 2].isalpha()
        return found.piece.bounded and quantity.unit in deny.sorting_units and follows.isalnum()

    def _imply_money(self, text: str, found: _Candidate) -> None:
        """Give an amount without a unit the one that the words before it imply: 投入资金3.2亿."""
        piece = found.piece
        if piece.measured or piece.shape == "rank" or piece.numeral[-1] not in self.table.scales:
            return
        before = max(0, found.start - _MONEY_REACH)
        if self.closing.match(text, found.end) and self.money.search(text, before, found.start):
            found.quantity, found.implied = replace(found.quantity, unit=self.table.money.unit), True

    def _complete_unit(self, text: str, candidate: _Candidate, following: _Candidate) -> None:
        """Give a quantity with a mere measure word the unit that a list names at its end: 1.1个和0.3个百分点."""
        measure, unit = units().generic.measure, following.quantity.unit
        if candidate.quantity.unit != measure or unit in ("", measure) or text[candidate.end - 1] != measure:
            return
        link = self.separator.match(text, candidate.end)
        if link and link.end() == following.start and measure in text[following.at : following.end]:
            candidate.quantity, candidate.implied = replace(candidate.quantity, unit=unit), True

    def _lists(self, text: str, candidate: _Candidate, following: _Candidate) -> bool:
        """Tell whether a bare Arabic number and the quantity after it share that one's unit."""
        piece = candidate.piece
        if piece.measured or piece.shape != "plain" or piece.numeral[0] not in _DIGITS or piece.hedged:
            return False
        link = self.separator.match(text, candidate.end)
        return link is not None and link.end() == following.start and following.piece.shape == "plain"

    def _lend_unit(self, candidate: _Candidate, source: _Candidate, *, scaled: bool) -> None:
        """Admit a number with the unit, and if asked the scale where it has none, of the quantity that has them."""
        numeral, scale = candidate.piece.numeral, source.piece.numeral[-1]
        scales, whole = self.table.scales, numeral.split(".")[0]
        if scaled and scale in scales and numeral[-1] not in scales and len(whole) <= _SHARED_DIGITS:
            numeral += scale
        unit, piece = source.quantity.unit, candidate.piece
        candidate.admitted, candidate.implied = True, bool(unit)
        candidate.quantity = _lent(numeral, unit, candidate.quantity.flag) or candidate.quantity
        if numeral != piece.numeral:
            candidate.piece = replace(piece, numeral=numeral)

    def _carry_on(self, text: str, candidates: Iterable[_Candidate], items: Set[int]) -> None:
        """Give bare numbers in a bracket the unit of what stands before it, and let a list of bare numbers go on."""
        owner = previous = None
        closing = -1
        for candidate in candidates:
            inside = owner is not None and candidate.end <= closing
            if inside and owner and candidate.end in items:
                self._lend_unit(candidate, owner, scaled="." in candidate.piece.numeral)
            elif candidate.admitted:
                if not inside and text[candidate.end : candidate.end + 1] == "(":
                    owner, closing = candidate, text.find(")", candidate.end, candidate.end + _BRACKET_REACH)
            elif inside and owner and self._elliptical(text, candidate):
                self._lend_unit(candidate, owner, scaled="." in candidate.piece.numeral)
            elif previous and not previous.quantity.unit:
                bare = candidate.piece.numeral[0] in _DIGITS
                candidate.admitted = bare and self._lists(text, previous, candidate)
            previous = candidate if candidate.admitted else None

    def _elliptical(self, text: str, candidate: _Candidate) -> bool:
        """Tell whether a bare number in a bracket follows its noun and ends its item."""
        piece = candidate.piece
        before = text[candidate.start - 1 : candidate.start]
        bare = not piece.measured and piece.shape == "plain" and piece.numeral[0] in _DIGITS
        named = _is_word(before)
        return bare and named and self.closing.match(text, candidate.end) is not None


def _is_word(character: str) -> bool:
    """Tell a Chinese character of a word from a sign, a digit and the end."""
    return character.isalpha() and not character.isascii()


@lru_cache(maxsize=_REMEMBERED)
def _lent(numeral: str, unit: str, flag: Flag) -> Quantity | None:
    """Give the value of a bare number with the unit that a neighbour lends it."""
    value = read_numeral(numeral)
    return None if value is None else bounded(value, value, unit, flag)


@cache
def _finder() -> _Finder:
    return _Finder(grammar())


def find_quantities(text: str) -> list[QuantityMention]:
    """Find every quantity that states a value.

    Left out are dates, ordinals and list heads, numerals inside words and names (《》 and “” included), document
    numbers, clock times, articles (一个) and vague quantifiers (数百). Durations are given; whether one only says when
    is for the caller to decide. Time is linear in the length of the text.

    Args:
        text: Any string.

    Returns:
        Mentions in text order, not overlapping; ``text[m.start:m.end] == m.text``. In a list or bracket with one unit
        the value has the unit that the span lacks.
    """
    finder, folded = _finder(), fold(text)
    mended = finder.rules.mend(folded)
    return [
        QuantityMention(
            found.start,
            found.end,
            text[found.start : found.end],
            found.quantity,
            found.implied,
            found.piece.repaired or finder.repair(folded, mended, found),
        )
        for found in finder.judge(mended, finder.scan(mended))
    ]
