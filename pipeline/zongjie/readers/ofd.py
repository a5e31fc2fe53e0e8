"""OFD (GB/T 33190, the Chinese standard for fixed pages): the text layer, with page numbers.

In: bytes of a zip of XML. Out: ``Text``, its lines joined as those of a PDF (``lines``). Positions are in millimetres
from the upper left corner of a page; they are turned over so that up is up, as in a PDF. Not for: pages that are
pictures, signatures, forms.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from zipfile import ZipFile

from lxml import etree

from zongjie.errors import UnreadableDocument
from zongjie.readers.archive import REMEDY, opened, xml_of
from zongjie.readers.base import CONFIG, Builder, Origin, clean, settings
from zongjie.readers.lines import Line, lay_pages, whole_lines
from zongjie.readers.stated import iso_date, sensible_title
from zongjie.text import Stated, Text

_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
_A4 = (0.0, 0.0, 210.0, 297.0)
_USUAL = 4.0  # millimetres: the size of text that does not state it
_MOST_REPEATED = 100_000  # how often "g n d" may repeat an advance; a line has no more characters


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read an OFD file.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        One document for each body in the file; nearly always one.

    Raises:
        UnreadableDocument: If it is damaged, protected, has too many pages, or no text layer.
    """
    with opened(data, origin.source, "OFD file") as archive:
        try:
            root = xml_of(archive, "OFD.xml")
            bodies = _all(root, "DocBody")
            if any(name.endswith("Encryptions.xml") for name in archive.namelist()):
                raise UnreadableDocument(
                    origin.source, "it is protected by a password", "Remove the password and save it again."
                )
            if not bodies:
                raise UnreadableDocument(origin.source, "the OFD file is damaged (it has no body)", REMEDY)
            for body in bodies:
                yield _Document(archive, body, origin).read()
        except (etree.XMLSyntaxError, AttributeError) as error:
            raise UnreadableDocument(origin.source, f"the OFD file is damaged ({error})", REMEDY) from error


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _all(element: etree._Element, name: str) -> list[etree._Element]:
    """Give the elements of a name below another, whatever their namespace."""
    return [e for e in element.iter() if _name(e) == name]


def _text(element: etree._Element, name: str) -> str:
    return next(((e.text or "").strip() for e in _all(element, name)), "")


def _numbers(words: str | None, least: int = 0) -> list[float]:
    found = [float(n) for n in _NUMBER.findall(words or "")]
    return found if len(found) >= least else []


class _Document:
    """One body of an OFD file on its way to ``Text``."""

    def __init__(self, archive: ZipFile, body: etree._Element, origin: Origin) -> None:
        self.archive, self.body, self.origin = archive, body, origin
        self.path = _text(body, "DocRoot").lstrip("/")
        self.root = xml_of(archive, self.path)
        self.area = _numbers(_text(self.root, "PhysicalBox"), 4) or list(_A4)
        self.templates = {e.get("ID", ""): e.get("BaseLoc", "") for e in _all(self.root, "TemplatePage")}
        self.shown: dict[str, etree._Element] = {}

    def read(self) -> Text:
        places = [page.get("BaseLoc", "") for pages in _all(self.root, "Pages") for page in _all(pages, "Page")]
        limit = settings().limits.max_pages
        if len(places) > limit:
            reason = f"it has {len(places)} pages, more than the limit of {limit}"
            remedy = f"Split it, or raise [limits] max_pages in configs/{CONFIG}."
            raise UnreadableDocument(self.origin.source, reason, remedy)
        builder = Builder()
        lay_pages([self._page(p, n) for n, p in enumerate(places, 1)], builder, self.origin.source)
        title, created = _text(self.body, "Title"), _text(self.body, "CreationDate")
        return builder.build(
            self.origin, Stated(title=sensible_title(title), published=None if not title else iso_date(created))
        )

    def _page(self, place: str, number: int) -> list[Line]:
        page = self._part(place)
        area = _numbers(_text(page, "PhysicalBox"), 4) or self.area
        pieces = list(_pieces(page, number, area))
        for use in _all(page, "Template"):
            template = self.templates.get(use.get("TemplateID", ""))
            if template:
                if template not in self.shown:
                    self.shown[template] = self._part(template)
                pieces += _pieces(self.shown[template], number, area)
        return whole_lines(pieces, area[3], gap=" ")

    def _part(self, place: str) -> etree._Element:
        """Open a part named in the document: from its folder, or from the root if the name begins with ``/``."""
        path = place.lstrip("/") if place.startswith("/") else posixpath.join(posixpath.dirname(self.path), place)
        return xml_of(self.archive, posixpath.normpath(path))


def _pieces(page: etree._Element, number: int, area: list[float]) -> Iterator[Line]:
    """Give the pieces of text on a page; one text code is one piece."""
    for shown in _all(page, "TextObject"):
        box = _numbers(shown.get("Boundary"), 4)
        if not box:
            continue
        a, b, c, d, e, f = _numbers(shown.get("CTM"), 6)[:6] or (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        size = next(iter(_numbers(shown.get("Size"))), _USUAL)
        x = y = 0.0
        for code in _all(shown, "TextCode"):
            x = next(iter(_numbers(code.get("X"))), x)
            y = next(iter(_numbers(code.get("Y"))), y)
            words = clean(code.text or "")[0].replace("\n", "")
            if not words.strip():
                continue
            advance = _advance(code.get("DeltaX"), len(words), size)
            left, base = box[0] + a * x + c * y + e, box[1] + b * x + d * y + f
            height = size * max(abs(d), 0.01)
            bottom = area[3] - (base - area[1])
            yield Line(words.strip(), number, left, left + advance * max(abs(a), 0.01), bottom + height, bottom)


def _advance(deltas: str | None, count: int, size: float) -> float:
    """Add up the advances of a piece's characters; ``g n d`` stands for n advances of d."""
    total, left = size, count - 1
    words = (deltas or "").split()
    at = 0
    while at < len(words) and left > 0:
        if words[at] == "g" and at + 2 < len(words):
            times = min(left, int(next(iter(_numbers(words[at + 1])), 0)), _MOST_REPEATED)
            total += times * next(iter(_numbers(words[at + 2])), size)
            left -= times
            at += 3
        else:
            total += next(iter(_numbers(words[at])), size)
            left -= 1
            at += 1
    return total + max(left, 0) * size
