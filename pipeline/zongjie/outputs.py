"""Outputs that are there already: read back, turned into another format, asked questions in SQL.

In: a folder that ``zongjie extract`` has written to, or one output in it. Out: records, another output, or rows.
Not for: how a format is written and read (``writers/``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import simplejson

from zongjie.errors import ZongjieError
from zongjie.record import Record
from zongjie.writers import FORMATS
from zongjie.writers.duck import TYPES
from zongjie.writers.facts import FORMULA, clean, columns, guard
from zongjie.writers.libraries import library
from zongjie.writers.parquet import file_of
from zongjie.writers.tables import ROLES, TABLES, Column, Kind

_SUFFIXES: Final = {".jsonl": "jsonl", ".csv": "csv", ".xlsx": "excel", ".duckdb": "duckdb"}
_WHOLE: Final = tuple(name for name, format_ in FORMATS.items() if format_.read)
_SHOWN = 100  # rows of a table for people
_LONGEST = 500  # characters of its cells
_ASKED: Final = ("duckdb", "parquet", "jsonl", "json", "csv")  # the quickest first


@dataclass(frozen=True, slots=True)
class Stored:
    """An output that is there.

    Attributes:
        format: Its format, a key of ``writers.FORMATS``.
        path: The file or folder.
    """

    format: str
    path: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave.

    Attributes:
        columns: The columns' names.
        rows: The rows, one at a time.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def find(path: Path) -> tuple[Stored, ...]:
    """Say which outputs are at a path.

    Args:
        path: A folder that was written to, or an output itself, under whatever name.

    Returns:
        The outputs, in the order of ``writers.FORMATS``; none if there are none.

    Raises:
        FileNotFoundError: If there is no such file or folder.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder. Name the folder that zongjie extract wrote to.")
    if path.is_file():
        format_ = _SUFFIXES.get(path.suffix.lower())
        return (Stored(format_, path),) if format_ else ()
    inside = [Stored(name, path / format_.name) for name, format_ in FORMATS.items() if (path / format_.name).exists()]
    if not inside and file_of(path, "documents").is_file():
        inside = [Stored("parquet", path)]
    if not inside and next(path.glob("*.json"), None):
        inside = [Stored("json", path)]
    return tuple(inside)


def read(path: str | Path) -> Iterator[Record]:
    """Read records back, with bounded memory.

    Args:
        path: An output, or the folder that it is in.

    Yields:
        The records, in the order in which they were written.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ZongjieError: If there is no output that holds whole records, or it is damaged.
    """
    stored = _choose(Path(path), _WHOLE, "holds whole records")
    reader = FORMATS[stored.format].read
    assert reader  # that is what was chosen by
    try:
        yield from reader(stored.path)
    except (ZongjieError, OSError):
        raise
    except Exception as error:  # the libraries' own errors, or rows that do not make up records
        said = f"{stored.path}: this output cannot be read back: {error}. Extract again, or convert another output."
        raise ZongjieError(said) from error


def convert(
    source: str | Path, folder: Path, format: str, *, text: bool = True, force: bool = False
) -> tuple[Path, int]:
    """Turn an output into another format.

    Args:
        source: An output that holds whole records, or the folder that it is in.
        folder: Where the new output goes; it may be the same folder.
        format: A key of ``writers.FORMATS``.
        text: Whether the new output quotes the documents' text.
        force: Whether an existing output may be replaced.

    Returns:
        The new output, and how many records it holds.

    Raises:
        FileNotFoundError: If there is no such source.
        OutputExists: If the new output exists and may not be replaced.
        ZongjieError: If the source does not hold whole records or is damaged, or a library is missing.
    """
    stored = _choose(Path(source), _WHOLE, "holds whole records")
    target = folder / FORMATS[format].name
    if stored.path.resolve() == target.resolve():
        raise ZongjieError(f"{target}: the new output would replace the one that is read. Name another folder.")
    count = 0
    with FORMATS[format].open(target, text=text, force=force) as write:
        for record in read(stored.path):
            write(record)
            count += 1
    return target, count


