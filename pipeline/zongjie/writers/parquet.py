"""Records as a folder of Parquet files, one a table.

In: records. Out: ``documents.parquet``, ``facts.parquet``, ``statements.parquet`` and ``entities.parquet``, and the
records back from them. Not for: what is in the tables (``tables.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from zongjie.record import Record
from zongjie.writers.atomic import make_atomic
from zongjie.writers.libraries import library
from zongjie.writers.tables import TABLES, Batches, records, schema

_BATCH = 1024  # rows read at a time: those of ``documents`` carry whole texts


@contextmanager
def open_parquet(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a folder of Parquet files for records.

    Args:
        path: The folder.
        text: Whether the tables keep the documents' text.
        force: Whether the Parquet files of an existing folder may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the folder exists and may not be replaced.
        ZongjieError: If pyarrow is not installed.
    """
    pq = library("pyarrow.parquet", "tables")
    with make_atomic(path, force=force, own="*.parquet") as folder, ExitStack() as stack:
        folder.mkdir()
        files = {
            name: stack.enter_context(pq.ParquetWriter(file_of(folder, name), schema(name), compression="zstd"))
            for name in TABLES
        }
        batches = Batches()

        def write(record: Record) -> None:
            quoted = record if text else record.model_copy(update={"text": None})
            for name, batch in batches.add(quoted):
                files[name].write_batch(batch)

        yield write
        for name, batch in batches.rest():
            files[name].write_batch(batch)


def file_of(folder: Path, table: str) -> Path:
    """Say where a table lies.

    Args:
        folder: The output.
        table: The table's name.

    Returns:
        The file.
    """
    return folder / f"{table}.parquet"


def read_parquet(path: Path) -> Iterator[Record]:
    """Read the records back from a folder of Parquet files, with bounded memory.

    Args:
        path: The folder.

    Yields:
        The records, in order.

    Raises:
        ZongjieError: If pyarrow is not installed.
        OSError: If a file is missing or damaged.
    """
    pq = library("pyarrow.parquet", "tables")

    def rows(file: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a file of a library without types
        for batch in file.iter_batches(batch_size=_BATCH):
            yield from batch.to_pylist()

    with ExitStack() as stack:
        files = {name: stack.enter_context(pq.ParquetFile(file_of(path, name))) for name in TABLES}
        yield from records({name: rows(file) for name, file in files.items()})
