"""Reads files on a Ray cluster with Ray Data: one model an actor, inputs and outputs wherever fsspec or a mount leads.

In: a ``Plan`` and the paths of files. Out: what came of each document, in the order of the paths, the same lines as
``local`` gives. The files are cut into partitions; what came of one is kept below the output as one Parquet file that
appears whole or not at all, so that a later run reads only what is not there. A partition whose actor comes to its end
is read once more in worker processes (``local``), where a document can end nobody's work but its own.
Not for: scheduling, restarts and retries, which are Ray's; listing files; the form of the outputs (``cluster``).
"""

from __future__ import annotations

import faulthandler
import hashlib
import os
import pickle
import posixpath
import sys
import tempfile
import uuid
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from zongjie.engines import Failure, Piece, Plan, Reached, Task, failed, pieces
from zongjie.engines.local import read_in_workers, seconds
from zongjie.errors import UnreadableDocument, ZongjieError
from zongjie.normalise import LeftOut
from zongjie.readers import name_of, read_path
from zongjie.readers.base import settings, too_large
from zongjie.writers.libraries import library

FOLDER = "partitions"
"""Where partitions are kept, below the output."""

_NAME = "{}.parquet"
_AGAIN = "{}.again.parquet"  # a document of it ended its process: the next run tries it again
_KEY = 32  # hexadecimal digits
_LARGEST = 4  # a partition has at most so many times the usual number of files


@dataclass(frozen=True, slots=True)
class Partition:
    """Some files that are read together.

    Attributes:
        key: Digest of what comes out of it: the files' names and states, model, config and version.
        paths: Where the files are.
    """

    key: str
    paths: tuple[str, ...]


class Outcome(NamedTuple):
    """What came of one document.

    Attributes:
        path: The file, as given.
        piece: The outcome.
    """

    path: str
    piece: Piece


def is_remote(path: str) -> bool:
    """Say whether a path is one for fsspec (``s3://bucket/folder``), and not one of this machine or its mounts."""
    scheme, colon, _ = path.partition("://")
    return bool(colon) and scheme.isalnum()


def local_path(path: str) -> str:
    """Take the scheme off a path that names this machine (``file:///srv/reports``, ``local://…``); leave others."""
    scheme, _, rest = path.partition("://")
    return rest if scheme in ("file", "local") and rest.startswith("/") else path


def list_remote(path: str) -> Iterator[str]:
    """List the files at a path of fsspec.

    Args:
        path: A file or a folder.

    Yields:
        The file, or the files in the folder and below it, sorted.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ZongjieError: If the library for this kind of path is not installed.
    """
    system, inner = open_system(path)
    if system.isfile(inner):
        yield path
        return
    if not system.exists(inner):
        raise FileNotFoundError(f"{path}: no such file or folder. Check the path, and that this machine may read it.")
    for file in sorted(system.find(inner)):  # a file system knows nothing of the host before its paths
        yield path.rstrip("/") + "/" + file.removeprefix(inner).lstrip("/")


def open_system(path: str) -> tuple[Any, str]:
    """Give the file system of a path, and the path in it.

    Args:
        path: A path of this machine, or one for fsspec.

    Raises:
        ZongjieError: If the library for this kind of path is not installed.
    """
    try:
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        return url_to_fs(path) if is_remote(path) else (LocalFileSystem(), os.path.abspath(path))
    except (ImportError, ValueError) as error:
        said = f"{path}: this kind of path cannot be opened ({error})"
        raise ZongjieError(f"{said}. Run: pip install 'zongjie[ray]', and the library that it names.") from error


def cut(key: str, paths: Iterable[str], size: int) -> Iterator[Partition]:
    """Cut a list of files into partitions.

    Where one ends depends on the names of its files alone, so a file that is new changes one partition and no other.

    Args:
        key: ``Plan.key``.
        paths: The files, in order.
        size: Number of files in a partition, more or less.

    Yields:
        The partitions, in order.
    """
    taken: list[str] = []
    for path in paths:
        taken.append(path)
        ends = int.from_bytes(hashlib.sha256(os.fsencode(path)).digest()[:8]) % size == 0
        if ends or len(taken) == _LARGEST * size:
            yield _partition(key, taken)
            taken = []
    if taken:
        yield _partition(key, taken)


def _partition(key: str, paths: Sequence[str]) -> Partition:
    digest = hashlib.sha256(key.encode())
    for path in paths:
        digest.update(b"\0".join((b"", os.fsencode(path), _state(path).encode())))
    return Partition(digest.hexdigest()[:_KEY], tuple(paths))


def _state(path: str) -> str:
    """Give what a file's content is known by without reading it: size and time of change, or what its store says."""
    try:
        if is_remote(path):
            system, inner = open_system(path)
            return str(system.ukey(inner))
        status = os.stat(path)
        return f"{status.st_size} {status.st_mtime_ns}"
    except OSError:
        return ""


