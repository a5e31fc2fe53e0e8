"""What the model reads: a document cut into windows, its characters as ids, and beside them what the grammar says.

In: a reading, and the grammar's layers for it. Out: ``Window``s of arrays. The same code serves training and use, so a
model never sees in use what it did not see in training. Not for: the network (``training.network``) or its scores
(``decoding``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from zongjie.alphabet import Alphabet, Ids
from zongjie.layers import Clause, Link
from zongjie.reading import Reading
from zongjie.record import ClauseRole, EntityType, Kind, Status
from zongjie.rules import find_links, find_roles, find_spans
from zongjie.rules.roles import VOICES, voices
from zongjie.text import Mention

TYPES: tuple[EntityType, ...] = get_args(EntityType)
ROLES: tuple[ClauseRole, ...] = get_args(ClauseRole)
STATUSES: tuple[Status, ...] = get_args(Status)
KINDS: tuple[Kind, ...] = get_args(Kind)

# Columns of marks: one a span type, then role, voice, label, status and kind of the grammar's facts.
_ROLE, VOICE, _LABEL, _STATUS, _KIND = range(len(TYPES), len(TYPES) + 5)
COLUMNS = len(TYPES) + 5
_SHAPES = 4  # first, inner, last and only character of a span
_IDS = [1 + _SHAPES * i for i in range(len(TYPES) + 1)]
_ROLE_ID = _IDS[-1]
VOICE_ID = _ROLE_ID + len(ROLES)
_LABEL_ID = VOICE_ID + len(VOICES)
_STATUS_ID = _LABEL_ID + 1
_KIND_ID = _STATUS_ID + len(STATUSES)
MARKS = _KIND_ID + len(KINDS)  # how many ids there are, 0 for nothing included

Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Said:
    """What the grammar says of a whole view.

    Attributes:
        mentions: The spans.
        clauses: The clauses with their roles.
        links: The facts.
        denied: What looks like a span and is none.
    """

    mentions: list[Mention]
    clauses: list[Clause]
    links: list[Link]
    denied: list[Mention]

    @classmethod
    def of(cls, reading: Reading) -> Said:
        """Ask the grammar.

        Args:
            reading: The reading of a text.

        Returns:
            Its three layers, and what it denies.
        """
        mentions = find_spans(reading)
        clauses = find_roles(reading, mentions)
        return cls(mentions, clauses, find_links(reading, mentions, clauses), reading.areas.named)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a view.

    Attributes:
        start: First character in the view.
        end: One past the last.
        ids: Characters, (length,).
        marks: What the grammar says, (length, COLUMNS).
    """

    start: int
    end: int
    ids: Ids
    marks: Array


def marks_of(reading: Reading, said: Said) -> Array:
    """Write what the grammar says beside every character.

    Args:
        reading: The reading of a text.
        said: The grammar's layers for it.

    Returns:
        Ids below ``MARKS``, (length of the view, COLUMNS); 0 is nothing.
    """
    marks: Array = np.zeros((len(reading.text), COLUMNS), np.int64)
    for m in said.mentions:
        kind = TYPES.index(m.type)
        first = _IDS[kind]
        marks[m.start : m.end, kind] = first + 1
        marks[m.end - 1, kind] = first + 2
        marks[m.start, kind] = first if m.end - m.start > 1 else first + 3
    for c in said.clauses:
        marks[c.start : c.end, _ROLE] = _ROLE_ID + ROLES.index(c.role)
        for voice in voices(reading, c.start):
            marks[c.start : c.end, VOICE] = VOICE_ID + VOICES.index(voice)
    for start, end in reading.labels:
        marks[start:end, _LABEL] = _LABEL_ID
    for link in said.links:
        here = slice(link.number.start, link.number.end)
        marks[here, _STATUS] = _STATUS_ID + STATUSES.index(link.status)
        marks[here, _KIND] = _KIND_ID + KINDS.index(link.kind)
    return marks


def windows(reading: Reading, said: Said, alphabet: Alphabet, *, longest: int) -> list[Window]:
    """Cut a document into windows.

    Args:
        reading: The reading of a text.
        said: The grammar's layers for it.
        alphabet: The model's characters.
        longest: Most characters in a window.

    Returns:
        Windows in order that together hold every character once.
    """
    if not reading.text:
        return []
    ids, marks = alphabet.encode(reading.text), marks_of(reading, said)
    ranges = _ranges(reading.sentences, reading.clauses, longest)
    return [Window(start, end, ids[start:end], marks[start:end]) for start, end in ranges]


def _ranges(
    sentences: Sequence[tuple[int, int]], clauses: Sequence[tuple[int, int]], longest: int
) -> Iterator[tuple[int, int]]:
    """Pack whole sentences into ranges; a sentence that is too long is cut behind a clause, else anywhere."""
    ends = [end for _, end in sentences]
    clause_ends = [end for _, end in clauses]
    start = done = 0
    for end in ends:
        if end - start <= longest:
            done = end
            continue
        if done > start:
            yield start, done
            start = done
        while end - start > longest:
            i = int(np.searchsorted(clause_ends, start + longest, side="right")) - 1
            cut = clause_ends[i] if i >= 0 and clause_ends[i] > start else start + longest
            yield start, cut
            start = cut
        done = end
    if done > start:
        yield start, done
