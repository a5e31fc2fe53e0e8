"""What runs the extraction of many files, and what every such engine shares: a file in, its documents' outcomes out.

In: a ``Plan`` (how to make an extractor) and ``Task``s (files). Out: for each document of a file one ``Piece``: a line
of JSON for the records or for the failures. The same file, model, config and version give the same lines, whatever the
engine. Not for: listing files (``batch``), keeping what is done (``store``), writing outputs (``writers``).

``local`` runs worker processes of this machine; ``ray`` a cluster.
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import simplejson

import zongjie
from zongjie.errors import UnreadableDocument
from zongjie.extractor import Batch, Settings, read_settings
from zongjie.model import read_card, shipped
from zongjie.normalise import NOTHING_LEFT_OUT, LeftOut
from zongjie.readers import read_path
from zongjie.readers.base import settings
from zongjie.text import Text

if TYPE_CHECKING:
    from zongjie.extractor import Extractor, Outcome


@dataclass(frozen=True, slots=True)
class Plan:
    """How documents are extracted; it can be sent to another process.

    Attributes:
        load: Makes the extractor; called once in each process that needs one.
        key: Digest of all that records depend on besides the documents: model, config and version.
        limits: What a document and a worker may take.
    """

    load: Callable[[], Extractor]
    key: str
    limits: Batch = field(default_factory=Batch)

    @classmethod
    def of(cls, config: str | Path | None = None, *, min_confidence: float | None = None) -> Plan:
        """Plan as ``zongjie.load`` would.

        Args:
            config: As for ``zongjie.load``.
            min_confidence: As for ``zongjie.load``.

        Returns:
            The plan.

        Raises:
            ConfigError: If the config does not fit.
            ModelError: If there is no model.
        """
        settings = read_settings(config, min_confidence=min_confidence)
        # by value, so that a worker which starts tomorrow runs with what was said today
        return cls(partial(_load, settings), key_of(settings), settings.batch)


def _load(settings: Settings) -> Extractor:
    return zongjie.load(settings)


def key_of(settings: Settings) -> str:
    """Digest what records depend on besides the documents.

    Args:
        settings: How to run; limits of time and memory do not count.

    Returns:
        SHA-256 in hex of version, settings, the files of ``configs/`` and the model.

    Raises:
        ModelError: If a layer is made by a model and there is none.
    """
    digest = hashlib.sha256(zongjie.__version__.encode())
    digest.update(settings.model_dump_json(exclude={"batch"}).encode())
    for name, content in _configs(resources.files("zongjie.configs"), ""):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    if "model" in settings.makers.model_dump().values():
        card = read_card(Path(settings.model.path) if settings.model.path else shipped())
        digest.update(card.model_dump_json().encode())  # it holds the digests of the model's files
    return digest.hexdigest()


def _configs(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Give the files that ship in a folder of configs, in order."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _configs(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".py", ".pyc")):
            yield prefix + entry.name, entry.read_bytes()


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that gave no record.

    Attributes:
        source: Its path or name.
        error: Class name of the error; ``Unsupported`` for a file of an unknown kind.
        reason: What is wrong with it.
        remedy: What can be done about it; empty if nothing is known.
    """

    source: str
    error: str
    reason: str
    remedy: str

    @classmethod
    def of(cls, source: str, error: BaseException | None) -> Failure:
        """Turn an error into a failure."""
        reason, remedy = getattr(error, "reason", str(error)), getattr(error, "remedy", "")
        return cls(source, type(error).__name__, reason, remedy)

    def to_json(self) -> str:
        """Give it as a line of ``failures.jsonl``, without the line feed."""
        return simplejson.dumps(asdict(self), ensure_ascii=False)


class Stamp(NamedTuple):
    """What a file is known by: size in bytes, time of change in nanoseconds, SHA-256; ``None`` where it has none."""

    size: int | None = None
    mtime: int | None = None
    sha256: bytes | None = None


