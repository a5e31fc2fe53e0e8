"""Files that appear whole or not at all.

In: a path and a block that writes. Out: the file, put in place by a rename when the block has ended well.
Not for: knowing what is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from zongjie.errors import OutputExists


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse to replace what is there.

    Args:
        path: A file or folder that is to be written.
        force: Whether it may be replaced.

    Raises:
        OutputExists: If it exists and may not be replaced.
    """
    if path.exists() and not force:
        raise OutputExists(f"{path} already exists. Give --force (force=True) to replace it, or choose another folder.")


def partial(path: Path) -> Path:
    """Give the name under which an output is kept while it is being written.

    Args:
        path: The output.

    Returns:
        A hidden name beside it, because a rename is atomic only within one file system.
    """
    return path.with_name(f".{path.name}.partial")


@contextmanager
def open_atomic(path: Path, *, force: bool = False, encoding: str = "utf-8") -> Iterator[IO[str]]:
    """Open a text file that takes its place only if the block ends without an error.

    Args:
        path: The file; its folder is made if it is not there.
        force: Whether it may be replaced.
        encoding: The file's encoding.

    Yields:
        The stream to write to; line ends are written as given.

    Raises:
        OutputExists: If the file exists and may not be replaced.
    """
    refuse_existing(path, force=force)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = partial(path)
    try:
        with unfinished.open("w", encoding=encoding, newline="") as stream:
            yield stream
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
