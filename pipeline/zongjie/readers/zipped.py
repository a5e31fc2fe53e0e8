"""Archives (``.zip``): a folder of documents.

In: bytes of an archive. Out: the documents in it, each named like ``a.zip/folder/b.docx``; members that cannot be read
are an ``UnreadableDocument`` of their own. Nothing is written to disk. Not for: other archives (7z, RAR).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from zongjie.errors import UnreadableDocument
from zongjie.readers import SUFFIXES, read_bytes
from zongjie.readers.archive import DAMAGED, REMEDY, TRUST, is_bomb
from zongjie.readers.base import Nest, Origin, clean, empty, name_of, settings, too_large
from zongjie.text import Text

_UTF8_NAME = 0x800
_ENCRYPTED = 1
_OUTSIDE = re.compile(r"^(?:[/\\]|[A-Za-z]:)|(?:^|[/\\])\.\.(?:[/\\]|$)")
_HIDDEN = re.compile(r"(?:^|/)(?:__MACOSX/|\.[^./\\]|~\$|Thumbs\.db$|desktop\.ini$)")
_CHUNK = 1 << 20


def read(data: bytes, origin: Origin) -> Iterator[Text | UnreadableDocument]:
    """Read the documents in an archive.

    Args:
        data: The archive's bytes.
        origin: Where they come from.

    Yields:
        Each document once, in the order of the archive.

    Raises:
        UnreadableDocument: If the archive is damaged, empty, lies too deep or has too many members.
    """
    nest = origin.nest.inner(origin.source)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _HIDDEN.search(name_in(m))]
            if not members:
                raise empty(origin.source)
            for member in members:
                yield from _read(archive, member, f"{origin.source}/{name_of(name_in(member))}", nest)
    except zipfile.BadZipFile as error:
        raise UnreadableDocument(origin.source, f"the zip archive is damaged ({error})", REMEDY) from error


def name_in(member: zipfile.ZipInfo) -> str:
    """Give a member's name, decoded as GB18030 where the archive does not say that it is UTF-8."""
    name = member.filename
    if not member.flag_bits & _UTF8_NAME:
        raw = name.encode("cp437", errors="replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return clean(name)[0].replace("\n", " ")


def _read(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str, nest: Nest
) -> Iterator[Text | UnreadableDocument]:
    refused = _refused(member, source, nest)
    if refused:
        yield refused
        return
    try:
        data = _unpacked(archive, member, nest)
    except (*DAMAGED, RuntimeError) as error:
        yield UnreadableDocument(source, f"it is damaged in its archive ({error})", "Get the archive again.")
        return
    if data is None:
        yield UnreadableDocument(source, "its archive unpacks to more than the limit", TRUST)
        return
    yield from read_bytes(data, source=source, suffix=PurePosixPath(name_in(member)).suffix or None, nest=nest)


def _refused(member: zipfile.ZipInfo, source: str, nest: Nest) -> UnreadableDocument | None:
    """Say why a member is not unpacked, by what the archive's directory says of it."""
    name = name_in(member)
    nest.left.parts -= 1
    if nest.left.parts < 0:
        return UnreadableDocument(source, "its archive holds more files than the limit", TRUST)
    if _OUTSIDE.search(name):
        return UnreadableDocument(source, "its name leads out of its archive", "Pack the archive anew.")
    if member.flag_bits & _ENCRYPTED:
        remedy = "Unpack it with the password and read the files."
        return UnreadableDocument(source, "it is protected by a password", remedy)
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in SUFFIXES:
        remedy = f"Unpack it to read it by its content, or convert it to one of {' '.join(sorted(SUFFIXES))}."
        return UnreadableDocument(source, f"unsupported: its suffix is {suffix or 'none'}", remedy)
    if is_bomb(member) or member.file_size > nest.left.size:
        reason = f"it would unpack from {member.compress_size:,} to {member.file_size:,} bytes, beyond the limits"
        return UnreadableDocument(source, reason, TRUST)
    if member.file_size > settings().limits.max_bytes:
        return too_large(source, member.file_size)
    return None


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, nest: Nest) -> bytes | None:
    """Unpack a member; ``None`` if it is longer than its archive may still unpack to, whatever the directory says."""
    chunks = []
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            nest.left.size -= len(chunk)
            if nest.left.size < 0:
                return None
            chunks.append(chunk)
    return b"".join(chunks)
