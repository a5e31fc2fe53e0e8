"""Records as JSONL, one record a line, numbers with their exact digits.

In: records. Out: one file. Not for: reading it back (``Record.from_json``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zongjie.record import Record
from zongjie.writers.atomic import open_atomic


@contextmanager
def open_jsonl(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a JSONL file for records.

    Args:
        path: The file.
        text: Whether the records keep the documents' text.
        force: Whether an existing file may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the file exists and may not be replaced.
    """
    with open_atomic(path, force=force) as stream:

        def write(record: Record) -> None:
            stream.write(record.to_json(text=text) + "\n")

        yield write
