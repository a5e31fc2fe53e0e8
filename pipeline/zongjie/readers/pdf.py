"""PDF: the text layer, with page numbers; lines that the page width broke are joined again.

In: bytes of a PDF. Out: ``Text``. A line is joined to the next where the next word would not have fitted into it, or
where a number was cut in two. Running headers and page numbers are furniture, moved behind the paragraph they
interrupt. Not for: scans without a text layer (that needs OCR), forms, columns side by side.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from statistics import median

import pypdfium2
import pypdfium2.raw as pdfium

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import Builder, Origin, clean, settings
from zongjie.readers.stated import sensible_title
from zongjie.text import Notice, Stated, Text, fold

_DIGITS = re.compile(r"\d+")
_RUN = re.compile(r"[0-9A-Za-z.,%:/~-]+")
_FEW = 5  # lines; a page with fewer has no margin of its own
_HUNG = 2.0  # character widths by which a line may hang over the margin
_OCR = "Run OCR over it (for example ocrmypdf -l chi_sim) and read the result."


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


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a PDF.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is damaged or protected, has too many pages, or no legible text layer.
    """
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableDocument(
                origin.source, "it is protected by a password", "Remove the password and save it again."
            ) from error
        raise UnreadableDocument(origin.source, f"the PDF is damaged ({error})", "Get the file again.") from error
    try:
        yield _read(document, origin)
    finally:
        document.close()


def _read(document: pypdfium2.PdfDocument, origin: Origin) -> Text:
    limit = settings().limits.max_pages
    if len(document) > limit:
        reason = f"it has {len(document)} pages, more than the limit of {limit}"
        raise UnreadableDocument(
            origin.source, reason, "Split it, or raise [limits] max_pages in configs/reading.toml."
        )
    pages = [_lines(document, index) for index in range(len(document))]
    _check(pages, origin.source)
    builder = Builder()
    bare = [number for number, lines in enumerate(pages, 1) if not lines]
    if bare:
        message = f"No text on {len(bare)} of {len(pages)} pages ({', '.join(map(str, bare[:10]))}); scans need OCR."
        builder.notice(Notice("pages_without_text", message))
    lines = [line for page in _with_margins(pages) for line in page]
    joined = _lay(lines, _running(lines), builder)
    if joined:
        builder.notice(Notice("rejoined_lines", f"{joined} line breaks of the page layout were taken out."))
    title = sensible_title(document.get_metadata_dict().get("Title"))
    return builder.build(origin, Stated(title=title))


def _check(pages: list[list[Line]], source: str) -> None:
    words = "".join(line.words for lines in pages for line in lines)
    if not words:
        raise UnreadableDocument(source, "it has no text layer: its pages are pictures, perhaps a scan", _OCR)
    legible = sum(character.isprintable() and character != "\ufffd" for character in words)
    if legible < settings().pdf.min_legible_share * len(words):
        raise UnreadableDocument(source, "its text layer is not legible: the fonts do not say what they show", _OCR)


def _lines(document: pypdfium2.PdfDocument, index: int) -> list[Line]:
    """Read one page's lines in the order of its content."""
    page = document[index]
    text = page.get_textpage()
    try:
        height = page.get_height()
        count = text.count_chars()
        codes = [pdfium.FPDFText_GetUnicode(text, at) for at in range(count)]
        out: list[Line] = []
        start = 0
        for at in range(count + 1):
            if at == count or codes[at] in (10, 13):
                line = _line(text, codes, (start, at), index + 1, height)
                out += [line] if line else []
                start = at + 1
        return out
    finally:
        text.close()
        page.close()


def _line(
    text: pypdfium2.PdfTextPage, codes: list[int], span: tuple[int, int], page: int, height: float
) -> Line | None:
    solid = [at for at in range(*span) if codes[at] > 32 and not chr(codes[at]).isspace()]
    if not solid:
        return None
    words = clean(_characters(codes[span[0] : span[1]]))[0].strip()
    if not words:
        return None
    left, low, _, high = text.get_charbox(solid[0], loose=True)
    _, bottom, right, top = text.get_charbox(solid[-1], loose=True)
    bottom, top = min(low, bottom), max(high, top)
    edge = settings().pdf.edge_share * height
    return Line(words, page, left, right, top, bottom, zone=bottom > height - edge or top < edge)


def _characters(codes: list[int]) -> str:
    """Decode UTF-16 units or code points, which PDFium gives according to its version."""
    units = b"".join(chr(code).encode("utf-16-le", errors="surrogatepass") for code in codes)
    return units.decode("utf-16-le", errors="replace")


def _with_margins(pages: list[list[Line]]) -> list[list[Line]]:
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
