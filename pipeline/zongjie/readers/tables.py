"""Tables: rows of cells become lines of text, and their geometry goes with the document.

In: rows of a table of any container, each cell with its column and the columns and rows it covers. Out: table blocks,
one line a row, and a ``text.Cell`` for each cell that says something. Not for: what a table means (``rules.tables``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from zongjie.readers.base import Builder, settings
from zongjie.text import Cell

_BETWEEN = " | "


@dataclass(slots=True)
class Raw:
    """One cell as its container has it; ``words`` on one line, empty where another cell covers it."""

    words: str
    column: int
    width: int = 1
    height: int = 1
    header: bool = False


def is_data(row: Sequence[Raw]) -> bool:
    """Say whether a row holds data: several cells, none as long as prose."""
    return len(row) > 1 and max(len(cell.words) for cell in row) <= settings().plain.max_cell


def lay_table(builder: Builder, rows: Iterable[Sequence[Raw]], tell: Callable[[int], None] | None = None) -> None:
    """Add a table to a document: a block for each run of data rows; other rows are told as running text.

    Args:
        builder: The document.
        rows: The table's rows.
        tell: Adds the words of a row that holds no data, by its number; its cells as paragraphs if not given.
    """
    cells: list[Cell] = []
    pending: list[tuple[int, Sequence[Raw]]] = []
    for number, row in enumerate(rows):
        if is_data(row):
            if any(cell.words for cell in row):
                pending.append((number, row))
            continue
        cells += _flush(builder, pending)
        pending = []
        start = builder.length
        if tell:
            tell(number)
        else:
            for cell in row:
                builder.add("paragraph", cell.words)
        spoken = [cell for cell in row if cell.words]
        if len(spoken) == 1 and builder.length == start + len(spoken[0].words) + 1:  # a caption, or a group of rows
            cells.append(_placed(spoken[0], start, number))
    cells += _flush(builder, pending)
    builder.table(cells)


def _placed(raw: Raw, start: int, row: int) -> Cell:
    return Cell(start, start + len(raw.words), row, raw.column, raw.height, raw.width, raw.header)


def _flush(builder: Builder, rows: Sequence[tuple[int, Sequence[Raw]]]) -> list[Cell]:
    lines = [_BETWEEN.join(cell.words for cell in row) for _, row in rows]
    words = "\n".join(lines)
    at = builder.length - (len(words) - len(words.lstrip()))  # the builder strips
    builder.add("table", words)
    cells = []
    for (number, row), line in zip(rows, lines, strict=True):
        position = at
        for raw in row:
            if raw.words:
                cells.append(_placed(raw, position, number))
            position += len(raw.words) + len(_BETWEEN)
        at += len(line) + 1
    return cells
