"""Web pages: the main part, headings, tables and what the page states of itself.

In: bytes of a page, in the encoding it declares or any other. Out: ``Text`` of the part that holds the running text;
menus, lists of links and footers within it are furniture. Not for: fetching pages; nothing they refer to is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from lxml import etree, html

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import Builder, Origin, clean, empty, settings
from zongjie.readers.encoding import decode
from zongjie.readers.stated import first_stated, iso_date, published_in_line, sensible_title, stated_in_rows
from zongjie.readers.tables import Raw, lay_table
from zongjie.text import BlockKind, Stated, Text

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,80}?encoding\s*=\s*[\"']([\w-]+)")
_SPACE = re.compile(r"[ \t\n\u3000\xa0]+")
_LABELLED = ("li", "p", "span", "dd", "div")  # may hold a line such as 发布时间:…
_WIDEST = 1000  # columns or rows that one cell may cover
_FEW, _SHORT = 8, 160  # children and characters of such a line
_PROSE = re.compile("[,;\uff0c\u3002\uff1b\u3001]")
_HEADING = re.compile(r"h([1-6])$")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a web page.

    Args:
        data: The page's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If there is no text in it, or it is nested so deep that the parser leaves text out.
    """
    declared = _CHARSET.search(data[:8192]) or _XML_ENCODING.search(data[:200])
    decoded, notices = decode(data, origin.source, declared=declared[1].decode() if declared else None)
    content, dropped = clean(decoded)
    # The parser limits depth and size by itself, and gets characters, so that no declaration misleads it.
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(content.encode(), parser=parser)
    except etree.ParserError:
        raise empty(origin.source) from None
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        reason = "its elements are nested too deep; the text within them cannot be read"
        raise UnreadableDocument(origin.source, reason, "Open it in a browser and save it as plain text.")
    stated = _stated(root)
    builder = Builder()
    for notice in notices + dropped:
        builder.notice(notice)
    main = _main(root)
    title = _page_title(root, stated)
    if title and main is not root and _squeeze(title) not in _squeeze("".join(main.itertext())[:2000]):
        builder.add("heading", title, level=1)
    _Walk(builder).walk(main)
    yield builder.build(origin, stated)


def _squeeze(words: str) -> str:
    return _SPACE.sub("", words)


def _page_title(root: html.HtmlElement, stated: Stated) -> str | None:
    for heading in root.iter("h1"):
        words = _SPACE.sub(" ", "".join(heading.itertext())).strip()
        if words:
            return words
    return stated.title


def _stated(root: html.HtmlElement) -> Stated:
    """Take title, issuer and date from the page's metadata, index tables, headings and title, in that order."""
    names = settings().html
    metas: dict[str, str] = {}
    for meta in root.iter("meta"):
        key = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").lower()
        metas.setdefault(key, _SPACE.sub(" ", meta.get("content") or "").strip())

    def first(keys: tuple[str, ...]) -> str:
        return next((metas[key.lower()] for key in keys if metas.get(key.lower())), "")

    meta = Stated(
        sensible_title(first(names.title_names)),
        first(names.issuer_names) or None,
        iso_date(first(names.published_names)),
    )
    index = stated_in_rows([_cell(cell) for cell in _cells(row)] for row in root.iter("tr"))
    lines = [words for item in root.iter(*_LABELLED) if len(item) < _FEW and (words := _cell(item))]
    items = stated_in_rows([line] for line in lines)
    dated = next((day for line in lines if len(line) < _SHORT and (day := published_in_line(line))), None)
    heading = next((words for h in root.iter("h1") if (words := _cell(h))), None)
    own = Stated(title=sensible_title(heading), published=dated)
    return first_stated(meta, index, items, own, Stated(title=_head_title(root)))


def _head_title(root: html.HtmlElement) -> str | None:
    """Take the longest piece of ``<title>`` that is not the site's name."""
    words = root.findtext(".//title") or ""
    pieces = [piece.strip() for piece in re.split(settings().html.title_breaks, words) if piece.strip()]
    return sensible_title(max(pieces, key=len)) if pieces else None


def _cells(row: html.HtmlElement) -> list[html.HtmlElement]:
    return [cell for cell in row if cell.tag in ("td", "th")]


def _cell(element: html.HtmlElement) -> str:
    return _SPACE.sub(" ", " ".join(_visible(element))).strip()


def _visible(element: html.HtmlElement) -> Iterator[str]:
    """Give an element's text nodes, without scripts and the like and without its tail."""
    if element.text:
        yield element.text
    for child in element:
        if isinstance(child.tag, str) and child.tag not in settings().html.skip:
            yield from _visible(child)
        if child.tail:
            yield child.tail


@cache
def _outside() -> frozenset[str]:
    """Tags whose text is not running text: navigation and links."""
    return settings().html.furniture | {"a"}


