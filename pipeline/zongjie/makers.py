"""Who can fill the three layers, by name: the grammar, and the model.

In: a maker's name. Out: the maker. Not for: spaCy (``components``) or which maker is used when (``extractor``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, cast

from zongjie import rules
from zongjie.errors import ConfigError
from zongjie.layers import D
from zongjie.model import open_model

MakerName = Literal["rules", "model"]


class Maker(Protocol):
    """Whoever can fill the three layers."""

    def mark_spans(self, doc: D) -> D:
        """Mark spans."""

    def assign_roles(self, doc: D) -> D:
        """Give clauses their roles."""

    def link_facts(self, doc: D) -> D:
        """Link numbers."""


MAKERS: Mapping[str, Callable[[], Maker]] = {"rules": lambda: cast(Maker, rules), "model": open_model}


def maker(by: str, makers: Mapping[str, Callable[[], Maker]] = MAKERS) -> Maker:
    """Find a maker by name.

    Args:
        by: Its name, as the config says it.
        makers: How each is made.

    Returns:
        The maker.

    Raises:
        ConfigError: If there is none of that name.
        ModelError: If the model cannot be opened.
    """
    if by not in makers:
        raise ConfigError(f"makers: by = {by!r} is no maker. Choose from: {', '.join(makers)}.")
    return makers[by]()