class Piece(NamedTuple):
    """What came of one document of a file.

    Attributes:
        number: Which document of the file, from 0.
        packed: A line of JSON without its line feed, of the records or of the failures, packed by zlib.
        failed: Whether it is a failure.
        facts: Number of facts in the record.
        chars: Number of characters of the document.
        left_out: How much was less sure than asked for.
        died: Whether it is a failure because the process that read it came to its end; worth another try.
    """

    number: int
    packed: bytes
    failed: bool = False
    facts: int = 0
    chars: int = 0
    left_out: LeftOut = NOTHING_LEFT_OUT
    died: bool = False

    @property
    def line(self) -> bytes:
        """The line of JSON, in UTF-8."""
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True)
class Task:
    """One file to read.

    Attributes:
        id: What the caller knows it by.
        path: Where it is.
        source: What its documents are called.
        size: Bytes, as far as known.
        sha256: Digest of the content that was read before, or ``None``.
        complete: Whether all of that content was read, and no document of it failed.
        have: So many first documents of it were read.
        again: The numbers of those of them that failed, and are to be read again.
        start: Documents before this number are passed over.
        alone: Whether it is to be read last and alone, because it ended a process before.
    """

    id: int
    path: str
    source: str
    size: int = 0
    sha256: bytes | None = None
    complete: bool = False
    have: int = 0
    again: frozenset[int] = frozenset()
    start: int = 0
    alone: bool = False

    def wants(self, number: int) -> bool:
        """Say whether a document of the file is to be read."""
        return number >= self.start and (number >= self.have or number in self.again)

    @property
    def next(self) -> int:
        """The number of the document that is to be read next."""
        return min((number for number in self.again if number >= self.start), default=max(self.start, self.have))

    def kept(self, begun: Begun) -> Task:
        """Give the task as it is once the file was opened."""
        if not begun.fresh:
            return self
        return replace(self, sha256=begun.stamp.sha256, complete=False, have=0, again=frozenset(), start=0)


class Begun(NamedTuple):
    """A file was opened; ``fresh`` if nothing that was kept of it holds any more."""

    stamp: Stamp
    fresh: bool


class Reached(NamedTuple):
    """A document of a file has been read and is about to be extracted."""

    number: int
    chars: int
    source: str


class Ended(NamedTuple):
    """A file has been read to its end."""


Message = Begun | Reached | Piece | Ended
"""What a file gives, in this order: ``Begun``, then for each document ``Reached`` and ``Piece``, then ``Ended``."""


def read_file(extract: Extractor, task: Task) -> Iterator[Message]:
    """Extract the documents of a file.

    Args:
        extract: The extractor.
        task: The file.

    Yields:
        What happens, as it happens; a file whose content was read completely before gives no ``Piece``.

    Raises:
        MemoryError: If there is not enough memory.
    """
    stamp = stamp_of(task.path)
    yield (begun := Begun(stamp, fresh=task.sha256 is None or stamp.sha256 != task.sha256))
    task = task.kept(begun)
    if not task.complete:
        yield from pieces(extract, read_path(Path(task.path), source=task.source), wanted=task.wants)
    yield Ended()


def pieces(
    extract: Extractor,
    documents: Iterable[Text | UnreadableDocument],
    *,
    wanted: Callable[[int], bool] = lambda number: True,
) -> Iterator[Reached | Piece]:
    """Extract documents that have been read.

    Args:
        extract: The extractor.
        documents: What ``readers.read_path`` or ``readers.read_bytes`` gives.
        wanted: Says by its number whether a document is wanted.

    Yields:
        For each document that is wanted, that it was reached, and what came of it.
    """
    for number, document in enumerate(documents):
        if not wanted(number):
            continue
        if isinstance(document, UnreadableDocument):
            yield failed(number, Failure.of(document.source, document))
            continue
        yield Reached(number, len(document.content), document.source)
        yield _piece(number, len(document.content), next(iter(extract.pipe([document]))))


def failed(number: int, failure: Failure, *, died: bool = False) -> Piece:
    """Make a failure a piece.

    Args:
        number: Which document of its file.
        failure: The failure.
        died: Whether the process that read it came to its end.
    """
    return Piece(number, _pack(failure.to_json()), failed=True, died=died)


def _piece(number: int, chars: int, outcome: Outcome) -> Piece:
    if outcome.record is None:
        return failed(number, Failure.of(outcome.source, outcome.error))
    packed = _pack(outcome.record.to_json())
    return Piece(number, packed, False, len(outcome.record.facts), chars, outcome.left_out)


def _pack(line: str) -> bytes:
    return zlib.compress(line.encode("utf-8", errors="backslashreplace"), 3)


def stamp_of(path: str) -> Stamp:
    """Look at a file.

    Args:
        path: Where it is.

    Returns:
        Its stamp; size and time are those from before its content was read, so that a change meanwhile shows. What is
        not there, may not be read, is no file or is too large to be read has no digest.
    """
    try:
        status = os.stat(path)
        too_large = status.st_size > settings().limits.max_bytes and not path.lower().endswith(".jsonl")
        if too_large or not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
            return Stamp(status.st_size, status.st_mtime_ns)
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").digest()
        return Stamp(status.st_size, status.st_mtime_ns, digest)
    except OSError:
        return Stamp()
