"""What has been done in an output folder: manifest and journal in one SQLite database.

In: the files to read, and what comes of their documents, piece by piece. Out: which files are still to be read, and all
that has been done, in the order of the inputs. A process that ends at any moment loses what came after the last
``commit`` and nothing else. Not for: reading documents, the form of the outputs.

One process at a time may have a folder's store open.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from zongjie.engines import Piece, Stamp, Task
from zongjie.errors import ZongjieError
from zongjie.normalise import LeftOut
from zongjie.readers import name_of

HOME = ".zongjie"
"""Folder of the store, below the output folder."""

A_FILE = 4096
"""Bytes that a file weighs besides its size: the smallest takes some time too."""

_FILE = "state.sqlite"
_FORMAT = 1  # raised when a change of the tables makes older stores wrong
_PAGE = 256  # files looked up at a time

# A file's row: its path as it was given (names need not be UTF-8, so bytes), and where that really is.
#   place: its position among the inputs of this run; none if it is no input any more.
#   listed: it was an input of the last run.
#   refused: it is of no known kind, so it is not read.
#   size, mtime: what the listing saw. read_size, read_mtime, sha256, engine: what its pieces were made from.
#   done: all its documents have been read, and none failed; what failed may go well once a tool is installed.
#   todo: its weight, while it waits to be read in this run.
_TABLES = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value);
CREATE TABLE IF NOT EXISTS engine (id INTEGER PRIMARY KEY, key TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS source (
  id INTEGER PRIMARY KEY, path BLOB UNIQUE, real BLOB, place INTEGER, refused INTEGER, size INTEGER, mtime INTEGER,
  listed INTEGER, todo INTEGER,
  read_size INTEGER, read_mtime INTEGER, sha256 BLOB, engine INTEGER, done INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS apart ON source (real) WHERE place IS NOT NULL;
CREATE INDEX IF NOT EXISTS placed ON source (place) WHERE place IS NOT NULL;
CREATE INDEX IF NOT EXISTS waiting ON source (todo, id) WHERE todo IS NOT NULL;
CREATE TABLE IF NOT EXISTS piece (
  source INTEGER, number INTEGER, line BLOB, failed INTEGER, facts INTEGER, died INTEGER,
  left_entities INTEGER, left_facts INTEGER, left_statements INTEGER, UNIQUE (source, number));
CREATE INDEX IF NOT EXISTS fallen ON piece (source) WHERE failed;
CREATE TABLE IF NOT EXISTS passed_over (place INTEGER, path BLOB, reason TEXT);
"""


class Found(NamedTuple):
    """An input, or something that was passed over.

    Attributes:
        path: Where it is, as given.
        real: Where it is without links, by which doubles are known.
        size: Bytes.
        mtime: Time of its last change, in nanoseconds.
        refused: Whether it is of no known kind, and so not to be read.
        passed_over: Why it is passed over; empty for an input.
    """

    path: str
    real: str
    size: int = 0
    mtime: int = 0
    refused: bool = False
    passed_over: str = ""


@dataclass(slots=True)
class Listing:
    """What the inputs come to, against what was done before.

    Attributes:
        files: Number of files to account for.
        weight: Bytes of those that are to be read, and a little for each of them.
        waiting: Number of those that are to be read.
        kept: Number of those that need not be read again.
        changed: Number of those that were read before and are to be read again, because they changed.
        gone: Number of files that were inputs last time and no longer are.
        stale: Number of those that are to be read again because model, config or version changed.
    """

    files: int = 0
    weight: int = 0
    waiting: int = 0
    kept: int = 0
    changed: int = 0
    gone: int = 0
    stale: int = 0


class Totals(NamedTuple):
    """What has been done: documents, those without facts, facts, failures, and what was left out."""

    documents: int
    without_facts: int
    facts: int
    failed: int
    left_out: LeftOut


class Line(NamedTuple):
    """A document's outcome as it goes into the outputs; ``packed`` is ``None`` for a file of no known kind."""

    path: str
    failed: bool
    packed: bytes | None


