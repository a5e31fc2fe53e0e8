"""Many documents on a Ray cluster: inputs and outputs may be paths of this machine or any that fsspec knows.

In: files and folders (``reports/``, ``s3://bucket/reports``) and a ``Plan``. Out: the same outputs as ``batch`` gives,
to the byte, in a folder that may be remote too. What has been done is kept there by partition (``engines.ray``), and
the next run goes on from it.
Not for: one machine (``batch``), which needs no cluster; running a cluster, which is Ray's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, cast

from zongjie.batch import FAILURES, NOTES, Output, Progress, Summary, write_outputs
from zongjie.engines import Piece, Plan
from zongjie.engines.ray import FOLDER, Outcome, is_remote, list_remote, local_path, open_system, read_on_cluster
from zongjie.errors import OutputExists, ZongjieError
from zongjie.normalise import NOTHING_LEFT_OUT
from zongjie.readers import SUFFIXES
from zongjie.sources import EVERYTHING, STDIN, Selection, find_sources, unread_name
from zongjie.store import Found, Line, Listing, Totals
from zongjie.writers import FORMATS


class Job(NamedTuple):
    """What is to be done, and where.

    Attributes:
        inputs: Files and folders; the nodes must reach them under the same paths.
        out: The output folder, which the nodes must reach too.
        format: A key of ``writers.FORMATS``.
        text: Whether the output quotes the documents' text.
        force: Whether to start anew, and replace what is there.
        select: Which files of folders are read.
    """

    inputs: Sequence[str]
    out: str
    format: str = "jsonl"
    text: bool = True
    force: bool = False
    select: Selection = EVERYTHING


def extract_on_cluster(
    plan: Plan,
    job: Job,
    *,
    actors: int | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Summary:
    """Extract from many files on the cluster that ``RAY_ADDRESS`` names; without it, on one of this machine.

    Args:
        plan: How to extract.
        job: From what, into what.
        actors: Number of actors, each with a model; as many as the cluster has room for if not given.
        report: Told how far it is.

    Returns:
        What it came to.

    Raises:
        FileNotFoundError: If an input is not there; nothing has been read or written then.
        OutputExists: If there is an output that no run of this made; nothing has been read then.
        ZongjieError: If ray or the library for a kind of path is not installed, or the cluster could not finish.
    """
    job = job._replace(out=local_path(job.out), inputs=[local_path(path) for path in job.inputs])
    names = (FORMATS[job.format].name, FAILURES)
    _prepare(job, names)
    found = list(_listed(job))
    progress = Progress()
    files = [one for one in found if not one.passed_over]
    paths = [one.path for one in files if not one.refused]

    def tell(done: int, all_files: int) -> None:
        progress.stage, progress.files, progress.weight = "reading", done, done
        progress.listed = replace(progress.listed, files=len(files), waiting=all_files, weight=all_files)
        report(progress)

    outcomes = read_on_cluster(plan, paths, job.out, actors=actors, report=tell)
    with _folder(job.out, names) as folder:
        lines = _Lines(files, outcomes)
        write_outputs(lines.lines(), Output(folder, job.format, text=job.text, force=True))
    listed = Listing(files=len(files), waiting=progress.listed.waiting, kept=len(paths) - progress.listed.waiting)
    notes = [f"{one.path}: {one.passed_over}" for one in found if one.passed_over]
    more = [f"and {len(notes) - NOTES:,} more"] if len(notes) > NOTES else []
    # where they are is for people to read, and a ``Path`` would not keep the two slashes of ``s3://``
    records, failures = (cast("Path", posixpath.join(job.out, name)) for name in names)
    return Summary(records, failures, listed, lines.totals(), (*notes[:NOTES], *more))


def _prepare(job: Job, names: Iterable[str]) -> None:
    """Refuse to replace what is not ours; forget what has been done, if that is wanted."""
    if STDIN in job.inputs:
        raise ZongjieError("the standard input is on this machine alone. Name files that the cluster can reach.")
    system, folder = open_system(job.out)
    kept = posixpath.join(folder, FOLDER)
    if job.force and system.exists(kept):
        system.rm(kept, recursive=True)
    elif not job.force and not system.exists(kept):
        for name in names:
            if system.exists(posixpath.join(folder, name)):
                there = posixpath.join(job.out, name)
                raise OutputExists(f"{there} already exists. Give --force to replace it, or choose another folder.")


def _listed(job: Job) -> Iterator[Found]:
    """List the inputs, each file once, in order."""
    taken: set[str] = set()
    for path in job.inputs:
        out = None if is_remote(job.out) else Path(job.out)
        found = _remote(path, job) if is_remote(path) else find_sources([path], leave_out=out, select=job.select)
        for one in found:
            if not one.passed_over and one.real in taken:
                yield one._replace(passed_over="given twice, read once")
            else:
                taken.add(one.real)
                yield one


def _remote(root: str, job: Job) -> Iterator[Found]:
    """List what is at a path of fsspec, by the rules of ``sources``."""
    for path in list_remote(root):
        below = path.removeprefix(root.rstrip("/")).strip("/")
        if not below:  # it was named itself
            yield Found(path, path)
            continue
        parts = below.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if path.startswith(job.out.rstrip("/") + "/"):
            reason = "the output folder"
        elif unread := next(filter(None, map(unread_name, parts)), ""):
            reason = unread
        elif job.select.leaves_out(below, folder=False) or any(job.select.leaves_out(up, folder=True) for up in above):
            reason = "left out by --include and --exclude"
        else:
            reason = ""
        suffix = posixpath.splitext(path)[1].lower()
        yield Found(path, path, refused=suffix not in SUFFIXES, passed_over=reason)


@contextmanager
def _folder(out: str, names: Iterable[str]) -> Iterator[Path]:
    """Give a folder of this machine to write the outputs in, and bring them to where they belong."""
    if not is_remote(out):
        yield Path(out)
        return
    with TemporaryDirectory(prefix="zongjie-") as scratch:
        yield Path(scratch)
        system, folder = open_system(out)
        for name in names:
            here, there = Path(scratch) / name, posixpath.join(folder, name)
            if here.is_dir() and system.exists(there):
                system.rm(there, recursive=True)
            system.put(str(here), there, recursive=here.is_dir())


class _Lines:
    """What goes into the outputs, in the order of the inputs; counts what goes by."""

    def __init__(self, files: Iterable[Found], outcomes: Iterable[Outcome]) -> None:
        self._files = files
        self._outcomes = outcomes
        self.documents = self.without_facts = self.facts = self.failed = 0
        self.left_out = NOTHING_LEFT_OUT

    def lines(self) -> Iterator[Line]:
        groups = groupby(self._outcomes, lambda outcome: outcome.path)
        group = next(groups, None)
        for file in self._files:
            if file.refused:
                self.failed += 1
                yield Line(file.path, failed=True, packed=None)
            elif group and group[0] == file.path:
                for outcome in group[1]:
                    self._count(outcome.piece)
                    yield Line(file.path, outcome.piece.failed, outcome.piece.packed)
                group = next(groups, None)

    def _count(self, piece: Piece) -> None:
        if piece.failed:
            self.failed += 1
            return
        self.documents += 1
        self.without_facts += not piece.facts
        self.facts += piece.facts
        self.left_out += piece.left_out

    def totals(self) -> Totals:
        return Totals(self.documents, self.without_facts, self.facts, self.failed, self.left_out)
