"""Calendar arithmetic that the standard library lacks: months, solar terms and days of the Chinese lunar calendar.

In: numbers. Out: ``datetime.date``. Not for: reading words (``period.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from zongjie.ontology import Table, load_table

_TERM_EPOCH = datetime(1900, 1, 6, 2, 5)  # Beijing time of the first solar term of 1900
_TERM_YEAR = timedelta(milliseconds=31_556_925_974.7)


def month_end(year: int, month: int) -> date:
    """The last day of a month.

    Args:
        year: Such as 2023.
        month: 1 to 12.

    Returns:
        The day.

    Raises:
        ValueError: If there is no such month.
    """
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def shift_months(day: date, months: int) -> date:
    """The same day of the month so many months away, or that month's last day if it is shorter.

    Args:
        day: Where to start.
        months: How far to go; back if negative.

    Returns:
        The day.

    Raises:
        ValueError: If the year is out of the calendar's range.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), month_end(year, month + 1))


def solar_term(year: int, minutes: int) -> date:
    """The day of a solar term, by mean motion; it may miss by a day where the term falls near midnight.

    Args:
        year: Such as 2023.
        minutes: How long after the first term of the year the term falls (``configs/periods.toml``).

    Returns:
        The day in Beijing.
    """
    return (_TERM_EPOCH + _TERM_YEAR * (year - 1900) + timedelta(minutes=minutes)).date()


@dataclass(frozen=True, slots=True)
class _LunarYear:
    first: date
    leap: int
    lengths: tuple[int, ...]


class _Lunar(Table):
    years: tuple[str, ...]


@cache
def _lunar_years() -> Mapping[int, _LunarYear]:
    years = {}
    for line in load_table("lunar.toml", _Lunar).years:
        first, leap, lengths = line.split()
        years[int(first[:4])] = _LunarYear(date.fromisoformat(first), int(leap), tuple(29 + int(n) for n in lengths))
    return years


def lunar_day(year: int, month: int, day: int) -> date | None:
    """The day that the lunar calendar calls so.

    Args:
        year: The lunar year, named after the year in which it begins.
        month: 1 to 12, never the leap month; 13 is the month that follows the year.
        day: 1 to 30; 0 is the last day of the month before.

    Returns:
        The day, or ``None`` outside the years of ``configs/lunar.toml``.
    """
    lunar = _lunar_years().get(year)
    if lunar is None:
        return None
    passed = month - 1 + (0 < lunar.leap < month)
    return lunar.first + timedelta(days=sum(lunar.lengths[:passed]) + day - 1)
