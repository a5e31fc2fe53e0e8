"""What every reader shares: settings, clean characters, and the building of a ``Text`` from pieces of layout.

In: pieces (kind, words, level, page) in reading order. Out: a ``Text`` whose blocks tile its content, furniture
told apart. Not for: any one file format.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath

from pydantic import Field

from zongjie.errors import UnreadableDocument
from zongjie.ontology import Table, load_table
from zongjie.readers.furniture import find_furniture
from zongjie.text import Block, BlockKind, Cell, Notice, Stated, Text

CONFIG = "reading.toml"


class Limits(Table):
    """How much of a file is read; sizes in bytes, but for ``max_chars``."""

    max_bytes: int
    max_chars: int
    max_unpacked_bytes: int
    max_ratio: int
    max_parts: int
    max_pages: int
    max_depth: int
    max_cells: int
    max_pixels: int


class Office(Table):
    """How LibreOffice is run; ``seconds`` is its time for one file."""

    programs: tuple[str, ...]
    seconds: float
    install: str
    settings: str


class Sheets(Table):
    """Spreadsheets: ``dull_name`` matches the name of a sheet that says nothing."""

    dull_name: str
    delimiters: str


class Mail(Table):
    """Mail: the words before sender and date, and what stands for a missing file name."""

    sender: str
    date: str
    attachment: str


class Ocr(Table):
    """Pictures: ``scale`` is pixels a point at which a PDF's page is drawn; ``least_score`` that of a line kept."""

    scale: float
    least_score: float
    install: str


class Encodings(Table):
    """When a guess at a text's encoding is sure; shares are of characters."""

    sample_bytes: int
    sure_share: float
    least_share: float
    big5_margin: float
    max_control_share: float
    max_damaged_share: float
    max_null_share: float


class Plain(Table):
    """What makes a line of plain text a table row."""

    min_table_bars: int
    min_table_tabs: int
    min_table_lines: int
    max_cell: int


class StatedWords(Table):
    """Keys of index tables, and what a dull title looks like."""

    title: tuple[str, ...]
    issuer: tuple[str, ...]
    published: tuple[str, ...]
    other: tuple[str, ...]
    dull_title: str


class Html(Table):
    """Names of page metadata and the roles of elements."""

    title_names: tuple[str, ...]
    issuer_names: tuple[str, ...]
    published_names: tuple[str, ...]
    title_breaks: str
    skip: frozenset[str]
    furniture: frozenset[str]
    inline: frozenset[str]
    main_share: float
    min_running: int
    link_share: float


class Pdf(Table):
    """Geometry of pages; widths are in characters of the line's own size."""

    edge_share: float
    min_repeats: int
    size_step: float
    max_heading: int
    slack: float
    indent: float
    min_legible_share: float
    page_number: str


class Wrap(Table):
    """When two lines are one: matched against width-folded text."""

    terminal: str
    opening: str
    closing: str
    start: str
    broken_number: str


class Magic(Table):
    """A kind of file that is not read, by its first bytes."""

    hex: str
    reason: str
    remedy: str


class Zipped(Table):
    """A zip container that is not read, by the name of a part."""

    part: str
    reason: str
    remedy: str


class Reading(Table):
    """``configs/reading.toml``."""

    limits: Limits
    encoding: Encodings
    plain: Plain
    stated: StatedWords
    html: Html
    pdf: Pdf
    wrap: Wrap
    office: Office
    sheets: Sheets
    mail: Mail
    ocr: Ocr
    magic: tuple[Magic, ...] = Field(min_length=1)
    zipped: tuple[Zipped, ...] = Field(min_length=1)


@cache
def settings() -> Reading:
    """Give the reading settings, loaded once."""
    return load_table(CONFIG, Reading)


_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 controls but tab and line feed, zero-width and direction marks, byte order marks, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]")


def clean(content: str) -> tuple[str, tuple[Notice, ...]]:
    """Settle the characters of a document once: line ends become line feeds, invisible characters go.

    Args:
        content: Decoded characters.

    Returns:
        The content that offsets will point into, and a notice if characters were dropped.
    """
    content, dropped = _INVISIBLE.subn("", _LINE_ENDS.sub("\n", content))
    if not dropped:
        return content, ()
    return content, (Notice("dropped_characters", f"{dropped} control or invisible characters were dropped."),)


def name_of(path: PurePath | str) -> str:
    """Give the name under which a file's document goes.

    Args:
        path: Its path.

    Returns:
        The path with ``/`` between folders; bytes of the name that are not UTF-8 are written as escapes, so that any
        output can hold it.
    """
    return PurePath(path).as_posix().encode("utf-8", errors="backslashreplace").decode()


def too_large(source: str, size: int) -> UnreadableDocument:
    """Say that a file is over the limit.

    Args:
        source: The document's name.
        size: Its size in bytes.

    Returns:
        The error, for the caller to yield or raise.
    """
    limit = settings().limits.max_bytes
    return UnreadableDocument(
        source,
        f"it has {size:,} bytes, more than the limit of {limit:,}",
        f"Split it, or raise [limits] max_bytes in configs/{CONFIG}.",
    )


