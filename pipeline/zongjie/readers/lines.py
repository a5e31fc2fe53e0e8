"""Lines as set on pages, joined again to paragraphs: what PDF and OFD share.

In: the lines of each page with their edges. Out: paragraphs, headings and furniture. A line is joined to the next where
the next word would not have fitted into it, or where a number was cut in two. Running headers and page numbers are
furniture, moved behind the paragraph they interrupt. Not for: columns side by side.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from statistics import median

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import Builder, settings
from zongjie.text import Notice, fold

_DIGITS = re.compile(r"\d+")
_RUN = re.compile(r"[0-9A-Za-z.,%:/~-]+")
_FEW = 5  # lines; a page with fewer has no margin of its own
_SAME_LINE = 0.5  # of a line's height by which its neighbour may stand higher or lower
_HUNG = 2.0  # character widths by which a line may hang over the margin


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page as set; lengths in points, from the page's lower left corner.

    Attributes:
        words: Its characters, without white space at the ends.
        page: Page number from 1.
        left: Left edge of the first character.
        right: Right edge of the last character.
        top: Upper edge.
        bottom: Lower edge.
        margin: Right edge of the page's text.
        zone: Whether it stands in the top or bottom zone of the page.
    """

    words: str
    page: int
    left: float
    right: float
    top: float
    bottom: float
    margin: float = 0.0
    zone: bool = False

    @property
    def size(self) -> float:
        """Height, which is about the width of a hanzi."""
        return max(self.top - self.bottom, 1.0)


def whole_lines(pieces: Iterable[Line], height: float, *, gap: str) -> list[Line]:
    """Join pieces that stand on one line.

    Args:
        pieces: Pieces of lines of one page, in any order.
        height: The page's height.
        gap: What to write between pieces that do not touch.

    Returns:
        Whole lines from top to bottom.
    """
    edge = settings().pdf.edge_share * height
    rows: list[list[Line]] = []
    for piece in sorted(pieces, key=lambda p: (-p.top, p.left)):
        row = next((r for r in rows[-2:] if abs(r[0].bottom - piece.bottom) < _SAME_LINE * r[0].size), None)
        if row is None:
            rows.append([piece])
        else:
            row.append(piece)
    out = []
    for row in rows:
        row.sort(key=lambda p: p.left)
        words = row[0].words
        for before, after in pairwise(row):
            words += (gap if after.left - before.right > _SAME_LINE * after.size else "") + after.words
        bottom, top = min(p.bottom for p in row), max(p.top for p in row)
        zone = bottom > height - edge or top < edge
        out.append(Line(words, row[0].page, row[0].left, max(p.right for p in row), top, bottom, zone=zone))
    return out


def lay_pages(pages: Sequence[list[Line]], builder: Builder, source: str) -> None:
    """Add the text of pages to a document.

    Args:
        pages: The lines of each page, in reading order.
        builder: The document.
        source: Its name, for messages.

    Raises:
        UnreadableDocument: If there are no lines, or what they hold is not legible.
    """
    _check(pages, source)
    bare = [number for number, lines in enumerate(pages, 1) if not lines]
    if bare:
        message = f"No text on {len(bare)} of {len(pages)} pages ({', '.join(map(str, bare[:10]))}); scans need OCR."
        builder.notice(Notice("pages_without_text", message))
    lines = [line for page in _with_margins(pages) for line in page]
    joined = _lay(lines, _running(lines), builder)
    if joined:
        builder.notice(Notice("rejoined_lines", f"{joined} line breaks of the page layout were taken out."))


def _check(pages: Sequence[list[Line]], source: str) -> None:
    words = "".join(line.words for lines in pages for line in lines)
    if not words:
        raise UnreadableDocument(
            source, "it has no text layer: its pages are pictures, perhaps a scan", settings().ocr.install
        )
    legible = sum(character.isprintable() and character != "\ufffd" for character in words)
    if legible < settings().pdf.min_legible_share * len(words):
        raise UnreadableDocument(
            source, "its text layer is not legible: the fonts do not say what they show", settings().ocr.install
        )


