"""Records as a DuckDB database.

In: records. Out: one file with the tables of ``tables.py``, typed and keyed, and the records back from it.
Not for: asking it questions (``outputs.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from zongjie.record import Record
from zongjie.writers.atomic import make_atomic
from zongjie.writers.libraries import library
from zongjie.writers.tables import TABLES, Batches, Kind, records

_BATCH = 1024  # rows read at a time

TYPES: Final[dict[Kind, str]] = {
    "text": "VARCHAR",
    "category": "VARCHAR",
    "integer": "BIGINT",
    "real": "DOUBLE",
    "exact": "VARCHAR",
    "date": "DATE",
    "texts": "VARCHAR[]",
    "blocks": 'STRUCT(kind VARCHAR, "start" BIGINT, "end" BIGINT, "level" BIGINT, page BIGINT)[]',
    "warnings": 'STRUCT(code VARCHAR, message VARCHAR, "start" BIGINT, "end" BIGINT)[]',
}


@contextmanager
def open_duckdb(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a DuckDB database for records.

    Args:
        path: The file.
        text: Whether the tables keep the documents' text.
        force: Whether an existing file may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the file exists and may not be replaced.
        ZongjieError: If duckdb or pyarrow is not installed.
    """
    duckdb, _ = library("duckdb", "tables"), library("pyarrow", "tables")
    with make_atomic(path, force=force) as unfinished, duckdb.connect(str(unfinished)) as database:
        for name, columns in TABLES.items():
            key = "doc" if name == "documents" else "doc, id"
            cells = ", ".join(f"{column.name} {TYPES[column.kind]}" for column in columns)
            database.execute(f"CREATE TABLE {name} ({cells}, PRIMARY KEY ({key}))")

        def put(name: str, batch: Any) -> None:  # noqa: ANN401 - a batch of a library without types
            database.register("batch", batch)
            database.execute(f"INSERT INTO {name} SELECT * FROM batch")
            database.unregister("batch")

        batches = Batches()

        def write(record: Record) -> None:
            quoted = record if text else record.model_copy(update={"text": None})
            for name, batch in batches.add(quoted):
                put(name, batch)

        yield write
        for name, batch in batches.rest():
            put(name, batch)
        database.execute("CHECKPOINT")


def read_duckdb(path: Path) -> Iterator[Record]:
    """Read the records back from a DuckDB database, with bounded memory.

    Args:
        path: The file.

    Yields:
        The records, in order.

    Raises:
        ZongjieError: If duckdb is not installed.
    """
    duckdb = library("duckdb", "tables")
    with ExitStack() as stack:
        database = stack.enter_context(duckdb.connect(str(path), read_only=True))

        def rows(name: str) -> Iterator[dict[str, Any]]:
            # rows come in the order in which they were written; a cursor each, since the tables are read side by side
            found = stack.enter_context(database.cursor())
            found.execute(f"SELECT * FROM {name}")
            names = [column[0] for column in found.description]
            while batch := found.fetchmany(_BATCH):
                for row in batch:
                    yield dict(zip(names, row, strict=True))

        yield from records({name: rows(name) for name in TABLES})
