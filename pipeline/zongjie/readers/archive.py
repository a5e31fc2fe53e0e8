"""Zip containers: looked at before anything is unpacked.

In: bytes of a zip. Out: an open archive within the limits of ``configs/reading.toml``, and its parts, read whole or not
at all. Nothing is written to disk. Not for: what the parts mean (``docx``, ``sheets``, ``ofd``, ``zipped``).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import settings

_MEBIBYTE = 1 << 20
_ENCRYPTED = 1
_XML = (".xml", ".rels")
_DECLARES = (b"<!DOCTYPE", b"<!ENTITY")
_HEAD = 1 << 16
REMEDY = "Get the file again, or open it in the program that made it and save it anew."
TRUST = "If it is to be trusted, raise [limits] in configs/reading.toml."
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError, KeyError)
"""What reading a damaged zip may raise."""


@contextmanager
def opened(data: bytes, source: str, what: str) -> Iterator[zipfile.ZipFile]:
    """Open a container that is one document: an Office file or an OFD.

    Args:
        data: Its bytes.
        source: The document's name.
        what: What to call it in messages, such as ``Word file``.

    Yields:
        The archive, within the limits, without passwords and without XML that declares entities.

    Raises:
        UnreadableDocument: If it is damaged, protected or beyond the limits.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, source, what)
            yield archive
    except DAMAGED as error:
        raise UnreadableDocument(source, f"the {what} is damaged ({error})", REMEDY) from error


def _check(archive: zipfile.ZipFile, source: str, what: str) -> None:
    limits = settings().limits
    parts = archive.infolist()
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise UnreadableDocument(source, "it is protected by a password", "Remove the password and save it again.")
    unpacked = sum(part.file_size for part in parts)
    dense = any(map(is_bomb, parts))
    if dense or unpacked > limits.max_unpacked_bytes or len(parts) > limits.max_parts:
        reason = f"it would unpack to {unpacked:,} bytes in {len(parts):,} parts, beyond the limits"
        raise UnreadableDocument(source, reason, TRUST)
    for part in parts:
        if part.filename.lower().endswith(_XML):
            head = archive.open(part).read(_HEAD).replace(b"\0", b"")  # also in UTF-16
            if any(mark in head for mark in _DECLARES):
                raise UnreadableDocument(source, f"it declares XML entities, as no {what} does", REMEDY)


def is_bomb(part: zipfile.ZipInfo) -> bool:
    """Say whether a part would unpack to more than any document is packed to."""
    return part.file_size > _MEBIBYTE and part.file_size > settings().limits.max_ratio * max(part.compress_size, 1)


def xml_of(archive: zipfile.ZipFile, name: str) -> etree._Element:
    """Read one part as XML; entities stay unresolved and nothing is fetched.

    Args:
        archive: The container.
        name: The part's name.

    Returns:
        The root element.

    Raises:
        KeyError: If there is no such part.
        lxml.etree.XMLSyntaxError: If it is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    return etree.fromstring(archive.read(name), parser)
