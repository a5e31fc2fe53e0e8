"""Word files (``.docx``): headings, paragraphs, lists, tables, text boxes and notes, in document order.

In: bytes of a zip with ``word/document.xml``. Out: ``Text``. Text boxes follow the paragraph that anchors them; notes
stand at the end; deleted text of tracked changes is left out, inserted text is in. Nothing is executed or fetched.
Not for: old ``.doc`` files.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from lxml import etree

from zongjie.errors import UnreadableDocument
from zongjie.readers.archive import DAMAGED, REMEDY, opened
from zongjie.readers.base import Builder, Origin, clean
from zongjie.readers.stated import first_stated, sensible_title, stated_in_rows
from zongjie.readers.tables import Raw, is_data, lay_table
from zongjie.text import BlockKind, Stated, Text

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BOX = f"{_W}txbxContent"
_HEADING = re.compile(r"(?:heading|\u6807\u9898)\s*([1-9])$", re.I)
_CONTENTS = re.compile(r"toc\s*\d", re.I)


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a Word file.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is damaged, protected, unpacks to too much, or holds no text.
    """
    with opened(data, origin.source, "Word file"):
        pass  # looked at before anything is unpacked
    try:
        document = docx.Document(io.BytesIO(data))
    except (*DAMAGED, etree.XMLSyntaxError) as error:
        raise UnreadableDocument(origin.source, f"the Word file is damaged ({error})", REMEDY) from error
    if document.element.body is None:
        raise UnreadableDocument(origin.source, "the Word file is damaged (it has no body)", REMEDY)
    yield _Reader(document).read(origin)


@dataclass(frozen=True, slots=True)
class _Style:
    name: str
    level: int | None  # of a heading, from 1
    listed: bool


