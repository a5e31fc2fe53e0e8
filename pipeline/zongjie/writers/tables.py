"""Records as four typed tables, the same in Parquet, DuckDB, pandas and SQL views over JSON.

In: records. Out: Arrow batches of the tables ``documents``, ``facts``, ``statements`` and ``entities``, and the records
back from their rows: between them the tables hold all that a record holds. Not for: files (``parquet.py`` …).

A table's key is ``doc``, the document's number in the output from 1, because one document may be given twice, and in
all tables but the first the record's own ``id`` (``f1``, ``m2`` …). A quoted piece is three columns: ``metric``,
``metric_start``, ``metric_end``. Values are ``low`` and ``high`` as floating point numbers for reckoning, and
``low_exact`` and ``high_exact`` with the digits of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel

from zongjie.errors import ZongjieError
from zongjie.record import Record
from zongjie.writers.libraries import library

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "category", "integer", "real", "exact", "date", "texts", "blocks", "warnings"]
Row = Mapping[str, Any]

ROLES: Final = ("measures", "results", "targets", "issues")
_ROWS = 16_384  # of a batch
_CHARACTERS = 1 << 25  # of the documents of a batch: what is held in memory stays small whatever their size


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its name.
        kind: What it holds: ``category`` is a text out of few, ``exact`` a decimal as text, ``texts`` a list of texts.
        path: Where in the record's object the cell comes from, dotted; empty for what is reckoned: the keys ``doc`` and
            ``document_id``, ``role``, and ``sentence``.
    """

    name: str
    kind: Kind
    path: str = ""


def _span(role: str) -> tuple[Column, ...]:
    ends = (Column(f"{role}_{end}", "integer", f"{role}.{end}") for end in ("start", "end"))
    return (Column(role, "text", f"{role}.text"), *ends)


_KEY = (Column("doc", "integer"), Column("document_id", "text"), Column("id", "text", "id"))
_PLACED = (
    Column("text", "text", "text"),
    Column("text_start", "integer", "start"),
    Column("text_end", "integer", "end"),
)

TABLES: Final[Mapping[str, tuple[Column, ...]]] = MappingProxyType(
    {
        "documents": (
            Column("doc", "integer"),
            *(Column(name, "text", f"document.{name}") for name in ("id", "source")),
            Column("media_type", "category", "document.media_type"),
            Column("kind", "category", "document.kind"),
            *(Column(name, "text", f"document.{name}") for name in ("title", "issuer", "region")),
            Column("published", "date", "document.published"),
            Column("period", "text", "document.period.text"),
            Column("period_start", "date", "document.period.start"),
            Column("period_end", "date", "document.period.end"),
            Column("chars", "integer", "document.chars"),
            Column("text_sha256", "text", "document.text_sha256"),
            Column("text", "text", "text"),
            Column("blocks", "blocks", "blocks"),
            Column("warnings", "warnings", "warnings"),
            Column("schema_version", "category", "schema_version"),
        ),
        "facts": (
            *_KEY,
            Column("indicator", "text", "indicator"),
            Column("low", "real", "value.low"),
            Column("high", "real", "value.high"),
            Column("low_exact", "exact", "value.low"),
            Column("high_exact", "exact", "value.high"),
            Column("unit", "category", "value.unit"),
            Column("flag", "category", "value.flag"),
            Column("status", "category", "status"),
            Column("kind", "category", "kind"),
            *_span("number"),
            *_span("metric"),
            *_span("action"),
            *_span("time"),
            Column("period_start", "date", "time.period.start"),
            Column("period_end", "date", "time.period.end"),
            *_span("place"),
            Column("place_name", "text", "place.name"),
            *_span("school"),
            *_span("program"),
            *_span("base"),
            Column("sentence", "text"),
            Column("sentence_start", "integer", "sentence.start"),
            Column("sentence_end", "integer", "sentence.end"),
            Column("section", "texts", "section"),
            Column("page", "integer", "page"),
            Column("confidence", "real", "confidence"),
        ),
        "statements": (
            *_KEY,
            Column("role", "category"),
            *_PLACED,
            *(Column(name, "texts", name) for name in ("facts", "programs", "schools", "leads_to", "section")),
            Column("confidence", "real", "confidence"),
        ),
        "entities": (
            *_KEY,
            Column("type", "category", "type"),
            Column("name", "text", "name"),
            *_PLACED,
            Column("confidence", "real", "confidence"),
        ),
    }
)


def rows(record: Record, doc: int) -> dict[str, list[dict[str, Any]]]:
    """Give a record as rows of the tables.

    Args:
        record: The record.
        doc: The document's number in the output.

    Returns:
        The rows of each table: texts, ``int``, ``float``, ``date``, and lists.

    Raises:
        ZongjieError: If the record holds a day that is not in the calendar.
    """
    known = {"doc": doc, "document_id": record.document.id}
    quotes = ({"sentence": record.text and record.text[f.sentence.start : f.sentence.end]} for f in record.facts)
    items: dict[str, list[tuple[BaseModel, dict[str, Any]]]] = {
        "documents": [(record, known)],
        "facts": [(fact, {**known, **quote}) for fact, quote in zip(record.facts, quotes, strict=True)],
        "statements": [(one, {**known, "role": role}) for role in ROLES for one in getattr(record, role)],
        "entities": [(entity, known) for entity in record.entities],
    }
    try:
        return {
            name: [{c.name: _get(item, c) if c.path else extra[c.name] for c in columns} for item, extra in items[name]]
            for name, columns in TABLES.items()
        }
    except ValueError as error:
        source = record.document.source
        raise ZongjieError(f"{source}: a day is not in the calendar: {error}. Extract again.") from error


