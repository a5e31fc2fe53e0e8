"""Plain text and Markdown: one block a line.

In: bytes of a ``.txt`` or ``.md`` file, or a string. Out: ``Text``. The characters of a string are left as they are, so
that the caller's offsets hold. Not for: lines that a page width broke; only a PDF's geometry tells those (``pdf.py``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from zongjie.readers.base import Origin, clean, empty, settings, split_furniture
from zongjie.readers.encoding import decode
from zongjie.readers.stated import key_of, stated_in_rows
from zongjie.text import Block, Cell, Stated, Text

_LINE = re.compile(r"[^\r\n]+")
_BAR = re.compile(r"[|\uff5c]")
_TAB = re.compile(r"\t")
_GAP = re.compile(r"[ \u3000\xa0]{2,}")  # what sets columns apart where there are neither bars nor tabs
_BLANK = " \u3000\xa0"
_EMPTY_LINE = re.compile(r"\n[ \t\u3000\r]*\n")
_MARKDOWN = re.compile(r"(?P<marks>#{1,6})\s+|(?P<list>[-*+]|\d{1,2}\.)\s+")
_RULE = re.compile(r"[\s|:+=*_~-]+")


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a text file.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is empty or not text.
    """
    decoded, notices = decode(data, origin.source)
    content, dropped = clean(decoded)
    if not content.strip():
        raise empty(origin.source)
    blocks = blocks_of_plain(content, markdown=origin.media_type == "text/markdown")
    stated, tables = stated_of_blocks(content, blocks), tables_of_blocks(content, blocks)
    yield Text(content, origin.id, origin.source, origin.media_type, blocks, stated, notices + dropped, tables)


def read_text(content: str, *, id: str | None = None, source: str = "<string>") -> Text:
    """Read a string; only lone surrogates are replaced, one for one, so offsets into the string hold.

    Args:
        content: The document's characters.
        id: Its id; the sha256 of the UTF-8 bytes if not given.
        source: What to call it in messages.

    Returns:
        The text with a block for each line.
    """
    text = Text.of(content, id=id, source=source)
    blocks = blocks_of_plain(text.content)
    stated, tables = stated_of_blocks(text.content, blocks), tables_of_blocks(text.content, blocks)
    return replace(text, blocks=blocks, stated=stated, tables=tables)


def blocks_of_plain(content: str, *, markdown: bool = False) -> tuple[Block, ...]:
    """Find the blocks of plain text: a paragraph, list item, heading, table row or piece of furniture each.

    Args:
        content: The document's characters.
        markdown: Whether ``#`` marks headings and ``-`` list items; the marks belong to no block.

    Returns:
        Blocks in order, not overlapping, none crossing a line end or beginning or ending with white space.
    """
    blocks: list[Block] = []
    for match in _LINE.finditer(content):
        words = match[0].strip()
        if not words:
            continue
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        blocks.append(_block(start, words, match[0], markdown))
    return split_furniture(content, _aligned(content, blocks))


def _aligned(content: str, blocks: list[Block]) -> list[Block]:
    """Make table rows of lines whose words are set in columns by white space, if enough follow each other."""
    limits = settings().plain
    told: list[Block] = []

    def columns(block: Block) -> int:
        cells = _cells(content, block, _GAP) if block.kind == "paragraph" else []
        short = all(end - start <= limits.max_cell for start, end in cells)
        return len(cells) if short and len(cells) > limits.min_table_tabs else 0

    for count, lines in groupby(blocks, columns):
        run = list(lines)
        figures = any(c.isdigit() for block in run for c in content[block.start : block.end])
        is_table = count and len(run) >= limits.min_table_lines and figures
        told += [replace(block, kind="table") for block in run] if is_table else run
    return told


