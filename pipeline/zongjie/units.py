"""Units and measure words: their written forms, dimensions and exact factors.

In: ``configs/units.toml``. Out: the validated table, and patterns and look-ups over it. Not for: reading numbers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from functools import cache

from zongjie.ontology import Table, load_table


class Unit(Table):
    """One unit: other ways to write it, what it measures, and its size in the base unit of that dimension."""

    forms: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    governed: bool = False
    short: str = ""
    dimension: str | None = None
    factor: Decimal | None = None
    divisor: Decimal = Decimal(1)
    not_before: str = ""


class Generic(Table):
    """A measure word that a noun may follow inside the span (36个班), and the unit that each noun gives."""

    measure: str
    not_before: str
    nouns: dict[str, str]


class Counted(Table):
    """Nouns that are counted without a measure word (22省份)."""

    nouns: list[str]


class Per(Table):
    """What a rate is per (元/生/学期)."""

    marks: str
    words: list[str]


class Units(Table):
    """``units.toml``."""

    measure_words: list[str]
    units: dict[str, Unit]
    generic: Generic
    prefixes: dict[str, str]
    degree: str
    counted: Counted
    per: Per


@cache
def units() -> Units:
    """Give the validated ``configs/units.toml``.

    Returns:
        The table, read once.

    Raises:
        ConfigError: If the file is missing or does not fit.
    """
    return load_table("units.toml", Units)


@cache
def unit_names(*, loose: bool = False) -> dict[str, str]:
    """Map every written form to the name of its unit.

    Args:
        loose: Whether to give also the forms that only a string parsed whole may have.

    Returns:
        Forms and names, without white space, to names.
    """
    table = units()
    names = {word: word for word in table.measure_words}
    for name, unit in table.units.items():
        if loose or not unit.governed:
            names.update({form: name for form in (name, *unit.forms, *(unit.loose if loose else ()))})
    return names


@cache
def shortened() -> dict[str, str]:
    """Map what stands for a unit beside a larger or a smaller one to the unit: 分 to 分钟.

    Returns:
        Short forms to names.
    """
    return {unit.short: name for name, unit in units().units.items() if unit.short}


@cache
def unit_pattern(*, loose: bool = False) -> str:
    """Give the source of a regular expression that matches one written unit, the longest first.

    Args:
        loose: As for ``unit_names``.

    Returns:
        A pattern without groups.
    """
    table = units()
    by_first: dict[str, list[str]] = defaultdict(list)
    for form, name in sorted(unit_names(loose=loose).items(), key=lambda item: -len(item[0])):
        barred = table.units[name].not_before.split() if name in table.units else []
        guard = f"(?!{'|'.join(map(re.escape, barred))})" if barred else ""
        guard += "(?![A-Za-z0-9])" if form[-1].isascii() and form[-1].isalnum() else ""
        by_first[form[0]].append(re.escape(form[1:]) + guard)
    alternatives = (f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in by_first.items())
    per = f"(?:[{table.per.marks}](?:{'|'.join(sorted(table.per.words, key=len, reverse=True))}))"
    return f"(?:{'|'.join(alternatives)}){per}{{0,2}}"


def unit_name(written: str) -> str:
    """Give the base form of a unit as written.

    Args:
        written: What ``unit_pattern`` matched.

    Returns:
        Its name; for a rate the name of the unit and the rest as written.
    """
    written = "".join(written.split())
    names = unit_names(loose=True)
    if written in names:
        return names[written]
    mark = re.search(f"[{units().per.marks}]", written)
    if mark is None:
        return written
    head = written[: mark.start()]
    return names.get(head, head) + written[mark.start() :]


def divisible(name: str) -> bool:
    """Tell whether a unit measures (米, 年, 倍), so that a part of one makes sense, or only counts (所, 间).

    Args:
        name: Name of a unit.

    Returns:
        True for a unit with a dimension.
    """
    unit = units().units.get(name)
    return unit is not None and unit.dimension is not None


def conversion(source: str, target: str) -> tuple[Decimal, Decimal] | None:
    """Give the exact factors that lead from one unit to another.

    Args:
        source: Name of a unit.
        target: Name of a unit.

    Returns:
        Multiplier and divisor, or ``None`` if the two do not measure the same.
    """
    if source == target:
        return Decimal(1), Decimal(1)
    one, other = units().units.get(source), units().units.get(target)
    if one is None or other is None or one.factor is None or other.factor is None or one.dimension != other.dimension:
        return None
    return one.factor * other.divisor, one.divisor * other.factor
