"""Many documents: files and folders in, one output folder out, every input accounted for.

In: paths and an ``Extractor``. Out: the records in one format, ``failures.jsonl`` with a line for each input that
gave none, and a ``Summary``. Not for: one document (``extractor.py``), or talking to people (``cli.py``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import simplejson

from zongjie.errors import ZongjieError
from zongjie.normalise import NOTHING_LEFT_OUT, LeftOut
from zongjie.readers import SUFFIXES, name_of
from zongjie.record import Record
from zongjie.writers import FORMATS
from zongjie.writers.atomic import open_atomic, refuse_existing

if TYPE_CHECKING:
    from zongjie.extractor import Extractor, Outcome

STDIN = "-"
FAILURES = "failures.jsonl"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a list of inputs comes to.

    Attributes:
        files: The files to read, each once, in order; ``-`` is the standard input.
        unsupported: Those of them that were found in a folder and are of no known kind. They are not read, and count as
            failures; a file that was named goes by its content, whatever it is called.
        skipped: What was passed over on purpose, as one note each: hidden files and folders, links to
            folders, lock files, the output, doubles.
    """

    files: tuple[str, ...]
    unsupported: frozenset[str]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """Where records go and how.

    Attributes:
        folder: The output folder; made if it is not there.
        format: A key of ``writers.FORMATS``.
        text: Whether the output quotes the documents' text.
        force: Whether existing outputs may be replaced.
    """

    folder: Path
    format: str = "jsonl"
    text: bool = True
    force: bool = False

    @property
    def records(self) -> Path:
        """Where the records go."""
        return self.folder / FORMATS[self.format].name

    @property
    def failures(self) -> Path:
        """Where the failures go."""
        return self.folder / FAILURES


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


@dataclass(slots=True)
class Summary:
    """What a run came to.

    Attributes:
        records: The output of records, a file or a folder.
        failures: The file of failures.
        documents: Number of records written.
        failed: Number of failures written.
        facts: Number of facts in the records.
        without_facts: Number of records that hold no fact.
        skipped: Notes on what was passed over on purpose.
        left_out: How much was less sure than asked for.
    """

    records: Path
    failures: Path
    documents: int = 0
    failed: int = 0
    facts: int = 0
    without_facts: int = 0
    skipped: tuple[str, ...] = ()
    left_out: LeftOut = NOTHING_LEFT_OUT


def find_sources(inputs: Iterable[str | Path], *, leave_out: Path | None = None) -> Sources:
    """List the files to read.

    Args:
        inputs: Files, folders (read with all folders below them, sorted), or ``-`` for the standard input.
        leave_out: A folder that is not looked into, such as the output folder.

    Returns:
        The files and what was skipped.

    Raises:
        FileNotFoundError: If an input is not there; nothing has been read or written then.
        ZongjieError: If a folder is both input and left out.
    """
    files: dict[str, str] = {}
    unsupported: set[str] = set()
    skipped: list[str] = []
    for given in (os.fspath(path) for path in inputs):
        if given != STDIN and not os.path.exists(given):
            raise FileNotFoundError(
                f"{given}: no such file or folder. Check the path; it is relative to {os.getcwd()}."
            )
        is_folder = os.path.isdir(given)
        if is_folder and leave_out and os.path.realpath(given) == os.path.realpath(leave_out):
            raise ZongjieError(
                f"{given}: the output may not go into the input folder itself. Name another, or one in it."
            )
        for file, passed_over in _walk(given, leave_out) if is_folder else [(given, "")]:
            key = file if file == STDIN else os.path.realpath(file)
            if passed_over:
                skipped.append(f"{file}: {passed_over}")
            elif key in files:
                skipped.append(f"{file}: given twice, read once")
            else:
                files[key] = file
                if is_folder and not os.path.isdir(file) and Path(file).suffix.lower() not in SUFFIXES:
                    unsupported.add(file)
    return Sources(tuple(files.values()), frozenset(unsupported), tuple(skipped))


def extract_files(
    extract: Extractor,
    sources: Sources,
    output: Output,
    *,
    track: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> Summary:
    """Extract from many files; each comes out exactly once, as a record or as a failure.

    Args:
        extract: The extractor.
        sources: The files.
        output: Where the records go.
        track: Goes through the files, such as a progress bar.

    Returns:
        Counts and paths.

    Raises:
        OutputExists: If an output exists and may not be replaced; nothing has been read then.
    """
    summary = Summary(output.records, output.failures, skipped=sources.skipped)
    for path in (summary.records, summary.failures):
        refuse_existing(path, force=output.force)
    with ExitStack() as stack:
        opened = FORMATS[output.format].open(summary.records, text=output.text, force=output.force)
        write = stack.enter_context(opened)
        failures = stack.enter_context(open_atomic(summary.failures, force=output.force))
        for found in outcomes(extract, track(sources.files), unsupported=sources.unsupported):
            if isinstance(found, Failure):
                failures.write(simplejson.dumps(asdict(found), ensure_ascii=False) + "\n")
                summary.failed += 1
            else:
                record, left_out = found
                write(record)
                summary.documents += 1
                summary.facts += len(record.facts)
                summary.without_facts += not record.facts
                summary.left_out += left_out
    return summary


def outcomes(
    extract: Extractor, files: Iterable[str], *, unsupported: Container[str] = ()
) -> Iterator[tuple[Record, LeftOut] | Failure]:
    """Give what comes of each file, in order.

    Args:
        extract: The extractor.
        files: Paths, or ``-`` for the standard input.
        unsupported: Those that are not to be read.

    Yields:
        Records, each with how much was left out of it, and failures; a file that holds several documents gives several.
    """
    for refused, group in groupby(files, unsupported.__contains__):
        if refused:
            yield from map(_unsupported, group)
            continue
        for outcome in extract.pipe(sys.stdin.buffer.read() if file == STDIN else Path(file) for file in group):
            yield (outcome.record, outcome.left_out) if outcome.record else _failure(outcome)


def _walk(folder: str, leave_out: Path | None) -> Iterator[tuple[str, str]]:
    """List the files below a folder, sorted, each with the reason for passing over it or an empty string."""
    unread: list[OSError] = []
    for here, folders, names in os.walk(folder, onerror=unread.append):
        for name in sorted(folders):
            path = os.path.join(here, name)
            if name.startswith(".") or os.path.islink(path):
                yield path, "hidden" if name.startswith(".") else "link to a folder"
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if leave_out and os.path.realpath(here) == os.path.realpath(leave_out):
            folders.clear()
            yield here, "the output folder"
            continue
        for name in sorted(names):
            lock = "lock file of an office program" if name.startswith("~$") else ""
            yield os.path.join(here, name), "hidden" if name.startswith(".") else lock
    for error in unread:
        yield str(error.filename), ""  # a folder that cannot be looked into comes out as a failure


def _unsupported(file: str) -> Failure:
    suffix, known = Path(file).suffix or "none", " ".join(sorted(SUFFIXES))
    remedy = f"Name the file itself to read it by its content, or convert it to one of {known}."
    return Failure(name_of(file), "Unsupported", f"unsupported: its suffix is {suffix}", remedy)


def _failure(outcome: Outcome) -> Failure:
    """Turn an error into a line of ``failures.jsonl``."""
    error = outcome.error
    reason = getattr(error, "reason", str(error))
    return Failure(outcome.source, type(error).__name__, reason, getattr(error, "remedy", ""))
