"""Quantities in running text: the NUMBER spans of the annotation guide, with their values.

In: any string. Out: ``QuantityMention`` in text order, offsets into that string; or, for a string that is one quantity,
its ``Quantity``, which can be written back. What could be one is found in ``candidates.py`` and judged here. Not
for: dates and periods (``period.py``), nor for deciding what a number measures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise

from zongjie.candidates import Candidate, find_candidates
from zongjie.measure import Grammar, grammar
from zongjie.numeral import read_numeral
from zongjie.ontology import either
from zongjie.phrase import format_quantity, parse_quantity
from zongjie.record import Flag
from zongjie.text import fold
from zongjie.units import divisible, units
from zongjie.value import Quantity, UnitMismatch, bounded

__all__ = ["Quantity", "QuantityMention", "UnitMismatch", "find_quantities", "format_quantity", "parse_quantity"]

_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")
_INDENT = 8  # characters of indentation before the first cell of a line
_LASTING_REACH = 7  # characters: what lasts, and what links it to its length
_CHANGE_REACH = 3  # characters: a verb of change before its number
_BOUND_REACH = 8  # characters: how far before a ratio its cue may stand
_YEAR_LENGTH = 14  # characters: a longer span with a unit of years is a range of bounds
_FEW = 20  # a Chinese numeral up to this may classify
_MANY = 10  # one from this on may stand without a unit where a bound stands with it
_SHARED_DIGITS = 3  # a longer number in a list has no share in the scale of the last
_CLAUSE_REACH = 20  # characters: how far 每 may stand before its count
_BRACKET_REACH = 200  # characters: how long a bracket may be
_REMEMBERED = 4096  # values of bare numbers in lists
_MONEY_REACH = 8  # characters: a word for money and what links it to its amount


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


class _Judge:
    """The rules for which candidates state a value, compiled from the configs."""

    def __init__(self, rules: Grammar) -> None:
        table = rules.table
        self.rules = rules
        self.table = table
        money = table.money
        self.money = re.compile(rf"{either(money.cues)}(?:{either(money.links)}){{0,2}}\Z")
        self.class_names = re.compile(rf"{either(table.deny.class_before)}\Z")
        self.ratio_cues = re.compile(either(table.deny.ratio_cues))
        linking = (*table.linking, *self.rules.before.words)
        self.linking, self.linking_last = re.compile(rf"{either(linking)}\Z"), frozenset(word[-1] for word in linking)
        self.lasting = re.compile(rf"{either(table.deny.lasting)}(?:{either(table.deny.lasting_links)})?\Z")
        self.clause = re.compile(r"[,。;!?\n]")
        self.item_end = re.compile(r"[,、。;!?\n]|\Z")
        self.circle = re.compile(rf"\w{{1,6}}{table.deny.circle}")
        self.aside = re.compile(r"[(（][^()（）\n]{1,30}[)）]")
        self.own_points = re.compile(either(table.deny.own_points))
        self.counted = re.compile(rf"\s?{either(units().counted.nouns)}")
        self.separator = re.compile(rf"\s?{either(table.separators)}\s?")
        self.joint = re.compile(rf"{either(table.separators)}(?=\d)")
        self.closing = rules.side_end
        self.changed = re.compile(rf"{either(table.changes)}\Z")
        self.event = re.compile(rf"{either(table.deny.events)}(?!{table.deny.events_not_before})")
        self.event_before = re.compile(rf"{either(table.deny.events_before)}(?:\d×)?\Z")
        self.line_head = re.compile(r"(?:^|\n)[ \t\u3000|]*\Z")
        self.cell = re.compile(r"[\s|]{1,4}\d[\d,.]*(?![\d.、)])")

    def admits(self, text: str, found: Candidate) -> bool:
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
        if found.arabic:
            return self._measures(text, found)
        return self._counts(text, found)

    def _is_part(self, text: str, found: Candidate) -> bool:
        """Tell a fraction (占全国1/10) from a date or a page."""
        value = found.quantity.high if found.quantity.low is None else found.quantity.low
        before = text[found.start - 1 : found.start]
        proper = value is not None and value < 1 and _is_word(before)
        return proper and (found.piece.bounded or self.closing.match(text, found.end) is not None)

    def _names_kind(self, text: str, found: Candidate) -> bool:
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

    def _modifies(self, text: str, found: Candidate) -> bool:
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

    def _heads_row(self, text: str, found: Candidate) -> bool:
        """Tell what names a line of a table (0-15岁 1200) from what stands in one."""
        headed = self.line_head.search(text, max(0, found.start - _INDENT), found.start) is not None
        return headed and self.cell.match(text, found.end) is not None

    def _measures(self, text: str, found: Candidate) -> bool:
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

    def _changes(self, text: str, found: Candidate) -> bool:
        """Tell the value from which one without a unit changes (由上年的16.2降至15.8), and by how much it does."""
        at, end = found.at, found.end
        if found.moves or text[at - 1 : at] in self.table.sources:
            return True
        return bool(self.closing.match(text, end) and self.changed.search(text, max(0, at - _CHANGE_REACH), at))

    def _is_clock(self, text: str, found: Candidate) -> bool:
        """Tell 8:30, and a closing quotation mark, from a ratio."""
        if found.piece.repaired is None:
            clock = found.piece.numeral != "1" and _CLOCK.fullmatch(text, found.at, found.end) is not None
            return clock and not self.ratio_cues.search(text, max(0, found.at - _BOUND_REACH), found.end + 2)
        return not self.ratio_cues.search(text, max(0, found.at - _BOUND_REACH), found.at)

    def _counts(self, text: str, found: Candidate) -> bool:
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

    def _stands_behind(self, text: str, found: Candidate) -> bool:
        """Tell a count behind its noun (教学楼一栋) from an article before one (一栋教学楼) and from 唯一一所."""
        before = text[found.at - 1 : found.at]
        noun = _is_word(before) and before not in (*self.table.digits, self.table.deny.each) and found.at > 0
        return noun and found.quantity.unit in self.table.behind_noun and bool(self.item_end.match(text, found.end))

    def _lasts(self, text: str, found: Candidate) -> bool:
        """Admit a length of time after a verb of lasting (延长一年), and how often (每月一次)."""
        deny, start, unit = self.table.deny, found.at, found.quantity.unit
        if unit in deny.lasting_units:
            return self.lasting.search(text, max(0, start - _LASTING_REACH), start) is not None
        if unit not in deny.each_units or text[start - 1 : start] == deny.each:
            return False
        return deny.each in self.clause.split(text[max(0, start - _CLAUSE_REACH) : start])[-1]

    def judge(self, text: str, found: Iterable[Candidate]) -> list[Candidate]:
        """Give the candidates that state a value; bare ones in a list or a bracket have its unit."""
        candidates = list(found)
        following: Candidate | None = None
        for candidate in reversed(candidates):
            lent = following is not None and following.quantity.unit and self._lists(text, candidate, following)
            candidate.admitted = candidate.in_row or (not lent and self.admits(text, candidate))
            if candidate.admitted:
                self._imply_money(text, candidate)
                if following:
                    self._complete_unit(text, candidate, following)
            elif following and self._lists(text, candidate, following):
                self._lend_unit(candidate, following, scaled=True)
            following = candidate if candidate.admitted else None
        self._carry_on(text, candidates)
        return self._sorted_out(text, [candidate for candidate in candidates if candidate.admitted])

    def _sorted_out(self, text: str, found: list[Candidate]) -> list[Candidate]:
        """Leave out bounded amounts that say which of the counted is meant (营业额超8亿元的企业16家)."""
        apart = [self.clause.search(text, a.end, b.start) is not None for a, b in pairwise(found)]
        edges = pairwise((True, *apart, True))  # before and after each
        return [one for one, edge in zip(found, edges, strict=False) if all(edge) or not self._sorts(text, one)]

    def _sorts(self, text: str, found: Candidate) -> bool:
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

    def _imply_money(self, text: str, found: Candidate) -> None:
        """Give an amount without a unit the one that the words before it imply: 投入资金3.2亿."""
        piece = found.piece
        if piece.measured or piece.shape == "rank" or piece.numeral[-1] not in self.table.scales:
            return
        before = max(0, found.start - _MONEY_REACH)
        if self.closing.match(text, found.end) and self.money.search(text, before, found.start):
            found.quantity, found.implied = replace(found.quantity, unit=self.table.money.unit), True

    def _complete_unit(self, text: str, candidate: Candidate, following: Candidate) -> None:
        """Give a quantity with a mere measure word the unit that a list names at its end: 1.1个和0.3个百分点."""
        measure, unit = units().generic.measure, following.quantity.unit
        if candidate.quantity.unit != measure or unit in ("", measure) or text[candidate.end - 1] != measure:
            return
        link = self.separator.match(text, candidate.end)
        if link and link.end() == following.start and measure in text[following.at : following.end]:
            candidate.quantity, candidate.implied = replace(candidate.quantity, unit=unit), True

    def _lists(self, text: str, candidate: Candidate, following: Candidate) -> bool:
        """Tell whether a bare Arabic number and the quantity after it share that one's unit."""
        piece = candidate.piece
        if piece.measured or piece.shape != "plain" or not candidate.arabic or piece.hedged:
            return False
        link = self.separator.match(text, candidate.end)
        return link is not None and link.end() == following.start and following.piece.shape == "plain"

    def _lend_unit(self, candidate: Candidate, source: Candidate, *, scaled: bool) -> None:
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

    def _carry_on(self, text: str, candidates: Iterable[Candidate]) -> None:
        """Give bare numbers in a bracket the unit of what stands before it, and let a list of bare numbers go on."""
        owner = previous = None
        closing = -1
        for candidate in candidates:
            inside = owner is not None and candidate.end <= closing
            if inside and owner and candidate.in_row:
                self._lend_unit(candidate, owner, scaled="." in candidate.piece.numeral)
            elif candidate.admitted:
                if not inside and text[candidate.end : candidate.end + 1] == "(":
                    owner, closing = candidate, text.find(")", candidate.end, candidate.end + _BRACKET_REACH)
            elif inside and owner and self._elliptical(text, candidate):
                self._lend_unit(candidate, owner, scaled="." in candidate.piece.numeral)
            elif previous and not previous.quantity.unit:
                candidate.admitted = candidate.arabic and self._lists(text, previous, candidate)
            previous = candidate if candidate.admitted else None

    def _elliptical(self, text: str, candidate: Candidate) -> bool:
        """Tell whether a bare number in a bracket follows its noun and ends its item."""
        piece = candidate.piece
        before = text[candidate.start - 1 : candidate.start]
        bare = not piece.measured and piece.shape == "plain" and candidate.arabic
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


def _repair(text: str, mended: str, found: Candidate) -> str | None:
    """Give what was read in a mended span, or ``None`` if nothing in it was."""
    if mended is text or text[found.start : found.end] == mended[found.start : found.end]:
        return None
    return mended[found.start : found.end]


@cache
def _judge() -> _Judge:
    return _Judge(grammar())


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
    folded = fold(text)
    mended = grammar().mend(folded)
    return [
        QuantityMention(
            found.start,
            found.end,
            text[found.start : found.end],
            found.quantity,
            found.implied,
            found.piece.repaired or _repair(folded, mended, found),
        )
        for found in _judge().judge(mended, find_candidates(mended))
    ]