@contextmanager
def query(path: str | Path, sql: str) -> Iterator[Answer]:
    """Ask an output a question in the SQL of DuckDB.

    The tables are ``documents``, ``facts``, ``statements`` and ``entities`` (``writers/tables.py``); of a CSV output it
    is ``facts`` alone, with its headings. Nothing is written, and nothing outside the output is read.

    Args:
        path: An output, or the folder that it is in; of several outputs the quickest is asked.
        sql: One SELECT.

    Yields:
        The answer, whose rows can be read inside the block.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ZongjieError: If no output can be asked, the query is not one SELECT, or fails; or duckdb is not installed.
    """
    stored = _choose(Path(path), _ASKED, "can be asked")
    duckdb = library("duckdb", "tables")
    with ExitStack() as stack:
        try:
            database = _open(duckdb, stored, stack)
            statements = database.extract_statements(sql)
            if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
                raise ZongjieError(f"{sql.strip() or 'nothing'}: this is not a query. Give one SELECT statement.")
            database.execute(statements[0])
            names = tuple(str(column[0]) for column in database.description)
            yield Answer(names, _rows(database))
        except duckdb.Error as error:
            tables = "facts alone" if stored.format == "csv" else ", ".join(TABLES)
            remedy = f"There are the tables {tables}; DESCRIBE facts tells the columns."
            raise ZongjieError(f"{stored.path}: the query failed: {error}. {remedy}") from error


def print_csv(answer: Answer, stream: IO[str]) -> None:
    """Print all rows as CSV, safe for spreadsheets.

    Args:
        answer: What a query gave.
        stream: Where to.
    """
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(guard(clean(name)) for name in answer.columns)
    table.writerows([guard(_cell(value)) for value in row] for row in answer.rows)


def print_table(answer: Answer, stream: IO[str]) -> bool:
    """Print the first rows as a table for people.

    Args:
        answer: What a query gave.
        stream: Where to.

    Returns:
        Whether that was all.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in answer.columns:
        table.add_column(clean(name), overflow="fold")
    for row in islice(answer.rows, _SHOWN):
        cells = (guard(value) if not isinstance(value, str) else value for value in map(_cell, row))
        table.add_row(*(cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}…" for cell in cells))
    # what documents say is not markup
    Console(file=stream, markup=False, emoji=False, highlight=False).print(table)
    return next(answer.rows, None) is None


def _cell(value: Any) -> str | int | Decimal:  # noqa: ANN401 - whatever a query gives
    """Turn a value into what a table shows."""
    if value is None:
        return ""
    if isinstance(value, float):
        exact = Decimal(repr(value))
        return exact.normalize() if exact.is_finite() else str(exact)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, list | dict | tuple):
        value = simplejson.dumps(value, ensure_ascii=False, use_decimal=True, default=str)
    return clean(str(value))


def _choose(path: Path, formats: Sequence[str], what: str) -> Stored:
    """Find the first of some formats at a path."""
    found = {stored.format: stored for stored in find(path)}
    for name in formats:
        if name in found:
            return found[name]
    if found:
        there = ", ".join(stored.path.name for stored in found.values())
        remedy = f"There is {there}. Extract again with --format jsonl, or convert another output."
    else:
        remedy = "Name the folder that zongjie extract wrote to."
    raise ZongjieError(f"{path}: there is no output here that {what}. {remedy}")


def _rows(database: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - a connection of a library that may be missing
    while batch := database.fetchmany(1024):
        yield from batch


def _open(duckdb: Any, stored: Stored, stack: ExitStack) -> Any:  # noqa: ANN401 - as above
    """Open an output as a database that can read it, and nothing else."""
    scratch = stack.enter_context(TemporaryDirectory(prefix="zongjie-"))  # where large sorts go
    settings = {"temp_directory": scratch, "python_enable_replacements": "false"}
    if stored.format == "duckdb":
        database = stack.enter_context(duckdb.connect(str(stored.path), read_only=True, config=settings))
    else:
        database = stack.enter_context(duckdb.connect(":memory:", config=settings))
        for statement in _views(stored):
            database.execute(statement)
        kept = "allowed_directories" if stored.path.is_dir() else "allowed_paths"
        # both as it is called and as the views call it
        database.execute(f"SET {kept} = [{_quoted(str(stored.path))}, {_pattern(stored.path)}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    return database


def _views(stored: Stored) -> Iterator[str]:
    """Give the statements that make the tables of an output that is no database."""
    match stored.format:
        case "parquet":
            for name in TABLES:
                yield f"CREATE VIEW {name} AS SELECT * FROM read_parquet({_pattern(file_of(stored.path, name))})"
        case "csv":
            yield f"CREATE VIEW facts AS SELECT {_headings(stored.path)} FROM {_csv(stored.path)}"
        case _:
            yield f"CREATE VIEW _records AS SELECT row_number() OVER () AS doc, * FROM {_json(stored)}"
            for name in TABLES:
                yield f"CREATE VIEW {name} AS {_select(name)}"


# -- JSON: the columns of tables.py as paths into what read_json gives -------------------------------------------------


def _json(stored: Stored) -> str:
    """Call ``read_json`` for records: a type for each key, so that nothing is guessed from the first of them."""
    whole: dict[str, Any] = _shape(TABLES["documents"])
    fields = [f"{key}: {_quoted(_type(part))}" for key, part in whole.items()]
    for table in ("facts", "entities"):
        fields.append(f"{table}: {_quoted(_type(_shape(TABLES[table])) + '[]')}")
    fields += [f"{role}: {_quoted(_type(_shape(TABLES['statements'])) + '[]')}" for role in ROLES]
    if stored.path.is_dir():
        files = sorted(stored.path.glob("*.json"))
        source, style = _pattern(stored.path, "/*.json"), "unstructured"
        largest = max(file.stat().st_size for file in files)
    else:
        source, style = _pattern(stored.path), "newline_delimited"
        with stored.path.open("rb") as lines:
            largest = max(map(len, lines), default=0)
    size = max(largest + 2, 1 << 24)
    return f"read_json({source}, format='{style}', columns={{{', '.join(fields)}}}, maximum_object_size={size})"


def _shape(table: Sequence[Column]) -> dict[str, Any]:
    """Give the object that a table's columns point into, with a type for each leaf."""
    whole: dict[str, Any] = {}
    for column in table:
        if column.path:
            *above, last = column.path.split(".")
            at = whole
            for step in above:
                at = at.setdefault(step, {})
            # a number that is wanted with its digits too is read as text; so is a day
            at[last] = "VARCHAR" if column.kind in ("exact", "date") else TYPES[column.kind]
    return whole


