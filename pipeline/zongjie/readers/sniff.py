"""What a file is, by its content; a suffix only decides between kinds of text.

In: the first bytes (or all) of a file and its suffix. Out: a media type that a reader takes.
Not for: text encodings (``encoding.py``).
"""

from __future__ import annotations

import io
import json
import re
import zipfile

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import settings

TEXT = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"
JSONL = "application/jsonl"

_ZIP = b"PK\x03\x04"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_BLANK = b" \t\r\n\xef\xbb\xbf"
_PAGE = re.compile(rb"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body|meta|title)\b", re.I | re.S)
_TAG = re.compile(rb"</?(?:p|div|span|table|tr|td|br|h[1-6]|ul|li|a|font|article|section)\b[^>]*>", re.I)
_WORD_XML = re.compile(rb"<\?mso-application|<w:wordDocument|<pkg:package")
_HEAD = 4096


def sniff(data: bytes, source: str, claimed: str | None) -> str:
    """Tell a file's media type.

    Args:
        data: The file's bytes.
        source: The document's name, for messages.
        claimed: The media type its suffix claims, or ``None``.

    Returns:
        The media type that its content shows; for kinds of text that look alike, the claimed one.

    Raises:
        UnreadableDocument: If it is a known kind of file that no reader takes.
    """
    head = data[:_HEAD]
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(_ZIP):
        return _sniff_zip(data, source, claimed)
    if head.startswith(_OLE) and _ENCRYPTED_PACKAGE in data:
        raise UnreadableDocument(source, "it is protected by a password", "Remove the password and save it as .docx.")
    for magic in settings().magic:
        if head.startswith(bytes.fromhex(magic.hex)):
            raise UnreadableDocument(source, magic.reason, magic.remedy)
    if _WORD_XML.search(head):
        raise UnreadableDocument(source, "it is a Word XML file", "Open it in Word or WPS and save it as .docx.")
    if claimed in (DOCX, PDF) and len(data) > 0 and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocument(source, f"it is damaged: its content is not {claimed}", "Get the file again.")
    return _sniff_text(data, head, claimed)


def _sniff_text(data: bytes, head: bytes, claimed: str | None) -> str:
    narrow = head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head
    if _PAGE.match(narrow.lstrip(_BLANK + b"\xff\xfe")):
        return HTML
    if claimed in (MARKDOWN, JSONL, TEXT):
        return claimed
    if claimed == HTML or claimed is None:
        if len(_TAG.findall(narrow)) >= (1 if claimed else 3):
            return HTML
        if claimed is None and _is_jsonl(data):
            return JSONL
    return TEXT


def _is_jsonl(data: bytes) -> bool:
    line = data.lstrip(_BLANK).split(b"\n", 1)[0]
    if not line.startswith(b"{"):
        return False
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and "text" in fields


def _sniff_zip(data: bytes, source: str, claimed: str | None) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        what = "Word file" if claimed == DOCX else "zip archive"
        raise UnreadableDocument(source, f"it is a truncated or damaged {what}", "Get the file again.") from error
    if "word/document.xml" in names or any(n.startswith("word/document") and n.endswith(".xml") for n in names):
        return DOCX
    for kind in settings().zipped:
        if kind.part in names:
            raise UnreadableDocument(source, kind.reason, kind.remedy)
    raise UnreadableDocument(source, "it is a zip archive", "Unpack it and read the files inside.")
