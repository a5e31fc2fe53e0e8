"""The grammar maker: spans, clause roles and facts from ``configs/`` alone, no weights that cannot be read.

In: a ``Draft`` or a ``Doc``. Out: the same one with its three layers filled. Three verbs, as every maker has them:
``mark_spans``, ``assign_roles``, ``link_facts``; each needs only what the earlier ones have left, whoever made it.
"""

from __future__ import annotations

from collections.abc import Iterable

from zongjie.layers import D, layers, reading
from zongjie.reading import Reading
from zongjie.rules.links import find_links
from zongjie.rules.metrics import mark_metrics
from zongjie.rules.names import find_programs, find_schools
from zongjie.rules.roles import find_roles
from zongjie.text import Mention

__all__ = ["assign_roles", "find_links", "find_roles", "find_spans", "link_facts", "mark_spans"]


def mark_spans(doc: D) -> D:
    """Mark spans of all seven types.

    Args:
        doc: A draft, or any ``Doc``.

    Returns:
        The same, its mentions replaced.
    """
    layers(doc).mentions = find_spans(reading(doc))
    return doc


def assign_roles(doc: D) -> D:
    """Give every clause its role.

    Args:
        doc: A draft or ``Doc`` whose spans are marked.

    Returns:
        The same, its clauses replaced.
    """
    marks = layers(doc)
    marks.clauses = find_roles(reading(doc), marks.mentions)
    return doc


def link_facts(doc: D) -> D:
    """Link every number to what belongs to it.

    Args:
        doc: A draft or ``Doc`` whose spans are marked and whose clauses have roles.

    Returns:
        The same, its links replaced.
    """
    marks = layers(doc)
    marks.links = find_links(reading(doc), marks.mentions, marks.clauses)
    return doc


def find_spans(reading: Reading) -> list[Mention]:
    """Find spans of all seven types in a view.

    Names come first: a number or a place inside a name is part of the name (第35中学, 《…50条》).

    Args:
        reading: The reading of a text.

    Returns:
        Mentions in order; METRIC may hold PROGRAM, nothing crosses.
    """
    text = reading.text
    counts = {q.start: q.end for q in reading.quantities if q.quantity.unit}
    counted = {i for q in reading.quantities for i in range(q.start + 1, q.end)}
    schools = [s for s in find_schools(text) if s.start not in counted]
    taken = _Cover(schools)
    programs = [
        # a number at its head counts the programme and is no part of it (3轮‹爱国卫生专项行动›)
        Mention(counts.get(p.start, p.start), p.end, p.type) if counts.get(p.start, p.end) < p.end else p
        for p in find_programs(text)
        if p.start not in counted and not taken.touches(p.start, p.end)
    ]
    names = _Cover([*schools, *programs])
    times = [Mention(p.start, p.end, "TIME") for p in reading.periods if not names.holds(p.start, p.end)]
    numbers = [Mention(q.start, q.end, "NUMBER") for q in reading.quantities if not names.holds(q.start, q.end)]
    solid = _Cover([*schools, *programs, *times, *numbers])
    places = [p for p in reading.areas.meant if not solid.touches(p.start, p.end)]
    fixed = sorted([*schools, *programs, *times, *places])
    metrics = mark_metrics(text, numbers, fixed, reading.clauses)
    around = _Cover(m for m in metrics if m.type == "METRIC")
    places = [p for p in places if not around.holds(p.start, p.end)]
    schools = [s for s in schools if not around.holds(s.start, s.end)]
    return _uncrossed([numbers, times, schools, programs, places, metrics])


def _uncrossed(groups: Iterable[Iterable[Mention]]) -> list[Mention]:
    """Put mentions together, the most trusted first; one that crosses a more trusted one is left out."""
    starts: dict[int, int] = {}  # every inner character of a kept mention → where that mention starts
    ends: dict[int, int] = {}
    kept: set[Mention] = set()
    for m in (m for group in groups for m in group):
        cut_in = ends.get(m.start, m.end) < m.end  # begins inside another and runs on behind it
        cut_out = starts.get(m.end, m.start) > m.start  # begins before another and ends inside it
        if not (cut_in or cut_out):
            kept.add(m)
            for i in range(m.start + 1, m.end):
                starts[i] = min(m.start, starts.get(i, m.start))
                ends[i] = max(m.end, ends.get(i, m.end))
    return sorted(kept)


class _Cover:
    """A set of ranges that can say quickly whether it holds or touches another."""

    def __init__(self, mentions: Iterable[Mention]) -> None:
        self.covered: dict[int, int] = {}
        for m in mentions:
            for i in range(m.start, m.end):
                self.covered[i] = max(m.end, self.covered.get(i, 0))

    def touches(self, start: int, end: int) -> bool:
        """Say whether any character of a range is covered."""
        return any(i in self.covered for i in range(start, end))

    def holds(self, start: int, end: int) -> bool:
        """Say whether one range covers the whole of another."""
        return self.covered.get(start, -1) >= end
