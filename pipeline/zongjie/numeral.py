"""Chinese and Arabic numerals to exact decimals.

In: a numeral as reports write it, such as ``6.35万`` or ``一亿三千万``. Out: a ``Decimal``, or ``None`` where the
characters are no well-formed numeral. Not for: units and bounds (``measure.py``), running text (``quantity.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache, lru_cache

from pydantic import Field

from zongjie.ontology import Table, load_table
from zongjie.record import Flag
from zongjie.text import fold

_ARABIC = re.compile(r"\d{1,3}(?:,\d{3}){1,6}(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")
_REMEMBERED = 8192  # numerals, most of which come again and again
_LONGEST = 80  # characters; a longer string is no numeral that anyone wrote


class Words(Table):
    """``[words]`` of ``numerals.toml``: the single words of the quantity grammar."""

    point: str
    negative: list[str]
    signed: list[str]
    half: str
    halved: list[str]
    half_not_before: str
    zero: str
    ten: str
    pair: str
    ordinal: str
    share: str
    and_a_part: str
    whole: str
    halves: list[str]
    tenths: list[str]
    tenths_not_before: str
    percent: str
    times: str
    to: str
    scale_measure: str
    scale_measure_not_before: str
    glue: list[str]
    parted: list[str]
    timed: str
    doubled: str
    doubling: str
    hundredths: dict[str, str]


class Rank(Table):
    """``[rank]`` of ``numerals.toml``: how a place in an order is written."""

    units: list[str]
    unit: str
    first: str
    top: str
    ordinal_measure: str
    leading: str
    scopes: list[str]
    verbs: list[str]
    placed: list[str]
    top_not_before: str


class Phrase(Table):
    """``[phrase]`` of ``numerals.toml``: what only a string parsed whole may say."""

    copulas: list[str]
    than: str
    more: str
    less: str
    somewhat: list[str]
    joiners: list[str]
    elided: list[str]
    one: str
    exactly: list[str]
    from_the_end: str
    last: list[str]
    needless: list[str]
    gathering: str
    before: dict[Flag, list[str]]


class Misread(Table):
    """``[misread]`` of ``numerals.toml``: what scanning takes for a digit, and for the end of a ratio."""

    digits: dict[str, str]
    to_one: str


class Money(Table):
    """``[money]`` of ``numerals.toml``: after what an amount without a unit is money."""

    unit: str
    cues: list[str]
    links: list[str]


class Days(Table):
    """``[days]`` of ``numerals.toml``: where 日 is a length of time."""

    unit: str
    verbs: list[str]
    links: list[str]
    legal: str
    not_after: str


class Deny(Table):
    """``[deny]`` of ``numerals.toml``: numerals that state no value."""

    words: list[str]
    after: list[str]
    verbs: str
    apart_not: str
    verb_ends: list[str]
    strict_classifiers: str
    classifiers: str
    bare_units: list[str]
    own_points: list[str]
    own_points_limit: int
    attributive: list[str]
    attributive_not_before: str
    ages: list[str]
    circle_units: list[str]
    circle: str
    event_units: list[str]
    events_before: list[str]
    events: list[str]
    events_not_before: str
    each: str
    each_units: list[str]
    lasting: list[str]
    lasting_links: list[str]
    lasting_units: list[str]
    ratio_cues: list[str]
    class_before: list[str]
    class_unit: str
    class_after: str
    numbered: list[str]
    size: str
    size_not: str
    size_units: list[str]
    sorting: str
    sorting_shares: str
    sorting_units: tuple[str, ...]
    verb_approx: dict[str, str]


class Numerals(Table):
    """``numerals.toml``: digits, powers of ten, bounds and what is no number."""

    more: list[str]
    vague: list[str]
    from_: str = Field(alias="from")
    remark: str
    links: list[str]
    joints: list[str]
    between: list[str]
    within: list[str]
    linking: list[str]
    sources: list[str]
    moves: list[str]
    moved_to: str
    changes: list[str]
    separators: list[str]
    titles: str
    names: list[str]
    year_units: list[str]
    never_article: list[str]
    behind_noun: list[str]
    digits: dict[str, int]
    steps: dict[str, int]
    scales: dict[str, int]
    latin_scales: dict[str, int]
    contracted: dict[str, str]
    variants: dict[str, str]
    words: Words
    before: dict[Flag, list[str]]
    before_apart: dict[Flag, list[str]]
    before_scale: dict[Flag, list[str]]
    after: dict[Flag, list[str]]
    phrase: Phrase
    misread: Misread
    money: Money
    rank: Rank
    days: Days
    deny: Deny


@cache
def numerals() -> Numerals:
    """Give the validated ``configs/numerals.toml``.

    Returns:
        The table, read once.

    Raises:
        ConfigError: If the file is missing or does not fit.
    """
    return load_table("numerals.toml", Numerals)


@cache
def _variants() -> dict[int, str]:
    return {ord(form): plain for plain, forms in numerals().variants.items() for form in forms}


def fold_variants(text: str) -> str:
    """Fold full-width, formal (壹贰叁) and traditional characters of quantities, one character for one.

    Args:
        text: Any string.

    Returns:
        A string of the same length.
    """
    return fold(text).translate(_variants())


@lru_cache(maxsize=_REMEMBERED)
def plain(value: Decimal) -> Decimal:
    """Give a decimal its canonical form: no exponent, no trailing zeros, no negative zero.

    Args:
        value: A finite decimal.

    Returns:
        The same number; ``format(value, "f")`` of it is its shortest plain form.
    """
    digits = format(value, "f")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return Decimal("0") if digits in ("-0", "0", "") else Decimal(digits)


@dataclass(slots=True)
class _Reading:
    """The state of reading one whole number from left to right."""

    total: Decimal = Decimal(0)  # what stands before the last scale (万, 亿)
    group: Decimal = Decimal(0)  # what stands since then
    digit: Decimal | None = None  # a digit or Arabic number not yet multiplied
    power: int = 99  # power of the last step or scale read, for the order of steps and for 一万三
    floor: int = 99  # power of the last scale
    zero: bool = False  # whether a zero stands before the digit
    implied: bool = False  # whether the numeral began with a step alone (百, 千万)
    closed: bool = False  # whether a decimal was scaled (10.1万), after which no number may follow

    def number(self, value: Decimal) -> bool:
        """Take a digit or an Arabic number; False where it may not stand."""
        if self.closed or self.digit is not None:
            return False
        self.digit = value
        return True

    def step(self, power: int) -> bool:
        """Take 十 百 千; False where it may not stand."""
        if self.closed or (self.group and power >= self.power):
            return False
        if self.digit is None and (self.implied or (self.group and power > 1 and not self.zero)):
            return False
        inside = bool(self.group or self.total)
        if self.digit is not None and self.digit >= 10 and inside:
            return False
        self.implied = self.digit is None and not inside and power > 1
        self.group += (Decimal(1) if self.digit is None else self.digit).scaleb(power)
        self.digit, self.zero, self.power = None, False, power
        return True

    def scale(self, power: int) -> bool:
        """Take 万 亿, which multiply what stands before them."""
        if self.digit is not None:
            self.group += self.pending() if self.group else self.digit
        empty = not self.group and not self.total
        group = Decimal(1) if empty else self.group
        self.closed = self.closed or group != group.to_integral_value()
        if self.total and power >= self.floor:  # 一万五千亿, 四万万
            self.total = (self.total + group).scaleb(power)
        else:
            self.total += group.scaleb(power)
        self.group, self.digit, self.zero, self.implied = Decimal(0), None, False, False
        self.power = self.floor = power
        return True

    def pending(self) -> Decimal:
        """Give the last digit its place: 一百二 is 120, 一万三 13000, 一百零二 102."""
        digit = self.digit or Decimal(0)
        if self.zero or self.power == 99 or digit >= 10 or digit != digit.to_integral_value():
            return digit
        return digit.scaleb(self.power - 1)


def _whole(text: str) -> Decimal | None:
    """Read a numeral without 点; ``None`` if it is malformed."""
    table = numerals()
    state, position = _Reading(), 0
    while position < len(text):
        char, found = text[position], _ARABIC.match(text, position)
        position = found.end() if found else position + 1
        if found:  # 3百07
            state.zero = state.zero or (char == "0" and found.end() > found.start() + 1)
        fine = state.number(Decimal(found.group().replace(",", ""))) if found else _take(state, char, table)
        if not fine:
            return None
    return state.total + state.group + state.pending()


def _take(state: _Reading, char: str, table: Numerals) -> bool:
    """Let the state take one Chinese character; False where it may not stand."""
    if char in table.steps:
        return state.step(table.steps[char])
    if char in table.scales:
        return state.scale(table.scales[char])
    if char not in table.digits:
        return False
    if table.digits[char]:
        return state.number(Decimal(table.digits[char]))
    state.zero = True
    return state.digit is None


@cache
def _spelled() -> re.Pattern[str]:
    """Match digits read one by one: 二〇二三, 零五."""
    digits = numerals().digits
    every, zeros = "".join(digits), "".join(char for char, value in digits.items() if value == 0)
    return re.compile(rf"(?=[{every}]*[{zeros}]|[{every}]{{3}})[{every}]{{2,20}}|[{zeros}]")


@cache
def _pointed() -> re.Pattern[str]:
    table = numerals()
    return re.compile(rf"(.+)[{table.words.point}]([{''.join(table.digits)}\d]+)([{''.join(table.scales)}]*)")


@cache
def _scientific() -> re.Pattern[str]:
    return re.compile(rf"(\d*\.?\d+)(?:[eE]([+-]?\d{{1,2}})|([{''.join(numerals().latin_scales)}]))")


@lru_cache(maxsize=_REMEMBERED)
def read_numeral(text: str) -> Decimal | None:
    """Read a numeral: Arabic, Chinese or mixed, without sign and without unit.

    Args:
        text: The numeral with its characters folded (see ``fold_variants``); white space inside is ignored.

    Returns:
        The exact value in canonical form, or ``None`` if the string is not a well-formed numeral.
    """
    digits = text.replace(".", "", 1)
    if digits.isascii() and digits.isdigit() and text[-1] not in "0." and len(text) <= _LONGEST:
        return Decimal(text)
    text = "".join(text.split())
    table = numerals()
    if not text or len(text) > _LONGEST or (len(text) > 1 and text[-1] == table.words.pair):
        return None
    if _ARABIC.fullmatch(text):
        return plain(Decimal(text.replace(",", "")))
    for short, written in table.contracted.items():
        text = text.replace(short, written)
    with localcontext() as context:
        context.prec = 3 * _LONGEST
        if scaled := _scientific().fullmatch(text):
            power = int(scaled[2]) if scaled[2] else table.latin_scales[scaled[3]]
            return plain(Decimal(scaled[1]).scaleb(power))
        if pointed := _pointed().fullmatch(text):
            return _decimal(pointed[1], pointed[2], pointed[3])
        if _spelled().fullmatch(text):
            return plain(Decimal("".join(str(table.digits[char]) for char in text)))
        value = _whole(text)
        return None if value is None else plain(value)


def _decimal(whole: str, digits: str, scales: str) -> Decimal | None:
    """Read what stands before and after 点, and the scales behind."""
    table = numerals()
    value = read_numeral(whole)
    if value is None or value != value.to_integral_value():
        return None
    decimals = "".join(str(table.digits.get(char, char)) for char in digits)
    return plain(Decimal(f"{value:f}.{decimals}").scaleb(sum(table.scales[char] for char in scales)))


def read_number(text: str) -> Decimal | None:
    """Read a number with its sign, and fractions: 负一又二分之一, 3/4.

    Args:
        text: A whole string with its characters folded.

    Returns:
        The value, a quotient that does not end as ``ratio`` gives it, or ``None`` if the string is no number.
    """
    words = numerals().words
    if text.startswith(tuple(words.hundredths)):
        return None
    sign = next((word for word in words.negative if text.startswith(word)), "")
    if sign:
        value = read_number(text[len(sign) :])
        return None if value is None or text[len(sign) :].startswith(sign) else plain(-value)
    if words.and_a_part in text:
        whole, _, part = text.partition(words.and_a_part)
        head, tail = read_numeral(whole), read_number(part)
        broken = words.share in part or "/" in part
        return plain(head + tail) if head is not None and tail is not None and broken else None
    for mark in (words.share, "/"):
        first, found, second = text.partition(mark)
        if found:
            one, other = read_numeral(first), read_number(second)
            below, above = (one, other) if mark == words.share else (other, one)
            return None if below is None or above is None or not below else ratio(above, below)
    return read_numeral(text)


def ratio(above: Decimal, below: Decimal) -> Decimal:
    """Divide as the gold data do: exact if the quotient ends within 12 digits, else rounded to four.

    Args:
        above: Dividend.
        below: Divisor, not zero.

    Returns:
        The quotient in canonical form; one below 0.001 keeps four significant digits.
    """
    with localcontext() as context:
        context.prec = 3 * _LONGEST
        quotient = above / below
        short = quotient.quantize(Decimal("1e-12"))
        if short == quotient:
            return plain(quotient)
        places = max(4, 3 - quotient.adjusted()) if abs(quotient) < Decimal("0.001") else 4
        return plain(quotient.quantize(Decimal(1).scaleb(-places)))