def _get(item: Any, column: Column) -> Any:  # noqa: ANN401 - a cell may be anything a record holds
    """Follow a column's path, to ``None`` as soon as something on it is not known."""
    for step in column.path.split("."):
        item = getattr(item, step)
        if item is None:
            return None
    match column.kind:
        case "real":
            return float(item)
        case "exact":
            return str(item)
        case "date":
            return date.fromisoformat(item)
        case "blocks" | "warnings":
            return [one.model_dump() for one in item]
    return item


def records(tables: Mapping[str, Iterable[Row]]) -> Iterator[Record]:
    """Give the records back from the rows of their tables.

    Args:
        tables: The rows of each table by column, in the order in which they were written.

    Yields:
        The records.

    Raises:
        pydantic.ValidationError: If the rows do not make up records.
        KeyError: If a table or a column is missing.
    """
    parts = {name: _Part(tables[name]) for name in TABLES if name != "documents"}
    for row in tables["documents"]:
        whole: dict[str, Any] = _nested("documents", row)
        for name in ("facts", "entities"):
            whole[name] = [_nested(name, one) for one in parts[name].of(row["doc"])]
        whole |= {role: [] for role in ROLES}
        for one in parts["statements"].of(row["doc"]):
            whole[one["role"]].append(_nested("statements", one))
        yield Record.model_validate(whole)


class _Part:
    """The rows of a table, handed out document by document."""

    def __init__(self, found: Iterable[Row]) -> None:
        self.groups = groupby(found, lambda row: row["doc"])
        self.waiting = next(self.groups, None)

    def of(self, doc: int) -> list[Row]:
        """Give the rows of the next document; none if it has none."""
        if self.waiting is None or self.waiting[0] != doc:
            return []
        given = list(self.waiting[1])
        self.waiting = next(self.groups, None)
        return given


def _nested(table: str, row: Row) -> dict[str, Any]:
    """Make an object of a row; a piece none of whose parts is known is not there."""
    whole: dict[str, Any] = {}
    for column in TABLES[table]:
        if not column.path or f"{column.name}_exact" in row:  # reckoned, or given again with its exact digits
            continue
        *above, last = column.path.split(".")
        at, value = whole, row[column.name]
        for step in above:
            at = at.setdefault(step, {})
        at[last] = value.isoformat() if isinstance(value, date) else value
    return {key: _known(value) for key, value in whole.items()}


def _known(value: Any) -> Any:  # noqa: ANN401 - as above
    """Turn an object of nothing but ``None`` into ``None``, the innermost first."""
    if not isinstance(value, dict):
        return value
    inner = {key: _known(part) for key, part in value.items()}
    return inner if any(part is not None for part in inner.values()) else None


@cache
def schema(table: str) -> pa.Schema:
    """Give a table's Arrow schema.

    Args:
        table: Its name.

    Returns:
        The schema; a column of categories is dictionary-encoded.
    """
    arrow = library("pyarrow", "tables")

    def struct(**fields: pa.DataType) -> pa.DataType:
        return arrow.list_(arrow.struct(list(fields.items())))

    offsets = {"start": arrow.int64(), "end": arrow.int64()}
    types: dict[Kind, pa.DataType] = {
        "text": arrow.string(),
        "category": arrow.dictionary(arrow.int32(), arrow.string()),
        "integer": arrow.int64(),
        "real": arrow.float64(),
        "exact": arrow.string(),
        "date": arrow.date32(),
        "texts": arrow.list_(arrow.string()),
        "blocks": struct(kind=arrow.string(), **offsets, level=arrow.int64(), page=arrow.int64()),
        "warnings": struct(code=arrow.string(), message=arrow.string(), **offsets),
    }
    return arrow.schema([(column.name, types[column.kind]) for column in TABLES[table]])


class Batches:
    """Gathers the rows of records and gives them as Arrow batches of bounded size."""

    def __init__(self) -> None:
        self.docs = 0
        self.characters = 0
        self.waiting: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}

    def add(self, record: Record) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Take one record.

        Args:
            record: The record.

        Yields:
            Those batches that are full, with the name of their table.

        Raises:
            ZongjieError: If the record holds a day that is not in the calendar.
        """
        self.docs += 1
        self.characters += record.document.chars
        for name, found in rows(record, self.docs).items():
            self.waiting[name] += found
        for name, held in self.waiting.items():
            if len(held) >= _ROWS or (self.characters >= _CHARACTERS and held):
                yield name, self._take(name)
        if self.characters >= _CHARACTERS:
            self.characters = 0

    def rest(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Give what has been gathered since the last batches.

        Yields:
            A batch of each table, which may be empty, with its name.
        """
        for name in TABLES:
            yield name, self._take(name)

    def _take(self, name: str) -> pa.RecordBatch:
        held, self.waiting[name] = self.waiting[name], []
        return library("pyarrow", "tables").RecordBatch.from_pylist(held, schema=schema(name))