def _main(root: html.HtmlElement) -> html.HtmlElement:
    """Find the smallest element that holds nearly all of the page's running text.

    Running text is pieces long enough to be prose, outside links and navigation. Each step down keeps at least
    ``main_share`` of the whole page's, so what is cut away is menus, lists of links and footers.
    """
    limits = settings().html
    bodies = root.findall("body")
    body = bodies[0] if bodies else root
    weights: dict[html.HtmlElement, int] = {}

    def weigh(element: html.HtmlElement) -> str:
        """Note an element's weight; give its words if they run on into its parent's."""
        if not _shown(element) or element.tag in _outside():
            return ""
        pieces = [element.text or ""]
        total = 0
        for child in element:
            pieces += [weigh(child), child.tail or ""]
            total += weights.get(child, 0)
        own = "".join(pieces).strip()
        if element.tag in limits.inline:
            weights[element] = total
            return own
        running = len(own) >= limits.min_running and _PROSE.search(own)
        weights[element] = total + (len(own) if running else 0)
        return ""

    weigh(body)
    whole = weights.get(body, 0)
    main = body
    while whole:
        heavy = next((child for child in main if weights.get(child, 0) >= limits.main_share * whole), None)
        if heavy is None or heavy.tag in limits.inline or heavy.tag in ("p", "table", "tbody", "tr", "ul", "ol"):
            break
        main = heavy
    return main


def _shown(element: html.HtmlElement) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in settings().html.skip or element.get("hidden") is not None:
        return False
    style = element.get("style")
    return not (style and _HIDDEN.search(style))


@dataclass(slots=True)
class _Walk:
    """Walks an element and adds its blocks; text between block elements is one block a line."""

    builder: Builder
    words: list[str] = field(default_factory=list)
    length: int = 0  # characters of ``words``; summing them for each element would be quadratic
    linked: int = 0  # those of them inside links

    def walk(self, element: html.HtmlElement) -> None:
        self._element(element, "paragraph", None)
        self._flush("paragraph", None)

    def _element(self, element: html.HtmlElement, kind: BlockKind, level: int | None) -> None:
        if not _shown(element):
            return
        tag = element.tag
        table = settings().html
        if tag == "br":
            self._flush(kind, level)
            return
        if tag == "table" and self._table(element, kind):
            return
        block = tag not in table.inline
        if block:
            self._flush(kind, level)
        inner, depth = _role(tag, kind, level)
        before = self.length
        self._add(element.text)
        for child in element:
            self._element(child, inner, depth)
            self._add(child.tail)
        if tag == "a":
            self.linked += max(0, self.length - before)
        if block:
            self._flush(inner, depth)

    def _add(self, words: str | None) -> None:
        if words:
            self.words.append(words)
            self.length += len(words)

    def _flush(self, kind: BlockKind, level: int | None) -> None:
        words = _SPACE.sub(" ", "".join(self.words)).strip()
        linked = kind != "heading" and self.linked >= settings().html.link_share * max(len(words), 1)
        self.words, self.length, self.linked = [], 0, 0
        self.builder.add("furniture" if linked else kind, words, level=level if not linked else None)

    def _table(self, table: html.HtmlElement, kind: BlockKind) -> bool:
        """Add a data table; rows that lay out a page are walked instead."""
        rows = [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]
        if not rows:
            return False
        self._flush(kind, None)
        for caption in table.iterchildren("caption"):
            self._element(caption, "paragraph", None)

        def tell(number: int) -> None:
            for cell in _cells(rows[number]):
                self._element(cell, kind, None)

        lay_table(self.builder, _placed(rows), tell)
        return True


def _placed(rows: list[html.HtmlElement]) -> list[list[Raw]]:
    """Place the cells of rows in their columns, past those that reach down from above."""
    reaches: dict[int, int] = {}  # column → the first row that nothing from above covers
    out = []
    for number, row in enumerate(rows):
        column, placed = 0, []
        for cell in _cells(row):
            while reaches.get(column, 0) > number:
                column += 1
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            placed.append(Raw(_cell(cell), column, width, height, header=cell.tag == "th"))
            reaches.update(dict.fromkeys(range(column, column + width), number + height))
            column += width
        out.append(placed)
    return out


def _span(cell: html.HtmlElement, name: str) -> int:
    value = (cell.get(name) or "").strip()
    return min(max(int(value), 1), _WIDEST) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def _role(tag: str, kind: BlockKind, level: int | None) -> tuple[BlockKind, int | None]:
    """Give the kind of block that an element's text makes, from that of its surroundings."""
    if tag in settings().html.furniture or kind == "furniture":
        return "furniture", None
    heading = _HEADING.match(tag)
    if heading:
        return "heading", int(heading[1])
    return ("list", None) if tag == "li" else (kind, level)
