"""Worker processes of this machine that read files; a document that ends its worker costs that document only.

In: a ``Plan`` and ``Task``s. Out: what ``engines.read_file`` gives for each of them, in whatever order it happens. Each
worker loads the model once and has a pipe of its own, so that one which is killed at any moment harms no other. What
ends a worker, or takes too long, is tried once more when all else is done, alone; then it is a failure.
Not for: keeping what comes out (``store``).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import NamedTuple

from zongjie.engines import Begun, Ended, Failure, Message, Piece, Plan, Reached, Task, failed, read_file
from zongjie.errors import ZongjieError
from zongjie.extractor import Batch

Event = tuple[Task, Begun | Piece | Ended] | None
"""What happened to which file; ``None`` now and then, so that who listens can do what is due by the clock."""

_TICK = 0.2  # seconds
_AHEAD = 2**20  # bytes; behind a file smaller than this a worker may have another such in its hands
_LARGEST = 2**26  # bytes; what a larger file is given time for, as its documents are smaller
_START = 600  # seconds in which a worker must be ready
_STILLBORN = 5  # workers that may end one after another before one is ready
_NO_MEMORY = 101  # exit code


class _Ready(NamedTuple):
    """A worker has loaded the model."""


class _Unable(NamedTuple):
    """A worker cannot work at all."""

    reason: str


def read_here(plan: Plan, tasks: Iterable[Task], stopped: Callable[[], bool]) -> Generator[Event, None, None]:
    """Read files in this process; for a few small ones that is faster than to start another.

    Args:
        plan: How.
        tasks: The files.
        stopped: Says whether to stop before the next file.

    Yields:
        What happens.
    """
    extract = plan.load()
    for task in tasks:
        if stopped():
            return
        number, source = task.next, task.source
        try:
            for message in read_file(extract, task):
                if isinstance(message, Reached):
                    number, source = message.number, message.source
                else:
                    yield task, message
        except ZongjieError:
            raise  # a config that does not load is no fault of the document
        except Exception as error:  # one document must never cost the others
            yield task, failed(number, _blame(source, type(error).__name__, str(error) or "no more is known"))
            yield task, Ended()
        yield None


def read_in_workers(
    plan: Plan, tasks: Iterable[Task], stopped: Callable[[], bool], *, jobs: int
) -> Generator[Event, None, None]:
    """Read files in worker processes.

    Args:
        plan: How.
        tasks: The files, in the order to begin them. One that is ``alone`` waits until all others are done.
        stopped: Says whether to stop at once, whatever is in hand.
        jobs: Number of workers.

    Yields:
        What happens.

    Raises:
        ZongjieError: If workers cannot start.
    """
    return _Pool(plan, tasks, jobs).run(stopped)


class _Worker:
    """A worker process, and what it has in its hands."""

    def __init__(self, plan: Plan) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.connection, there = spawn.Pipe()
        self.process = spawn.Process(target=_serve, args=(there, plan), daemon=True)
        with _no_interrupt():
            self.process.start()
        there.close()  # so that this end closes when the process ends
        self.limits = plan.limits
        self.hands: deque[Task] = deque()
        self.ready = False
        self.documents = 0
        self.reached: Reached | None = None
        self.since = time.monotonic()

    def give(self, task: Task) -> None:
        with suppress(OSError):  # it has ended; whoever listens will find out
            self.connection.send(task)
        if not self.hands and self.ready:
            self.since = time.monotonic()
        self.hands.append(task)

    def note(self, message: Message | _Ready) -> None:
        """Keep up with what the worker says of the file it is at."""
        self.since = time.monotonic()
        self.reached = message if isinstance(message, Reached) else None
        if isinstance(message, Begun):
            self.hands[0] = self.hands[0].kept(message)
        elif isinstance(message, Piece):
            self.documents += 1
            self.hands[0] = replace(self.hands[0], start=message.number + 1)
        elif isinstance(message, Ended):
            self.hands.popleft()

    @property
    def worn(self) -> bool:
        """Whether it is to be replaced when its hands are empty."""
        return self.documents >= self.limits.max_documents

    @property
    def late(self) -> bool:
        """Whether it takes longer than it may, and nothing that it said waits to be heard."""
        over = (self.hands or not self.ready) and time.monotonic() - self.since > self.seconds
        return bool(over) and not self.connection.poll()

    @property
    def seconds(self) -> float:
        """How long it may take for what it is at."""
        return seconds(self.limits, self.hands[0], self.reached) if self.ready and self.hands else _START

    def dismiss(self) -> None:
        with suppress(OSError):
            self.connection.send(None)
        self.connection.close()

    def kill(self) -> int:
        """End it with all its children, and give its exit code."""
        if sys.platform != "win32" and self.process.pid:
            with suppress(OSError):  # it has no group yet
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.connection.close()
        return self.process.exitcode or 0


class _Pool:
    """Hands out files to workers and hears what they say."""

    def __init__(self, plan: Plan, tasks: Iterable[Task], jobs: int) -> None:
        self._plan, self._jobs = plan, jobs
        self._tasks = iter(tasks)
        self._workers: list[_Worker] = []
        self._waiting: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._tried: set[tuple[int, int]] = set()
        self._stillborn = 0

    def run(self, stopped: Callable[[], bool]) -> Generator[Event, None, None]:
        try:
            while not stopped():
                self._hand_out()
                if not any(worker.hands for worker in self._workers):
                    break
                yield None
                by_connection = {worker.connection: worker for worker in self._workers}
                for connection in wait(list(by_connection), timeout=_TICK):
                    yield from self._hear(by_connection[connection])  # type: ignore[index]
                for worker in [worker for worker in self._workers if worker.late]:
                    yield from self._bury(worker, late=True)
        finally:
            for worker in self._workers:
                worker.kill()

    def _hand_out(self) -> None:
        for worker in [worker for worker in self._workers if worker.worn and not worker.hands]:
            worker.dismiss()
            self._workers.remove(worker)
        while self._fill():
            worker_ = self._for_next(self._waiting[0])
            if worker_ is None:
                return
            worker_.give(self._waiting.popleft())
        if self._suspects and not any(worker.hands for worker in self._workers):
            for worker in self._workers[1:]:  # alone: no other takes memory or time
                worker.dismiss()
            self._workers = self._workers[:1] or [_Worker(self._plan)]
            self._workers[0].give(self._suspects.popleft())

    def _fill(self) -> bool:
        """Say whether a file waits that is no suspect."""
        while not self._waiting and (task := next(self._tasks, None)):
            if task.alone:
                self._suspects.append(task)
                self._tried |= {(task.id, number) for number in task.again}
            else:
                self._waiting.append(task)
        return bool(self._waiting)

    def _for_next(self, task: Task) -> _Worker | None:
        fit = [worker for worker in self._workers if not worker.worn]
        for worker in fit:
            if not worker.hands:
                return worker
        if len(self._workers) < self._jobs:
            self._workers.append(_Worker(self._plan))
            return self._workers[-1]
        for worker in fit:  # so that none waits for the next one
            if len(worker.hands) == 1 and max(task.size, worker.hands[0].size) < _AHEAD:
                return worker
        return None

    def _hear(self, worker: _Worker) -> Iterator[Event]:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if isinstance(message, _Unable):
            raise ZongjieError(message.reason)
        task = worker.hands[0] if worker.hands else None
        worker.note(message)
        if isinstance(message, _Ready):
            worker.ready = True
            self._stillborn = 0
        elif task and not isinstance(message, Reached):
            yield task, message

    def _bury(self, worker: _Worker, *, late: bool = False) -> Iterator[Event]:
        """See to what a worker leaves that came to its end."""
        limit = worker.seconds
        code = worker.kill()
        self._workers.remove(worker)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                raise ZongjieError(
                    f"worker processes end before they are ready ({_ending(code)}). Give fewer --jobs; or raise "
                    "[batch] max_memory in the config, if there is memory left."
                )
        elif worker.hands:
            task = worker.hands.popleft()
            yield from self._suspect(task, worker.reached, _TOO_SLOW.format(limit) if late else _ending(code))
        self._waiting.extendleft(reversed(worker.hands))

    def _suspect(self, task: Task, reached: Reached | None, reason: str) -> Iterator[Event]:
        """Try what ended a worker once more, or give it up."""
        number = reached.number if reached else task.next
        if (task.id, number) not in self._tried:
            self._tried.add((task.id, number))
            self._suspects.append(task)
            return
        if reached is None:
            reason += ", while it was being read; nothing after it in the file was"
        source = reached.source if reached else task.source
        yield task, failed(number, _blame(source, "WorkerEnded", reason), died=True)
        if reached is None:
            yield task, Ended()
        else:
            self._suspects.append(replace(task, start=number + 1))


_TOO_SLOW = "it took longer than {:,.0f} seconds"


def _ending(code: int) -> str:
    """Say how a process ended."""
    if code == _NO_MEMORY:
        return "its memory was not enough"
    if code < 0:
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"


def _blame(source: str, error: str, reason: str) -> Failure:
    remedy = "Run again to try again. Raise [batch] seconds or max_memory in the config, or split the file."
    return Failure(source, error, f"the process that read it did not finish: {reason}", remedy)


def seconds(limits: Batch, task: Task, reached: Reached | None) -> float:
    """Give how long the next step may take.

    Args:
        limits: What is allowed.
        task: The file in hand.
        reached: The document of it that is being extracted; ``None`` while the next one is being read.

    Returns:
        Seconds.
    """
    size = 3 * reached.chars if reached else min(task.size, _LARGEST)
    return limits.seconds + limits.seconds_a_megabyte * size / 1e6


# what follows runs in a worker


def _serve(connection: Connection, plan: Plan) -> None:
    """Read files as long as there are any, or until the other end is gone."""
    _settle(plan.limits)
    try:
        try:
            extract = plan.load()
        except ZongjieError as error:
            connection.send(_Unable(str(error)))
            return
        connection.send(_Ready())
        while (task := connection.recv()) is not None:
            _wake(plan.limits, task, None)
            try:
                for message in read_file(extract, task):
                    reached = message if isinstance(message, Reached) else None
                    _wake(plan.limits, task, reached)
                    connection.send(message)
            except ZongjieError as error:  # a config that does not load is no fault of the document
                connection.send(_Unable(str(error)))
            _wake(plan.limits, None, None)
    except MemoryError:
        os._exit(_NO_MEMORY)  # there may not be enough to leave in order
    except (EOFError, OSError):
        return  # the other end is gone


def _settle(limits: Batch) -> None:
    """Make this process one that harms nobody: its own group, no core files, bounded memory, first to go for memory."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError):
        os.setpgid(0, 0)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limits.max_memory, most))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")


def _wake(limits: Batch, task: Task | None, reached: Reached | None) -> None:
    """Have the system end this process should it be stuck while nobody is left to see it."""
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 2 * seconds(limits, task, reached) if task else 0)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Start a process that never hears Ctrl-C: who started it does."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