def _type(shape: str | Mapping[str, Any]) -> str:
    if isinstance(shape, str):
        return shape
    return "STRUCT(" + ", ".join(f'"{key}" {_type(part)}' for key, part in shape.items()) + ")"


def _select(table: str) -> str:
    """Give the query that makes a table of ``_records``."""
    if table == "documents":
        return f"SELECT {_cells(table, '')} FROM _records"
    lists = ROLES if table == "statements" else (table,)
    one = "SELECT doc, document.id AS document_id, text AS whole, '{0}' AS role, unnest({0}) AS item FROM _records"
    return f"SELECT {_cells(table, 'item.')} FROM (" + " UNION ALL ".join(map(one.format, lists)) + ")"


def _cells(table: str, root: str) -> str:
    reckoned = {"sentence": 'substr(whole, item.sentence."start" + 1, item.sentence."end" - item.sentence."start")'}
    cells = []
    for column in TABLES[table]:
        path = ".".join(f'"{step}"' for step in column.path.split("."))
        cell = f"{root}{path}" if column.path else reckoned.get(column.name, column.name)
        cells.append(f'CAST({cell} AS {TYPES[column.kind]}) AS "{column.name}"')
    return ", ".join(cells)


# -- CSV: the headings as they stand, with the types that tables.py knows ----------------------------------------------


def _csv(path: Path) -> str:
    return f"read_csv({_pattern(path)}, header=true, all_varchar=true, delim=',', quote='\"', escape='\"')"


def _headings(path: Path) -> str:
    """Select what a CSV file has, typed, without the apostrophes that keep spreadsheets from reckoning."""
    kinds: dict[str, Kind] = {f"fact.{column.path}": column.kind for column in reversed(TABLES["facts"])}
    kinds |= {column.path: column.kind for column in TABLES["documents"]}
    types = {column.heading: TYPES[kinds.get(column.field, "text")] for column in columns()}
    signs = re.escape("".join(FORMULA) + "".join(chr(ord(sign) + 0xFEE0) for sign in FORMULA))  # ASCII to full width
    with path.open(encoding="utf-8-sig", newline="") as stream:
        headings = next(csv.reader(stream), [])
    cells = []
    for heading in headings:
        name = '"' + heading.replace('"', '""') + '"'
        type_ = types.get(heading, "VARCHAR").replace("VARCHAR[]", "VARCHAR")
        words = f"nullif(regexp_replace({name}, '^''([{signs}])', '\\1'), '')"
        cells.append(f"CAST({words} AS {type_}) AS {name}")
    return ", ".join(cells)


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


def _pattern(path: Path, below: str = "") -> str:
    """Quote a path where DuckDB expects a pattern of file names; ``below`` is a pattern."""
    return _quoted(re.sub(r"[*?\[]", lambda sign: f"[{sign[0]}]", str(path)) + below)
