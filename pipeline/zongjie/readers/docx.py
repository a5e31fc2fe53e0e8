"""Word files (``.docx``): headings, paragraphs, lists, tables, text boxes and notes, in document order.

In: bytes of a zip with ``word/document.xml``. Out: ``Text``. Text boxes follow the paragraph that anchors them; notes
stand at the end; deleted text of tracked changes is left out, inserted text is in. Nothing is executed or fetched.
Not for: old ``.doc`` files.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from lxml import etree

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import Builder, Origin, clean, settings
from zongjie.readers.stated import first_stated, sensible_title, stated_in_rows
from zongjie.text import BlockKind, Stated, Text

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BOX = f"{_W}txbxContent"
_HEADING = re.compile(r"(?:heading|\u6807\u9898)\s*([1-9])$", re.I)
_CONTENTS = re.compile(r"toc\s*\d", re.I)
_MEBIBYTE = 1 << 20
_REMEDY = "Get the file again, or open it in Word or WPS and save it anew."


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
    _check(data, origin.source)
    try:
        document = docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, KeyError, ValueError, etree.XMLSyntaxError, EOFError, NotImplementedError) as error:
        raise UnreadableDocument(origin.source, f"the Word file is damaged ({error})", _REMEDY) from error
    if document.element.body is None:
        raise UnreadableDocument(origin.source, "the Word file is damaged (it has no body)", _REMEDY)
    yield _Reader(document).read(origin)


def _check(data: bytes, source: str) -> None:
    """Look at the zip's directory before anything is unpacked."""
    limits = settings().limits
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        if any(part.flag_bits & 1 for part in parts):
            raise UnreadableDocument(source, "it is protected by a password", "Remove the password and save it again.")
        unpacked = sum(part.file_size for part in parts)
        dense = any(
            part.file_size > _MEBIBYTE and part.file_size > limits.max_ratio * max(part.compress_size, 1)
            for part in parts
        )
        if dense or unpacked > limits.max_unpacked_bytes or len(parts) > limits.max_parts:
            reason = f"it would unpack to {unpacked:,} bytes in {len(parts):,} parts, beyond the limits"
            raise UnreadableDocument(source, reason, "If it is to be trusted, raise [limits] in configs/reading.toml.")
        for part in parts:
            if part.filename.startswith("word/document") and b"<!DOCTYPE" in archive.open(part).read(4096):
                raise UnreadableDocument(source, "it declares XML entities, as no Word file does", _REMEDY)


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
        """Add a table, one block for each run of data rows; rows that lay out a page are read as a story."""
        data: list[str] = []
        for row in table.iter(f"{_W}tr"):
            if next(row.iterancestors(f"{_W}tbl")) is not table:
                continue
            cells = [c for c in row.iter(f"{_W}tc") if next(c.iterancestors(f"{_W}tr")) is row]
            values = [" ".join(" ".join(_words(p)[0] for p in cell.iter(f"{_W}p")).split()) for cell in cells]
            if len(values) > 1 and max(map(len, values)) <= settings().plain.max_cell:
                self._rows.append(values)
                if any(values):
                    data.append(" | ".join(values))
                continue
            self._builder.add("table", "\n".join(data))
            data = []
            for cell in cells:
                self._story(cell)
        self._builder.add("table", "\n".join(data))

    def _notes(self, part: bytes) -> None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        for note in etree.fromstring(part, parser):
            if note.get(f"{_W}type") is None:  # the typed ones are separators
                self._story(note)


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
