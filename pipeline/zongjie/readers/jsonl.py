"""JSON Lines: one document a line, ``{"id": …, "text": …}``.

In: lines of bytes. Out: one ``Text`` or one ``UnreadableDocument`` for each line that is not blank; a bad line
stops nothing. Not for: annotations in such a file (``corpus.py`` reads gold).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import Origin, empty, settings, too_large
from zongjie.readers.encoding import decode
from zongjie.readers.plain import read_text
from zongjie.readers.stated import first_stated, iso_date
from zongjie.text import Stated, Text

_REMEDY = 'Write one JSON object a line, in UTF-8, such as {"id": "1", "text": "…"}.'


def read(data: bytes, origin: Origin) -> Iterator[Text | UnreadableDocument]:
    """Read a JSONL file held in memory.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        One document or error a line; one error if there is no line at all.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = decode(data, origin.source)[0].encode("utf-8", errors="replace")
    yield from read_stream(io.BytesIO(data), origin.source)


def read_stream(stream: BinaryIO, source: str) -> Iterator[Text | UnreadableDocument]:
    """Read JSONL line by line, holding one line at a time.

    Args:
        stream: Binary file, at its beginning.
        source: The file's name; documents are called ``source#line``, from 1.

    Yields:
        One document or error a line; one error if there is no line at all.
    """
    limit = settings().limits.max_bytes
    number = found = 0
    while line := stream.readline(limit + 1):
        number += 1
        name = f"{source}#{number}"
        if len(line) > limit:
            size = len(line)
            while not line.endswith(b"\n") and (line := stream.readline(limit)):
                size += len(line)
            yield too_large(name, size)
            found += 1
        elif line.strip(b" \t\r\n\xef\xbb\xbf\0"):
            yield _document(line, name)
            found += 1
    if not found:
        yield empty(source)


def _document(line: bytes, source: str) -> Text | UnreadableDocument:
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return UnreadableDocument(source, f"the line is not UTF-8 at byte {error.start}", _REMEDY)
    except json.JSONDecodeError as error:
        return UnreadableDocument(source, f"the line is not JSON: {error.msg} at character {error.pos}", _REMEDY)
    except (ValueError, RecursionError) as error:
        return UnreadableDocument(source, f"the line is not usable JSON: {error}", _REMEDY)
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        return UnreadableDocument(source, 'the line is not an object with a string "text"', _REMEDY)
    if not fields["text"].strip():
        return empty(source)
    given = fields.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int | None):
        return UnreadableDocument(source, '"id" is neither a string nor an integer', _REMEDY)
    text = read_text(fields["text"], id=_scalar(given), source=source)
    return replace(text, stated=first_stated(_stated(fields), text.stated))


def _scalar(given: str | int | None) -> str | None:
    return None if given is None else str(given).encode("utf-8", errors="replace").decode()


def _stated(fields: dict[str, Any]) -> Stated:
    """Take title, issuer and published from the object, where they are strings."""
    values = {key: _scalar(fields[key]) for key in ("title", "issuer", "published") if isinstance(fields.get(key), str)}
    return Stated(values.get("title"), values.get("issuer"), iso_date(values.get("published") or ""))
