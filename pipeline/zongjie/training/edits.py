"""The one way in which an annotated passage changes: replacements, with spans, values and roles carried along.

In: a ``Passage`` and ``Edit``s. Out: the passage over its new text. Not for: choosing what to replace (``augment``).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from zongjie.clauses import split_clauses
from zongjie.corpus import Claim, Clause, Passage, Tag
from zongjie.quantity import parse_quantity
from zongjie.record import ClauseRole, Value


@dataclass(frozen=True, slots=True)
class Edit:
    """A replacement: ``text`` takes the place of the characters from ``start`` up to ``end``."""

    start: int
    end: int
    text: str


class _Moves:
    """Where the positions of a text are after some edits, given in order."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self.edits = edits
        self.starts = [edit.start for edit in edits]
        self.shifts = [0, *accumulate(len(edit.text) - (edit.end - edit.start) for edit in edits)]

    def __call__(self, at: int) -> int:
        """Move a position; one inside of an edit comes to its end."""
        index = bisect_right(self.starts, at)
        if index and at < self.edits[index - 1].end:
            if at == self.edits[index - 1].start:
                return at + self.shifts[index - 1]
            at = self.edits[index - 1].end
        return at + self.shifts[index]


def edited(passage: Passage, edits: Iterable[Edit]) -> Passage | None:
    """Apply edits to a passage and carry its spans, values and roles along.

    Args:
        passage: A valid passage.
        edits: Replacements in any order. One that overlaps an earlier one, or in which a span begins or ends, is left
            out: an edit lies in a span, is the span, or lies outside.

    Returns:
        The passage with the same spans and facts over the new text; ``None`` if a NUMBER's new value cannot be told.
    """
    edges = {edge for tag in passage.entities for edge in (tag.start, tag.end)}
    kept: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: edit.start):
        disjoint = not kept or kept[-1].end <= edit.start
        if disjoint and edges.isdisjoint(range(edit.start + 1, edit.end)) and edit.start < edit.end:
            kept.append(edit)
    if not kept:
        return passage
    text, done = "", 0
    for edit in kept:
        text += passage.text[done : edit.start] + edit.text
        done = edit.end
    text += passage.text[done:]
    moved = _Moves(kept)
    tags = tuple(_tag(tag, text, moved(tag.start), moved(tag.end)) for tag in passage.entities)
    surfaces = {old.id: (old.text, new.text) for old, new in zip(passage.entities, tags, strict=True)}
    facts: list[Claim] = []
    for claim in passage.facts:
        value = revalued(claim.value, *surfaces[claim.number])
        if value is None:
            return None
        facts.append(claim.model_copy(update={"value": value}))
    old = [(moved(clause.start), moved(clause.end), clause.role) for clause in passage.clauses]
    clauses = tuple(Clause(start=s, end=e, role=_role(s, e, old)) for s, e in split_clauses(text))
    return passage.model_copy(update={"text": text, "entities": tags, "facts": tuple(facts), "clauses": clauses})


def _tag(tag: Tag, text: str, start: int, end: int) -> Tag:
    return tag.model_copy(update={"start": start, "end": end, "text": text[start:end]})


def revalued(value: Value, old: str, new: str) -> Value | None:
    """Give the value of a NUMBER that is written anew.

    Args:
        value: Its value so far.
        old: Its words so far.
        new: Its new words.

    Returns:
        The value, or ``None`` where the words do not say it all.
    """
    if old == new:
        return value
    before, after = parse_quantity(old), parse_quantity(new)
    if before == after:
        return value
    if before is None or after is None or (before.low, before.high, before.flag) != (value.low, value.high, value.flag):
        return None
    if (before.unit, before.flag, before.kind) != (after.unit, after.flag, after.kind):
        return None
    # the unit may stand elsewhere, in the list or before the bracket
    return Value(low=after.low, high=after.high, unit=value.unit, flag=value.flag)


def _role(start: int, end: int, old: Sequence[tuple[int, int, ClauseRole]]) -> ClauseRole:
    """Give the role of the last old clause that lies in a range, else of the one that shares most with it."""
    within = [role for s, e, role in old if start <= s < e <= end]
    return within[-1] if within else max(old, key=lambda c: min(end, c[1]) - max(start, c[0]))[2]
