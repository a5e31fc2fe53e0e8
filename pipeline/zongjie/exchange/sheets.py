"""A passage as annotation tools hold it: marks on a text, arcs between them. The one form that all tools share.

In: a ``Passage``, or what a person has made of it in a tool. Out: the other. Tools know no facts, so a fact is a mark
on its NUMBER (one mark for each fact, so that a NUMBER with several facts is marked several times), with arcs to the
spans that belong to it. A clause is a mark with its role; role ``O`` is not marked. Not for: the formats themselves.

What a person leaves open is filled in: a missing value is read from the number's text, a missing status and kind are
what the grammar makes of the marks, a clause without a mark is ``O``. Ids are given anew, from 1 for each type, in the
order of the text. What cannot be taken is a ``GoldError`` that names file, task, what, and what mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, cast, get_args

from zongjie.clauses import split_clauses
from zongjie.corpus import LETTERS, Claim, Clause, GoldError, Passage, Tag, format_value, parse_value
from zongjie.layers import LINK_TYPES, LINKS, Link, LinkName
from zongjie.layers import Clause as Role
from zongjie.quantity import parse_quantity
from zongjie.reading import Reading
from zongjie.record import ClauseRole, EntityType, Kind, Status, Value
from zongjie.rules import find_links
from zongjie.text import Mention, Text
from zongjie.writers.tables import ROLES as LISTS

NUMBER: Final = "NUMBER"
TYPES: Final[tuple[EntityType, ...]] = get_args(EntityType)
ROLES: Final[tuple[ClauseRole, ...]] = get_args(ClauseRole)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
OTHER: Final = "O"
STATEMENTS: Final[Mapping[ClauseRole, str]] = {cast(ClauseRole, name[0].upper()): name for name in LISTS}
"""The record's list of the statements of each role."""

_ROLE_OF: Final[Mapping[str, LinkName]] = {LINK_TYPES.get(role, role.upper()): role for role in LINKS}

Label = EntityType | ClauseRole


class Suggestion(NamedTuple):
    """A passage to look through.

    Attributes:
        passage: What is said of it.
        certainty: How sure the extractor is of that, from 0 to 1; ``None`` if a person has said it.
    """

    passage: Passage
    certainty: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked piece of a text.

    Attributes:
        key: What the tool calls it.
        label: The type of a span, or the role of a clause.
        start: First character.
        end: One past the last.
        status: Of a NUMBER: what its fact says; ``None`` if it is left open.
        kind: Likewise.
        value: Likewise, as ``LOW|HIGH|UNIT|FLAG``.
    """

    key: str
    label: Label
    start: int
    end: int
    status: Status | None = None
    kind: Kind | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Arc:
    """An arrow from the mark of a NUMBER to what belongs to it; ``role`` may be left open, for the types tell it."""

    source: str
    target: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One passage as a tool holds it.

    Attributes:
        id: The passage's id.
        source: Where it comes from.
        text: The passage.
        marks: Spans by position and then clauses by position, as exported; in any order, as imported.
        arcs: The links of the facts.
    """

    id: str
    source: str
    text: str
    marks: tuple[Mark, ...]
    arcs: tuple[Arc, ...]


def to_sheet(passage: Passage) -> Sheet:
    """Lay a passage out in marks and arcs.

    Args:
        passage: Any passage whose units have no ``|``.

    Returns:
        Its marks; the key of a span is its id, with ``.2``, ``.3`` behind it for the further facts of a NUMBER; the key
        of a clause is ``C`` and its place in the order.

    Raises:
        GoldError: If a value cannot be written.
    """
    claims: dict[str, list[tuple[str, Claim]]] = {}
    for claim in passage.facts:
        own = claims.setdefault(claim.number, [])
        own.append((claim.number if not own else f"{claim.number}.{len(own) + 1}", claim))
    marks: list[Mark] = []
    arcs: list[Arc] = []
    for tag in passage.entities:
        for key, claim in claims.get(tag.id, ()):
            value = written(passage.id, claim.value)
            marks.append(Mark(key, NUMBER, tag.start, tag.end, claim.status, claim.kind, value))
            arcs += [Arc(key, id_, role) for role, id_ in claim.links().items()]
        if tag.id not in claims:
            marks.append(Mark(tag.id, tag.type, tag.start, tag.end))
    for place, clause in enumerate(passage.clauses, 1):
        if clause.role != OTHER:
            marks.append(Mark(f"C{place}", clause.role, *_trimmed(passage.text, clause.start, clause.end)))
    return Sheet(passage.id, passage.source, passage.text, tuple(marks), tuple(arcs))


