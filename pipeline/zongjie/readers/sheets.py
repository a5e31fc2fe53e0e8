"""Excel workbooks (``.xlsx``): each sheet a table, values as they are shown.

In: bytes of a workbook. Out: ``Text``: the sheets in order, each under its name; merged cells are known to be merged,
formulas give the value that was saved with them. Hidden sheets are left out, and a notice says so. Needs the extra
``office``. Not for: charts, pictures, old ``.xls``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

from lxml import etree

from zongjie.errors import UnreadableDocument
from zongjie.readers.archive import DAMAGED, REMEDY, opened
from zongjie.readers.base import Builder, Origin, clean, settings
from zongjie.readers.delimited import too_many_cells
from zongjie.readers.stated import first_stated, sensible_title, stated_in_rows
from zongjie.readers.tables import Raw, lay_table
from zongjie.text import Notice, Stated, Text

if TYPE_CHECKING:
    from openpyxl import Workbook

_MERGE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}mergeCell"
_DECIMALS = re.compile(r"0(?:\.(0+))?%")
_INSTALL = "pip install 'zongjie[office]', or save the sheet as .csv."


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a workbook.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is damaged, protected, too large or empty, or openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError:
        raise UnreadableDocument(origin.source, "it is an Excel workbook, which needs openpyxl", _INSTALL) from None
    with opened(data, origin.source, "Excel workbook") as archive:
        try:
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            yield _read(book, archive, origin)
        except (*DAMAGED, etree.XMLSyntaxError, SyntaxError, TypeError, AttributeError, IndexError) as error:
            reason = f"the Excel workbook is damaged ({error})"
            raise UnreadableDocument(origin.source, reason, REMEDY) from error


def _read(book: Workbook, archive: ZipFile, origin: Origin) -> Text:
    builder = Builder()
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    if hidden:
        builder.notice(
            Notice("hidden_sheets", f"{len(hidden)} hidden sheets were left out: {', '.join(hidden)[:200]}.")
        )
    budget = settings().limits.max_cells
    sample: list[list[str]] = []
    for sheet in book.worksheets:
        if sheet.title in hidden:
            continue
        rows = []
        for row in _rows(sheet, _merged(archive, sheet._worksheet_path)):
            budget -= 1 + (row[-1].column if row else 0)
            if budget < 0:
                raise too_many_cells(origin.source)
            rows.append(row)
        if any(rows) and not re.fullmatch(settings().sheets.dull_name, sheet.title):
            builder.add("heading", clean(sheet.title)[0], level=1)
        sample += [[cell.words for cell in row] for row in rows[:20]]
        lay_table(builder, rows)
    stated = Stated(title=sensible_title(book.properties.title))
    return builder.build(origin, first_stated(stated_in_rows(sample), stated))


def _merged(archive: ZipFile, path: str) -> dict[tuple[int, int], tuple[int, int]]:
    """Give the width and height of merged cells by row and column from 1; a sheet read row by row does not say."""
    from openpyxl.utils.cell import range_boundaries

    spans = {}
    with archive.open(path) as part:
        for _, element in etree.iterparse(part, tag=_MERGE, resolve_entities=False, no_network=True):
            left, top, right, bottom = range_boundaries(element.get("ref", ""))
            spans[top, left] = right - left + 1, bottom - top + 1
            element.clear()
    return spans


def _rows(sheet: Any, spans: dict[tuple[int, int], tuple[int, int]]) -> Iterator[list[Raw]]:  # noqa: ANN401
    """Give a sheet's rows from the first cell that holds something to the last."""
    sheet.reset_dimensions()  # what a file says of its size may be wrong
    for number, row in enumerate(sheet.iter_rows(), 1):
        full = [at for at, cell in enumerate(row) if cell.value is not None]
        out = []
        for at in range(full[0], full[-1] + 1) if full else ():
            width, height = spans.get((number, at + 1), (1, 1))
            out.append(Raw(_shown(row[at]), at, width, height))
        yield _without_covered(out)


def _without_covered(row: list[Raw]) -> list[Raw]:
    """Leave out the empty cells that a wide cell covers."""
    reach, out = 0, []
    for raw in row:
        if raw.words or raw.column >= reach:
            out.append(raw)
        reach = max(reach, raw.column + raw.width)
    return out


def _shown(cell: Any) -> str:  # noqa: ANN401 - one of several classes without a common parent
    """Write a value about as Excel shows it."""
    value = cell.value
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).upper()
    if isinstance(value, int | float):
        percent = _DECIMALS.search(cell.number_format or "")
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            return ""
        if percent:
            return f"{number * 100:.{len(percent[1] or '')}f}%"
        return f"{round(number, 10).normalize():f}" if number else "0"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    return " ".join(clean(str(value))[0].split())
