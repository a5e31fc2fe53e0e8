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
from zongjie.readers.archive import DAMAGED
from zongjie.readers.base import settings

TEXT = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PDF = "application/pdf"
JSONL = "application/jsonl"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
OFD = "application/ofd"
EML = "message/rfc822"
ZIP = "application/zip"
DOC = "application/msword"
RTF = "application/rtf"
ODT = "application/vnd.oasis.opendocument.text"
PNG = "image/png"
JPEG = "image/jpeg"
GIF = "image/gif"
TIFF = "image/tiff"
BMP = "image/bmp"

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# What a format's files begin with, where that alone tells it.
_HEADS = {
    b"{\\rtf": RTF,
    b"\x89PNG\r\n\x1a\n": PNG,
    b"\xff\xd8\xff": JPEG,
    b"GIF8": GIF,
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
}
_ZIPPED: dict[str | None, str] = {DOCX: "Word file", XLSX: "Excel workbook", OFD: "OFD file", ODT: "text document"}
_PARTS = (("word/document.xml", DOCX), ("OFD.xml", OFD), ("xl/workbook.xml", XLSX))
_STREAMS = (
    ("WordDocument", None),
    ("Workbook", "an old Excel workbook (.xls)"),
    ("Book", "an old Excel workbook (.xls)"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)"),
)
_MAIL = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]{1,60}:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}")
_MAIL_KEY = re.compile(rb"^(?:received|return-path|message-id|mime-version|from|date|subject):", re.I | re.M)
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_BINARY = (DOCX, PDF, XLSX, OFD, ZIP, DOC, ODT, PNG, JPEG, GIF, TIFF, BMP)
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
    if head.startswith(_OLE):
        return _sniff_ole(data, source)
    for start, media_type in _HEADS.items():
        if head.startswith(start):
            return media_type
    if claimed == BMP and head.startswith(b"BM"):
        return BMP
    for magic in settings().magic:
        if head.startswith(bytes.fromhex(magic.hex)):
            raise UnreadableDocument(source, magic.reason, magic.remedy)
    if _WORD_XML.search(head):
        raise UnreadableDocument(source, "it is a Word XML file", "Open it in Word or WPS and save it as .docx.")
    if claimed in _BINARY and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableDocument(source, f"it is damaged: its content is not {claimed}", "Get the file again.")
    return _sniff_text(data, head, claimed)


def _sniff_text(data: bytes, head: bytes, claimed: str | None) -> str:
    narrow = head.replace(b"\0", b"") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else head
    if _PAGE.match(narrow.lstrip(_BLANK + b"\xff\xfe")):
        return HTML
    if claimed in (MARKDOWN, JSONL, TEXT, CSV):
        return claimed
    if claimed in (EML, None) and _MAIL.match(head) and (claimed or len(_MAIL_KEY.findall(head)) > 2):
        return EML
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


def _sniff_ole(data: bytes, source: str) -> str:
    """Tell what an old Office container holds by the names in its directory."""
    if _ENCRYPTED_PACKAGE in data:
        raise UnreadableDocument(source, "it is protected by a password", "Remove the password and save it as .docx.")
    for name, what in _STREAMS:
        if name.encode("utf-16-le") in data:
            if what is None:
                return DOC
            raise UnreadableDocument(source, f"it is {what}", "Open it in Office or WPS and save it in a new format.")
    return DOC


def _sniff_zip(data: bytes, source: str, claimed: str | None) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            stated = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except DAMAGED as error:
        reason = f"it is a truncated or damaged {_ZIPPED.get(claimed, 'zip archive')}"
        raise UnreadableDocument(source, reason, "Get the file again.") from error
    for part, media_type in _PARTS:
        if part in names:
            return media_type
    if any(n.startswith("word/document") and n.endswith(".xml") for n in names):
        return DOCX
    if stated.strip() == ODT.encode():
        return ODT
    for kind in settings().zipped:
        if kind.part in names:
            raise UnreadableDocument(source, kind.reason, kind.remedy)
    return ZIP
