"""Many documents: files and folders in, one output folder out, every input accounted for, exactly once.

In: files to read (``sources``) and a ``Plan``. Out: the records in one format, ``failures.jsonl`` with a line for each
document that gave none, and a ``Summary``. What has been done is kept as it goes (``store``), so that a run which ends
at any moment is taken up by the next one with the same output folder; the outputs are written at the end from what is
kept, in the order of the inputs, and are the same however the work was done.
Not for: one document (``extractor.py``), or talking to people (``cli.py``).
"""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Literal
from zlib import decompress

from zongjie.engines import Begun, Failure, Piece, Plan, Task
from zongjie.engines.local import Event, read_here, read_in_workers
from zongjie.errors import OutputExists, ZongjieError
from zongjie.readers import SUFFIXES, name_of
from zongjie.record import Record
from zongjie.sources import STDIN
from zongjie.store import A_FILE, HOME, Found, Line, Listing, Store, Totals, is_ours, open_store
from zongjie.writers import FORMATS
from zongjie.writers.atomic import open_atomic, refuse_existing

FAILURES = "failures.jsonl"

_SOON = 0.5  # seconds after which what was done is kept
_MANY = 64  # documents after which it is
NOTES = 50  # of what was passed over
_NAMELESS = "<bytes>"  # what the document of the standard input is called


@dataclass(frozen=True, slots=True)
class Output:
    """Where records go and how.

    Attributes:
        folder: The output folder; made if it is not there.
        format: A key of ``writers.FORMATS``.
        text: Whether the output quotes the documents' text.
        force: Whether to start anew, and replace what is there.
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


@dataclass(slots=True)
class Progress:
    """How far a run is.

    Attributes:
        stage: What is going on.
        listed: What the inputs come to; all zero while they are being listed.
        files: Files found so far while listing; then files read in this run.
        weight: What these files weigh, of ``listed.weight``.
        documents: Documents read in this run.
        chars: Characters of the documents that gave records.
        failed: Those of the documents that failed.
    """

    stage: Literal["listing", "reading", "writing"] = "listing"
    listed: Listing = field(default_factory=Listing)
    files: int = 0
    weight: int = 0
    documents: int = 0
    chars: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to.

    Attributes:
        records: The output of records, a file or a folder.
        failures: The file of failures.
        listed: What the inputs came to, against what was done before.
        totals: What the outputs hold.
        skipped: Notes on what was passed over on purpose.
        interrupted: Whether it was stopped before all was done; the next run goes on.
    """

    records: Path
    failures: Path
    listed: Listing
    totals: Totals
    skipped: tuple[str, ...] = ()
    interrupted: bool = False


