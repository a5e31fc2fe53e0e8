"""PDF: the text layer, with page numbers; lines that the page width broke are joined again.

In: bytes of a PDF. Out: ``Text``. Pages without a text layer are read by OCR where the extra is installed (``ocr``).
Not for: forms, columns side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from zongjie.errors import UnreadableDocument
from zongjie.readers import ocr
from zongjie.readers.base import Builder, Origin, clean, settings
from zongjie.readers.lines import Line, lay_pages
from zongjie.readers.stated import sensible_title
from zongjie.text import Stated, Text


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
    builder = Builder()
    _read_pictures(document, pages, builder)
    lay_pages(pages, builder, origin.source)
    title = sensible_title(document.get_metadata_dict().get("Title"))
    return builder.build(origin, Stated(title=title))


def _read_pictures(document: pypdfium2.PdfDocument, pages: list[list[Line]], builder: Builder) -> None:
    """Fill the pages that have no text by OCR, where that is installed."""
    bare = [index for index, lines in enumerate(pages) if not lines]
    if not bare or not ocr.is_installed():
        return
    for index in bare:
        pages[index] = ocr.lines_of(_drawn(document, index), page=index + 1)
    if any(pages[index] for index in bare):
        builder.notice(ocr.notice(index + 1 for index in bare))


def _drawn(document: pypdfium2.PdfDocument, index: int) -> Any:  # noqa: ANN401 - the library has no types
    page = document[index]
    try:
        width, height = page.get_size()
        scale = min(settings().ocr.scale, (settings().limits.max_pixels / max(width * height, 1.0)) ** 0.5)
        return page.render(scale=scale).to_pil()
    finally:
        page.close()


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
