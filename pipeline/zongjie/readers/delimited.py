"""Tables as text (``.csv``, ``.tsv``): one table, its cells told apart by the delimiter that the lines agree on.

In: bytes in any encoding of a text file. Out: ``Text`` with one table; a cell as long as prose is a paragraph.
Not for: workbooks (``sheets``) or files that hold a document a line (JSONL is for those).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import CONFIG, Builder, Origin, clean, empty, settings
from zongjie.readers.encoding import decode
from zongjie.readers.stated import stated_in_rows
from zongjie.readers.tables import Raw, lay_table
from zongjie.text import Text

_SAMPLE = 20  # lines that a delimiter is chosen by
_LONGEST = 4096  # characters of such a line that are looked at


def read(data: bytes, origin: Origin) -> Iterator[Text]:
    """Read a table of delimited text.

    Args:
        data: The file's bytes.
        origin: Where they come from.

    Yields:
        The one document.

    Raises:
        UnreadableDocument: If it is empty, not text, or has too many cells.
    """
    decoded, notices = decode(data, origin.source)
    content, dropped = clean(decoded)
    if not content.strip():
        raise empty(origin.source)
    builder = Builder()
    for notice in (*notices, *dropped):
        builder.notice(notice)
    try:
        rows = list(_rows(content, origin.source))
    except csv.Error as error:
        reason = f"its lines are no table ({error})"
        raise UnreadableDocument(origin.source, reason, "Check the quotation marks in it, or name it .txt.") from error
    lay_table(builder, rows)
    yield builder.build(origin, stated_in_rows([cell.words for cell in row] for row in islice(rows, _SAMPLE)))


def _rows(content: str, source: str) -> Iterator[list[Raw]]:
    limit, cells = settings().limits.max_cells, 0
    for values in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter_of(content)):
        cells += len(values)
        if cells > limit:
            raise too_many_cells(source)
        words = [" ".join(value.split()) for value in values]
        while words and not words[-1]:
            words.pop()
        yield [Raw(word, column) for column, word in enumerate(words)]


def too_many_cells(source: str) -> UnreadableDocument:
    """Say that a table has more cells than the limit."""
    limit = settings().limits.max_cells
    reason, remedy = f"it has more than {limit:,} cells", f"Split it, or raise [limits] max_cells in configs/{CONFIG}."
    return UnreadableDocument(source, reason, remedy)


def delimiter_of(content: str) -> str:
    """Choose the delimiter of a table.

    Args:
        content: Its characters.

    Returns:
        The mark that most of the first lines hold equally often; a comma if there is none.
    """
    lines = [line[:_LONGEST] for line in islice(io.StringIO(content), _SAMPLE) if line.strip()]

    def fitness(mark: str) -> tuple[int, int]:
        counts = [line.count(mark) for line in lines]
        usual = max(set(counts), key=lambda n: (counts.count(n), n))
        return (counts.count(usual), usual) if usual else (0, 0)

    return max(settings().sheets.delimiters, key=fitness)
