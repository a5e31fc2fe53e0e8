"""Files and folders that appear whole or not at all.

In: a path and a block that writes. Out: the file or folder, put in place by a rename when the block has ended well.
Not for: knowing what is written.
"""

from __future__ import annotations

import os
import shutil
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
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut after the rename may leave an empty file
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def make_atomic(path: Path, *, force: bool = False, own: str = "*") -> Iterator[Path]:
    """Give a scratch path for what a library or several files make up; it takes its place if the block ends well.

    What else the library leaves in the scratch path's folder goes away.

    Args:
        path: The file or folder; the folders above it are made if they are not there.
        force: Whether it may be replaced.
        own: Pattern of the names in a folder that are replaced with it; others in it stay.

    Yields:
        The path to make the file or folder at; nothing is there, its folder is.

    Raises:
        OutputExists: If the output exists and may not be replaced.
    """
    aside = path.with_name(f".{path.name}.replaced")
    _settle(path, aside, own)  # an earlier run was killed between two renames
    refuse_existing(path, force=force)
    scratch = partial(path)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield (made := scratch / path.name)
        if path.is_dir():  # a folder that holds something cannot be renamed over
            os.replace(path, aside)
        os.replace(made, path)
        _settle(path, aside, own)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settle(path: Path, aside: Path, own: str) -> None:
    """Finish the exchange of a folder: bring back what was not its own, or all of it if nothing has taken its place."""
    if not aside.exists():
        return
    if not path.exists():
        os.replace(aside, path)
        return
    for entry in aside.iterdir():
        if not entry.match(own) and not (path / entry.name).exists():
            os.replace(entry, path / entry.name)
    shutil.rmtree(aside)
