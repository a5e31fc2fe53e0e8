"""What a container states of its document: index tables, labelled lines, page and file properties.

In: cells, keys and values as they stand. Out: ``Stated`` with a sensible title, issuer and date, or ``None`` for each.
Not for: reading the report's own words (``profile.py`` does).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache

from zongjie.readers.base import settings
from zongjie.text import Stated, fold

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)\s*[^\d\s]?\s*(\d{1,2})\s*[^\d\s]?\s*(\d{1,2})(?!\d)")
_SPACE = re.compile(r"\s+")


def iso_date(words: str) -> str | None:
    """Read the first day in a string.

    Args:
        words: Such as ``2024年3月5日`` or ``2024-03-05 10:12:33``.

    Returns:
        ``YYYY-MM-DD``, or ``None`` if there is no such day.
    """
    match = _DATE.search(fold(words))
    try:
        return date(*map(int, match.groups())).isoformat() if match else None
    except ValueError:
        return None


def sensible_title(words: str | None) -> str | None:
    """Keep a title from file properties if it says something.

    Args:
        words: The title as stored.

    Returns:
        The title with single spaces, or ``None`` if it is a file name, a program's default or the like.
    """
    words = _SPACE.sub(" ", words or "").strip()
    return None if not words or re.match(settings().stated.dull_title, words) else words


@cache
def _keys() -> dict[str, str]:
    table = settings().stated
    fields = {"other": table.other, "title": table.title, "issuer": table.issuer, "published": table.published}
    return {key: name for name, keys in fields.items() for key in keys}


def key_of(cell: str) -> str | None:
    """Tell which field a cell of an index table names.

    Args:
        cell: Such as ``发布机构:``; spaces within do not matter.

    Returns:
        ``title``, ``issuer``, ``published`` or ``other``; ``None`` if the cell is no key.
    """
    return _keys().get(_SPACE.sub("", fold(cell)).strip(":[]【】")) if len(cell) < 24 else None


def stated_in_rows(rows: Iterable[Sequence[str]]) -> Stated:
    """Collect what the rows of an index table state.

    Args:
        rows: Cells in order; a key stands before its value, or in one cell with it, a colon between.

    Returns:
        The first value of each field. A title or date counts only where two keys of an index table are present, so that
        a data table with a column 名称 states nothing.
    """
    found: dict[str, str] = {}
    keys = 0
    for row in rows:
        for name, value in _pairs(row):
            keys += 1
            value = value.strip()
            if name == "published":
                value = iso_date(value) or ""
            if name != "other" and value:
                found.setdefault(name, value)
    return replace(Stated(), **found) if keys > 1 else Stated()


def _pairs(row: Sequence[str]) -> Iterable[tuple[str, str]]:
    skip = False
    for index, cell in enumerate(row):
        if skip:
            skip = False
            continue
        name = key_of(cell)
        if name is not None:
            value = row[index + 1] if index + 1 < len(row) else ""
            skip = key_of(value) is None
            yield name, value if skip else ""
            continue
        head, colon, value = fold(cell[:24]).partition(":")
        name = key_of(head) if colon else None
        if name is not None:
            yield name, cell[len(head) + 1 :]


@cache
def _dated() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(settings().stated.published)})\\s*:(.{{4,16}})")


def published_in_line(words: str) -> str | None:
    """Read the publication date from a line under a title.

    Args:
        words: Such as ``来源:… 发布时间:2024-03-05 10:12 浏览次数:7``.

    Returns:
        ``YYYY-MM-DD``, or ``None`` if the line labels no such date.
    """
    match = _dated().search(fold(words))
    return iso_date(match[1]) if match else None


def first_stated(*candidates: Stated) -> Stated:
    """Combine statements, the earlier ones before the later ones.

    Args:
        candidates: Statements, the most trusted first.

    Returns:
        For each field the first that is stated.
    """
    return Stated(
        next((c.title for c in candidates if c.title), None),
        next((c.issuer for c in candidates if c.issuer), None),
        next((c.published for c in candidates if c.published), None),
    )
