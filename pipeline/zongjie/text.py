"""The text of one document, frozen once it is read.

In: what a reader found. Out: ``Text``, ``Block``, ``Cell``, ``Mention``, ``Notice`` and ``fold``, a width folding that
keeps the length.
Not for: reading files (``readers/``) or finding structure in the words (``language.py``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "paragraph", "table", "list", "furniture"]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")

# Full-width ASCII folds to ASCII by a fixed distance; the ideographic space to a space.
_FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xFFE5: 0xA5}


def fold(text: str) -> str:
    """Fold full-width letters, digits and punctuation to their ASCII forms, one character for one.

    Args:
        text: Any string.

    Returns:
        A string of the same length, so that offsets into it are offsets into ``text``.
    """
    return text.translate(_FOLD)


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document's layout: a half-open range of characters of ``Text.content``.

    Attributes:
        kind: What the piece is; ``furniture`` is page furniture (navigation, counters), which yields no facts.
        start: First character.
        end: One past the last character.
        level: Depth of a heading, 1 the highest; ``None`` for other kinds or where unknown.
        page: Page number from 1; ``None`` where the format has no pages.
    """

    kind: BlockKind
    start: int
    end: int
    level: int | None = None
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table that is not empty: a half-open range of characters of ``Text.content``, and where it stands.

    Attributes:
        start: First character.
        end: One past the last character.
        row: Row from 0.
        column: Column from 0.
        height: Rows that it covers.
        width: Columns that it covers.
        header: Whether the document marks it as a heading of its column.
    """

    start: int
    end: int
    row: int
    column: int
    height: int = 1
    width: int = 1
    header: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A typed range of characters: what the finders give and the makers keep.

    Attributes:
        start: First character.
        end: One past the last character.
        type: Such as ``SCHOOL``; see ``record.EntityType``.
    """

    start: int
    end: int
    type: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user should know about how a document was read.

    Attributes:
        code: A short fixed name, such as ``rejoined_lines`` or ``uncertain_encoding``.
        message: One sentence for a person.
        start: First character concerned, or ``None`` for the whole document.
        end: One past the last character concerned, or ``None``.
    """

    code: str
    message: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What a document's container states of it (page metadata, file properties, index table); ``None`` if unstated.

    Attributes:
        title: Title.
        issuer: Publishing body.
        published: Publication date as ``YYYY-MM-DD``.
    """

    title: str | None = None
    issuer: str | None = None
    published: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one document; ``content`` never changes after reading, so offsets never move.

    Attributes:
        content: The characters that every offset points into. Holds no lone surrogates.
        id: The given id, else the sha256 of the document's bytes, in hex.
        source: Path or name as given, with ``/`` between folders.
        media_type: Such as ``text/plain``.
        blocks: Layout, in order, not overlapping; may be empty for plain strings.
        stated: What the container states.
        notices: What to tell the user about the reading.
        tables: The cells of each table whose geometry the container gives, row by row.
    """

    content: str
    id: str
    source: str
    media_type: str
    blocks: tuple[Block, ...] = ()
    stated: Stated = field(default_factory=Stated)
    notices: tuple[Notice, ...] = ()
    tables: tuple[tuple[Cell, ...], ...] = ()

    @classmethod
    def of(cls, content: str, *, id: str | None = None, source: str = "<string>") -> Text:
        """Wrap a plain string.

        Args:
            content: Any string; lone surrogates become U+FFFD, one for one.
            id: The document's id; the sha256 of the UTF-8 bytes if not given.
            source: What to call the document in messages.

        Returns:
            A ``Text`` without blocks.
        """
        clean, found = _LONE_SURROGATE.subn("\ufffd", content)
        notices = (Notice("replaced_surrogates", f"{found} lone surrogates were replaced by U+FFFD."),) if found else ()
        digest = hashlib.sha256(clean.encode()).hexdigest()
        return cls(clean, id or digest, source, "text/plain", notices=notices)
