"""Records as pandas tables, ready to group, pivot, merge and plot.

In: records, or an output that holds them. Out: ``Frames``, the four tables of ``writers/tables.py`` with proper types.
Not for: files (``writers/``), questions in SQL (``outputs.query``), pictures (``plot.py``).

The public name is ``zongjie.frames``; the module has another, so that importing it does not hide the function.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from zongjie import outputs
from zongjie.errors import ZongjieError
from zongjie.indicator import YEARS, Indicator, find, one_of, periods, year_of
from zongjie.ontology import Table, load_table
from zongjie.record import DocumentKind, EntityType, Flag, Kind, Record, Status
from zongjie.writers.facts import columns
from zongjie.writers.libraries import library
from zongjie.writers.tables import ROLES, TABLES, Column, rows

if TYPE_CHECKING:
    import pandas as pd

Numbers = Literal["float", "decimal"]
TableName = Literal["documents", "facts", "statements", "entities"]

# categories that are known beforehand, so that the tables of two outputs can be put together
_CATEGORIES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("documents", "kind"): get_args(DocumentKind),
    ("facts", "flag"): get_args(Flag),
    ("facts", "status"): get_args(Status),
    ("facts", "kind"): get_args(Kind),
    ("statements", "role"): ROLES,
    ("entities", "type"): get_args(EntityType),
}
_DAYS: Final = "datetime64[s]"  # any day that a record may name


class Words(Table):
    """``configs/frames.toml``: the headings that ``columns.toml`` lacks."""

    start: str
    end: str
    headings: Mapping[TableName, Mapping[str, str]]


@cache
def _words() -> Words:
    return load_table("frames.toml", Words)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Frames:
    """Four tables; what their columns mean is said in ``writers/tables.py``.

    Texts and ids are pandas strings; ``status``, ``kind``, ``type``, ``unit``, ``flag``, ``role`` and the like are
    categories; days are ``datetime64``; offsets, pages and ``doc`` are ``Int64``; ``low`` and ``high`` are float64, or
    ``Decimal`` as objects; lists are lists. What is not known is missing (NA, NaN, NaT). ``year`` is the calendar year
    (pandas ``Period``) in which the period lies, missing if it lies in several; a period without a beginning (截至…)
    is of the year in which it ends.

    Attributes:
        documents: One row a document. Its key is ``doc``, the number in the input from 1.
        facts: One row a fact. ``doc`` and ``document_id`` say whose.
        statements: One row a measure, result, target or issue (``role``).
        entities: One row a tagged span.
    """

    documents: pd.DataFrame
    facts: pd.DataFrame
    statements: pd.DataFrame
    entities: pd.DataFrame

    def __repr__(self) -> str:
        return "Frames(" + ", ".join(f"{name}={len(getattr(self, name))}" for name in TABLES) + ")"

    def indicator(
        self,
        pattern: str | re.Pattern[str],
        *,
        status: Status = "actual",
        kind: Kind = "level",
        unit: str | Collection[str] | None = None,
    ) -> Indicator:
        """Give one indicator by place and year.

        The place is the fact's own; where it names none, the document's region, unless the fact or the whole document
        is about a school. The year is that of the fact's time; else that which the nearest heading above names; else
        that of the document's period, for what is reached in any document but a plan and for what is promised in a
        plan. A time such as 全年 or 11月底 is understood in the year of its section or document. The value is the
        number, of a bound the bound, of a range its middle.

        Where several facts state one place and year, that stands in the table whose metric has the name that most
        places and years have, then the shortest; whose year and place are stated nearest; whose number is exact; and
        that is most certain. What a later value started from (由80%提高到85%) is of no known year, unless it has a time
        of its own. Nothing is added up: 新增学位 of several kinds of school are several facts.

        Args:
            pattern: Part of the indicator's name (``毛入园率``), or a compiled regular expression that is searched in
                it.
            status: ``actual`` or ``target``.
            kind: ``level``, ``up``, ``down`` or ``rank``; a rise is not a level.
            unit: The unit as the tables have it (元, not 万元), or several that are to count as one
                (``("人", "名")``); the most frequent if not given.

        Returns:
            The indicator; ``.table`` is the table, and its notes say what could not be placed.

        Raises:
            ZongjieError: If there is no such status or kind, or the tables have the unit as another.
        """
        return find(self, pattern, status=status, kind=kind, unit=unit)

    def chinese(self, table: TableName) -> pd.DataFrame:
        """Give a table with Chinese headings, and Chinese names for statuses, kinds and bounds.

        Args:
            table: ``documents``, ``facts``, ``statements`` or ``entities``.

        Returns:
            A copy, for people; ``indicator`` and ``zongjie.plot`` want the tables as they are.

        Raises:
            ZongjieError: If there is no such table.
        """
        one_of("table", table, tuple(TABLES))
        shown = getattr(self, table).copy()
        labels = {column.field: column.labels for column in columns() if column.labels}
        for column in TABLES[table]:
            if known := labels.get(_field(table, column)):
                shown[column.name] = shown[column.name].cat.rename_categories(known)
        return shown.rename(columns=headings(table))


def frames(records: str | PathLike[str] | Record | Iterable[Record], *, numbers: Numbers = "float") -> Frames:
    """Make tables of records.

    Args:
        records: Records; or one; or an output of ``zongjie extract``, or the folder that it is in.
        numbers: ``float`` for reckoning, or ``decimal`` for the record's exact digits (``low`` and ``high`` are then
            ``Decimal`` as objects).

    Returns:
        The tables; without records they are empty, with the same columns and types.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ZongjieError: If there is no output that holds whole records, something given is no record, or pandas is not
            installed.
    """
    one_of("numbers", numbers, get_args(Numbers))
    pd = library("pandas", "explore")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for doc, record in enumerate(_records(records), 1):
        for name, more in rows(record, doc).items():
            found[name] += more
    return Frames(**{name: _frame(pd, name, more, numbers) for name, more in found.items()})


def headings(table: TableName) -> dict[str, str]:
    """Say what the columns of a table are called in Chinese.

    Args:
        table: ``documents``, ``facts``, ``statements`` or ``entities``.

    Returns:
        The heading of each column of that table in ``Frames``.

    Raises:
        ConfigError: If ``configs/frames.toml`` or ``configs/columns.toml`` is wrong.
    """
    words = _words()
    known = {column.field: column.heading for column in columns()}
    own = {**{c.name: known[f] for c in TABLES[table] if (f := _field(table, c)) in known}, **words.headings[table]}
    for column in TABLES[table]:
        piece, _, end = column.name.rpartition("_")
        if column.name not in own and end in ("start", "end"):
            own[column.name] = getattr(words, end).format(own[piece])
    return own


def _field(table: str, column: Column) -> str:
    """Name a column as ``columns.toml`` names it."""
    return f"fact.{column.path}" if table == "facts" and column.path else column.path or column.name


def _records(given: str | PathLike[str] | Record | Iterable[Record]) -> Iterator[Record]:
    if isinstance(given, str | PathLike):
        yield from outputs.read(str(given) if isinstance(given, str) else given.__fspath__())
        return
    # a record is iterable too, over its fields; what is not iterable is no record either
    for record in given if isinstance(given, Iterable) and not isinstance(given, Record) else [given]:
        if not isinstance(record, Record):
            said = f"frames: expected records, received {type(record).__name__}. Give what zongjie.load() returns for"
            raise ZongjieError(f"{said} a document, or the .record of each outcome of pipe().")
        yield record


def _frame(pd: Any, table: str, found: list[dict[str, Any]], numbers: Numbers) -> pd.DataFrame:  # noqa: ANN401
    """Make one table."""
    exact = numbers == "decimal"
    series: dict[str, Any] = {}
    for column in TABLES[table]:
        cells = [row[column.name] for row in found]
        if column.kind == "exact":  # in place of its neighbour, or not at all
            if exact:
                cells = [pd.NA if cell is None else Decimal(cell) for cell in cells]
                series[column.name.removesuffix("_exact")] = pd.Series(cells, dtype="object")
        elif column.kind == "category":
            known = _CATEGORIES.get((table, column.name)) or sorted({cell for cell in cells if cell is not None})
            dtype = pd.CategoricalDtype(pd.Index(known, dtype="object"))
            series[column.name] = pd.Series(cells, dtype=dtype)
        else:
            series[column.name] = pd.Series(cells, dtype=_DTYPES[column.kind] or pd.StringDtype())
        if column.name == "period_end":
            years = [year_of(row["period_start"], row["period_end"]) for row in found]
            series["year"] = pd.Series(periods(years), dtype=pd.PeriodDtype(YEARS))
    return pd.DataFrame(series)


_DTYPES: Final = {
    "text": None,
    "integer": "Int64",
    "real": "float64",
    "date": _DAYS,
    "texts": "object",
    "blocks": "object",
    "warnings": "object",
}
