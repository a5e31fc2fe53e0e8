"""Records as an Excel workbook for people, in the sheets and columns of ``configs/workbook.toml``.

In: records. Out: one file, written row by row with steady memory: numbers as numbers, shares as percentages, days as
dates, and words as words, whatever sign they start with. Not for: programs (the tables and JSON hold more).

What a workbook may hold (Microsoft, "Excel specifications and limits"): 1,048,576 rows a sheet (more go on in a
further sheet), 32,767 characters a cell (a longer text is cut and says so), 65,530 links a sheet (then the path alone).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from zongjie.errors import ZongjieError
from zongjie.ontology import Table, load_table
from zongjie.record import Entity, Fact, Record, Statement
from zongjie.text import fold
from zongjie.writers.atomic import make_atomic
from zongjie.writers.facts import FORMULA, clean, columns
from zongjie.writers.libraries import library

_ROWS = 1_048_576
_CHARACTERS = 32_767
_LINKS = 65_530
_LONGEST_LINK = 2_000
_DECIMALS = 12  # more would not be digits of a spreadsheet's number
_FIRST_DAY = date(1900, 3, 1)  # before it spreadsheets disagree, because of a leap day that was not
_SINCE = datetime(1980, 1, 1)  # when the file says it was made: the same records give the same bytes
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_IN_URL = re.compile(r"[^\w./~()!$&'*+,;=@-]", re.ASCII)

Cell = str | int | float | Decimal | None
Row = Mapping[str, Any]
Rows = Literal["results", "measures", "targets", "issues", "schools", "programs", "documents"]
_FIGURES: Final = {"results": "actual", "targets": "target"}
_NAMES: Final = {"schools": "SCHOOL", "programs": "PROGRAM"}


class Column(Table):
    """One column.

    Attributes:
        heading: What stands above it.
        field: What of a row stands in the cell.
        width: In narrow characters.
        form: How it is shown.
        wrap: Whether long text goes on in further lines.
        labels: The field of ``columns.toml`` whose labels are shown.
    """

    heading: str
    field: str
    width: int
    form: Literal["text", "number", "date", "share", "link"] = "text"
    wrap: bool = False
    labels: str | None = None


class Sheet(Table):
    """One sheet: its name, what its rows are, and groups of columns."""

    name: str
    rows: Rows
    columns: tuple[str, ...]


class Layout(Table):
    """``configs/workbook.toml``."""

    cut: str
    further: str
    joint: str
    ends: str
    sheets: tuple[Sheet, ...]
    percent: Mapping[str, Annotated[Decimal, Field(gt=0)]]
    columns: Mapping[str, tuple[Column, ...]]


@cache
def _layout() -> Layout:
    return load_table("workbook.toml", Layout)


@cache
def _labels() -> Mapping[str, Mapping[str, str]]:
    return {column.field: column.labels for column in columns()}


@contextmanager
def open_workbook(path: Path, *, text: bool = True, force: bool = False) -> Iterator[Callable[[Record], None]]:
    """Open a workbook for records.

    Args:
        path: The file.
        text: Whether the documents' sentences are quoted.
        force: Whether an existing file may be replaced.

    Yields:
        The function that writes one record.

    Raises:
        OutputExists: If the file exists and may not be replaced.
        ZongjieError: If XlsxWriter is not installed, or cannot write.
    """
    xlsxwriter = library("xlsxwriter", "excel")
    with make_atomic(path, force=force) as unfinished:
        options = {"constant_memory": True, "tmpdir": str(unfinished.parent), "use_zip64": True}
        book = xlsxwriter.Workbook(str(unfinished), options)
        book.set_properties({"created": _SINCE})
        book.use_zip64()
        sheets = [_Writer(book, sheet) for sheet in _layout().sheets]
        link = _Links(path.parent)

        def write(record: Record) -> None:
            view = _View(record if text else record.model_copy(update={"text": None}))
            target = link(record.document.source)
            for sheet in sheets:
                for row in view.rows(sheet.sheet.rows):
                    sheet.write(row, target)

        try:
            yield write
            for sheet in sheets:
                sheet.end()
            book.close()
        except xlsxwriter.exceptions.XlsxWriterException as error:
            raise ZongjieError(f"{path}: the workbook cannot be written: {error}. Is the disk full?") from error
        finally:
            for opened in book.worksheets():  # nothing else closes them where a run is broken off
                opened.row_data_fh.close()


class _View:
    """One record, as rows for people."""

    def __init__(self, record: Record) -> None:
        self.record, self.text = record, record.text
        self.joint = _layout().joint
        self.facts = {fact.id: fact for fact in record.facts}
        self.names = {entity.id: entity.name for entity in record.entities}
        self.results = {result.id: result.text for result in record.results}
        known = record.document
        self.source = {name: getattr(known, name) for name in ("title", "issuer", "region", "published", "source")}

    def rows(self, kind: Rows) -> Iterator[Row]:
        """Give the rows of a sheet in the document's order, each a value a field."""
        if kind == "documents":
            yield {**self.source, **self._document()}
        elif kind in _NAMES:
            yield from ({**self.source, **row} for row in self._named(_NAMES[kind]))
        else:
            status, statements = _FIGURES.get(kind), getattr(self.record, kind)
            found = [(fact.number.start, self._figure(fact)) for fact in self.record.facts if fact.status == status]
            found += [(one.start, self._statement(one)) for one in statements if not (status and one.facts)]
            yield from ({**self.source, **row} for _, row in sorted(found, key=lambda at: at[0]))

    def _figure(self, fact: Fact) -> Row:
        row: dict[str, Any] = {name: getattr(fact, name) for name in ("id", "indicator", "kind", "page", "confidence")}
        roles = ("number", "time", "place", "school", "program", "base")
        row |= {role: span.text for role in roles if (span := getattr(fact, role))}
        if fact.time and fact.time.period:
            row |= {"start": fact.time.period.start, "end": fact.time.period.end}
        row["place_name"] = fact.place and fact.place.name
        if value := fact.value:
            first, last = (value.high, None) if value.low is None else (value.low, value.high)
            row |= {"value": first, "to": None if last == first else last, "unit": value.unit, "flag": value.flag}
        row["sentence"] = self.text and self.text[fact.sentence.start : fact.sentence.end]
        row["section"] = " / ".join(fact.section)
        return row

    def _statement(self, one: Statement) -> Row:
        return {
            "id": one.id,
            "sentence": one.text,
            "program": self._joined(map(self.names.get, one.programs)),
            "school": self._joined(map(self.names.get, one.schools)),
            "figures": self._figures(map(self.facts.get, one.facts)),
            "leads_to": self._joined(map(self.results.get, one.leads_to)),
            "section": " / ".join(one.section),
            "confidence": one.confidence,
        }

    def _named(self, type_: str) -> Iterator[Row]:
        """Give the schools or programs, each name once, with the sentence that names it first."""
        role = type_.lower()
        named: dict[tuple[int, int], list[Fact]] = {}
        for fact in self.record.facts:
            if span := getattr(fact, role):
                named.setdefault((span.start, span.end), []).append(fact)
        groups: dict[str, list[Entity]] = {}
        for entity in self.record.entities:
            if entity.type == type_:
                groups.setdefault(entity.name, []).append(entity)
        for name, group in groups.items():
            facts = [fact for entity in group for fact in named.get((entity.start, entity.end), [])]
            sentence = self._sentence(group[0])
            yield {"name": name, "times": len(group), "figures": self._figures(facts), "sentence": sentence}

    def _document(self) -> Row:
        record, known = self.record, self.record.document
        lists = ("facts", "measures", "results", "targets", "issues")
        row: dict[str, Any] = {"id": known.id, "chars": known.chars, **{k: len(getattr(record, k)) for k in lists}}
        row["warnings"] = self._joined(warning.message for warning in record.warnings)
        if known.period:
            row |= {"time": known.period.text, "start": known.period.start, "end": known.period.end}
        return row

    def _sentence(self, entity: Entity) -> str | None:
        """Give the sentence that an entity stands in."""
        if self.text is None:
            return None
        ends = _layout().ends
        start = 1 + max(self.text.rfind(mark, 0, entity.start) for mark in ends)
        stops = [at for mark in ends if (at := self.text.find(mark, entity.end)) >= 0]
        return self.text[start : min(stops, default=len(self.text)) + 1]

    def _figures(self, facts: Any) -> str:  # noqa: ANN401 - facts, or None for one that is not there
        return self._joined(f"{fact.indicator} {fact.number.text}" for fact in facts if fact)

    def _joined(self, words: Any) -> str:  # noqa: ANN401 - as above
        return self.joint.join(dict.fromkeys(word for word in words if word))


