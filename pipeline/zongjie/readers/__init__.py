"""The reading room: bytes of any supported file become ``Text``, or an ``UnreadableDocument`` that says why not.

In: bytes or a path; text, web pages, Office files, PDF, OFD, pictures, tables, mails, archives and JSONL. Out: every
document exactly once, as a value; bad content raises nothing. Content decides the format, the suffix only between kinds
of text. Nothing here opens a network connection or follows an external entity. Not for: finding meaning in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from zongjie.errors import UnreadableDocument, ZongjieError
from zongjie.readers import sniff
from zongjie.readers.base import Nest, Origin, empty, name_of, settings, too_large
from zongjie.readers.furniture import find_furniture
from zongjie.readers.jsonl import read_stream
from zongjie.readers.plain import blocks_of_plain, read_text
from zongjie.text import Notice, Text

__all__ = ["SUFFIXES", "blocks_of_plain", "find_furniture", "name_of", "read_bytes", "read_path", "read_text"]

SUFFIXES = {
    ".txt": sniff.TEXT,
    ".md": sniff.MARKDOWN,
    ".html": sniff.HTML,
    ".htm": sniff.HTML,
    ".docx": sniff.DOCX,
    ".pdf": sniff.PDF,
    ".jsonl": sniff.JSONL,
    ".xlsx": sniff.XLSX,
    ".xlsm": sniff.XLSX,
    ".csv": sniff.CSV,
    ".tsv": sniff.CSV,
    ".ofd": sniff.OFD,
    ".eml": sniff.EML,
    ".zip": sniff.ZIP,
    ".doc": sniff.DOC,
    ".wps": sniff.DOC,
    ".rtf": sniff.RTF,
    ".odt": sniff.ODT,
    ".png": sniff.PNG,
    ".jpg": sniff.JPEG,
    ".jpeg": sniff.JPEG,
    ".gif": sniff.GIF,
    ".tif": sniff.TIFF,
    ".tiff": sniff.TIFF,
    ".bmp": sniff.BMP,
}
"""Suffix to media type: what a folder is searched for."""

# A reader is a module with ``read(data, origin)``; its library is imported when the first such file comes.
_READERS = {
    sniff.TEXT: "plain",
    sniff.MARKDOWN: "plain",
    sniff.HTML: "html",
    sniff.DOCX: "docx",
    sniff.PDF: "pdf",
    sniff.JSONL: "jsonl",
    sniff.XLSX: "sheets",
    sniff.CSV: "delimited",
    sniff.OFD: "ofd",
    sniff.EML: "mail",
    sniff.ZIP: "zipped",
    **dict.fromkeys((sniff.DOC, sniff.RTF, sniff.ODT), "office"),
    **dict.fromkeys((sniff.PNG, sniff.JPEG, sniff.GIF, sniff.TIFF, sniff.BMP), "ocr"),
}

# What holds documents of its own; they are called by their own suffixes.
_MANY = frozenset({sniff.ZIP, sniff.EML})

# First bytes of UTF-16, zip, PDF and OLE files.
_NO_LINES = frozenset({b"\xff\xfe", b"\xfe\xff", b"PK", b"%P", b"\xd0\xcf"})


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # a reason is the same in every run
_SAID = 300  # characters of a parser's message that are passed on


def read_bytes(
    data: bytes, *, source: str, suffix: str | None = None, nest: Nest | None = None
) -> Iterator[Text | UnreadableDocument]:
    """Read the documents in one file's bytes.

    Args:
        data: The file's bytes.
        source: What to call the document; ``/`` between folders.
        suffix: Such as ``.docx``; ``None`` to go by content alone (standard input).
        nest: The archives and mails that the bytes were taken out of.

    Yields:
        Each document once, as a ``Text``, or as an ``UnreadableDocument`` that says what is wrong and what mends it.
    """
    suffix = suffix.lower() if suffix else None
    if len(data) > settings().limits.max_bytes and suffix != ".jsonl":
        yield too_large(source, len(data))
        return
    try:
        yield from _read(data, source, suffix, nest)
    except UnreadableDocument as error:
        yield error
    except ZongjieError:
        raise  # a config that does not load is no fault of the document
    except MemoryError:
        raise  # a want of the machine: whoever runs this one knows what to do
    except Exception as error:  # parsers of foreign files raise what they like; one file must not stop the rest
        said = _ADDRESS.sub("", str(error))[:_SAID]
        reason = f"its parser gave up ({type(error).__name__}: {said})"
        yield UnreadableDocument(source, reason, "Open the file, save it anew, or save it as plain text.")


def _read(data: bytes, source: str, suffix: str | None, nest: Nest | None) -> Iterator[Text | UnreadableDocument]:
    if not data.strip():
        raise empty(source)
    claimed = SUFFIXES.get(suffix) if suffix else None
    media_type = sniff.sniff(data, source, claimed)
    reader = import_module(f"zongjie.readers.{_READERS[media_type]}")
    documents = reader.read(data, Origin.of_bytes(data, source, media_type, nest))
    wrong = media_type not in _MANY and claimed not in (None, media_type)
    for document in _bounded(documents):
        if wrong and isinstance(document, Text):
            notice = Notice("wrong_suffix", f"The file is called {suffix}, but its content is {media_type}.")
            document = replace(document, notices=(notice, *document.notices))
        yield document


def _bounded(documents: Iterable[Text | UnreadableDocument]) -> Iterator[Text | UnreadableDocument]:
    """Turn away documents that are longer than the limit; they need more memory than a machine may have."""
    limit = settings().limits.max_chars
    for document in documents:
        if isinstance(document, Text) and len(document.content) > limit:
            reason = f"it has {len(document.content):,} characters, more than the limit of {limit:,}"
            yield UnreadableDocument(document.source, reason, "Split it by chapters.")
        else:
            yield document


def read_path(path: Path, *, source: str | None = None) -> Iterator[Text | UnreadableDocument]:
    """Read the documents in one file.

    Args:
        path: The file. JSONL is read line by line, so it may be of any size.
        source: What to call the document; the path with ``/`` between folders if not given.

    Yields:
        As ``read_bytes``; a file that is missing, too large or may not be read is an ``UnreadableDocument`` too.
    """
    name = source if source is not None else name_of(path)
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            missing = "it is no regular file" if path.exists() else "there is no such file"
            reason = "it is a folder" if path.is_dir() else missing
            yield UnreadableDocument(name, reason, "Check the path and its permissions.")
            return
        if suffix == ".jsonl":
            yield from _stream(path, name)
            return
        size = path.stat().st_size
        if size > settings().limits.max_bytes:
            yield too_large(name, size)
            return
        with path.open("rb") as stream:  # a file of a system may be longer than it says
            data = stream.read(settings().limits.max_bytes + 1)
    except OSError as error:
        yield UnreadableDocument(name, f"it cannot be opened ({error.strerror})", "Check the path and its permissions.")
        return
    yield from read_bytes(data, source=name, suffix=suffix or None)


def _stream(path: Path, source: str) -> Iterator[Text | UnreadableDocument]:
    """Read JSONL without holding it; a file that is no lines of UTF-8 goes the way of all others."""
    limit = settings().limits.max_bytes
    with path.open("rb") as stream:
        if stream.read(2) not in _NO_LINES:
            stream.seek(0)
            yield from _bounded(read_stream(stream, source))
            return
        stream.seek(0)
        data = stream.read(limit + 1)
    if len(data) > limit:
        yield too_large(source, path.stat().st_size)
    else:
        yield from read_bytes(data, source=source, suffix=".jsonl")
