"""The record: what comes out for one document, as pydantic models and as JSON Schema (draft 2020-12).

Offsets are half-open, in Unicode code points, into ``Record.text``. Numbers are ``Decimal`` from text to JSON: on the
wire a number has its exact digits, so read it with ``parse_float=Decimal``.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import simplejson
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

SCHEMA_VERSION: Final = "1.0"

EntityType = Literal["SCHOOL", "PROGRAM", "NUMBER", "METRIC", "ACTION", "TIME", "PLACE"]
DocumentKind = Literal["summary", "plan", "report", "bulletin", "speech", "news", "other"]
Status = Literal["actual", "target"]
Kind = Literal["level", "up", "down", "rank"]
ClauseRole = Literal["M", "R", "T", "I", "O"]
Flag = Literal["=", "~", ">=", ">", "<=", "<", "-"]

# pydantic would write a Decimal as a string; the wire wants a number with the same digits.
Exact = Annotated[Decimal, PlainSerializer(lambda d: d, when_used="always"), WithJsonSchema({"type": "number"})]
Offset = Annotated[int, Field(ge=0)]
IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Confidence = Annotated[float, Field(ge=0, le=1)]


class Shape(BaseModel):
    """Base of the output shapes: frozen, and nothing but the declared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Period(Shape):
    """A closed interval of days; ``None`` for a side that is open or unknown."""

    start: IsoDate | None
    end: IsoDate | None


class StatedPeriod(Period):
    """A period and the words that state it."""

    text: str


class Document(Shape):
    """What is known of the document itself; ``None`` where it is not stated."""

    id: str
    source: str
    media_type: str
    chars: Offset
    text_sha256: str
    title: str | None
    issuer: str | None
    region: str | None
    published: IsoDate | None
    period: StatedPeriod | None
    kind: DocumentKind


class LayoutBlock(Shape):
    """A piece of layout."""

    kind: Literal["heading", "paragraph", "table", "list", "furniture"]
    start: Offset
    end: Offset
    level: int | None = None
    page: int | None = None


class Span(Shape):
    """A quoted piece: ``text == record.text[start:end]``."""

    start: Offset
    end: Offset
    text: str


class TimeSpan(Span):
    """A time expression and, where the document's date allows it, the days it means."""

    period: Period | None = None


class PlaceSpan(Span):
    """A place expression and, where it can be resolved from the document, the place's name."""

    name: str | None = None


class Entity(Span):
    """A tagged span; ``name`` is its canonical form."""

    id: str
    type: EntityType
    name: str
    confidence: Confidence | None


class Value(Shape):
    """A normalised value in the base of its unit; an open side is ``None``.

    ``flag``: ``=`` exact, ``~`` approximate, ``>=`` ``>`` ``<=`` ``<`` bounds, ``-`` range.
    """

    low: Exact | None
    high: Exact | None
    unit: str
    flag: Flag


class Range(Shape):
    """A range of characters."""

    start: Offset
    end: Offset


class Fact(Shape):
    """One number and all that belongs to it."""

    id: str
    indicator: str
    number: Span
    metric: Span | None
    action: Span | None
    time: TimeSpan | None
    place: PlaceSpan | None
    school: Span | None
    program: Span | None
    base: Span | None
    value: Value | None
    status: Status
    kind: Kind
    confidence: Confidence | None
    sentence: Range
    section: list[str]
    page: int | None


class Statement(Span):
    """Neighbouring clauses of one role that say one thing."""

    id: str
    programs: list[str]
    schools: list[str]
    facts: list[str]
    section: list[str]
    confidence: Confidence | None
    leads_to: list[str] = []


class Warned(Shape):
    """Something to know about this record; ``code`` is fixed, ``message`` is for a person."""

    code: str
    message: str
    start: Offset | None = None
    end: Offset | None = None


class Record(Shape):
    """All that was found in one document."""

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    document: Document
    text: str | None = None
    blocks: list[LayoutBlock]
    entities: list[Entity]
    facts: list[Fact]
    measures: list[Statement]
    results: list[Statement]
    targets: list[Statement]
    issues: list[Statement]
    warnings: list[Warned]

    def to_dict(self, *, text: bool = True) -> dict[str, Any]:
        """Give the record as plain Python values, numbers as ``Decimal``.

        Args:
            text: Whether to keep the document's text.

        Returns:
            A dict in the wire's field order.
        """
        shown = self.model_dump(exclude=None if text else {"text"})
        for fact in shown["facts"]:  # what could not be resolved is absent, not null
            for role, known in (("time", "period"), ("place", "name")):
                if fact[role] and fact[role][known] is None:
                    del fact[role][known]
        return shown

    def to_json(self, *, text: bool = True, indent: int | None = None) -> str:
        """Give the record as JSON; the same record gives the same characters.

        Args:
            text: Whether to keep the document's text.
            indent: Spaces of indentation, or ``None`` for one line.

        Returns:
            JSON text without a final line feed.
        """
        return simplejson.dumps(self.to_dict(text=text), use_decimal=True, ensure_ascii=False, indent=indent)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Print the record in one line: what the document is called, and how much was found in it."""
        yield None, self.document.title or self.document.source
        for name in ("facts", "measures", "results", "targets", "issues", "warnings"):
            yield name, len(getattr(self, name))

    def _repr_html_(self) -> str:
        """Show the record in a notebook."""
        from zongjie.display import html  # what shows a record is needed in notebooks alone

        return html(self.to_dict())

    @classmethod
    def from_json(cls, line: str) -> Record:
        """Read a record back, numbers exact.

        Args:
            line: One JSON object as ``to_json`` writes it.

        Returns:
            The record.

        Raises:
            pydantic.ValidationError: If the object does not fit the schema.
        """
        return cls.model_validate(simplejson.loads(line, use_decimal=True))


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) that every written record fits.

    Returns:
        The schema as a dict.
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Record.model_json_schema(mode="serialization")}
