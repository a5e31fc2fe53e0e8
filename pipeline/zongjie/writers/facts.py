"""Facts as a table, one a row, in the columns of ``configs/columns.toml``.

In: records. Out: a CSV file that spreadsheets open as it is (UTF-8 with a byte order mark), and ``rows`` for any table.
Not for: measures and results, which are text, not figures; they are in the other formats.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from zongjie.ontology import Table, load_table
from zongjie.record import Fact, Record
from zongjie.text import fold
from zongjie.writers.atomic import open_atomic

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
FORMULA = tuple("=+-@")
"""What makes spreadsheets take a text for a formula."""


class Column(Table):
    """One column.

    Attributes:
        heading: What stands above it.
        field: Dotted path to the cell's value; its first word is ``document``, ``fact`` or ``sentence``.
        labels: What to show in place of a fixed name.
        show: Whether the terminal shows it too.
    """

    heading: str
    field: Annotated[str, Field(pattern=r"^(sentence|(document|fact)(\.\w+)+)$")]
    labels: Mapping[str, str] = Field(default_factory=dict)
    show: bool = False


class Columns(Table):
    """The columns of ``configs/columns.toml``, in order."""

    counts: Mapping[str, str]
    column: tuple[Column, ...]


@cache
def _table() -> Columns:
    return load_table("columns.toml", Columns)


def counts() -> Mapping[str, str]:
    """Read what to call the lists of a record.

    Returns:
        A name for each of ``facts``, ``measures`` …, in the order to show them.

    Raises:
        ConfigError: If ``configs/columns.toml`` is wrong.
    """
    return _table().counts


def columns() -> tuple[Column, ...]:
    """Read the columns of the table of facts.

    Returns:
        The columns, in order.

    Raises:
        ConfigError: If ``configs/columns.toml`` is wrong.
    """
    return _table().column


@contextmanager
def open_facts(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a CSV file for the facts of records.

    Args:
        path: The file.
        text: Whether the facts' sentences are quoted.
        force: Whether an existing file may be replaced.

    Yields:
        The function that writes the facts of one record.

    Raises:
        OutputExists: If the file exists and may not be replaced.
    """
    with open_atomic(path, force=force, encoding="utf-8-sig") as stream:
        table = csv.writer(stream)
        table.writerow(column.heading for column in columns())

        def write(record: Record) -> None:
            quoted = record if text else record.model_copy(update={"text": None})
            table.writerows(map(guard, row) for row in rows(quoted, columns()))

        yield write


def rows(record: Record, shown: tuple[Column, ...]) -> Iterator[list[str | int | Decimal]]:
    """Give the facts of a record as rows of cells.

    Args:
        record: The record.
        shown: The columns.

    Yields:
        One row a fact: numbers as numbers, what is not known as an empty string, control characters as spaces.
    """
    for fact in record.facts:
        yield [_cell(_look_up(record, fact, column.field), column.labels) for column in shown]


def clean(words: str) -> str:
    """Replace control characters and line ends, so that a text neither breaks a row nor steers a terminal.

    Args:
        words: Any text.

    Returns:
        The text on one line.
    """
    return _CONTROL.sub(" ", words).strip()


def _look_up(record: Record, fact: Fact, field: str) -> Any:  # noqa: ANN401 - a cell may be anything a record holds
    """Follow a dotted path; ``None`` as soon as something on it is not known."""
    first, *path = field.split(".")
    if first == "sentence":
        return record.text and record.text[fact.sentence.start : fact.sentence.end]
    found: Any = {"document": record.document, "fact": fact}[first]
    for step in path:
        found = None if found is None else getattr(found, step)
    return found


def _cell(value: Any, labels: Mapping[str, str]) -> str | int | Decimal:  # noqa: ANN401 - as above
    """Turn a value into what a table holds."""
    if value is None:
        return ""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, int | Decimal):
        return value
    words = " / ".join(value) if isinstance(value, list) else labels.get(value, value)
    return clean(words)


def guard(cell: str | int | Decimal) -> str:
    """Write a cell so that no spreadsheet takes a text for a formula; numbers stay numbers, without exponents.

    Args:
        cell: A number, or a text on one line.

    Returns:
        The cell as text; one that could start a formula has an apostrophe before it.
    """
    if not isinstance(cell, str):
        return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
    # some spreadsheets take full-width signs too
    return f"'{cell}" if fold(cell[:1]) in FORMULA else cell