class _Reader:
    """One Word file on its way to ``Text``."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._builder = Builder()
        self._rows: list[list[str]] = []

    def read(self, origin: Origin) -> Text:
        self._story(self._document.element.body)
        for kind in (RELATIONSHIP_TYPE.FOOTNOTES, RELATIONSHIP_TYPE.ENDNOTES):
            for relation in self._document.part.rels.values():
                if relation.reltype == kind and not relation.is_external:
                    self._notes(relation.target_part.blob)
        title = sensible_title(self._document.core_properties.title)
        stated = first_stated(stated_in_rows(self._rows), Stated(title=title))
        return self._builder.build(origin, stated)

    @cached_property
    def _styles(self) -> dict[str, _Style]:
        """Styles by id, with what they inherit."""
        raw: dict[str, tuple[_Style, str | None]] = {}
        for style in self._document.styles.element.iterchildren(f"{_W}style"):
            name, based = style.find(f"{_W}name"), style.find(f"{_W}basedOn")
            label = name.get(f"{_W}val", "") if name is not None else ""
            heading = _HEADING.match(label)
            level = 1 if label.lower() == "title" else _level(style.find(f"{_W}pPr/{_W}outlineLvl"))
            own = _Style(label, int(heading[1]) if heading else level, style.find(f"{_W}pPr/{_W}numPr") is not None)
            raw[style.get(f"{_W}styleId", "")] = own, based.get(f"{_W}val") if based is not None else None
        out: dict[str, _Style] = {}
        for key, (own, parent) in raw.items():
            seen = {key}
            level, listed = own.level, own.listed
            while parent in raw and parent not in seen:
                seen.add(parent)
                above, parent = raw[parent]
                level, listed = level or above.level, listed or above.listed
            out[key] = _Style(own.name, level, listed)
        return out

    def _story(self, parent: etree._Element) -> None:
        """Add the paragraphs and tables below an element, through content controls and the like."""
        for child in parent:
            if child.tag == f"{_W}p":
                self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._table(child)
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml", f"{_W}smartTag"):
                self._story(child)

    def _paragraph(self, paragraph: etree._Element) -> None:
        kind, level = self._kind(paragraph)
        words, boxes = _words(paragraph)
        for line in words.split("\n"):
            self._builder.add(kind, line, level=level)
        for box in boxes:
            self._story(box)

    def _kind(self, paragraph: etree._Element) -> tuple[BlockKind, int | None]:
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return "paragraph", None
        named = properties.find(f"{_W}pStyle")
        style = self._styles.get(named.get(f"{_W}val", "") if named is not None else "", _Style("", None, False))
        level = _level(properties.find(f"{_W}outlineLvl")) or style.level
        if _CONTENTS.match(style.name):
            return "furniture", None
        if level is not None:
            return "heading", level
        return ("list" if style.listed or properties.find(f"{_W}numPr") is not None else "paragraph"), None

    def _table(self, table: etree._Element) -> None:
        """Add a table; rows that lay out a page are read as a story."""
        rows = [r for r in table.iter(f"{_W}tr") if next(r.iterancestors(f"{_W}tbl")) is table]
        cells = [[c for c in row.iter(f"{_W}tc") if next(c.iterancestors(f"{_W}tr")) is row] for row in rows]
        raw: list[list[Raw]] = []
        above: dict[int, Raw] = {}  # the cell that a column's next one may be merged into
        for row, elements in zip(rows, cells, strict=True):
            raw.append(_placed(row, elements, above))
            if is_data(raw[-1]):
                self._rows.append([cell.words for cell in raw[-1]])

        def tell(number: int) -> None:
            for cell in cells[number]:
                self._story(cell)

        lay_table(self._builder, raw, tell)

    def _notes(self, part: bytes) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        for note in etree.fromstring(part, parser):
            if note.get(f"{_W}type") is None:  # the typed ones are separators
                self._story(note)


def _placed(row: etree._Element, cells: list[etree._Element], above: dict[int, Raw]) -> list[Raw]:
    """Place one row's cells in their columns; ``above`` holds the cells that may reach down, and is kept up to date."""
    header = row.find(f"{_W}trPr/{_W}tblHeader") is not None
    before = row.find(f"{_W}trPr/{_W}gridBefore")
    column = _number(before)
    out = []
    for cell in cells:
        words = " ".join(" ".join(_words(p)[0] for p in cell.iter(f"{_W}p")).split())
        raw = Raw(words, column, max(1, _number(cell.find(f"{_W}tcPr/{_W}gridSpan"))), header=header)
        merge = cell.find(f"{_W}tcPr/{_W}vMerge")
        if merge is not None and merge.get(f"{_W}val", "continue") == "continue" and column in above:
            above[column].height += 1
        else:
            above[column] = raw
        out.append(raw)
        column += raw.width
    return out


def _number(element: etree._Element | None) -> int:
    """Give the number that an element holds, 0 for none; no table is wider than a thousand columns."""
    value = element.get(f"{_W}val", "") if element is not None else ""
    return min(int(value), 1000) if value.isdecimal() and len(value) < 9 else 0


def _level(outline: etree._Element | None) -> int | None:
    """Give the heading level, 1 to 9, of an outline level 0 to 8; 9 is body text."""
    value = outline.get(f"{_W}val", "") if outline is not None else ""
    return int(value) + 1 if value.isdigit() and int(value) < 9 else None


def _words(paragraph: etree._Element) -> tuple[str, list[etree._Element]]:
    """Collect a paragraph's own characters, and the text boxes anchored in it."""
    out: list[str] = []
    boxes: list[etree._Element] = []

    def collect(element: etree._Element) -> None:
        for child in element:
            tag = child.tag
            if tag == f"{_W}t":
                out.append(child.text or "")
            elif tag == f"{_W}tab":
                out.append("\t" if element.tag == f"{_W}r" else "")
            elif tag in (f"{_W}br", f"{_W}cr"):
                out.append("\n")
            elif tag == f"{_W}noBreakHyphen":
                out.append("-")
            elif tag == _BOX:
                boxes.append(child)
            elif tag not in (_FALLBACK, f"{_W}del", f"{_W}moveFrom", f"{_W}pPr", f"{_W}rPr"):
                collect(child)

    collect(paragraph)
    return clean("".join(out))[0], boxes
