"""From what a user names to the files to read: folders are gone through, in order, and nothing leads out of them.

In: paths of files and folders, patterns of names. Out: each file, and each thing that was passed over with the reason;
one at a time, so that a folder of a million files takes no more memory than its largest subfolder.
Not for: reading files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from zongjie.errors import ZongjieError
from zongjie.readers import SUFFIXES
from zongjie.store import Found

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a folder are read; a file that is named itself is always read.

    A pattern without ``/`` goes for a name at any depth, one with ``/`` for a path below the folder that was named;
    ``*`` stays within a name, ``**`` goes through folders.

    Attributes:
        include: If there are any, a file must fit one of them.
        exclude: A file or folder that fits one of them is left out.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def leaves_out(self, path: str, *, folder: bool) -> bool:
        """Say whether something is left out.

        Args:
            path: Path below the folder that was named, with ``/`` between folders.
            folder: Whether it is a folder.
        """
        if any(_fits(pattern, path) for pattern in self.exclude):
            return True
        return bool(self.include) and not folder and not any(_fits(pattern, path) for pattern in self.include)


EVERYTHING = Selection()


def find_sources(
    inputs: Iterable[str | Path], *, leave_out: Path | None = None, select: Selection = EVERYTHING
) -> Iterator[Found]:
    """List the files to read.

    Args:
        inputs: Files, folders (read with all folders below them, sorted), or ``-`` for the standard input.
        leave_out: A folder that is not looked into, such as the output folder.
        select: Which files of folders are read.

    Returns:
        The files in order, and what was passed over. A file found in a folder that is of no known kind is refused; a
        file that was named goes by its content, whatever it is called.

    Raises:
        FileNotFoundError: If an input is not there; at once, before anything has been read or written.
        ZongjieError: If a folder is both input and left out.
    """
    given = [os.fspath(path) for path in inputs]
    apart = os.path.realpath(leave_out) if leave_out else ""
    for path in given:
        if path != STDIN and not os.path.exists(path):
            raise FileNotFoundError(f"{path}: no such file or folder. Check the path; it is relative to {os.getcwd()}.")
        if path != STDIN and os.path.isdir(path) and os.path.realpath(path) == apart:
            raise ZongjieError(
                f"{path}: the output may not go into the input folder itself. Name another, or one in it."
            )
    return (found for path in given for found in _look(path, apart, select))


def _look(path: str, apart: str, select: Selection) -> Iterator[Found]:
    if path == STDIN:
        yield Found(STDIN, STDIN)
    elif os.path.isdir(path):
        yield from _walk(path, os.path.realpath(path), apart, select)
    else:
        yield _found(path, os.path.realpath(path))


def _walk(root: str, real: str, apart: str, select: Selection) -> Iterator[Found]:
    """Go through a folder: the files of each folder before the folders in it."""
    left_out = 0
    waiting = [""]
    while waiting:
        below = waiting.pop()
        here = os.path.join(root, below) if below else root
        try:
            with os.scandir(here) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except OSError:
            yield _found(here, os.path.join(real, below))  # what cannot be looked into comes out as a failure
            continue
        folders = []
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            path, where = os.path.join(here, entry.name), os.path.join(real, *name.split("/"))
            reason = _reason(entry, real, where == apart)
            is_folder = entry.is_dir(follow_symlinks=False)
            if reason:
                yield Found(path, where, passed_over=reason)
            elif select.leaves_out(name, folder=is_folder):
                left_out += 1
            elif is_folder:
                folders.append(name)
            else:
                yield _found(path, where, refused=os.path.splitext(entry.name)[1].lower() not in SUFFIXES)
        waiting += reversed(folders)
    if left_out:
        yield Found(root, real, passed_over=f"{left_out:,} files and folders left out by --include and --exclude")


def _reason(entry: os.DirEntry[str], root: str, apart: bool) -> str:
    """Say why something in a folder is passed over; empty if it is not."""
    if apart:
        return "the output folder"
    if entry.is_symlink():  # a cycle, a double, or a way out
        target = os.path.realpath(entry.path)
        inside = target == root or target.startswith(root.rstrip(os.sep) + os.sep)
        return (
            "a link to what is in the folder anyway" if inside else f"a link that leads out of the folder, to {target}"
        )
    return unread_name(entry.name)


def unread_name(name: str) -> str:
    """Say why something of this name in a folder is passed over; empty if it is not.

    Args:
        name: The last part of its path.
    """
    if name.startswith("."):
        return "hidden"
    return "lock file of an office program" if name.startswith("~$") else ""


def _found(path: str, real: str, *, refused: bool = False) -> Found:
    try:
        status = os.stat(path)
    except OSError:  # it has gone since; reading it will say so
        return Found(path, real, refused=refused)
    return Found(path, real, status.st_size, status.st_mtime_ns, refused=refused)


def _fits(pattern: str, path: str) -> bool:
    """Match a path against a pattern; see ``Selection``."""
    parts = pattern.strip("/").split("/")
    return _match(parts if "/" in pattern.rstrip("/") else ["**", *parts], path.split("/"))


def _match(pattern: list[str], names: list[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        return _match(pattern[1:], names) or (bool(names) and _match(pattern, names[1:]))
    return bool(names) and fnmatchcase(names[0], pattern[0]) and _match(pattern[1:], names[1:])
