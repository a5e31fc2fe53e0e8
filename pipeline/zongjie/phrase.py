"""Whole strings that are one quantity, and back: ``近1.4万个``, ``大于15并且小于30``, ``人民币九块九``.

In: a string. Out: its ``Quantity``, or ``None``; and a short phrase for a ``Quantity``. Here stand the ways to say a
quantity that running text does not need or that would be unsafe there. Not for: finding quantities (``quantity.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache

from zongjie.measure import Grammar, grammar
from zongjie.numeral import fold_variants, numerals, read_number
from zongjie.ontology import either
from zongjie.patterns import Flagged
from zongjie.record import Flag
from zongjie.units import conversion, units
from zongjie.value import Quantity, bounded, hedge, negated

_LONGEST = 200  # characters; nobody writes one quantity that long
_MOST = Decimal(10) ** 18  # of a thing with a unit; nobody has more
_SPLITS = 12  # places where one of two bounds may begin
_MIXED = re.compile(r"(?<=[0-9])\s+(?=[0-9]{1,4}/[0-9])")


class _Phrases:
    """What only a whole string may say, compiled from ``numerals.toml``."""

    def __init__(self, rules: Grammar) -> None:
        table, words = rules.table, rules.table.phrase
        self.rules, self.table, self.words = rules, table, words
        self.copula = re.compile(either(words.copulas))
        self.before = Flagged(
            {flag: [*words.before.get(flag, []), *table.before.get(flag, [])] for flag in words.before}
        )
        self.compared = re.compile(
            rf"{words.than}(.+?)(?:([{words.more}])|[{words.less}])(?:{either(words.somewhat)})?"
        )
        joiner = either(words.joiners)
        self.split = re.compile(rf"{joiner}|(?={self.before.source})")
        self.joined = re.compile(rf"{joiner}\Z")
        self.elided = re.compile(rf"{either(words.elided)}(?=[^\d]|\Z)")
        self.within = re.compile(f"(?:{either(table.within)})?(.+?){either(table.between)}")
        self.clock = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d")
        year, ends = rf"(?:\d{{4}}|[{''.join(table.digits)}]{{4}})", either(table.year_units)
        self.year = re.compile(rf"(?:{year}{ends}?{either(table.links)})?{year}{ends}")
        self.party = re.compile(rf"[{''.join(table.steps)}{''.join(table.digits)}]{{2,}}{words.gathering}")
        self.link = re.compile(f"{either(table.links)}|{either(table.joints)}")

    def parse(self, text: str) -> Quantity | None:
        """Read a string without white space; a time of day, a year and the name of a congress (十九大) are none."""
        if self.clock.fullmatch(text) and not text.startswith("1:"):
            return None
        if self.year.fullmatch(text) or self.party.fullmatch(text):
            return None
        return self.one(text) or self._two_sided(text) or self._ranged(text)

    def one(self, text: str) -> Quantity | None:
        """Read a value or a bound."""
        number = None if text[-1:] in self.rules.unit_scales else read_number(text)
        if number is not None:
            return bounded(number, number, "", "=")
        if elided := self.elided.match(text):
            return self._measured(self.words.one + text) if elided.end() < len(text) or len(text) > 1 else None
        return (
            self._from_the_end(text)
            or self._prefixed(text)
            or self._measured(text.removeprefix(self.table.from_))
            or self._compared(text)
            or self._ended(text)
            or next(
                (self._measured(text.removeprefix(word)) for word in self.words.needless if text.startswith(word)), None
            )
        )

    def _bound(self, text: str) -> tuple[int, Flag | None]:
        """Read the bound that the string begins with, and what links it to its number."""
        start, flag = self.rules.bound_at(text)
        found = self.before.pattern.match(text)
        if found and found.end() >= start:
            start, flag = found.end(), self.before.flag(found)
        copula = self.copula.match(text, start) if flag else None
        return (copula.end() if copula else start), flag

    def _measured(self, text: str) -> Quantity | None:
        """Read a bound, a sign, a numeral and a unit that fill the string."""
        for start, flag in (self._bound(text), (0, None)):
            negative = next((word for word in self.table.words.negative if text.startswith(word, start)), "")
            at = start + len(negative)
            piece = self.rules.read(text, at)
            if piece is None or at + piece.length != len(text):
                continue
            quantity = piece.quantity
            if max(quantity.low or 0, quantity.high or 0) >= _MOST:
                return None
            if (quantity.kind != "level" and negative) or (quantity.kind == "rank" and flag):
                return None
            if negative:
                quantity = negated(quantity, first=piece.shape == "range")
            return quantity if flag is None else hedge(quantity, flag)
        return None

    def _from_the_end(self, text: str) -> Quantity | None:
        """Read 倒数第二 and 最后一名 as places counted from the end, below zero."""
        rest = text.removeprefix(self.words.from_the_end)
        quantity = self._measured(rest) if rest != text else None
        if text in self.words.last:
            quantity = self._measured(self.table.rank.first)
        return negated(quantity) if quantity and quantity.kind == "rank" and quantity.flag == "=" else None

    def _prefixed(self, text: str) -> Quantity | None:
        """Read a number whose unit stands before it (人民币50元, 摄氏37度), or a currency after an amount."""
        money = self.table.money.unit
        for prefix, unit in units().prefixes.items():
            before = text.startswith(prefix)
            rest = text.removeprefix(prefix) if before else text.removesuffix(prefix)
            quantity = self._measured(rest) if rest != text else None
            if quantity is None:
                continue
            if before and (not quantity.unit or quantity.unit[-1] in f"{unit}{units().degree}"):
                return replace(quantity, unit=unit)
            if conversion(quantity.unit, money):
                return replace(quantity.to(money), unit=unit)
        return None

    def _compared(self, text: str) -> Quantity | None:
        """Read 比四十多一些."""
        found = self.compared.fullmatch(text)
        quantity = self._measured(found[1]) if found else None
        return hedge(quantity, ">" if found[2] else "<") if found and quantity and quantity.flag == "=" else None

    def _ended(self, text: str) -> Quantity | None:
        """Read 三小时整."""
        rest = next((text.removesuffix(word) for word in self.words.exactly if text.endswith(word)), "")
        quantity = self._measured(rest) if rest else None
        return quantity if quantity and quantity.unit else None

    def _two_sided(self, text: str) -> Quantity | None:
        """Read two bounds that make a range: 大于15并且小于30, 最多90最少40."""
        for first, second in self._halves(text):
            one, other = self.one(first), self.one(second)
            if one is None or other is None or (one.unit and other.unit and one.unit != other.unit):
                continue
            low, high = (one, other) if one.high is None else (other, one)
            if low.high is None and high.low is None and low.low is not None and high.high is not None:
                return bounded(low.low, high.high, one.unit or other.unit, "-") if low.low < high.high else None
        return None

    def _halves(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the string cut at every place where the second of two bounds may begin."""
        cuts = {found.span() for found in self.split.finditer(text)}
        cuts |= {(found.end(), found.end()) for found in self.rules.after.pattern.finditer(text)}
        for start, end in sorted(cuts)[:_SPLITS]:
            first, second = self.joined.sub("", text[:start]), text[end:]
            if first and second:
                yield first, second

    def _ranged(self, text: str) -> Quantity | None:
        """Read what the grammar does not link: -5至-3%, 在第二和第五之间, 15到40之间."""
        if text[0] == "0" and text[1:2].isdigit():  # 0539-8312345
            return None
        within = self.within.fullmatch(text)
        text = within[1] if within else text
        for _, link in zip(range(_SPLITS), self.link.finditer(text, 1), strict=False):
            if not within and link.group() in self.table.joints:
                continue
            one, other = self.one(text[: link.start()]), self.one(text[link.end() :])
            if one is None or other is None or one.kind != other.kind or one.flag != "=" or other.flag != "=":
                continue
            signed = text.startswith(tuple(self.table.words.negative))  # -5至3%
            if one.low is None or other.low is None or not (one.unit == other.unit or (signed and not one.unit)):
                continue
            return replace(bounded(one.low, other.low, other.unit, "-"), kind=one.kind) if one.low < other.low else None
        return self._measured(text) if within else None