def extract_files(
    plan: Plan,
    sources: Iterable[Found],
    output: Output,
    *,
    jobs: int = 1,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Extract from many files; each comes out exactly once, as records or as failures.

    What an earlier run with the same output folder has done, and still holds, is not done again: a file is read if it
    is new, if its content changed, if something in it failed, or if model, config or version changed. The first Ctrl-C
    (or SIGTERM) ends the work and writes what is done; the second leaves at once.

    Args:
        plan: How to extract.
        sources: The files; see ``sources.find_sources``.
        output: Where the records go.
        jobs: Number of worker processes. A few small files are read without any.
        report: Told how far it is, several times a second.

    Returns:
        What it came to.

    Raises:
        OutputExists: If there is an output that no run of zongjie made; nothing has been read then.
        ZongjieError: If the output folder cannot be written to, or another run is writing there. What was done before
            is kept, and nothing is left half-written.
        KeyboardInterrupt: If it was interrupted while files were listed or outputs written.
    """
    outputs = (output.records, output.failures)
    if not is_ours(output.folder):
        for path in outputs:
            refuse_existing(path, force=output.force)
    with _stoppable() as stopped, _writing(output.folder), open_store(output.folder, anew=output.force) as store:
        for path in outputs:
            if path.exists() and not (output.force or store.marked(path.name)):
                raise OutputExists(f"{path} already exists. Give --force to replace it, or choose another folder.")
            store.mark(path.name, 1)
        run = _Run(plan, store, stopped, report)
        spool = output.folder / HOME / "stdin"
        run.list(sources, spool)
        interrupted = not run.read(jobs, spool)
        run.tell("writing")
        write_outputs(store.lines(), output)
        spool.unlink(missing_ok=True)
        totals, skipped = store.totals(), store.passed_over(NOTES)
        return Summary(*outputs, run.progress.listed, totals, skipped, interrupted)


class _Run:
    """One run over an open store."""

    def __init__(
        self, plan: Plan, store: Store, stopped: Callable[[], bool], report: Callable[[Progress], None]
    ) -> None:
        self.progress = Progress()
        self._plan, self._store, self._stopped, self._report = plan, store, stopped, report

    def tell(self, stage: Literal["listing", "reading", "writing"]) -> None:
        self.progress.stage = stage
        self._report(self.progress)

    def list(self, sources: Iterable[Found], spool: Path) -> None:
        def seen() -> Iterator[Found]:
            for number, found in enumerate(sources):
                if self._stopped():
                    raise KeyboardInterrupt
                if number % 1024 == 0:
                    self.progress.files = number
                    self.tell("listing")
                yield _spooled(found, spool) if found.path == STDIN else found

        self.progress.listed = self._store.list(seen(), self._plan.key)
        self.progress.files = 0

    def read(self, jobs: int, spool: Path) -> bool:
        """Read what waits to be read; say whether all of it was."""
        listed, limits = self.progress.listed, self._plan.limits
        self.tell("reading")
        if not listed.waiting:
            return True
        tasks = (
            replace(task, path=str(spool), source=_NAMELESS) if task.path == STDIN else task
            for task in self._store.tasks()
        )
        few = listed.waiting <= limits.here_files and listed.weight - A_FILE * listed.waiting <= limits.here_bytes
        # if the last run came to a bad end, one of these may have been why; a worker it would not take along
        if few and not self._store.marked("reading"):
            events = read_here(self._plan, tasks, self._stopped)
        else:
            events = read_in_workers(self._plan, tasks, self._stopped, jobs=jobs)
        self._store.mark("reading", 1)
        try:
            with closing(events):
                self._keep(events)
        finally:
            self._store.commit()
        self._store.mark("reading", 0)
        return self.progress.files == listed.waiting

    def _keep(self, events: Iterable[Event]) -> None:
        """Keep what comes, every now and then for good."""
        kept, unkept = time.monotonic(), 0
        for event in events:
            if event:
                unkept += self._take(*event)
            now = time.monotonic()
            if unkept >= _MANY or now - kept > _SOON:
                self._store.commit()
                kept, unkept = now, 0
            self.tell("reading")

    def _take(self, task: Task, message: object) -> bool:
        """Keep what happened to a file, and say whether it is a document's outcome."""
        progress = self.progress
        if isinstance(message, Piece):
            self._store.put(task.id, message)
            progress.documents += 1
            progress.chars += message.chars
            progress.failed += message.failed
            return True
        if isinstance(message, Begun):
            self._store.begin(task.id, message.stamp, fresh=message.fresh)
        else:
            self._store.end(task.id)
            progress.files += 1
            progress.weight += task.size + A_FILE
        return False


def _spooled(found: Found, spool: Path) -> Found:
    """Keep the standard input, which can be read but once."""
    with spool.open("wb") as stream:
        shutil.copyfileobj(sys.stdin.buffer, stream)
    status = spool.stat()
    return found._replace(size=status.st_size, mtime=status.st_mtime_ns)


def write_outputs(lines: Iterable[Line], output: Output) -> None:
    """Write the outputs from what is kept; they take their places when both are complete.

    Args:
        lines: What came of each document, in order.
        output: Where the records go, and how.
    """
    with ExitStack() as stack:
        failures = stack.enter_context(open_atomic(output.failures, force=True))
        if output.format == "jsonl" and output.text:  # the lines are what they will be
            stream = stack.enter_context(open_atomic(output.records, force=True))

            def put(line: str) -> None:
                stream.write(line + "\n")
        else:
            opened = FORMATS[output.format].open(output.records, text=output.text, force=True)
            write = stack.enter_context(opened)

            def put(line: str) -> None:
                write(Record.from_json(line))

        for line in lines:
            if line.packed is None:
                failures.write(_unsupported(line.path).to_json() + "\n")
            elif line.failed:
                failures.write(decompress(line.packed).decode() + "\n")
            else:
                put(decompress(line.packed).decode())


def _unsupported(file: str) -> Failure:
    suffix, known = Path(file).suffix or "none", " ".join(sorted(SUFFIXES))
    remedy = f"Name the file itself to read it by its content, or convert it to one of {known}."
    return Failure(name_of(file), "Unsupported", f"unsupported: its suffix is {name_of(suffix)}", remedy)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say which folder cannot be written to, and that nothing is lost."""
    try:
        yield
    except OSError as error:
        where, reason = error.filename or folder, error.strerror or str(error)
        mend = f"Make room in {folder}, or make it writable; then give the same command again: it goes on from there."
        raise ZongjieError(f"{where}: the output cannot be written ({reason}). {mend}") from error


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether this process was asked to stop; asked twice, it stops where it is."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    if threading.current_thread() is not threading.main_thread():  # no other is told of signals
        yield lambda: False
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
