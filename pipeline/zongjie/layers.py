"""What makers fill: spans, clause roles and links, beside the reading that they look at.

In: a ``Draft``, or a spaCy ``Doc`` that ``language`` has made. Out: its reading and its layers. spaCy is not imported
here: a record needs none of it, and it takes longer to import than a short document to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from zongjie.reading import Reading
from zongjie.record import ClauseRole, Kind, Status
from zongjie.text import Mention, Text

if TYPE_CHECKING:
    from spacy.tokens import Doc


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and what it is for: measure, result, target, issue or other."""

    start: int
    end: int
    role: ClauseRole
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One fact as a maker leaves it: a NUMBER, the spans that belong to it, status and kind. Not yet parsed.

    For a cell of a table, ``unit`` is what its headings say that it is counted in (``None`` for any other number) and
    ``labels`` are further headings that name it.
    """

    number: Mention
    metric: Mention | None = None
    action: Mention | None = None
    time: Mention | None = None
    place: Mention | None = None
    school: Mention | None = None
    program: Mention | None = None
    base: Mention | None = None
    status: Status = "actual"
    kind: Kind = "level"
    confidence: float | None = None
    unit: str | None = None
    labels: tuple[Mention, ...] = ()


LinkName = Literal["metric", "action", "time", "place", "school", "program", "base"]  # what a ``Link`` may hold
LINKS: tuple[LinkName, ...] = get_args(LinkName)
LINK_TYPES = {"base": "NUMBER"}  # the type of what it holds, where it is not named after it


@dataclass(slots=True)
class Layers:
    """The three layers that makers fill, all in offsets of the view (``Reading.text``).

    Attributes:
        mentions: Spans.
        links: Facts, not yet parsed.
        clauses: Clauses with their roles.
        confidence: Chance that a mention is right, where its maker knows one.
        notes: What a maker keeps of a document between its three steps, by the maker's own key.
    """

    mentions: list[Mention] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    confidence: dict[Mention, float] = field(default_factory=dict)
    notes: dict[object, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A document on its way to a record.

    Attributes:
        reading: What can be read off its text.
        layers: What makers have said of it.
    """

    reading: Reading
    layers: Layers = field(default_factory=Layers)


D = TypeVar("D", bound="Doc | Draft")  # what makers take and give back


def reading(doc: Doc | Draft) -> Reading:
    """Give a document's reading, made on first use for a ``Doc`` that a plain spaCy pipeline made.

    Args:
        doc: A draft, or any ``Doc``.

    Returns:
        Its reading.
    """
    if isinstance(doc, Draft):
        return doc.reading
    if doc._.reading is None:
        doc._.reading = Reading(Text.of(doc.text))
    return doc._.reading  # type: ignore[no-any-return]


def layers(doc: Doc | Draft) -> Layers:
    """Give a document's layers, empty on first use.

    Args:
        doc: A draft, or any ``Doc``.

    Returns:
        Its layers, to be filled in place by the makers.
    """
    if isinstance(doc, Draft):
        return doc.layers
    if doc._.layers is None:
        doc._.layers = Layers()
    return doc._.layers  # type: ignore[no-any-return]
