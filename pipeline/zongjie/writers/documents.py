"""Records as a folder of JSON files, one a document.

In: records. Out: a folder of indented JSON files, named after the documents, with names that are safe on every file
system, and ``index.txt``, which lists them in the order of the records; and the records back from it.
Not for: naming anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zongjie.record import Record
from zongjie.writers.atomic import make_atomic
from zongjie.writers.jsonl import parse

INDEX = "index.txt"

_UNSAFE = re.compile(r"[^\w.+-]+")
# names that Windows keeps for devices, whatever the suffix
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# a name may have 255 bytes, a Chinese character has three, and a counter and a suffix follow
_LONGEST = 70


@contextmanager
def open_documents(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a folder for records, one JSON file each.

    JSON files of an earlier run go, other files stay.

    Args:
        path: The folder.
        text: Whether the records keep the documents' text.
        force: Whether the JSON files of an existing folder may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the folder exists and may not be replaced.
    """
    taken: dict[str, int] = {}
    with make_atomic(path, force=force, own="*.json") as folder:
        folder.mkdir()
        with (folder / INDEX).open("w", encoding="utf-8", newline="\n") as index:

            def write(record: Record) -> None:
                name = _free_name(record.document.source, taken)
                content = record.to_json(text=text and record.text is not None, indent=2) + "\n"
                (folder / name).write_text(content, encoding="utf-8", newline="\n")
                index.write(f"{name}\n")

            yield write


def read_documents(path: Path) -> Iterator[Record]:
    """Read a folder of records, one JSON file each.

    Args:
        path: The folder.

    Yields:
        The records in the order of the index, then those that it does not list, by name.

    Raises:
        ZongjieError: If a file holds no record.
        OSError: If a file cannot be read.
    """
    found = {file.name: file for file in sorted(path.glob("*.json"))}
    index = path / INDEX
    listed = index.read_text("utf-8").split("\n") if index.is_file() else []
    for name in dict.fromkeys([*listed, *found]):
        if file := found.get(name):
            yield parse(file.read_bytes(), str(file))


def _free_name(source: str, taken: dict[str, int]) -> str:
    """Name a document's file after the document; ``taken`` counts how often each name was wanted."""
    stem = _UNSAFE.sub("_", source.rsplit("/", 1)[-1]).strip("._") or "document"
    stem = (f"_{stem}" if _DEVICE.match(stem) else stem)[:_LONGEST]
    name, wanted = stem, stem.casefold()  # some file systems do not tell case apart
    while name.casefold() in taken:
        taken[wanted] += 1
        name = f"{stem}-{taken[wanted]}"
    taken[name.casefold()] = 1
    return f"{name}.json"
