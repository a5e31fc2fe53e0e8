"""From an annotated ``Draft`` or ``Doc`` to a ``Record``: the only place where a number is parsed for output.

In: one whose three layers are filled. Out: a ``Record``. 今年 and 全市 are resolved here, from the document's own
date and region and never from the clock; clauses are joined into measures, results, targets and issues here; offsets of
the view become offsets of the content here.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from zongjie import record as out
from zongjie.gazetteer import resolve_place
from zongjie.layers import LINKS, Clause, Draft, Layers, Link, layers, reading
from zongjie.naming import Stated, full_names, negation, preposition
from zongjie.quantity import parse_quantity
from zongjie.reading import Reading
from zongjie.text import Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc

_STATEMENTS = {"M": ("measures", "m"), "R": ("results", "r"), "T": ("targets", "t"), "I": ("issues", "i")}
_EDGE = " \t\n\r\f\v\u3000\xa0，,。.；;、！!？?：:"
_QUOTES = {"“": "”", "《": "》", "‘": "’", '"': '"'}


class LeftOut(NamedTuple):
    """How much of a document was less sure than asked for."""

    entities: int = 0
    facts: int = 0
    statements: int = 0

    def __add__(self, other: LeftOut) -> LeftOut:  # type: ignore[override]
        """Add up, count by count."""
        return LeftOut(*map(sum, zip(self, other, strict=True)))


NOTHING_LEFT_OUT = LeftOut()


def sift(doc: Doc | Draft, at_least: float) -> LeftOut:
    """Leave out of the layers what is less sure than asked for; what has no confidence stays.

    Args:
        doc: A draft or ``Doc`` whose layers are filled; they are changed.
        at_least: The least confidence, 0 to 1.

    Returns:
        How much was left out. A clause left out becomes ``O``; a span stays where a fact that stays needs it.
    """
    marks = layers(doc)

    def sure(confidence: float | None) -> bool:
        return confidence is None or confidence >= at_least

    links = [link for link in marks.links if sure(link.confidence)]
    used = {m for link in links for m in (link.number, *(getattr(link, role) for role in LINKS))}
    mentions = [m for m in marks.mentions if m in used or sure(marks.confidence.get(m))]
    unsure = sum(c.role in _STATEMENTS and not sure(c.confidence) for c in marks.clauses)
    left = LeftOut(len(marks.mentions) - len(mentions), len(marks.links) - len(links), unsure)
    marks.clauses = [c if sure(c.confidence) else replace(c, role="O") for c in marks.clauses]
    marks.mentions, marks.links = mentions, links
    return left


def to_record(doc: Doc | Draft, *, confidence: Mapping[str, float] | None = None) -> out.Record:
    """Normalise an annotated document.

    Args:
        doc: A draft or ``Doc`` whose spans, clauses and links are filled.
        confidence: Confidence by entity type, by ``fact`` and by list of statements, for what its maker says nothing
            of; none is stated if not given.

    Returns:
        The record, with ``text[start:end]`` equal to every quoted piece.
    """
    return _Normaliser(reading(doc), layers(doc), confidence or {}).run()


class _Normaliser:
    """One document on its way to a record."""

    def __init__(self, view: Reading, marks: Layers, confidence: Mapping[str, float]) -> None:
        self.view, self.marks, self.confidence = view, marks, confidence
        self.content = view.source.content
        self.profile = view.profile
        self.repaired = {(q.start, q.end): q.repaired for q in view.quantities if q.repaired}
        self.repaired |= {(p.start, p.end): p.repaired for p in view.periods if p.repaired}
        self.block_starts = [b.start for b in view.source.blocks]
        self.full_names = full_names(view.text, self._stated())
        self.warnings: list[out.Warned] = []

    def run(self) -> out.Record:
        """Make the record."""
        entities = self._entities()
        facts = [self._fact(i, link) for i, link in enumerate(self._links(), 1)]
        statements = self._statements(entities, facts)
        return out.Record(
            document=self._document(),
            text=self.content,
            blocks=self._blocks(),
            entities=entities,
            facts=facts,
            **statements,
            warnings=[*self._notices(), *self.warnings, *self._unresolved(facts)],
        )

    # -- spans ---------------------------------------------------------------------------------------------------

    def _place(self, mention: Mention) -> dict[str, Any]:
        """Give a mention's offsets in the content and the text that stands there."""
        start, end = self.view.to_content(mention.start, mention.end)
        return {"start": start, "end": end, "text": self.content[start:end]}

    def _words(self, mention: Mention) -> str:
        """Give what a mention says in the view, without white space."""
        return "".join(self.view.text[mention.start : mention.end].split())

    def _span(self, mention: Mention | None) -> out.Span | None:
        return None if mention is None else out.Span(**self._place(mention))

    def _entities(self) -> list[out.Entity]:
        mentions = sorted(self.marks.mentions, key=lambda m: (m.start, -m.end, m.type))
        return [
            out.Entity(
                **self._place(m),
                id=f"e{i}",
                type=m.type,
                name=self._name(m),
                confidence=self.marks.confidence.get(m, self.confidence.get(m.type)),
            )
            for i, m in enumerate(mentions, 1)
        ]

    def _name(self, mention: Mention) -> str:
        """Give the canonical form of a span: without line feeds and enclosing quotation marks, places in full."""
        name = self._words(mention)
        if mention.type == "PLACE":
            return resolve_place(name, region=self.profile.region) or name
        if len(name) > 2 and _QUOTES.get(name[0]) == name[-1] and name.count(name[0]) == 1:
            return name[1:-1]
        return name

    # -- facts ---------------------------------------------------------------------------------------------------

    def _links(self) -> list[Link]:
        return sorted(self.marks.links, key=lambda link: (link.number.start, link.metric.start if link.metric else -1))

    def _fact(self, number: int, link: Link) -> out.Fact:
        at = link.number.start
        start, end = self.view.to_content(*self._stripped(*self.view.sentence_at(at)))
        placed = self._place(link.number)
        return out.Fact(
            id=f"f{number}",
            indicator=self._indicator(link),
            number=out.Span(**placed),
            metric=self._span(link.metric),
            action=self._span(link.action),
            time=self._time(link.time),
            place=self._where(link.place),
            school=self._span(link.school),
            program=self._span(link.program),
            base=self._span(link.base),
            value=self._value(link, placed),
            status=link.status,
            kind=link.kind,
            confidence=self.confidence.get("fact") if link.confidence is None else link.confidence,
            sentence=out.Range(start=start, end=end),
            section=self.view.section(at),
            page=self._page(placed["start"]),
        )

    def _indicator(self, link: Link) -> str:
        """Name the column that the number belongs in: ACTION and METRIC in the order in which they stand.

        In a table the other headings come first (小学 + 在校生数). In a list a METRIC gets the head of the last one.
        """
        parts = sorted(m for m in (link.action, link.metric) if m)
        name = "".join(map(self._words, link.labels)) + "".join(map(self._full_name, parts))
        if link.action and link.metric and link.metric < link.action:
            return preposition(self.view.text, min(link.number, link.metric).start) + name
        return name

    def _stated(self) -> Iterator[Stated]:
        """Give each number that has a METRIC."""
        for link in self.marks.links:
            if link.metric:
                number = link.number.start, link.number.end
                yield Stated((link.metric.start, link.metric.end), number, self.view.unit_at(*number))

    def _full_name(self, mention: Mention) -> str:
        if mention.type == "ACTION":
            return negation(self.view.text, mention.start) + self._words(mention)
        return "".join(self.full_names.get((mention.start, mention.end), "").split()) or self._words(mention)

    def _value(self, link: Link, placed: Mapping[str, Any]) -> out.Value | None:
        number, stated = link.number, link.unit
        quantity = self.view.quantity_at(number.start, number.end) if stated is None else None
        self._warn_repair("number", number, placed)
        if quantity is None:
            words = self.view.text[number.start : number.end]
            quantity = parse_quantity(words + (stated or ""))
            if quantity is None and stated and (digits := re.match(r".*\d", words)):  # 99.5以上 under %
                quantity = parse_quantity(f"{digits.group()}{stated}{words[digits.end() :]}")
        if quantity is None:
            message = f"The number {placed['text']!r} could not be read; its value is null."
            self.warnings.append(
                out.Warned(code="unread_number", message=message, start=placed["start"], end=placed["end"])
            )
            return None
        return out.Value(low=quantity.low, high=quantity.high, unit=quantity.unit, flag=quantity.flag)

    def _warn_repair(self, what: str, mention: Mention, placed: Mapping[str, Any]) -> None:
        """Say once of a number or a time that scanning has garbled it and what was read."""
        if repaired := self.repaired.pop((mention.start, mention.end), None):
            message = f"The {what} {placed['text']!r} was read as {repaired!r}, as scanning mistakes characters."
            self.warnings.append(
                out.Warned(code="ocr_repair", message=message, start=placed["start"], end=placed["end"])
            )

    def _time(self, mention: Mention | None) -> out.TimeSpan | None:
        if mention is None:
            return None
        placed = self._place(mention)
        self._warn_repair("time", mention, placed)
        period = self.view.time_at(mention.start, mention.end)
        known = period is not None and period.resolved and (period.start or period.end)
        return out.TimeSpan(**placed, period=_period(period.start, period.end) if period and known else None)

    def _where(self, mention: Mention | None) -> out.PlaceSpan | None:
        if mention is None:
            return None
        name = resolve_place(self._words(mention), region=self.profile.region)
        return out.PlaceSpan(**self._place(mention), name=name)

    def _page(self, position: int) -> int | None:
        i = bisect_right(self.block_starts, position) - 1
        return self.view.source.blocks[i].page if i >= 0 else None

    # -- statements ----------------------------------------------------------------------------------------------

    def _statements(self, entities: Sequence[out.Entity], facts: Sequence[out.Fact]) -> dict[str, list[out.Statement]]:
        found: dict[str, list[out.Statement]] = {name: [] for name, _ in _STATEMENTS.values()}
        order: list[tuple[int, str, int]] = []  # where the sentence starts, list, place in it
        entity_starts, fact_starts = [e.start for e in entities], [f.number.start for f in facts]
        for role, start, end, confidence in self._joined():
            name, letter = _STATEMENTS[role]
            low, high = self.view.to_content(start, end)
            inside = [e for e in entities[slice(*_reach(entity_starts, low, high))] if e.end <= high]
            statement = out.Statement(
                id=f"{letter}{len(found[name]) + 1}",
                start=low,
                end=high,
                text=self.content[low:high],
                programs=[e.id for e in inside if e.type == "PROGRAM"],
                schools=[e.id for e in inside if e.type == "SCHOOL"],
                facts=[f.id for f in facts[slice(*_reach(fact_starts, low, high))]],
                section=self.view.section(start),
                confidence=self.confidence.get(name) if confidence is None else confidence,
            )
            order.append((self.view.sentence_at(start)[0], name, len(found[name])))
            found[name].append(statement)
        for at, (_, name, place) in enumerate(order):
            if name == "measures" and (results := list(_led_to(at, order))):
                led = {"leads_to": [found["results"][r].id for r in results]}
                found[name][place] = found[name][place].model_copy(update=led)
        return found

    def _joined(self) -> Iterator[tuple[str, int, int, float | None]]:
        """Join neighbouring clauses of one role in one sentence, and strip the marks at their edges.

        What is joined is as sure as its least sure clause.
        """
        run: list[Clause] = []
        for clause in [*self.marks.clauses, None]:
            if run and not (clause and self._continues(run[-1], clause)):
                start, end = self._stripped(run[0].start, run[-1].end)
                if run[0].role in _STATEMENTS and start < end:
                    known = [c.confidence for c in run if c.confidence is not None]
                    yield run[0].role, start, end, min(known, default=None)
                run = []
            if clause:
                run.append(clause)

    def _continues(self, one: Clause, other: Clause) -> bool:
        same = one.role == other.role and one.end == other.start
        return same and self.view.text[one.end - 1] in "，,"

    def _stripped(self, start: int, end: int) -> tuple[int, int]:
        text = self.view.text
        while start < end and text[end - 1] in _EDGE:
            end -= 1
        while start < end and text[start] in _EDGE:
            start += 1
        return start, max(end, start + 1)

    # -- document ------------------------------------------------------------------------------------------------

    def _document(self) -> out.Document:
        source, known = self.view.source, self.profile
        period = None
        if known.period_text:
            days = _period(known.period_start, known.period_end)
            period = out.StatedPeriod(text=known.period_text, start=days.start, end=days.end)
        return out.Document(
            id=source.id,
            source=source.source,
            media_type=source.media_type,
            chars=len(self.content),
            text_sha256=hashlib.sha256(self.content.encode()).hexdigest(),
            title=known.title,
            issuer=known.issuer,
            region=known.region,
            published=known.published.isoformat() if known.published else None,
            period=period,
            kind=known.kind,
        )

    def _blocks(self) -> list[out.LayoutBlock]:
        """Give the layout; a block that is wholly a numbered heading is one, whatever the container called it."""
        headings = {}
        for heading in self.view.headings:
            start, end = self.view.to_content(heading.start, heading.end)
            headings[start] = (end, 1 + len(self.view.section(heading.start)))
        blocks = []
        for b in self.view.source.blocks:
            end, level = headings.get(b.start, (0, b.level))
            is_heading = (
                b.kind in ("paragraph", "list") and self.content[end : b.end].strip(_EDGE) == "" and end > b.start
            )
            kind = "heading" if is_heading else b.kind
            blocks.append(
                out.LayoutBlock(
                    kind=kind, start=b.start, end=b.end, level=level if kind == "heading" else None, page=b.page
                )
            )
        return blocks

    def _unresolved(self, facts: Sequence[out.Fact]) -> Iterator[out.Warned]:
        """Say once what stayed unresolved because the document does not state its date or its region."""
        times = sum(f.time is not None and f.time.period is None for f in facts)
        if times and self.profile.base is None:
            message = f"{times} facts have a time without days: the document does not state its date."
            yield out.Warned(code="unresolved_time", message=message)
        places = sum(f.place is not None and f.place.name is None for f in facts)
        if places and self.profile.region is None:
            message = f"{places} facts have a place without a name: the document does not state its region."
            yield out.Warned(code="unresolved_place", message=message)

    def _notices(self) -> Iterator[out.Warned]:
        for n in self.view.source.notices:
            yield out.Warned(code=n.code, message=n.message, start=n.start, end=n.end)
        rejoined = self.view.rejoined
        if rejoined:
            message = f"{len(rejoined)} line feeds inside sentences or numbers were read over; the text keeps them."
            yield out.Warned(code="rejoined_lines", message=message, start=rejoined[0], end=rejoined[-1] + 1)


def _reach(starts: Sequence[int], low: int, high: int) -> tuple[int, int]:
    """Give the half-open range of places whose starts lie in a range of characters."""
    return bisect_left(starts, low), bisect_left(starts, high)


def _led_to(at: int, order: Sequence[tuple[int, str, int]]) -> Iterator[int]:
    """Give the places of the results that follow a measure in its own sentence, up to the next measure."""
    for sentence, name, place in islice(order, at + 1, None):
        if sentence != order[at][0] or name == "measures":
            return
        if name == "results":
            yield place


def _period(start: Any, end: Any) -> out.Period:  # noqa: ANN401 - datetime.date or None
    return out.Period(start=start.isoformat() if start else None, end=end.isoformat() if end else None)
