"""Mentions in order, quick to look up by place.

In: mentions. Out: those in a range, or the last before a place. Not for: finding or linking them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from zongjie.text import Mention


class Ordered:
    """Mentions in order, to be asked for by place; usually those of one type."""

    def __init__(self, mentions: Iterable[Mention]) -> None:
        self.all = sorted(mentions)
        self.starts = [m.start for m in self.all]

    def within(self, start: int, end: int) -> Sequence[Mention]:
        """Give the mentions that start in a range."""
        return self.all[bisect_left(self.starts, start) : bisect_left(self.starts, end)]

    def inside(self, start: int, end: int) -> list[Mention]:
        """Give the mentions that lie wholly in a range."""
        return [m for m in self.within(start, end) if m.end <= end]

    def last_before(self, position: int, *, since: int) -> Mention | None:
        """Give the last mention that ends at or before a position and starts at or after another."""
        i = bisect_left(self.starts, position) - 1
        while i >= 0 and self.all[i].start >= since:
            if self.all[i].end <= position:
                return self.all[i]
            i -= 1
        return None
