"""Mails (``.eml``): subject, sender, date and body; each attachment a document of its own.

In: bytes of a message. Out: the mail's ``Text``, then the documents attached to it, named like ``a.eml/附件.docx``.
Nothing that the mail refers to is loaded. Not for: mailboxes (``.mbox``) or Outlook's ``.msg``.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

from zongjie.errors import UnreadableDocument
from zongjie.readers import SUFFIXES, read_bytes
from zongjie.readers.archive import TRUST
from zongjie.readers.base import Builder, Nest, Origin, clean, empty, name_of, settings
from zongjie.readers.html import read as read_page
from zongjie.readers.plain import blocks_of_plain
from zongjie.readers.stated import first_stated, sensible_title
from zongjie.text import Block, Stated, Text

_MOST_NESTED = 200  # parts inside parts; the standard library takes time for each line and level
_SUFFIX_OF = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml"}


def read(data: bytes, origin: Origin) -> Iterator[Text | UnreadableDocument]:
    """Read a mail and what is attached to it.

    Args:
        data: The message's bytes.
        origin: Where they come from.

    Yields:
        The mail, if it says something, and each attachment.

    Raises:
        UnreadableDocument: If it is empty, too deep, or no mail.
    """
    nest = origin.nest.inner(origin.source)
    if data.lower().count(b"boundary=") > _MOST_NESTED:
        raise UnreadableDocument(origin.source, "its parts are nested too deep", "Open it and save what is attached.")
    message = email.message_from_bytes(data, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    text = _body(message, body, origin)
    if text is not None:
        yield text
    attached = [part for part in _attached(message) if part is not body]
    if text is None and not attached:
        raise empty(origin.source)
    for number, part in enumerate(attached, 1):
        yield from _attachment(part, number, origin.source, nest)


def _header(message: EmailMessage, name: str) -> str:
    try:
        value = message.get(name)
    except Exception:  # the parser of headers raises what it likes over broken ones
        return ""
    return " ".join(clean(str(value))[0].split()) if value else ""


def _body(message: EmailMessage, body: Message | None, origin: Origin) -> Text | None:
    """Put the mail's headers over its body."""
    words, mail = settings().mail, Builder()
    subject, sender, sent = (_header(message, name) for name in ("Subject", "From", "Date"))
    published = None
    with suppress(ValueError):
        published = parsedate_to_datetime(sent).date().isoformat() if sent else None
    stated = Stated(title=sensible_title(subject), published=published)
    inner = _inner(body, origin) if body is not None else None
    if inner is None and not subject:
        return None
    mail.add("heading", subject, level=1)
    for word, value in ((words.sender, sender), (words.date, sent)):
        mail.add("furniture", f"{word}{value}" if value else "")
    head = mail.build(origin, stated)
    return head if inner is None else _under(head, inner)


def _under(head: Text, body: Text) -> Text:
    """Put one text under another."""
    shift = len(head.content) + 1
    moved = [replace(b, start=b.start + shift, end=b.end + shift) for b in body.blocks]
    cells = [tuple(replace(c, start=c.start + shift, end=c.end + shift) for c in table) for table in body.tables]
    blocks: tuple[Block, ...] = (*head.blocks, *moved)
    notices = [
        n if n.start is None or n.end is None else replace(n, start=n.start + shift, end=n.end + shift)
        for n in body.notices
    ]
    stated = first_stated(head.stated, body.stated)
    content = f"{head.content}\n{body.content}"
    return replace(
        head, content=content, blocks=blocks, stated=stated, notices=(*head.notices, *notices), tables=tuple(cells)
    )


def _inner(body: Message, origin: Origin) -> Text | None:
    """Read the body of a mail, which is text or a web page."""
    data = _bytes(body)
    charset = str(body.get_content_charset() or "")
    try:
        if body.get_content_subtype() == "html":
            head = f'<meta charset="{charset}">'.encode() if charset.replace("-", "").isalnum() else b""
            return next(read_page(head + data, origin))
        content, dropped = clean(_decoded(data, charset, origin.source).strip())
    except UnreadableDocument:
        return None
    if not content.strip():
        return None
    return Text(content, origin.id, origin.source, origin.media_type, blocks_of_plain(content), notices=dropped)


def _decoded(data: bytes, charset: str, source: str) -> str:
    from zongjie.readers.encoding import decode

    return decode(data, source, declared=charset)[0]


def _bytes(part: Message) -> bytes:
    """Give a part's bytes as they were before transfer."""
    if part.get_content_type() == "message/rfc822" or part.is_multipart():
        inner = part.get_payload()
        return b"\n".join(m.as_bytes() for m in inner if isinstance(m, Message)) if isinstance(inner, list) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _attached(message: EmailMessage) -> Iterator[EmailMessage]:
    """List the parts that are documents, in order; what lies in an attached mail belongs to that mail."""
    stack = [message]
    while stack:
        part = stack.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            stack += reversed(list(part.iter_parts()))  # type: ignore[arg-type]
        elif part.get_filename() or part.get_content_type() == "message/rfc822":
            yield part


def _attachment(part: EmailMessage, number: int, mail: str, nest: Nest) -> Iterator[Text | UnreadableDocument]:
    suffix = _SUFFIX_OF.get(part.get_content_type(), "")
    name = clean(part.get_filename() or f"{settings().mail.attachment}{number}{suffix}")[0]
    source = f"{mail}/{name_of(name.strip().strip('/'))}"
    suffix = PurePosixPath(name).suffix.lower() or suffix
    nest.left.parts -= 1
    data = _bytes(part)
    nest.left.size -= len(data)
    if nest.left.parts < 0 or nest.left.size < 0:
        yield UnreadableDocument(source, "its mail holds more than the limits allow", TRUST)
    elif suffix not in SUFFIXES:
        remedy = f"Save it to read it by its content, or convert it to one of {' '.join(sorted(SUFFIXES))}."
        yield UnreadableDocument(source, f"unsupported: its suffix is {suffix or 'none'}", remedy)
    else:
        yield from read_bytes(data, source=source, suffix=suffix, nest=nest)
