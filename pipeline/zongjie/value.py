"""The value type ``Quantity``: what a number with its unit and its bound says.

In: sides, a unit and a flag, as section 4 of the annotation guide defines them. Out: an immutable ``Quantity`` that
converts within its dimension. Not for: reading strings (``measure.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Literal

from zongjie.errors import ZongjieError
from zongjie.numeral import plain
from zongjie.record import Flag
from zongjie.units import conversion, unit_name

QuantityKind = Literal["level", "up", "rank"]


class UnitMismatch(ZongjieError, ValueError):  # noqa: N818 - the name says what it is
    """Two units do not measure the same; the message names both."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A normalised value.

    Attributes:
        low: Lower side, or ``None`` if open; a plain decimal without exponent or trailing zeros.
        high: Upper side, or ``None`` if open; the same as ``low`` for a point value.
        unit: Base form of the unit or measure word, ``:`` for a ratio, empty if there is none.
        flag: ``=`` exact, ``~`` approximate, ``>=`` ``>`` ``<=`` ``<`` bounds, ``-`` range.
        kind: ``rank`` for a place in an order, ``up`` for 翻番, else ``level``: a hint, for the verb may say more.
    """

    low: Decimal | None
    high: Decimal | None
    unit: str
    flag: Flag
    kind: QuantityKind = "level"

    def to(self, unit: str) -> Quantity:
        """Convert to another unit of the same dimension.

        Args:
            unit: Name or written form of the unit.

        Returns:
            The same quantity; the factors are exact, and a quotient that does not end is rounded to 50 digits.

        Raises:
            UnitMismatch: If the two units do not measure the same.
        """
        name = unit_name(unit)
        factors = conversion(self.unit, name)
        if factors is None:
            raise UnitMismatch(
                f"cannot convert {self.unit or 'a bare number'} to {unit}: they measure different things."
            )
        with localcontext() as context:
            context.prec = 50
            low, high = (
                None if side is None else plain(side * factors[0] / factors[1]) for side in (self.low, self.high)
            )
        return replace(self, low=low, high=high, unit=name)


def bounded(low: Decimal, high: Decimal, unit: str, flag: Flag, kind: QuantityKind = "level") -> Quantity:
    """Make a quantity of a flag and both sides, leaving open the side that the flag leaves open.

    Args:
        low: Lower side.
        high: Upper side.
        unit: Base form of the unit.
        flag: How to take the number.
        kind: See ``Quantity``.

    Returns:
        The quantity; two different sides with ``=`` or ``~`` make a range.
    """
    if low != high and flag in ("=", "~"):
        flag = "-"
    low, high = plain(low), plain(high) if low != high else plain(low)
    return Quantity(None if flag in ("<", "<=") else low, None if flag in (">", ">=") else high, unit, flag, kind)


def hedge(quantity: Quantity, flag: Flag) -> Quantity:
    """Apply the bound that stands before a number.

    Args:
        quantity: The value as read without it.
        flag: What the bound says.

    Returns:
        The bounded value; a range stays one, and so does a bound after the number where both stand.
    """
    value = quantity.high if quantity.low is None else quantity.low
    if value is None or quantity.flag == "-" or (flag == "~" and quantity.flag not in ("=", "~")):
        return quantity
    return bounded(value, value, quantity.unit, flag, quantity.kind)


def negated(quantity: Quantity, *, first: bool = False) -> Quantity:
    """Turn the sign.

    Args:
        quantity: A value.
        first: Whether the sign belongs to the lower side only: -5至3.

    Returns:
        The same below zero; the sides of a range change places.
    """
    low, high = (None if side is None else plain(-side) for side in (quantity.low, quantity.high))
    if first:
        return replace(quantity, low=low)
    return replace(quantity, low=high, high=low) if quantity.flag == "-" else replace(quantity, low=low, high=high)
