"""The shape of a table: which rows are headings, what stands over a cell, what stands beside it.

In: the cells of one table (``text.Cell``) in offsets of the view. Out: a ``Grid``. Not for: what a heading means
(``rules.tables``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from zongjie.text import Cell

IsNumber = Callable[[Cell], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One row's cells from left to right, with those that reach down into it from above."""

    number: int
    cells: tuple[Cell, ...]

    @property
    def own(self) -> tuple[Cell, ...]:
        """The cells that stand in this row itself."""
        return tuple(cell for cell in self.cells if cell.row == self.number)


class Grid:
    """One table.

    Args:
        cells: Its cells, row by row.
        is_number: Says whether a cell holds a number; years are numbers here.
        is_year: Says whether a cell holds a bare year.
        most: Most rows of headings.
    """

    def __init__(self, cells: Sequence[Cell], is_number: IsNumber, is_year: IsNumber, most: int) -> None:
        self.is_number, self.is_year, self.most = is_number, is_year, most
        self.rows = list(_rows(cells))
        self.width = max((cell.column + cell.width for cell in cells), default=0)
        self.captions = self._captions()
        self.headers = self._headers()
        self.body = self.rows[len(self.captions) + len(self.headers) :]

    def _captions(self) -> list[Cell]:
        """The rows at the top that hold a single cell: the table's name, its unit."""
        captions: list[Cell] = []
        if self.width > 1:
            for row in self.rows:
                if len(row.cells) > 1 or self.is_number(row.cells[0]):
                    break
                captions.append(row.cells[0])
        return captions if len(captions) < len(self.rows) else []

    def _headers(self) -> list[Row]:
        """The rows of headings; the next row is one too if a heading lies over several columns or reaches into it."""
        found: list[Row] = []
        for row in self.rows[len(self.captions) :]:
            own = row.own
            marked = bool(own) and all(cell.header for cell in own)
            plain = not any(self.is_number(cell) and not self.is_year(cell) for cell in own)
            goes_on = not found or self._unfinished(found[-1], row)
            if len(found) == self.most or not (plain or marked) or not goes_on:
                break
            found.append(row)
        return found if len(found) < len(self.rows) - len(self.captions) else []

    def _unfinished(self, header: Row, row: Row) -> bool:
        spread = any(cell.width > 1 for cell in header.cells)
        reaches = any(cell.row < row.number for cell in row.cells)
        gaps = sum(cell.width for cell in header.cells) < self.width and len(row.own) > 1
        filled = {cell.column for cell in header.cells}
        below = any(cell.column not in filled for cell in row.own)
        return spread or reaches or (gaps and below and not any(self.is_number(cell) for cell in row.own))

    @cached_property
    def _over(self) -> dict[int, tuple[Cell, ...]]:
        """The headings over each column, from top to bottom."""
        over: dict[int, list[Cell]] = {}
        for depth, row in enumerate(self.headers):
            last = depth == len(self.headers) - 1
            for cell, after in zip(row.cells, (*row.cells[1:], None), strict=True):
                reach = cell.column + cell.width
                if not last and cell.column and cell.width == 1:  # an unmerged heading lies over the gap to its right
                    reach = after.column if after else self.width
                for column in range(cell.column, min(reach, self.width)):
                    if cell not in over.setdefault(column, []):
                        over[column].append(cell)
        return {column: tuple(cells) for column, cells in over.items()}

    def over(self, column: int) -> tuple[Cell, ...]:
        """Give the headings over a column, from top to bottom."""
        return self._over.get(column, ())

    @cached_property
    def is_pairs(self) -> bool:
        """Whether it is a form: each value to the right of its name (班级数 | 24 | 学生数 | 1080)."""
        rows = [row for row in self.rows[len(self.captions) :] if any(map(self.is_number, row.own))]
        if self.width < 4 or self.width % 2 or not rows:
            return False
        names = all(not self.is_number(cell) for row in rows for cell in row.own if cell.column % 2 == 0)
        values = [cell for row in rows for cell in row.own if cell.column >= 3 and self.is_number(cell)]
        return (
            names and bool(values) and all(cell.column % 2 for row in rows for cell in row.own if self.is_number(cell))
        )


def _rows(cells: Sequence[Cell]) -> Iterator[Row]:
    """Group cells by row; a cell that reaches down counts in each of its rows."""
    tall: list[Cell] = []
    at = 0
    while at < len(cells):
        number, own = cells[at].row, []
        while at < len(cells) and cells[at].row == number:
            own.append(cells[at])
            at += 1
        tall = [cell for cell in tall if cell.row + cell.height > number]
        yield Row(number, tuple(sorted([*tall, *own], key=lambda cell: (cell.column, cell.row))))
        tall += [cell for cell in own if cell.height > 1]


def moved(cells: Sequence[Cell], to_view: Callable[[int, int], tuple[int, int] | None]) -> list[Cell]:
    """Turn cells into offsets of the view; those that it does not show are left out."""
    placed = ((cell, to_view(cell.start, cell.end)) for cell in cells)
    return [replace(cell, start=span[0], end=span[1]) for cell, span in placed if span]
