"""How a record looks to people: the colours and words that the page and the notebook share.

In: ``configs/view.toml``. Out: a frozen table. Not for: the columns of files (``configs/columns.toml``), or any HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal, get_args

from pydantic import Field

from zongjie.ontology import Table, load_table

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Hex = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class Shade(Table):
    """A colour in light or in dark surroundings.

    Attributes:
        ink: For letters and lines.
        tint: For what lies behind text.
    """

    ink: Hex
    tint: Hex


class Color(Table):
    """A colour."""

    light: Shade
    dark: Shade


class Word(Table):
    """A word in each language."""

    zh: str
    en: str


class Looks(Table):
    """``configs/view.toml``.

    Attributes:
        colors: The colour of each type of span.
        marks: The colour of each role of statements: ``measures``, ``results``, ``targets``, ``issues``.
        initials: The mark of each role in the margin.
        names: What types, roles, lists, statuses and kinds are called.
        words: The page's own words.
    """

    colors: Mapping[str, Color]
    marks: Mapping[str, Color]
    initials: Mapping[str, Word]
    names: Mapping[str, Word]
    words: Mapping[str, Word]


@cache
def looks() -> Looks:
    """Read the colours and words.

    Returns:
        What ``configs/view.toml`` says.

    Raises:
        ConfigError: If the file is wrong.
    """
    return load_table("view.toml", Looks)