def read_on_cluster(
    plan: Plan,
    paths: Iterable[str],
    home: str,
    *,
    actors: int | None = None,
    report: Callable[[int, int], None] = lambda files, of: None,
) -> Iterator[Outcome]:
    """Read files on the cluster that Ray is connected to; if it is to none, on one of this machine.

    Args:
        plan: How.
        paths: The files; the nodes must be able to open them under these paths.
        home: The output: partitions are kept below it.
        actors: Number of actors; as many as the cluster has room for if not given.
        report: Told how many files have been read in this run, of how many, whenever there are more.

    Yields:
        Each document of each file, in order; the first when all files have been read.

    Raises:
        ZongjieError: If ray is not installed, or partitions could not be read for a reason that is none of theirs.
    """
    parts = tuple(cut(plan.key, paths, plan.limits.partition))
    store = _Store(home)
    kept = store.names()
    again = [part for part in parts if _AGAIN.format(part.key) in kept]
    fresh = [part for part in parts if not kept & {_NAME.format(part.key), _AGAIN.format(part.key)}]
    if again or fresh:
        run = _Run(plan, store, actors, report, sum(len(part.paths) for part in again + fresh))
        run.read(fresh)
        kept = store.names()
        run.read_apart([*again, *(part for part in fresh if _NAME.format(part.key) not in kept)])
        kept = store.names()
    undone = [part for part in parts if not kept & {_NAME.format(part.key), _AGAIN.format(part.key)}]
    if undone:
        raise ZongjieError(
            f"{len(undone)} of {len(parts)} partitions were not read, the first from {undone[0].paths[0]} on. "
            "Ray's log says why. Mend it and give the same command again: it goes on where it stopped."
        )
    for part in parts:
        yield from store.read(part, kept)
    store.sweep(parts)


class _Run:
    """Has the cluster read partitions."""

    def __init__(
        self, plan: Plan, store: _Store, actors: int | None, report: Callable[[int, int], None], files: int
    ) -> None:
        self._plan, self._store, self._actors = plan, store, actors
        self._report, self._files, self._done = report, files, 0
        self._data = library("ray.data", "ray")
        ray = library("ray", "ray")
        if not ray.is_initialized():
            ray.init(log_to_driver=False, logging_level="ERROR")

    def read(self, parts: Sequence[Partition]) -> None:
        """Read partitions in actors that have loaded the model; one whose actor comes to its end is left out."""
        size = {"size": self._actors} if self._actors else {"min_size": 1}
        self._run(
            parts,
            _Reader,
            fn_constructor_args=(self._plan, self._store),
            compute=self._data.ActorPoolStrategy(**size),
            # the next time it would end the same way; `read_apart` knows how to go on
            ray_remote_args_fn=lambda: {"max_task_retries": 0},
        )

    def read_apart(self, parts: Sequence[Partition]) -> None:
        """Read partitions document by document, each in a worker process that it may end."""
        self._run(parts, _read_apart, fn_args=(self._plan, self._store), concurrency=self._actors)

    def _run(self, parts: Sequence[Partition], function: Any, **how: Any) -> None:  # noqa: ANN401 - what Ray takes
        if not parts:
            return
        # paths need not be UTF-8, so they travel as bytes
        rows = [{"partition": pickle.dumps(part)} for part in parts]
        data = self._data.from_items(rows, override_num_blocks=len(rows)).map(function, num_cpus=1, **how)
        data.context.max_errored_blocks = -1
        data.context.enable_progress_bars = False
        data.context.print_on_execution_start = False
        for row in data.iter_rows():
            self._done += row["files"]
            self._report(self._done, self._files)


class _Store:
    """Where partitions are kept: one Parquet file each, with a row for each document."""

    def __init__(self, home: str) -> None:
        self._home = home.rstrip("/") or "/"

    @property
    def _place(self) -> tuple[Any, str]:
        system, home = open_system(self._home)  # anew in each process, as some hold connections
        return system, posixpath.join(home, FOLDER)

    def names(self) -> set[str]:
        """Give the names of all that is there."""
        system, folder = self._place
        system.invalidate_cache()
        system.makedirs(folder, exist_ok=True)
        return {path.rsplit("/", 1)[-1] for path in system.ls(folder, detail=False)}

    def write(self, part: Partition, found: Sequence[tuple[int, Piece]]) -> None:
        """Keep what came of a partition; it is there whole or not at all.

        Args:
            part: The partition.
            found: Each document of it with the number of its file in the partition, in order.
        """
        arrow, parquet = library("pyarrow", "ray"), library("pyarrow.parquet", "ray")
        system, folder = self._place
        rows = [{"file": file, **piece._asdict(), "left_out": list(piece.left_out)} for file, piece in found]
        table = arrow.Table.from_pylist(rows, schema=arrow.schema(_columns(arrow)))
        name = (_AGAIN if any(piece.died for _, piece in found) else _NAME).format(part.key)
        unfinished = posixpath.join(
            folder, f".{name}.{uuid.uuid4().hex}"
        )  # two actors may be at it: one is thought lost
        with system.open(unfinished, "wb") as stream:
            parquet.write_table(table, stream, compression="none")  # lines are packed already
            if not is_remote(self._home):
                stream.flush()
                os.fsync(stream.fileno())  # else a power cut after the rename may leave an empty file
        system.mv(unfinished, posixpath.join(folder, name))

    def read(self, part: Partition, kept: Container[str]) -> Iterator[Outcome]:
        """Give what came of a partition, in order."""
        parquet = library("pyarrow.parquet", "ray")
        system, folder = self._place
        whole = _NAME.format(part.key)
        name = whole if whole in kept else _AGAIN.format(part.key)
        with system.open(posixpath.join(folder, name), "rb") as stream:
            for batch in parquet.ParquetFile(stream).iter_batches(64):
                for row in batch.to_pylist():
                    path = part.paths[row.pop("file")]
                    yield Outcome(path, Piece(**row | {"left_out": LeftOut(*row["left_out"])}))

    def sweep(self, parts: Iterable[Partition]) -> None:
        """Remove what is not of these partitions, and what was tried again with success."""
        system, folder = self._place
        names = self.names()
        wanted = {_NAME.format(part.key) for part in parts}
        wanted |= {_AGAIN.format(part.key) for part in parts if _NAME.format(part.key) not in names}
        for name in names - wanted:
            with suppress(FileNotFoundError):
                system.rm_file(posixpath.join(folder, name))