def empty(source: str) -> UnreadableDocument:
    """Say that a document holds no text.

    Args:
        source: The document's name.

    Returns:
        The error, for the caller to yield or raise.
    """
    return UnreadableDocument(source, "it is empty: there is no text in it", "Check that the right file was given.")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document comes from.

    Attributes:
        source: Path or name, with ``/`` between folders.
        media_type: Such as ``text/html``.
        id: The document's id.
        nest: The archives and mails that it was taken out of.
    """

    source: str
    media_type: str
    id: str
    nest: Nest = field(default_factory=lambda: Nest())

    @classmethod
    def of_bytes(cls, data: bytes, source: str, media_type: str, nest: Nest | None = None) -> Origin:
        """Name a document by the sha256 of its bytes."""
        return cls(source, media_type, hashlib.sha256(data).hexdigest(), nest or Nest())


@dataclass(slots=True)
class Allowance:
    """What one file may still unpack to, all that is nested in it together.

    Attributes:
        size: Bytes.
        parts: Documents.
    """

    size: int = field(default_factory=lambda: settings().limits.max_unpacked_bytes)
    parts: int = field(default_factory=lambda: settings().limits.max_parts)


@dataclass(frozen=True, slots=True)
class Nest:
    """How deep in archives and mails a document lies.

    Attributes:
        depth: Archives and mails around it.
        left: What the outermost of them may still unpack to.
    """

    depth: int = 0
    left: Allowance = field(default_factory=Allowance)

    def inner(self, source: str) -> Nest:
        """Step into an archive or mail.

        Args:
            source: Its name.

        Returns:
            The nest of what lies in it.

        Raises:
            UnreadableDocument: If it lies too deep.
        """
        limit = settings().limits.max_depth
        if self.depth >= limit:
            reason = f"it lies in {self.depth} archives or mails, more than the limit of {limit}"
            raise UnreadableDocument(source, reason, f"Unpack it, or raise [limits] max_depth in configs/{CONFIG}.")
        return Nest(self.depth + 1, self.left)


@dataclass(slots=True)
class Builder:
    """Collects a document's pieces, one line or table each, and keeps their offsets.

    Attributes:
        length: Characters collected so far.
    """

    _parts: list[str] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)
    _notices: list[Notice] = field(default_factory=list)
    _tables: list[tuple[Cell, ...]] = field(default_factory=list)
    length: int = 0

    def add(self, kind: BlockKind, words: str, *, level: int | None = None, page: int | None = None) -> None:
        """Append one piece; white space around it goes, and nothing is appended if nothing is left.

        Args:
            kind: What the piece is.
            words: Its characters, without controls other than tab and line feed.
            level: Depth of a heading from 1.
            page: Page number from 1.
        """
        words = words.strip()
        if not words:
            return
        start = self.length
        self._parts.append(words)
        self._blocks.append(Block(kind, start, start + len(words), level, page))
        self.length += len(words) + 1

    def table(self, cells: Sequence[Cell]) -> None:
        """Keep the geometry of a table whose words have been added; without cells there is none to keep."""
        if cells:
            self._tables.append(tuple(cells))

    def notice(self, notice: Notice) -> None:
        """Keep something to tell the user."""
        self._notices.append(notice)

    def build(self, origin: Origin, stated: Stated) -> Text:
        """Finish the document.

        Args:
            origin: Where it comes from.
            stated: What its container states.

        Returns:
            The text, pieces separated by single line feeds, with furniture told from paragraphs.

        Raises:
            UnreadableDocument: If no piece was added.
        """
        if not self._parts:
            raise empty(origin.source)
        content = "\n".join(self._parts)
        blocks = split_furniture(content, self._blocks)
        notices, tables = tuple(self._notices), tuple(self._tables)
        return Text(content, origin.id, origin.source, origin.media_type, blocks, stated, notices, tables)


def split_furniture(content: str, blocks: list[Block]) -> tuple[Block, ...]:
    """Cut the furniture out of paragraphs, list items and headings.

    Args:
        content: The document's characters.
        blocks: Its blocks, in order, not overlapping.

    Returns:
        The blocks, those with furniture replaced by their pieces; white space between pieces belongs to none.
    """
    ranges = find_furniture(content)
    out: list[Block] = []
    at = 0
    for block in blocks:
        while at < len(ranges) and ranges[at][1] <= block.start:
            at += 1
        if at == len(ranges) or ranges[at][0] >= block.end or block.kind in ("table", "furniture"):
            out.append(block)
            continue
        position, index = block.start, at
        while index < len(ranges) and ranges[index][0] < block.end:
            start, end = max(ranges[index][0], block.start), min(ranges[index][1], block.end)
            out += _piece(content, block, position, start)
            out.append(Block("furniture", start, end, page=block.page))
            position, index = end, index + 1
        out += _piece(content, block, position, block.end)
    return tuple(out)


def _piece(content: str, block: Block, start: int, end: int) -> list[Block]:
    words = content[start:end]
    start += len(words) - len(words.lstrip())
    words = words.strip()
    return [Block(block.kind, start, start + len(words), block.level, block.page)] if words else []