class Store:
    """What has been done in one output folder; get one from ``open_store``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._engine = 0

    def commit(self) -> None:
        """Make sure that all that was said so far outlives this process and a power cut."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def _write(self, sql: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        return self._db.execute(sql, values)

    def mark(self, name: str, value: int) -> None:
        """Note something about this folder at once.

        Args:
            name: What.
            value: How it stands.
        """
        self._write("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, value))
        self.commit()

    def marked(self, name: str) -> int:
        """Give what ``mark`` noted last; 0 if nothing."""
        row = self._db.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def list(self, found: Iterable[Found], key: str) -> Listing:
        """Take the inputs of a run in place of those of the last one.

        Args:
            found: The inputs in order, and what was passed over.
            key: ``Plan.key``; what was done under another one is to be done again.

        Returns:
            What they come to. If ``found`` raises, nothing has changed.
        """
        self.commit()
        try:
            self._write("INSERT OR IGNORE INTO engine (key) VALUES (?)", (key,))
            (self._engine,) = self._db.execute("SELECT id FROM engine WHERE key = ?", (key,)).fetchone()
            (before,) = self._db.execute("SELECT COUNT(*) FROM source WHERE place IS NOT NULL").fetchone()
            self._write("UPDATE source SET place = NULL, todo = NULL, listed = place IS NOT NULL")
            self._write("DELETE FROM passed_over")
            for place, one in enumerate(found):
                self._take(place, one)
            self._write(
                "UPDATE source SET todo = size + ? WHERE place IS NOT NULL AND NOT refused AND NOT"
                " (done AND engine = ? AND read_size IS size AND read_mtime IS mtime AND sha256 IS NOT NULL)",
                (A_FILE, self._engine),
            )
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.commit()
        row = self._db.execute(
            "SELECT COUNT(*), TOTAL(todo), COUNT(todo), TOTAL(todo IS NULL AND NOT refused),"
            " TOTAL(todo IS NOT NULL AND done AND engine = :now), TOTAL(listed),"
            " TOTAL(todo IS NOT NULL AND engine <> :now) FROM source WHERE place IS NOT NULL",
            {"now": self._engine},
        ).fetchone()
        files, weight, waiting, kept, changed, still, stale = map(int, row)
        return Listing(files, weight, waiting, kept, changed, before - still, stale)

    def _take(self, place: int, one: Found) -> None:
        path, reason = os.fsencode(one.path), one.passed_over
        if not reason:
            try:
                taken = self._write(
                    "INSERT INTO source (path, real, place, refused, size, mtime) VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (path) DO UPDATE SET place = excluded.place, refused = excluded.refused,"
                    " size = excluded.size, mtime = excluded.mtime, real = excluded.real,"
                    # the same words may lead elsewhere today
                    " read_mtime = CASE WHEN real = excluded.real THEN read_mtime END WHERE place IS NULL",
                    (path, os.fsencode(one.real), place, one.refused, one.size, one.mtime),
                ).rowcount
            except sqlite3.IntegrityError:
                taken = 0
            reason = "" if taken > 0 else "given twice, read once"
        if reason:
            self._write("INSERT INTO passed_over VALUES (?, ?, ?)", (place, path, reason))

    def tasks(self) -> Iterator[Task]:
        """Give the files that are to be read, the largest first, so that no worker is left with a large one alone."""
        last = (2**62, 2**62)
        while rows := self._db.execute(
            "SELECT todo, id, path, size, engine = ?, sha256, done FROM source"
            " WHERE todo IS NOT NULL AND (todo, id) < (?, ?) ORDER BY todo DESC, id DESC LIMIT ?",
            (self._engine, *last, _PAGE),
        ).fetchall():
            last = rows[-1][:2]
            for _, id_, path, size, holds, sha256, done in rows:
                source = os.fsdecode(path)
                task = Task(id_, source, name_of(source), size)
                if holds:
                    (have,) = self._db.execute("SELECT COUNT(*) FROM piece WHERE source = ?", (id_,)).fetchone()
                    fallen = self._db.execute("SELECT number, died FROM piece WHERE source = ? AND failed", (id_,))
                    again = dict(fallen.fetchall())
                    task = replace(task, have=have, again=frozenset(again), alone=any(again.values()))
                    task = replace(task, sha256=sha256, complete=bool(done))
                yield task

    def begin(self, id_: int, stamp: Stamp, *, fresh: bool) -> None:
        """Note that a file is being read.

        Args:
            id_: ``Task.id``.
            stamp: What the file is known by.
            fresh: Whether what was kept of it goes.
        """
        if fresh:
            self._write("DELETE FROM piece WHERE source = ?", (id_,))
        self._write(
            "UPDATE source SET read_size = ?, read_mtime = ?, sha256 = ?, engine = ?, done = done AND ? WHERE id = ?",
            (*stamp, self._engine, not fresh, id_),
        )

    def put(self, id_: int, piece: Piece) -> None:
        """Keep what came of one document of a file.

        Args:
            id_: ``Task.id``.
            piece: The outcome; it takes the place of an earlier one of the same number.
        """
        values = (piece.packed, piece.failed, piece.facts, piece.died, *piece.left_out)
        self._write("INSERT OR REPLACE INTO piece VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (id_, piece.number, *values))

    def end(self, id_: int) -> None:
        """Note that a file is done with in this run; in the next one what failed of it is tried again.

        Args:
            id_: ``Task.id``.
        """
        self._write(
            "UPDATE source SET todo = NULL, done = NOT EXISTS (SELECT 1 FROM piece WHERE source = ?1 AND failed)"
            " WHERE id = ?1",
            (id_,),
        )

    def lines(self) -> Iterator[Line]:
        """Give all that has been done for the inputs, in their order; nothing may be written meanwhile."""
        rows = self._db.execute(
            "SELECT path, failed, line FROM source LEFT JOIN piece"
            " ON piece.source = source.id AND source.engine = ? AND NOT refused"
            " WHERE place IS NOT NULL AND (refused OR line IS NOT NULL) ORDER BY place, number",
            (self._engine,),
        )
        for path, failed, line in rows:
            yield Line(os.fsdecode(path), line is None or bool(failed), line)

    def totals(self) -> Totals:
        """Count what ``lines`` gives."""
        row = self._db.execute(
            "SELECT TOTAL(NOT failed), TOTAL(NOT failed AND NOT facts), TOTAL(facts), TOTAL(failed),"
            " TOTAL(left_entities), TOTAL(left_facts), TOTAL(left_statements) FROM source JOIN piece"
            " ON piece.source = source.id WHERE place IS NOT NULL AND engine = ? AND NOT refused",
            (self._engine,),
        ).fetchone()
        documents, without, facts, failed, *left = map(int, row)
        (refused,) = self._db.execute("SELECT COUNT(*) FROM source WHERE place IS NOT NULL AND refused").fetchone()
        return Totals(documents, without, facts, failed + refused, LeftOut(*left))

    def passed_over(self, most: int) -> tuple[str, ...]:
        """Say what was passed over on purpose.

        Args:
            most: Notes to give at most.

        Returns:
            One note each, in order; if there are more, the last one says how many.
        """
        rows = self._db.execute("SELECT path, reason FROM passed_over ORDER BY place LIMIT ?", (most,)).fetchall()
        (number,) = self._db.execute("SELECT COUNT(*) FROM passed_over").fetchone()
        more = [f"and {number - most:,} more"] if number > most else []
        return (*(f"{name_of(os.fsdecode(path))}: {reason}" for path, reason in rows), *more)


@contextmanager
def open_store(folder: Path, *, anew: bool = False) -> Iterator[Store]:
    """Open the store of an output folder; it is made if it is not there.

    Args:
        folder: The output folder; made if it is not there.
        anew: Whether what has been done in it is forgotten.

    Yields:
        The store.

    Raises:
        ZongjieError: If another process has it open, if it was made by another version, or as soon as the folder cannot
            be written to: the disk is full, or it is read-only.
    """
    home = folder / HOME
    try:
        home.mkdir(parents=True, exist_ok=True)
        connection = _open(home, anew)
        try:
            yield Store(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise ZongjieError(_say(folder, error)) from error


def is_ours(folder: Path) -> bool:
    """Say whether a folder holds a store."""
    return (folder / HOME / _FILE).is_file()


def _open(home: Path, anew: bool) -> sqlite3.Connection:
    path = home / _FILE
    if anew:
        _forget(home, path)
    connection = _connect(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version not in (0, _FORMAT):
            said = f"it was made by another version of zongjie (format {version}, this one reads {_FORMAT})"
            raise ZongjieError(f"{path}: {said}. Give --force to start anew, or choose another folder.")
        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _forget(home: Path, path: Path) -> None:
    """Remove a store, unless another run has it open."""
    try:
        _connect(path).close()
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        pass  # damaged, which is a reason to start anew
    shutil.rmtree(home)
    home.mkdir()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    try:
        # one process alone: no shared memory is needed then, which network file systems do not have
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _say(folder: Path, error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"{folder}: another run of zongjie is writing there. Wait for it to end, or choose another folder."
    if isinstance(error, sqlite3.OperationalError):
        mend = "Make room, or make it writable; then give the same command again: it goes on where it stopped."
    else:
        mend = "Give --force to start anew, or choose another folder."
    return f"{folder / HOME / _FILE}: what is done cannot be kept there ({error}). {mend}"
