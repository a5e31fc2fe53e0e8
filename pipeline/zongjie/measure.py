"""The grammar that reads one quantity at a given place.

In: text and a place where a numeral begins. Out: a ``Piece`` with its ``Quantity`` in the base of its unit. The values
are those of section 4 of the annotation guide. Not for: whole strings (``phrase.py``) and running text
(``quantity.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal

from zongjie.numeral import Numerals, numerals, ratio, read_numeral
from zongjie.patterns import Patterns
from zongjie.record import Flag
from zongjie.units import conversion, divisible, shortened, unit_name, units
from zongjie.value import Quantity, bounded

Shape = Literal["plain", "range", "ratio", "share", "rank", "double"]

_BEFORE_REACH = 8  # characters: the longest bound, and a line feed
_REMEMBERED = 8192  # simple quantities, many of which come again
_SIDE = 1000  # a side of a ratio in words (3比1) is below this


@dataclass(frozen=True, slots=True)
class Piece:
    """What the grammar read at one place, bounds after it included, bounds before it not yet.

    Attributes:
        length: How many characters it has.
        quantity: Its value.
        shape: Which rule read it.
        numeral: The first numeral as written.
        measured: Whether a unit was written.
        hedged: Whether a word of more or a bound stands in it.
        bounded: Whether a bound stands at its end.
        repaired: What was read in place of a misread character, if there is one.
    """

    length: int
    quantity: Quantity
    shape: Shape
    numeral: str
    measured: bool = False
    hedged: bool = False
    bounded: bool = False
    repaired: str | None = None


@dataclass(frozen=True, slots=True)
class _Number:
    """One numeral, read: a point, or two neighbours (五六, 十七八)."""

    end: int
    low: Decimal
    high: Decimal
    more: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Unit:
    """A unit as read: whether a word of more or a half stands in it (一个多小时, 两个半小时, 三年半)."""

    name: str
    end: int
    more: bool
    half: bool


@dataclass(frozen=True, slots=True)
class _Amount:
    """A number with its unit, which may be empty, and where it ends."""

    number: _Number
    unit: str
    end: int


class Grammar(Patterns):
    """The rules of one quantity, over patterns with bounded repeats, so that reading costs a constant."""

    def __init__(self, table: Numerals, *, whole: bool = False) -> None:
        super().__init__(table, whole=whole)
        words = (f"(?<![{no}]){word}" if no else word for word, no in table.deny.verb_approx.items())
        self.verb_approx = re.compile(rf"(?:{'|'.join(words)})\Z")
        self.split_second = re.compile(rf"\d{{1,2}}(?!\d|,\d{{3}}|\.\d|[:%{self.scales_all}])")
        self.simple_piece = lru_cache(maxsize=_REMEMBERED)(self._simple_piece)

    def _simple_piece(self, numeral: str, unit: str | None) -> Piece | None:
        """Give the piece of a numeral and a unit with nothing else; ``None`` for what ``read_full`` must read."""
        value = read_numeral(numeral)
        if value is None or numeral[-1] == self.table.words.pair != numeral:
            return None
        quantity = Quantity(value, value, unit_name(unit) if unit else "", "=")
        return Piece(len(numeral) + len(unit or ""), quantity, "plain", numeral, bool(quantity.unit))

    def number_at(self, text: str, position: int) -> _Number | None:
        """Read a numeral."""
        words = self.table.words
        if text.startswith(words.half, position):
            half = self.halved.match(text, position)
            if half is None:
                return None
            tenths = text.startswith(words.tenths[-1], half.end())  # 半折 is half the price, 半成 half of a tenth
            value = Decimal(5) if tenths else Decimal("0.5")
            return _Number(half.end(), value, value, False, half.group())
        if pair := self.two_tenths.match(text, position):  # 七五折
            value = Decimal(".".join(str(self.table.digits.get(char, char)) for char in pair.groups()))
            return _Number(pair.end(), value, value, False, pair.group())
        match = self.number.match(text, position)
        if match is None:
            return None
        # 三十两 weighs, but 一两个 is one or two.
        if match.end() - position > 1 and text[match.end() - 1] == words.pair and not self._is_pair(text, match):
            match = self.number.match(text, position, match.end() - 1)
            if match is None:
                return None
        written = "".join(match[1].split()).replace(words.scale_measure[0], "") + (match[3] or "")
        read = read_numeral(written)
        if read is not None:
            return _Number(match.end(), read, read, match[2] is not None, written)
        near = self.neighbours.fullmatch(written)
        if near is None:
            return None
        head, first, second, tail = near.groups(default="")
        low, high = read_numeral(head + first + tail), read_numeral(head + second + tail)
        if low is None or high is None or not low < high:
            return None
        return _Number(match.end(), low, high, match[2] is not None, written)

    def _is_pair(self, text: str, match: re.Match[str]) -> bool:
        return bool(self.neighbours.fullmatch(match.group()) and self.unit.match(text, match.end()))

    def bound_at(self, text: str) -> tuple[int, Flag | None]:
        """Read the bound that a string begins with: where it ends, and what it says."""
        if found := self.before.pattern.match(text):
            return found.end(), self.before.flag(found)
        if self.vague.match(text):
            return 1, ">="
        found = self.before_scale.pattern.match(text)
        return (found.end(), self.before_scale.flag(found)) if found and set(text[1:2]) & self.bare else (0, None)

    def bound_before(self, text: str, floor: int, start: int) -> tuple[int, Flag | None]:
        """Read the bound directly before a numeral, not before ``floor``: where it begins, and what it says."""
        if not start or not (
            text[start - 1] in self.before.last or text[start - 1].isspace() or text[start] in self.bare
        ):
            return start, None
        low = max(floor, start - _BEFORE_REACH)
        if found := self.before.end.search(text, low, start):
            begin = found.start()
            if self.verb_approx.search(text, max(0, begin - 2), begin + 1):
                return start, None
            return begin, self.before.flag(found)
        found = self.before_scale.end.search(text, low, start) if text[start] in self.bare else None
        return (found.start(), self.before_scale.flag(found)) if found else (start, None)

    def read(self, text: str, start: int) -> Piece | None:
        """Read the quantity that begins at a place, without the bound before it.

        Args:
            text: Text of folded width.
            start: Where the numeral begins.

        Returns:
            What was read, or ``None`` if no quantity begins there.
        """
        simple = self.simple.match(text, start)
        piece = self.simple_piece(simple["numeral"], simple["unit"]) if simple else None
        return piece or self.read_full(text, start)

    def read_in(self, text: str, start: int, unit: str) -> Piece | None:
        """Read a number with a unit that ``read`` does not take for one.

        Args:
            text: Text of folded width.
            start: Where the numeral begins.
            unit: A unit that stands directly after it.

        Returns:
            What was read, or ``None`` if no number with this unit begins there.
        """
        number = self.number_at(text, start)
        if number is None or not text.startswith(unit, number.end):
            return None
        return self._close(text, start, _Amount(number, unit, number.end + len(unit)), "plain")

    def read_full(self, text: str, start: int) -> Piece | None:
        """Read as ``read`` does, but by all the rules; the other way is only for speed."""
        words = self.table.words
        if self.times.match(text, start):
            return self._times(text, start)
        if text.startswith((words.ordinal, self.table.rank.top), start):
            return self._rank(text, start)
        if fixed := self.fixed.match(text, start):
            return self._fixed(fixed)
        if hundredths := self.hundredths.match(text, start):
            return self._hundredths(text, start, hundredths)
        number = self.number_at(text, start)
        if number is None:
            return None
        if share := self._share(text, start, number):
            return share
        if leading := self.leading.match(text, number.end):  # 百强
            return self._top(start, leading.end(), number)
        amount = self._amount(text, number)
        return self._range(text, start, amount) or self._plain(text, start, amount)

    def _hundredths(self, text: str, start: int, mark: re.Match[str]) -> Piece | None:
        """Read 百分之三十, 百分之三十到四十, 千分之三至千分之五."""
        words, unit = self.table.words, self.table.words.hundredths[mark[1]]
        number = self.number_at(text, mark.end())
        if number is None or number.low != number.high or text.startswith(words.share, number.end):
            return None
        link = None if number.more else self.link.match(text, number.end)
        if link:
            again = self.hundredths.match(text, link.end())
            other = self.number_at(text, again.end() if again else link.end())
            alike = again[1] == mark[1] if again else other is not None and self._unit(text, other.end) is None
            if other and alike and number.low < other.low == other.high:
                both = replace(other, low=number.low, text=number.text)
                return self._close(text, start, _Amount(both, unit, other.end), "share")
        return self._close(text, start, _Amount(number, unit, number.end), "share")

    def _fixed(self, match: re.Match[str]) -> Piece:
        """Give the value of 百分百, 一半, 翻番 or 首位."""
        words, (whole, half, doubled, _) = self.table.words, match.groups()
        if whole or half:
            value = Decimal(100) if whole else Decimal("0.5")
            number = _Number(match.end(), value, value, False, match.group())
            amount = _Amount(number, words.percent if whole else "", match.end())
            return self._close(match.string, match.start(), amount, "share")
        one, end = Decimal(1), match.end()
        if doubled:
            return Piece(end - match.start(), bounded(one, one, words.times, "=", "up"), "double", doubled, True)
        first = bounded(one, one, self.table.rank.unit, "=", "rank")
        return Piece(end - match.start(), first, "rank", match.group(), True)

    def _times(self, text: str, start: int) -> Piece | None:
        """Read 两番: a rise to four times, so by three times, the base."""
        number = self.number_at(text, start)
        if number is None:
            return None
        end = number.end + len(self.table.words.doubling)
        rise = 2**number.low - 1
        return Piece(end - start, bounded(rise, rise, self.table.words.times, "=", "up"), "double", number.text, True)

    def _rank(self, text: str, start: int) -> Piece | None:
        """Read 第3位, 第一, 前10名, 前三."""
        top = text.startswith(self.table.rank.top, start)
        number = self.number_at(text, start + 1)
        if number is None or number.more:
            return None
        unit = (self.top if top else self.rank_unit).match(text, number.end)
        end = unit.end() if unit else number.end
        if not unit and top and self.top_barred.match(text, end):
            return None
        quantity = bounded(number.low, number.high, self.table.rank.unit, "<=" if top else "=", "rank")
        return Piece(end - start, quantity, "rank", number.text, unit is not None)

    def _top(self, start: int, end: int, number: _Number) -> Piece | None:
        """Give the rank that 百强 says."""
        if number.more or number.low != number.high:
            return None
        quantity = bounded(number.low, number.high, self.table.rank.unit, "<=", "rank")
        return Piece(end - start, quantity, "rank", number.text, True)

    def _share(self, text: str, start: int, number: _Number) -> Piece | None:
        """Read 三分之二, 1:18.9, 三成."""
        words = self.table.words
        if tenths := self.tenths.match(text, number.end):
            if number.high > 10 or (number.high == 10 and text[tenths.start()] == words.tenths[-1]):
                return None
            extra = Decimal(5 if tenths[1] else self.table.digits.get(tenths[2], 0))
            scaled = replace(number, low=number.low * 10 + extra, high=number.high * 10 + extra)
            return self._close(text, start, _Amount(scaled, words.percent, tenths.end()), "share")
        if share := self.share.match(text, number.end) or self.slash.match(text, number.end):
            return self._fraction(text, start, number, share)
        if mark := self.colon.match(text, number.end):
            other = self.number_at(text, mark.end())
            if other and self.third.match(text, other.end):  # 1:1:2
                return None
        elif mark := self.to.match(text, number.end):
            other = self.number_at(text, mark.end())
            if other is None or max(number.high, other.high) >= _SIDE or not self.side_end.match(text, other.end):
                return None
        else:
            return self._misread_ratio(text, start, number)
        if other is None or not other.low:
            return None
        value = ratio(number.low, other.low)
        merged = _Number(other.end, value, value, other.more, number.text)
        return self._close(text, start, _Amount(merged, ":", other.end), "ratio")

    def _fraction(self, text: str, start: int, number: _Number, mark: re.Match[str]) -> Piece | None:
        """Read 三分之二, 2/3, and a part of a measure: 五分之三亩."""
        other = self.number_at(text, mark.end())
        above, below = (number, other) if mark.group() == "/" else (other, number)
        if other is None or above is None or below is None or not below.low:
            return None
        value = ratio(above.low, below.low)
        merged = _Number(other.end, value, value, other.more, number.text)
        unit = None if other.more else self._unit(text, other.end)
        if unit is None or unit.more or unit.half or not divisible(unit.name):
            unit = _Unit("", other.end, False, False)
        return self._close(text, start, _Amount(merged, unit.name, unit.end), "share")

    def _misread_ratio(self, text: str, start: int, number: _Number) -> Piece | None:
        """Read 8」, which is 8:1 scanned badly, where it ends its item."""
        mark = self.to_one.match(text, number.end)
        if mark is None or not self.side_end.match(text, mark.end()) or number.more or number.low != number.high:
            return None
        quantity = bounded(number.low, number.low, ":", "=")
        read = f"{number.text}:1"
        return Piece(mark.end() - start, quantity, "ratio", number.text, True, repaired=read)

    def _range(self, text: str, start: int, first: _Amount) -> Piece | None:
        """Read 3-12万元, 1万元至5万元, 5%—5.5%."""
        number = first.number
        if number.more or number.low != number.high:
            return None
        link = self.link.match(text, first.end)
        joint = None if link else self.joint.match(text, first.end)
        mark = link or joint
        other = self.number_at(text, mark.end()) if mark else None
        if other is None:
            return None
        if not first.unit and link and (tenths := self.tenths.match(text, other.end)):  # 三至五成
            both = replace(other, low=number.low * 10, high=other.high * 10, text=number.text)
            fits = number.low < other.low and other.high <= 10 and not other.more
            return (
                self._close(text, start, _Amount(both, self.table.words.percent, tenths.end()), "share")
                if fits
                else None
            )
        if number.text[0] == "0" and number.text.isdigit() and number.low:  # 0539-8312345
            return None
        second = self._amount(text, other)
        if joint:
            between = self.between.match(text, second.end)
            if between is None:
                return None
            second = replace(second, end=between.end())
        if first.unit and first.unit != second.unit:
            return None
        low = number.low if first.unit else self._shared_scale(number, other)
        if low >= second.number.high:
            return None
        return self._close(
            text, start, replace(second, number=replace(second.number, low=low, text=number.text)), "range"
        )

    def _shared_scale(self, number: _Number, other: _Number) -> Decimal:
        """Give the first number of a range the scale of the second where it has none of its own."""
        if number.text[-1] in self.table.scales:
            return number.low
        tail = other.text[len(other.text.rstrip(self.scales_all)) :]
        for cut in range(len(tail)):
            scaled = read_numeral(number.text + tail[cut:])
            if scaled is not None and scaled < other.high:
                return scaled
        return number.low

    def _unit(self, text: str, position: int) -> _Unit | None:
        """Read a unit."""
        if generic := self.generic.match(text, position):
            half = generic[1] == self.table.words.half
            return _Unit(units().generic.nouns[generic[2]], generic.end(), bool(generic[1]) and not half, half)
        unit = self.unit.match(text, position)
        if unit is None:
            return None
        if (
            self.whole and unit[1] == units().generic.measure and (more := self.unit.match(text, unit.end()))
        ):  # 两个公顷
            unit = more if divisible(unit_name(more[1])) else unit
        half = self.half.match(text, unit.end())
        if half is None:
            return _Unit(unit_name(unit[1]), unit.end(), False, False)
        name, end = unit_name(unit[1]), half.end()
        if full := shortened().get(name):  # 七分半钟
            rest = full.removeprefix(name)
            if text.startswith(rest, end) or (self.whole and end == len(text)):
                name, end = full, end + len(rest) * text.startswith(rest, end)
        return _Unit(name, end, False, True)

    def _plain(self, text: str, start: int, amount: _Amount) -> Piece | None:
        """Close a number with its unit, if it has one; a count of 零点零 is none."""
        number, unit = amount.number, amount.unit
        if not number.high and unit and self.table.words.point in number.text and not divisible(unit):
            return None
        return self._close(text, start, amount, "plain")

    def _amount(self, text: str, number: _Number) -> _Amount:
        """Read the unit after a number, and what is added in halves or smaller units."""
        unit = self._unit(text, number.end)
        if unit is None:
            return _Amount(number, "", number.end)
        if unit.more:
            return _Amount(replace(number, more=True), unit.name, unit.end)
        if unit.half:
            half = Decimal("0.5")
            return _Amount(replace(number, low=number.low + half, high=number.high + half), unit.name, unit.end)
        if number.more or number.low != number.high or not divisible(unit.name):
            return _Amount(number, unit.name, unit.end)
        value, name, end = self._added(text, number.low, unit.name, unit.end)
        return _Amount(number if value == number.low else replace(number, low=value, high=value), name, end)

    def _added(self, text: str, value: Decimal, name: str, end: int) -> tuple[Decimal, str, int]:
        """Add what follows in smaller units of the same dimension: 九元九角九分, 3斤5两, 1小时05分, 九块九.

        A part that no decimal of the larger unit holds makes the whole a number of the smaller: 65 minutes.
        """
        smallest = Decimal(1)
        for _ in range(3):
            glue = self.glue.match(text, end)
            at = glue.end() if glue else end
            number = None if self.four_digits.match(text, at) else self.number_at(text, at)
            unit = self._unit(text, number.end) if number else None
            smaller = None if number is None or unit is None or number.more else self._smaller(name, unit.name)
            if number is None or unit is None or smaller is None:
                break
            larger, lesser, factor, divisor = smaller
            share = ratio(factor, divisor)
            if share >= smallest:
                break
            if share * divisor == factor:
                value, name, smallest = value + number.low * share, larger, share
            elif smallest == 1:
                value, name = value * divisor / factor + number.low, lesser
            else:
                break
            end = unit.end
        digits = self.last_digits.match(text, end) if name in self.table.words.parted else None
        if digits:
            part = "".join(str(self.table.digits[char]) for char in digits[1])
            value, end = value + Decimal(f"0.{part}") * smallest, digits.end()
        timed = self.split_second.match(text, end) if name == self.table.words.timed else None
        if timed and self._unit(text, timed.end()) is None:
            value, end = value + Decimal(f"0.{timed.group()}"), timed.end()
        return value, name, end

    def _smaller(self, name: str, other: str) -> tuple[str, str, Decimal, Decimal] | None:
        """Give the two units in full and the factors from the second to the first, if the second is the smaller."""
        short = shortened()
        for larger in (name, short.get(name, name)):
            for lesser in (other, short.get(other, other)):
                factors = conversion(lesser, larger)
                if factors and factors[0] < factors[1]:
                    return larger, lesser, *factors
        return None

    def _close(self, text: str, start: int, amount: _Amount, shape: Shape) -> Piece:
        """Take the words of more and the bounds that stand after a value, and give the piece."""
        number, unit, end = amount.number, amount.unit, amount.end
        more = number.more
        if not more and (shape == "share" or divisible(unit)) and (found := self.more_after.match(text, end)):
            more, end = True, found.end()
        flag: Flag = ">" if more else "="
        after = self.after.pattern.match(text, end)
        if after is not None:
            flag, end = self.after.flag(after), after.end()
        quantity = bounded(number.low, number.high, unit, flag)
        measured, bound = bool(unit) or shape in ("share", "ratio"), after is not None
        return Piece(end - start, quantity, shape, number.text, measured, more or bound, bound)


@cache
def grammar(*, whole: bool = False) -> Grammar:
    """Give the compiled grammar.

    Args:
        whole: See ``Grammar``.

    Returns:
        The grammar, compiled once.
    """
    return Grammar(numerals(), whole=whole)
