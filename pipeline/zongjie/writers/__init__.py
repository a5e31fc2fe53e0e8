"""Records to files, one module a format.

In: records, one at a time. Out: a file or folder that appears only when all of them have been written; and the records
back from it, where it holds all of them. Not for: deciding what to extract, failures (``batch.py``), or finding an
output (``outputs.py``).

To add a format: a context manager as in ``jsonl.py``, which yields the function that writes one record; its row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from zongjie.record import Record
from zongjie.writers.documents import open_documents, read_documents
from zongjie.writers.duck import open_duckdb, read_duckdb
from zongjie.writers.facts import open_facts
from zongjie.writers.jsonl import open_jsonl, read_jsonl
from zongjie.writers.parquet import open_parquet, read_parquet
from zongjie.writers.workbook import open_workbook


class Open(Protocol):
    """Opens one output."""

    def __call__(
        self, path: Path, *, text: bool = True, force: bool = False
    ) -> AbstractContextManager[Callable[[Record], None]]:
        """Open an output.

        Args:
            path: The file or folder; the folders above it are made if they are not there.
            text: Whether the output quotes the documents' text.
            force: Whether what is there may be replaced.

        Returns:
            A context manager that gives the function which writes one record.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """An output format.

    Attributes:
        name: File or folder name of the output, below the folder that the user names.
        open: Opens it.
        read: Reads the records back; ``None`` if it does not hold all of them.
    """

    name: str
    open: Open
    read: Callable[[Path], Iterator[Record]] | None = None


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "jsonl": Format("records.jsonl", open_jsonl, read_jsonl),
        "json": Format("records", open_documents, read_documents),
        "csv": Format("facts.csv", open_facts),
        "excel": Format("zongjie.xlsx", open_workbook),
        "parquet": Format("tables", open_parquet, read_parquet),
        "duckdb": Format("zongjie.duckdb", open_duckdb, read_duckdb),
    }
)
