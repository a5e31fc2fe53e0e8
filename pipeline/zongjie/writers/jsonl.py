"""Records as JSONL, one record a line, numbers with their exact digits.

In: records. Out: one file, and the records back from it. Not for: files of documents (``readers/``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from zongjie.errors import ZongjieError
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
            # a record read back may have no text; it keeps none
            stream.write(record.to_json(text=text and record.text is not None) + "\n")

        yield write


def read_jsonl(path: Path) -> Iterator[Record]:
    """Read a JSONL file of records, one at a time.

    Args:
        path: The file.

    Yields:
        The records, in order.

    Raises:
        ZongjieError: If a line holds no record.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as stream:  # only a line feed ends a line
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield parse(line, f"{path}, line {number}")


def parse(content: bytes, where: str) -> Record:
    """Read one record.

    Args:
        content: One JSON object in UTF-8.
        where: What to call the place in an error.

    Returns:
        The record.

    Raises:
        ZongjieError: If it is no record.
    """
    try:
        return Record.from_json(content.decode())
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    except ValueError as error:  # not UTF-8, or not JSON
        what = str(error)
    raise ZongjieError(
        f"{where}: this is not a record of zongjie: {what}. Name the output of zongjie extract, or extract again."
    )