@cache
def _phrases() -> _Phrases:
    return _Phrases(grammar(whole=True))


def parse_quantity(text: str) -> Quantity | None:
    """Read a whole string as one quantity.

    Args:
        text: Such as ``近1.4万个``, ``93%以上``, ``1:18.9``, ``负三点五`` or ``大于15并且小于30``; full-width, formal
            and traditional characters and white space are understood.

    Returns:
        The value, or ``None`` if the string is anything else.
    """
    table = numerals()
    rules = grammar(whole=True)
    folded = rules.mend("".join(_MIXED.sub(table.words.and_a_part, fold_variants(text)).split()))
    if not set(folded) - set(table.scales) or len(folded) > _LONGEST:
        return None
    return _phrases().parse(folded)


def format_quantity(quantity: Quantity) -> str:
    """Write a quantity so that ``parse_quantity`` reads the same value back.

    Args:
        quantity: A quantity whose unit is one of ``units.toml``.

    Returns:
        A short Chinese phrase, such as ``近14000个`` or ``30000至120000元``.
    """
    table = numerals()
    low = quantity.high if quantity.low is None else quantity.low
    if low is None:
        return ""
    # 2000年 by itself would be a year, 2,000年 is a length of time
    style = ",f" if quantity.unit in table.year_units and low == low.to_integral_value() else "f"
    number = format(low, style)
    if quantity.kind == "rank":
        return _format_rank(quantity, low)
    bound = "" if quantity.flag in ("=", "-") else table.before[quantity.flag][0]
    if quantity.kind == "up" and (power := _power_of_two(low + 1)):
        return f"{bound}{power}{table.words.doubling}"
    unit = f"{quantity.unit}1" if quantity.unit == ":" else quantity.unit
    if quantity.flag == "-" and quantity.high is not None:
        return f"{number}{table.links[0]}{quantity.high:{style}}{unit}"
    return f"{bound}{number}{unit}"


def _power_of_two(value: Decimal) -> int:
    """Give n where value is 2 to the n and n a digit, else 0."""
    return next((n for n in range(1, 10) if value == 2**n), 0)


def _format_rank(quantity: Quantity, low: Decimal) -> str:
    """Write a place: 前10位, 第3位, 倒数第2位, 第3位至第5位."""
    table = numerals()
    if quantity.flag == "<=":
        return f"{table.rank.top}{low:f}{quantity.unit}"
    ends = {low, low if quantity.high is None else quantity.high}
    places = (
        f"{table.phrase.from_the_end if side < 0 else ''}{table.words.ordinal}{abs(side):f}{quantity.unit}"
        for side in sorted(ends)
    )
    return table.links[0].join(places)
