"""How far a run is, for a person who waits: a bar on a terminal, else a line every few seconds, on the standard error.

In: ``batch.Progress``, several times a second. Out: what is shown. Not for: the outcome, which ``cli`` says at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zongjie.batch import Progress

_EVERY = 5.0  # seconds between lines
_FIRST = 2.0  # seconds before anything is shown


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """Show progress while the block runs.

    Yields:
        The function to tell how far it is.
    """
    if sys.stderr.isatty():
        with _bar() as show:
            yield show
    else:
        yield _lines()


def _lines() -> Callable[[Progress], None]:
    """Print a line every few seconds, and one when the stage changes; a short run prints none."""
    clock = _Clock()
    last, stage = clock.began + _FIRST - _EVERY, ""

    def show(progress: Progress) -> None:
        nonlocal last, stage
        now = time.monotonic()
        changed = progress.stage != stage and now - clock.began > _FIRST
        if changed or now - last >= _EVERY:
            last, stage = now, progress.stage
            print(clock.say(progress), file=sys.stderr, flush=True)  # noqa: T201

    return show


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich import progress as rich
    from rich.console import Console

    clock = _Clock()
    columns = (
        rich.BarColumn(bar_width=24),
        rich.TaskProgressColumn(),
        rich.TextColumn("{task.description}", markup=False),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4) as bar:
        task = bar.add_task("", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=clock.say(progress),
                completed=progress.weight,
                total=progress.listed.weight or None,
            )

        yield show


class _Clock:
    """Rates and time left."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._reading = 0.0

    def say(self, progress: Progress) -> str:
        """Say how far it is, on one line."""
        if progress.stage != "reading":
            return f"listing: {progress.files:,} files" if progress.stage == "listing" else "writing the outputs"
        now = time.monotonic()
        self._reading = self._reading or now
        took, listed = now - self._reading, progress.listed
        said = f"{progress.files:,} of {listed.waiting:,} files"
        if progress.failed:
            said += f", {progress.failed:,} failed"
        if took > 1 and progress.documents:
            said += f", {progress.documents / took:,.1f} documents/s, {progress.chars / took:,.0f} characters/s"
        if took > 1 and progress.weight:
            said += f", {_span(took * (listed.weight - progress.weight) / progress.weight)} left"
        return said


def _span(seconds: float) -> str:
    """Write a span of time in its two largest units."""
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 1:
        return f"{int(hours)} h {int(minutes % 60)} min"
    return f"{int(minutes)} min {int(seconds % 60)} s" if minutes >= 1 else f"{int(seconds)} s"