class _Writer:
    """One sheet on its way to the file, and its further sheets."""

    def __init__(self, book: Any, sheet: Sheet) -> None:  # noqa: ANN401 - a workbook of a library without types
        self.book, self.sheet = book, sheet
        self.columns = [column for group in sheet.columns for column in _layout().columns[group]]
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self.number = 0
        self._next()

    def _next(self) -> None:
        """Begin a sheet."""
        self.number += 1
        name = self.sheet.name
        if self.number > 1:
            name = _layout().further.format(name=name, number=self.number)
        self.at = self.book.add_worksheet(name)
        self.at.freeze_panes(1, 1)
        heading = self._format(bold=True, bg_color="#DDEBF7", bottom=1)
        for place, column in enumerate(self.columns):
            self.at.set_column(place, place, column.width)
            self.at.write_string(0, place, column.heading, heading)
        self.row, self.links = 1, 0

    def end(self) -> None:
        """End the sheet that is being written."""
        self.at.autofilter(0, 0, self.row - 1, len(self.columns) - 1)

    def write(self, row: Row, target: str | None) -> None:
        """Write one row; ``target`` is where the document's link leads."""
        if self.row >= _ROWS:
            self.end()
            self._next()
        for place, column in enumerate(self.columns):
            value = row.get(column.field)
            if value is None or value == "":
                continue
            if column.form == "link":
                self._link(place, str(value), target)
            elif not (column.form == "date" and self._date(place, value)):
                self._cell(place, column, value, row.get("unit", ""))
        self.row += 1

    def _cell(self, place: int, column: Column, value: Cell, unit: str) -> None:
        if isinstance(value, str):
            shown = _labels()[column.labels].get(value, value) if column.labels else value
            self._text(place, shown, wrap=column.wrap)
            return
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value or 0)
        percent = _layout().percent.get(unit) if column.form == "number" else None
        number = float(exact * percent if percent else exact)
        if math.isinf(number):  # no spreadsheet can hold it
            self._text(place, str(value), wrap=False)
        elif column.form == "share":
            self.at.write_number(self.row, place, number, self._format(num_format="0.00"))
        else:
            self.at.write_number(self.row, place, number, self._format(num_format=_digits(exact, bool(percent))))

    def _date(self, place: int, value: str) -> bool:
        """Write a day as a date, if a spreadsheet can hold it."""
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return False
        if day >= _FIRST_DAY:
            self.at.write_datetime(self.row, place, day, self._format(num_format="yyyy-mm-dd"))
        return day >= _FIRST_DAY

    def _text(self, place: int, words: str, *, wrap: bool) -> None:
        """Write words as words: never a formula, not even after someone has edited the cell."""
        shown = _fitted(words)
        style = {"text_wrap": True} if wrap else {}
        if fold(shown[:1]) in FORMULA:
            style["quote_prefix"] = True
        self.at.write_string(self.row, place, shown, self._format(**style))

    def _link(self, place: int, words: str, target: str | None) -> None:
        if target is None or self.links >= _LINKS:
            self._text(place, words, wrap=False)
            return
        url = library("xlsxwriter.url", "excel").Url(f"external:{target}")
        url._relationship_link = target  # the library puts backslashes in it, which only Windows understands
        url.text = _fitted(words)
        style = {"font_color": "#0563C1", "underline": 1}
        if fold(url.text[:1]) in FORMULA:
            style["quote_prefix"] = True
        self.at.write_url(self.row, place, url, self._format(**style))
        self.links += 1

    def _format(self, **style: Any) -> Any:  # noqa: ANN401 - a format of a library without types
        """Give a format; the same one for the same style, since a workbook may have only so many."""
        key = tuple(sorted(style.items()))
        if key not in self.formats:
            self.formats[key] = self.book.add_format({"valign": "top", **style})
        return self.formats[key]