def _with_margins(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Give each line its page's right margin: that of a typical page where its own has few lines."""
    edges = [_edge([line for line in lines if not line.zone]) for lines in pages]
    typical = median([edge for edge in edges if edge] or [0.0])
    margins = [max(edge, typical if len(lines) < _FEW else 0.0) for edge, lines in zip(edges, pages, strict=True)]
    return [[replace(line, margin=margin) for line in lines] for margin, lines in zip(margins, pages, strict=True)]


def _edge(lines: list[Line]) -> float:
    """Give the right edge that two lines share, so that punctuation hung over the margin does not widen it."""
    if not lines:
        return 0.0
    rights = sorted((line.right for line in lines), reverse=True)
    hung = rights[0] - _HUNG * median(line.size for line in lines)
    shared = (right for right, following in pairwise(rights) if right - following < 1.0 and right > hung)
    return next(shared, rights[0])


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    table = settings()
    return {
        "number": re.compile(table.pdf.page_number),
        "start": re.compile(table.wrap.start),
        "broken": re.compile(table.wrap.broken_number),
    }


def _running(lines: list[Line]) -> set[Line]:
    """Find running headers, footers and page numbers: in the top or bottom zone, and returning or made of a number."""
    keys = Counter(key for key, _ in {(_DIGITS.sub("0", line.words), line.page) for line in lines if line.zone})
    return {
        line
        for line in lines
        if line.zone
        and (
            _patterns()["number"].fullmatch(fold(line.words))
            or keys[_DIGITS.sub("0", line.words)] >= settings().pdf.min_repeats
        )
    }


def _lay(lines: list[Line], running: set[Line], builder: Builder) -> int:
    """Add paragraphs, headings and furniture to a builder; return how many line breaks were taken out."""
    body = Counter[float]()
    for line in lines:
        body[round(line.size)] += len(line.words)
    usual = body.most_common(1)[0][0]
    larger = sorted({round(line.size) for line in lines if line.size > usual * settings().pdf.size_step}, reverse=True)
    joined = 0
    words: list[str] = []
    first: Line | None = None
    last: Line | None = None
    waiting: list[Line] = []

    def flush() -> None:
        nonlocal words
        if first:
            line = "".join(words)
            heading = round(first.size) in larger and len(line) <= settings().pdf.max_heading
            level = larger.index(round(first.size)) + 1 if heading else None
            builder.add("heading" if heading else "paragraph", line, level=level, page=first.page)
        for other in waiting:
            builder.add("furniture", other.words, page=other.page)
        words = []
        waiting.clear()

    for line in lines:
        if line in running:
            waiting.append(line)
        elif first and last and _wrapped(first, last, line):
            words += [_glue(last.words, line.words), line.words]
            joined += 1
            last = line
        else:
            flush()
            words, first, last = [line.words], line, line
    flush()
    return joined


def _glue(before: str, after: str) -> str:
    """Give the space that the line break stood for: one between Latin words, else none."""
    pair = before[-1] + after[0]
    return " " if pair.isascii() and pair[0].isalpha() and pair[1].isalnum() else ""


def _wrapped(first: Line, line: Line, after: Line) -> bool:
    """Tell whether a line break is the page's and not the writer's; ``first`` begins the paragraph of ``line``."""
    patterns, table = _patterns(), settings()
    before, next_words = fold(line.words), fold(after.words)
    if abs(line.size - after.size) > (table.pdf.size_step - 1) * max(line.size, after.size):
        return False
    if after.page == line.page and not 0 < line.bottom - after.bottom < 4 * line.size:
        return False  # beside it or far below: a table or a column
    if next_words[0] in table.wrap.closing:
        return True
    near = line.margin - line.right < 8 * line.size
    if near and patterns["broken"].search(f"{before[-6:]}\n{next_words[:6]}"):
        return True
    # Where paragraphs are indented, a line that is not goes on with the paragraph, even after a full stop.
    indented = first.left - after.left > table.pdf.indent * line.size
    if (before[-1] in table.wrap.terminal and not indented) or patterns["start"].match(next_words):
        return False
    if after.left - line.left > table.pdf.indent * line.size:
        return False
    room = line.margin - line.right
    return room < _first_word(next_words) * line.size + table.pdf.slack * line.size


def _first_word(words: str) -> float:
    """Give the width, in hanzi, of what may not be parted at the head of a line."""
    wrap = settings().wrap
    at = 0
    while at < len(words) and words[at] in wrap.opening:
        at += 1
    run = _RUN.match(words, at)
    at = run.end() if run else at + 1
    while at < len(words) and words[at] in wrap.closing:
        at += 1
    return sum(0.55 if character.isascii() else 1.0 for character in words[:at])