def _columns(arrow: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - a module that may be missing
    """Give the columns of a partition: the file's number, and the fields of ``Piece``."""
    numbers = {"file": arrow.int32(), "number": arrow.int32(), "facts": arrow.int32(), "chars": arrow.int64()}
    flags = {"failed": arrow.bool_(), "died": arrow.bool_()}
    return list({**numbers, **flags, "packed": arrow.binary(), "left_out": arrow.list_(arrow.int32())}.items())


# what follows runs on the nodes


class _Reader:
    """An actor: has loaded the model, and reads one partition a call."""

    def __init__(self, plan: Plan, store: _Store) -> None:
        self._limits, self._store = plan.limits, store
        self._extract = plan.load()

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        part: Partition = pickle.loads(row["partition"])
        found = [(number, piece) for number, path in enumerate(part.paths) for piece in self._read(path)]
        self._store.write(part, found)
        return {"files": len(part.paths)}

    def _read(self, path: str) -> Iterator[Piece]:
        with _at_hand(path) as task:
            if isinstance(task, Piece):
                yield task
                return
            messages = pieces(self._extract, read_path(Path(task.path), source=task.source))
            try:
                reached = None
                while True:
                    # it may be stuck where no other thread of Python runs; what it was at goes to the log of Ray
                    limit = seconds(self._limits, task, reached)
                    faulthandler.dump_traceback_later(limit, exit=True, file=sys.__stderr__ or sys.stderr)
                    message = next(messages, None)
                    if message is None:
                        return
                    reached = message if isinstance(message, Reached) else None
                    if isinstance(message, Piece):
                        yield message
            finally:
                faulthandler.cancel_dump_traceback_later()


def _read_apart(row: dict[str, Any], plan: Plan, store: _Store) -> dict[str, int]:
    part: Partition = pickle.loads(row["partition"])
    found: list[tuple[int, Piece]] = []
    with ExitStack() as stack:
        tasks = []
        for number, path in enumerate(part.paths):
            task = stack.enter_context(_at_hand(path))
            if isinstance(task, Piece):
                found.append((number, task))
            else:
                tasks.append(replace(task, id=number))
        for event in read_in_workers(plan, tasks, lambda: False, jobs=1):
            if event and isinstance(event[1], Piece):
                found.append((event[0].id, event[1]))
        store.write(part, sorted(found, key=lambda one: (one[0], one[1].number)))
    return {"files": len(part.paths)}


@contextmanager
def _at_hand(path: str) -> Iterator[Task | Piece]:
    """Bring a file to this machine while the block runs; give the failure if it is not there, or too large."""
    if not is_remote(path):
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        yield Task(0, path, name_of(path), size)
        return
    system, inner = open_system(path)
    source = path.encode("utf-8", errors="backslashreplace").decode()
    name = posixpath.basename(inner)
    with tempfile.TemporaryDirectory(prefix="zongjie-") as folder:
        try:
            size = int(system.size(inner) or 0)
            if size > settings().limits.max_bytes and not name.lower().endswith(".jsonl"):
                raise too_large(source, size)
            here = os.path.join(folder, name)
            system.get_file(inner, here)
            outcome: Task | Piece = Task(0, here, source, size)
        except (FileNotFoundError, PermissionError) as error:
            missing = isinstance(error, FileNotFoundError)
            said = "there is no such file" if missing else f"it cannot be opened ({error.strerror or error})"
            remedy = "Check the path and its permissions."
            outcome = failed(0, Failure.of(source, UnreadableDocument(source, said, remedy)))
        except UnreadableDocument as error:
            outcome = failed(0, Failure.of(source, error))
        yield outcome