class _Links:
    """Where a document's file lies, seen from the workbook's folder; the last answer is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last: tuple[str, str | None] = ("", None)

    def __call__(self, source: str) -> str | None:
        """Give a relative URL, or ``None`` if there is no such file here."""
        if source != self.last[0]:
            self.last = (source, self._find(source))
        return self.last[1]

    def _find(self, source: str) -> str | None:
        # one of several documents of a file is named after it: reports.jsonl#3, reports.zip/2023.docx
        for path in (Path(source), Path(source.rpartition("#")[0]), *Path(source).parents):
            try:
                if path.is_file():
                    relative = Path(os.path.relpath(path, self.folder)).as_posix()
                    url = _NOT_IN_URL.sub(_percent, relative)
                    return url if len(url) <= _LONGEST_LINK else None
            except (OSError, ValueError):  # a name that no file can have, or a file on another drive
                return None
        return None


def _percent(found: re.Match[str]) -> str:
    character = found[0]
    return character if character > "\x7f" else f"%{ord(character):02X}"


def _fitted(words: str) -> str:
    """Make a text fit for a cell: on one line, with what a spreadsheet's file can hold, and not too long."""
    shown = _SURROGATE.sub("\ufffd", clean(words))
    if shown.startswith("<r>"):
        shown = f" {shown}"  # the library would take it for its own notation of styled text
    if len(shown) * 2 <= _CHARACTERS or len(shown.encode("utf-16-le")) // 2 <= _CHARACTERS:
        return shown
    cut = _layout().cut
    units = shown.encode("utf-16-le")[: 2 * (_CHARACTERS - len(cut))]
    return units.decode("utf-16-le", errors="ignore") + cut


def _digits(exact: Decimal, percent: bool) -> str:
    """Give the number format that shows a value with the digits it has."""
    exponent = exact.normalize().as_tuple().exponent
    decimals = min(_DECIMALS, max(0, -exponent)) if isinstance(exponent, int) else 0
    whole = "0" if percent else "#,##0"
    return whole + ("." + "0" * decimals if decimals else "") + ("%" if percent else "")
