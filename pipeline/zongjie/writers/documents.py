"""Records as a folder of JSON files, one a document.

In: records. Out: a folder of indented JSON files, named after the documents; the names are safe on every file system.
Not for: naming anything else.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zongjie.record import Record
from zongjie.writers.atomic import partial, refuse_existing

_UNSAFE = re.compile(r"[^\w.+-]+")
# names that Windows keeps for devices, whatever the suffix
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
# a name may have 255 bytes, a Chinese character has three, and a counter and a suffix follow
_LONGEST = 70


@contextmanager
def open_documents(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a folder for records, one JSON file each.

    The files are written to a hidden folder beside it and moved there at the end; JSON files of an earlier run go.

    Args:
        path: The folder.
        text: Whether the records keep the documents' text.
        force: Whether the JSON files of an existing folder may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the folder exists and may not be replaced.
    """
    refuse_existing(path, force=force)
    unfinished = partial(path)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    taken: set[str] = set()

    def write(record: Record) -> None:
        name = _free_name(record.document.source, taken)
        content = record.to_json(text=text, indent=2) + "\n"
        (unfinished / name).write_text(content, encoding="utf-8", newline="\n")

    try:
        yield write
        path.mkdir(exist_ok=True)
        for old in path.glob("*.json"):
            old.unlink()
        for new in sorted(unfinished.iterdir()):
            os.replace(new, path / new.name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _free_name(source: str, taken: set[str]) -> str:
    """Name a document's file after the document, and mark the name as taken."""
    stem = _UNSAFE.sub("_", source.rsplit("/", 1)[-1]).strip("._") or "document"
    stem = f"_{stem}" if _DEVICE.match(stem) else stem
    name, count = stem[:_LONGEST], 1
    while name.casefold() in taken:  # some file systems do not tell case apart
        count += 1
        name = f"{stem[:_LONGEST]}-{count}"
    taken.add(name.casefold())
    return f"{name}.json"