def _cells(content: str, row: Block, mark: re.Pattern[str]) -> list[tuple[int, int]]:
    """Give the cells of a row between the marks, without the blanks around them; empty ones have no length.

    What stands outside the outer bars is no cell; before the first tab of a line there is one.
    """
    begin = content.rfind("\n", 0, row.start) + 1 if mark is _TAB else row.start
    cuts = [m.span() for m in mark.finditer(content, begin, row.end)]
    parts = zip([begin, *(end for _, end in cuts)], [*(start for start, _ in cuts), row.end], strict=True)
    cells = []
    for start, end in parts:
        words = content[start:end]
        left = start + len(words) - len(words.lstrip(_BLANK))
        cells.append((left, max(left, left + len(words.strip(_BLANK)))))
    outer = mark is _BAR
    return cells[outer and cells[0][0] == cells[0][1] : len(cells) - (outer and cells[-1][0] == cells[-1][1])]


def tables_of_blocks(content: str, blocks: tuple[Block, ...]) -> tuple[tuple[Cell, ...], ...]:
    """Lay out the tables of plain text, whose cells bars, tabs or white space set apart.

    Args:
        content: The document's characters.
        blocks: Its blocks.

    Returns:
        The cells of each table, row by row; a table has two rows or more.
    """
    tables: list[tuple[Cell, ...]] = []
    rows: list[list[tuple[int, int]]] = []
    last: tuple[int, re.Pattern[str] | None] = 0, None  # where the last block ended, and what set its cells apart

    def close() -> None:
        placed = ((row, column, cell) for row, cells in enumerate(rows) for column, cell in enumerate(cells))
        if len(rows) > 1:
            tables.append(tuple(Cell(*cell, row, column) for row, column, cell in placed if cell[0] < cell[1]))
        rows.clear()

    for block in blocks:
        if block.kind != "furniture":
            mark = _mark(content, block) if block.kind == "table" else None
            parted = mark is _BAR and _EMPTY_LINE.search(content, last[0], block.start)  # Markdown ends a table so
            if mark is not last[1] or parted:
                close()
            if mark:
                rows.append(_cells(content, block, mark))
            last = block.end, mark
    close()
    return tuple(tables)


def _mark(content: str, row: Block) -> re.Pattern[str]:
    """Give what sets the cells of a row apart."""
    if _BAR.search(content, row.start, row.end):
        return _BAR
    return _TAB if _TAB.search(content, row.start, row.end) else _GAP


def _block(start: int, words: str, line: str, markdown: bool) -> Block:
    end = start + len(words)
    if (markdown or "|" in words) and _RULE.fullmatch(words):
        return Block("furniture", start, end)
    if ("|" in words or "\uff5c" in words or "\t" in line) and cells_of(line):
        return Block("table", start, end)
    if markdown:
        match = _MARKDOWN.match(words)
        if match and match["marks"]:
            return Block("heading", start + match.end(), end, len(match["marks"]))
        if match:
            return Block("list", start, end)
    return Block("paragraph", start, end)


def cells_of(line: str) -> tuple[str, ...]:
    """Split a line of plain text into table cells.

    Args:
        line: One line.

    Returns:
        The cells, outer bars dropped; empty if the line is no table row (too few columns, or a cell as long as prose).
    """
    limits = settings().plain
    line = line.strip("\r\n" + _BLANK)
    cells = tuple(cell.strip() for cell in _BAR.split(line))
    bars = len(cells) - 1
    if bars == 0:
        cells = tuple(cell.strip() for cell in line.split("\t"))
        enough = len(cells) - 1 >= limits.min_table_tabs
    else:
        enough = bars >= limits.min_table_bars
    cells = cells[1 if not cells[0] else 0 : len(cells) - (not cells[-1])]
    enough = (enough and len(cells) > 1) or (len(cells) > 1 and key_of(cells[0]) is not None)
    return cells if enough and max(map(len, cells)) <= limits.max_cell else ()


def stated_of_blocks(content: str, blocks: tuple[Block, ...]) -> Stated:
    """Collect what index tables in plain text state.

    Args:
        content: The document's characters.
        blocks: Its blocks.

    Returns:
        Title, issuer and date, each ``None`` where no index table states it.
    """
    return stated_in_rows(cells_of(content[b.start : b.end]) for b in blocks if b.kind == "table")
