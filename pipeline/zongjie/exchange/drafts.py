"""Records cut into passages, with what the extractor says of them, for a person to look through.

In: records that hold their text. Out: passages of one to a few sentences, each with the extractor's spans, facts and
roles and with how sure it is of them; ``choose`` puts the least sure first. Not for: tables, whose facts have their
names in other cells; passages are cut from running text.

A passage's certainty is 1 less the errors to expect for a character read: what the confidences of its spans, facts and
statements lack of 1, added up, by its length and a little more, for even a short passage takes time to look at.
So the passages first in order are those in which a person's time mends most. Where nothing was found it is 1.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, cast

from zongjie.clauses import split_clauses
from zongjie.corpus import LETTERS, Claim, Clause, GoldError, Passage, Tag
from zongjie.exchange.sheets import NUMBER, STATEMENTS, Mark, Suggestion, role_of
from zongjie.layers import LINK_TYPES, LINKS
from zongjie.reading import Reading
from zongjie.record import ClauseRole, EntityType, Fact, Record, Span
from zongjie.text import Block, Text

_A_LOOK: Final = 50  # characters that a passage counts for besides its own
_LONG: Final = 160  # characters after which a passage takes up no further sentence
_SHINGLE: Final = 8  # characters
_SEEN: Final = 0.6  # share of its shingles that passages chosen before hold, above which a passage is left out
_DIGEST = re.compile(r"[0-9a-f]{64}")

_Place = tuple[str, int, int]  # type, start, end


def suggest(record: Record) -> Iterator[Suggestion]:
    """Cut a record into passages.

    Args:
        record: A record with its text.

    Yields:
        The passages that are not blank, in order; ``id`` is the document's id and where the passage starts. A link to a
        span in another passage is left out, and so is a number whose value could not be read.

    Raises:
        GoldError: If the record has no text.
    """
    if record.text is None:
        said = f"document {record.document.id}: its record has no text"
        raise GoldError(f"{said}. Extract again without --no-text.")
    yield from _Cutter(record, record.text).run()


class _Cutter:
    """One record, in offsets of its view: without furniture, and with lines that a page has broken joined."""

    def __init__(self, record: Record, content: str) -> None:
        self.record = record
        document = record.document
        blocks = tuple(Block(b.kind, b.start, b.end, b.level, b.page) for b in record.blocks)
        self.reading = Reading(Text(content, document.id, document.source, document.media_type, blocks))
        self.tables = [span for b in blocks if b.kind == "table" and (span := self._place(b.start, b.end))]
        self.name = document.id[:12] if _DIGEST.fullmatch(document.id) else document.id
        self.entities = self._placed((e.type, e, e.confidence) for e in record.entities)
        self.facts = self._placed((NUMBER, f.number, f) for f in record.facts)
        self.statements = self._placed(
            (letter, s, s.confidence) for letter, name in STATEMENTS.items() for s in getattr(record, name)
        )

    def run(self) -> Iterator[Suggestion]:
        for start, end in self._groups():
            yield self._suggestion(start, end)

    def _place(self, start: int, end: int) -> tuple[int, int] | None:
        return self.reading.from_content(start, end)

    def _placed(self, items: Iterable[tuple[str, Any, Any]]) -> list[tuple[_Place, Any]]:
        """Give what is in the view, by position, an outer piece before those in it."""
        found = [((kind, *at), said) for kind, piece, said in items if (at := self._place(piece.start, piece.end))]
        return sorted(found, key=lambda item: (item[0][1], -item[0][2]))

    def _groups(self) -> Iterator[tuple[int, int]]:
        """Put neighbouring sentences of a line together until they are long enough; leave tables out."""
        text = self.reading.text
        start: int | None = None
        for begin, end in self.reading.sentences:
            if any(low < end and begin < high for low, high in self.tables):
                start = None
                continue
            start = begin if start is None else start
            following = end < len(text) and end - start < _LONG and text[end - 1] != "\n"
            if following and not any(low <= end < high for low, high in self.tables):
                continue
            piece = text[start:end]
            if piece.strip():
                yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
            start = None

    def _suggestion(self, start: int, end: int) -> Suggestion:
        text = self.reading.text[start:end]
        facts = [(at, fact) for at, fact in _within(self.facts, start, end) if fact.value is not None]
        stated = {at for at, _ in facts}
        entities = [(at, sure) for at, sure in _within(self.entities, start, end) if at[0] != NUMBER or at in stated]
        statements = [(at, sure) for at, sure in self.statements if at[1] < end and start < at[2]]
        tags: dict[_Place, Tag] = {}
        counts = dict.fromkeys(LETTERS, 0)
        for (label, low, high), _ in entities:
            type_ = cast(EntityType, label)
            counts[type_] += 1
            id_ = f"{LETTERS[type_]}{counts[type_]}"
            place = {"start": low - start, "end": high - start, "text": text[low - start : high - start]}
            tags[label, low, high] = Tag(id=id_, type=type_, **place)
        marks = [Mark("", cast(ClauseRole, role), low - start, high - start) for (role, low, high), _ in statements]
        passage = Passage(
            id=f"{self.name}-{start}",
            source=self.record.document.source,
            text=text,
            entities=tuple(tags.values()),
            facts=tuple(self._claim(tags[at], fact, tags) for at, fact in facts if at in tags),
            clauses=tuple(Clause(start=a, end=b, role=role_of(a, b, marks)) for a, b in split_clauses(text)),
        )
        sure = [c for _, c in (*entities, *statements)] + [fact.confidence for _, fact in facts]
        return Suggestion(Passage.from_dict(passage.to_dict()), _certainty(sure, len(text)))

    def _claim(self, number: Tag, fact: Fact, tags: dict[_Place, Tag]) -> Claim:
        links = {}
        for role in LINKS:
            piece: Span | None = getattr(fact, role)
            at = self._place(piece.start, piece.end) if piece else None
            if at and (tag := tags.get((LINK_TYPES.get(role, role.upper()), *at))):
                links[role] = tag.id
        return Claim(number=number.id, **links, status=fact.status, kind=fact.kind, value=fact.value)


def _within(items: Sequence[tuple[_Place, Any]], start: int, end: int) -> list[tuple[_Place, Any]]:
    """Give the items that lie wholly in a range."""
    low = bisect_left(items, start, key=lambda item: item[0][1])
    high = bisect_right(items, end, key=lambda item: item[0][1])
    return [item for item in items[low:high] if item[0][2] <= end]


def _certainty(confidences: Iterable[float | None], chars: int) -> float:
    return max(0.0, 1 - sum(1 - c for c in confidences if c is not None) / (chars + _A_LOOK))


def choose(suggestions: Iterable[Suggestion], limit: int | None = None) -> list[Suggestion]:
    """Choose what a person should look at first.

    Args:
        suggestions: Passages of any number of documents.
        limit: How many at most; all if not given.

    Returns:
        The least certain first, those of one certainty in the order in which they were given. A passage that mostly
        says what those before it say, digits and punctuation aside, is left out.
    """
    chosen: list[Suggestion] = []
    seen: set[str] = set()
    for suggestion in sorted(suggestions, key=lambda s: 1.0 if s.certainty is None else s.certainty):
        if len(chosen) == limit:
            break
        shingles = _shingles(suggestion.passage.text)
        if len(shingles & seen) <= _SEEN * len(shingles) and shingles:
            chosen.append(suggestion)
            seen |= shingles
    return chosen


def _shingles(text: str) -> set[str]:
    """Give the runs of letters of a fixed length that a text has; a shorter text is one run."""
    letters = "".join(char for char in text if char.isalpha())
    return {letters[at : at + _SHINGLE] for at in range(max(1, len(letters) - _SHINGLE + 1))} - {""}
