"""Candidates of quantities: every numeral in running text that the grammar reads, with its unit and its bounds.

In: folded text. Out: ``Candidate`` in text order, bare numbers included. Left out are the parts of names, codes,
ordinals and tables, and ranks of nothing. The grammar of one quantity is in ``measure.py``. Not for: whether a
candidate states a value, nor which unit a bare one has (``quantity.py``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from zongjie.measure import Grammar, Piece, grammar
from zongjie.ontology import either
from zongjie.patterns import Flagged
from zongjie.record import Flag
from zongjie.units import divisible, unit_names, units
from zongjie.value import Quantity, hedge, negated

_ADDRESS = r"(?:https?://|www\.)[!-~]{1,2000}"
_DIGITS = frozenset("0123456789")
_JOINED = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+/=#&@%"  # before a numeral: it goes on a code
)
_CODED = _JOINED + ")~:"  # before a hyphen: it is no minus
_LIST_HEAD = re.compile(r"\d{1,2}\.(\d+)")
_LINE_STARTS = ("", "\n", "。", ";")
_INDENT = 8  # characters of indentation before a list head
_YEAR_DIGITS = 4
_SHARES = ("%", "‰", "倍")
_WHOLE_REACH = 24  # characters: how far before a share the bound may stand that the whole parts from it
_APART_REACH = 8  # characters: how far before its number a bound may stand
_SOURCE_REACH = 16  # characters: how far before a number what it is the start of may begin, or the verb of a rank
_SIZE_REACH = 40  # characters: how far before the end of a size its word may stand
_BEFORE_DAYS = 12  # characters: a verb with what links it to its days
_LONGEST_NOUN = 8  # characters: what a bare number in a row counts
_LONG_ROW = 64  # bare numbers: a row of more is a table, whose cells state nothing by themselves
_ROW_KEPT = 32  # the last numbers of such a row may be a list with one unit
_TITLE_REACH = 60
_NAME_REACH = 30  # characters: a longer quotation is speech, in which numbers do state values


@dataclass(slots=True)
class Candidate:
    """A piece of the grammar with its place.

    Attributes:
        start: First character, the bound before the piece included.
        at: Where the piece begins.
        end: One past the last character.
        piece: What the grammar read.
        quantity: Its value, by all that stands around it.
        in_row: Whether it counts a noun of its own in a row of such (班级12,幼儿361,教职工46).
        moves: Whether a change begins at it (由上年的16.2降至15.8).
        implied: Whether its unit stands elsewhere or is understood; for who judges it to set.
        admitted: Whether it states a value; for who judges it to set.
    """

    start: int
    at: int
    end: int
    piece: Piece
    quantity: Quantity
    in_row: bool
    moves: bool
    implied: bool = False
    admitted: bool = False

    @property
    def arabic(self) -> bool:
        """Whether its numeral begins with an Arabic digit."""
        return self.piece.numeral[0] in _DIGITS


class _Finder:
    """The rules for what in running text the grammar is to read, compiled from the configs."""

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
        self.scopes = re.compile(rf"{either(rank.scopes)}\Z")
        self.denied_before = re.compile(rf"{either(table.deny.after)}\Z")
        self.apart = Flagged(table.before_apart)
        self.share = Flagged({flag: table.before[flag] for flag in (">=", "<=")})  # 低于全市的9% may only compare
        self.share_end = re.compile(rf"({self.share.source})[^\W{numeral}]{{2,16}}的\s?\Z")
        self.apart_end = re.compile(rf"({self.apart.source})[^\W{table.deny.apart_not}{numeral}]{{1,6}}\Z")
        self.placed = re.compile(rf"{either(rank.placed)}\Z")
        self._compile_changes()
        noun, bare = rf"[^\W\d_]{{2,{_LONGEST_NOUN}}}", r"\d{1,6}(?:\.\d{1,4})?"
        item = rf"({noun})({bare})(?:[、,;](?!\d{{3}})|(?=[。)\n]|\Z))"
        self.item, self.items = re.compile(item), re.compile(rf"(?:{item}){{3,20}}|(?<=\()(?:{item}){{2}}(?=\))")
        self.size_unit = re.compile(either(table.deny.size_units))
        self.sized = re.compile(rf"{table.deny.size}[^,。;\n{table.deny.size_not}]*\Z")
        self.size_after = re.compile(rf"\w{{0,2}}{table.deny.size}")
        self.listed = re.compile(rf"(?<=[^\W\d_]){bare}[、,;](?=[^\W\d_])")
        self.noun = re.compile(rf"{noun}\Z")
        self.numbered = re.compile(rf"{either(table.deny.numbered)}\Z")

    def _compile_changes(self) -> None:
        """Compile how values, ranks and lengths of time change, and what names a grade."""
        table, days = self.table, self.table.days
        self.moved = re.compile(rf"{either(table.moves)}[{table.moved_to}]")
        self.source = re.compile(rf"{either(table.sources)}[^,。;\n]+\Z")
        self.ranked = re.compile(rf"{either(table.rank.verbs)}[^,。;\n]+\Z")
        grades = (word for word in table.deny.class_before if word[-1] in table.digits)
        self.grade = re.compile(rf"{either(grades)}(?=\d)")
        links = rf"(?:{either(days.links)})?(?:{days.legal})?(?:{self.rules.before.source})?"
        self.days_before = re.compile(rf"{either(days.verbs)}{links}\Z")
        self.days_after = re.compile(rf"{days.unit}{either(days.verbs)}{either(days.links)}")

    def scan(self, text: str) -> Iterator[Candidate]:
        """Yield everything that the grammar reads and no name holds, bare numbers included.

        The position only moves on and every step looks at a bounded stretch, so the time is linear.
        """
        masks = [match.span() for match in self.names.finditer(text)]
        starts = [start for start, _ in masks]
        items = self._items(text)
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
                yield Candidate(head, start, end, piece, quantity, end in items, self._moves(text, start, end))

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
        sized = self.sized.search(text, max(0, end - _SIZE_REACH), end)
        return unit if sized or self.size_after.match(text, unit.end()) else None

    def _bound_apart(self, text: str, floor: int, start: int, piece: Piece) -> Flag | None:
        """Give what a bound says that a verb or a whole parts from its number (至少选派4名, 不低于总数的10%)."""
        if not piece.measured or piece.quantity.flag != "=":
            return None
        if found := self.apart_end.search(text, max(floor, start - _APART_REACH), start):
            return self.apart.flag(found)
        if piece.quantity.unit not in _SHARES:
            return None
        found = self.share_end.search(text, max(floor, start - _WHOLE_REACH), start)
        return self.share.flag(found) if found else None

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

    def _moves(self, text: str, start: int, end: int) -> bool:
        """Tell a value or a rank from which a change begins."""
        moved = self.moved.match(text, end)
        return bool(moved and self.source.search(text, max(0, start - _SOURCE_REACH), start))

    def _ranks(self, text: str, start: int, piece: Piece) -> bool:
        """Admit a place in an order: after a scope or a ranking verb, and where its clause ends."""
        end = start + piece.length
        if self.placed.search(text, max(0, start - 2), start):
            return False
        scoped = self.scopes.search(text, max(0, start - 4), start) is not None
        closed, moved = self.rules.side_end.match(text, end) is not None, self.moved.match(text, end) is not None
        ends = closed or moved
        if text[end - 1] == self.table.rank.leading and text[start] != self.table.rank.top:
            return scoped and ends and text[end : end + 1] != self.table.separators[0]
        if not scoped and ends:  # 由上年的第七上升到第五, 位居全市九县(区)第二
            governing = self.source if moved else self.ranked
            scoped = governing.search(text, max(0, start - _SOURCE_REACH), start) is not None
        return (scoped and (piece.measured or ends)) or (piece.measured and ends)


@cache
def _finder() -> _Finder:
    return _Finder(grammar())


def find_candidates(text: str) -> Iterator[Candidate]:
    """Find every numeral that the grammar reads and no name, code or table holds.

    Args:
        text: Folded text, mended where scanning has mistaken a character.

    Returns:
        Candidates in text order, not overlapping, none of them admitted yet.
    """
    return _finder().scan(text)