def written(id_: str, value: Value) -> str:
    """Write a value so that it can be read back.

    Args:
        id_: The passage's id, for the message.
        value: A value.

    Returns:
        ``LOW|HIGH|UNIT|FLAG``.

    Raises:
        GoldError: If its unit holds what parts the fields, or ends a line.
    """
    if "|" in value.unit or value.unit != " ".join(value.unit.split()):
        said = f"passage {id_}: the unit {value.unit!r} holds '|' or white space"
        raise GoldError(f"{said}, which annotation tools cannot be given. Use the format jsonl.")
    return format_value(value)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave white space at the edges of a clause out of its mark."""
    piece = text[start:end]
    if not piece.strip():
        return start, end
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def from_sheet(sheet: Sheet, where: str) -> Passage:
    """Make a passage of what stands in a tool.

    Args:
        sheet: Marks and arcs, as a person has left them.
        where: File and task, for messages.

    Returns:
        The passage, checked.

    Raises:
        GoldError: If it contradicts itself, or a value cannot be read.
    """
    try:
        return _Collector(sheet).run()
    except GoldError as error:
        said = str(error).removeprefix(f"passage {sheet.id}: ")
        raise GoldError(f"{where}: passage {sheet.id}: {said}") from error


class _Collector:
    """One sheet on its way to a passage."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.text = sheet, sheet.text
        self.marks = {mark.key: mark for mark in sheet.marks}
        if len(self.marks) < len(sheet.marks):
            raise GoldError("two marks have one id; give each an id of its own.")
        if any("\ud800" <= char <= "\udfff" for char in self.text):
            raise GoldError("its text holds halves of characters (lone surrogates). Export the passage again.")
        self.clauses = self._clauses()
        self.spans = self._spans()
        self.tags = dict(self._tags())
        self.links = self._links()

    def run(self) -> Passage:
        claims = [claim for mark in self.spans if mark.label == NUMBER for claim in self._claims(mark)]
        row = Passage(
            id=self.sheet.id,
            source=self.sheet.source,
            text=self.text,
            entities=tuple(self.tags.values()),
            facts=tuple(dict.fromkeys(claims)),
            clauses=self.clauses,
        )
        return Passage.from_dict(row.to_dict())

    def _clauses(self) -> tuple[Clause, ...]:
        said = [mark for mark in self.sheet.marks if mark.label in ROLES]
        return tuple(
            Clause(start=start, end=end, role=role_of(start, end, said)) for start, end in split_clauses(self.text)
        )

    def _spans(self) -> list[Mark]:
        """The marks of spans in order, METRIC before what it holds where both have one extent."""
        spans = []
        for mark in self.sheet.marks:
            if not 0 <= mark.start < mark.end <= len(self.text):
                raise GoldError(f"the mark {mark.key} stands at {mark.start} to {mark.end}, outside of the text.")
            if mark.label not in ROLES:
                spans.append(mark)
        return sorted(spans, key=lambda mark: (mark.start, -mark.end, _RANK[mark.label]))

    def _tags(self) -> Iterator[tuple[tuple[str, int, int], Tag]]:
        """Make one span of all marks of one type on one piece, numbered from 1."""
        counts = dict.fromkeys(TYPES, 0)
        for label, start, end in dict.fromkeys(map(_extent, self.spans)):
            type_ = cast(EntityType, label)
            counts[type_] += 1
            id_ = f"{LETTERS[type_]}{counts[type_]}"
            yield (label, start, end), Tag(id=id_, type=type_, start=start, end=end, text=self.text[start:end])

    def _claims(self, mark: Mark) -> Iterator[Claim]:
        """Make the facts of one mark: one, or where several METRICs are linked, one for each of them."""
        links: dict[LinkName, list[str]] = {}
        for role, target in self.links.get(mark.key, ()):
            if target not in (others := links.setdefault(role, [])):
                others.append(target)
        quoted = self.text[mark.start : mark.end]
        for role, targets in links.items():
            if role != "metric" and len(targets) > 1:
                raise GoldError(f"{quoted!r} has {len(targets)} arrows to a {role}; a fact has one. Delete the others.")
        status, kind = self._judged(mark)
        value = self._value(mark, quoted)
        order = {tag.id: place for place, tag in enumerate(self.tags.values())}
        rest = {role: targets[0] for role, targets in links.items() if role != "metric"}
        for metric in sorted(links.get("metric", ()), key=order.__getitem__) or (None,):
            id_ = self.tags[_extent(mark)].id
            yield Claim(number=id_, metric=metric, **rest, status=status, kind=kind, value=value)

    def _links(self) -> dict[str, list[tuple[LinkName, str]]]:
        """Give role and id of what the arcs of each mark lead to; an arc drawn the wrong way round is turned."""
        links: dict[str, list[tuple[LinkName, str]]] = {}
        for arc in self.sheet.arcs:
            ends = [self._end(key) for key in (arc.source, arc.target)]
            if ends[0].label != NUMBER:
                ends.reverse()
            source, target = ends
            quoted = self.text[target.start : target.end]
            if source.label != NUMBER or target.label in ROLES:
                pair = f"{self.text[source.start : source.end]!r} and {quoted!r}"
                raise GoldError(f"the arrow between {pair} joins no NUMBER with a span. Delete it.")
            role = _ROLE_OF[target.label]
            if arc.role not in (None, role):
                said = f"the arrow to {quoted!r} says {arc.role}, but that is a {target.label}"
                raise GoldError(f"{said}. Change the one or the other; expected {role}.")
            links.setdefault(source.key, []).append((role, self.tags[_extent(target)].id))
        return links

    def _end(self, key: str) -> Mark:
        if key not in self.marks:
            raise GoldError(f"an arrow leads to {key}, but nothing is marked so. Delete the arrow.")
        return self.marks[key]

    def _value(self, mark: Mark, quoted: str) -> Value:
        if mark.value:
            return parse_value(mark.value)
        quantity = parse_quantity(quoted)
        if quantity is None:
            said = f"the number {quoted!r} has no value and cannot be read"
            raise GoldError(f"{said}. Mark the number alone, or write its value as LOW|HIGH|UNIT|FLAG.")
        return Value(low=quantity.low, high=quantity.high, unit=quantity.unit, flag=quantity.flag)

    def _judged(self, mark: Mark) -> tuple[Status, Kind]:
        """Give status and kind, what is left open as the grammar sees it."""
        if mark.status and mark.kind:
            return mark.status, mark.kind
        link = self._by_grammar.get(_extent(mark))
        status, kind = (link.status, link.kind) if link else (STATUSES[0], KINDS[0])
        return mark.status or status, mark.kind or kind

    @cached_property
    def _by_grammar(self) -> dict[tuple[str, int, int], Link]:
        """What the grammar makes of the marks, by the extent of the NUMBER."""
        reading = Reading(Text.of(self.text))
        shown = {Mention(*span, at[0]): at for at in self.tags if (span := reading.from_content(*at[1:]))}
        roles = [Role(*span, c.role) for c in self.clauses if (span := reading.from_content(c.start, c.end))]
        return {shown[link.number]: link for link in reversed(find_links(reading, sorted(shown), roles))}


_RANK: Final[Mapping[str, tuple[bool, int]]] = {label: (label != "METRIC", place) for place, label in enumerate(TYPES)}


def _extent(mark: Mark) -> tuple[str, int, int]:
    return mark.label, mark.start, mark.end


def role_of(start: int, end: int, marks: Iterable[Mark]) -> ClauseRole:
    """Give a clause the role of the mark that shares most characters with it.

    Args:
        start: The clause's first character.
        end: One past its last.
        marks: Marks with roles, which need not end where clauses end.

    Returns:
        The role; ``O`` if no mark covers half of the clause, and none lies by half in it.
    """
    best, most = OTHER, 0
    for mark in marks:
        shared = min(end, mark.end) - max(start, mark.start)
        if shared > most and 2 * shared >= min(end - start, mark.end - mark.start):
            best, most = mark.label, shared
    return cast(ClauseRole, best)
