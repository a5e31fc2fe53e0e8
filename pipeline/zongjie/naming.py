"""What the column of a number is called, where its METRIC and ACTION do not say it as they stand.

In: a text, its numbers and the METRICs that they measure. Out: the full name of each METRIC that is cut short because
it shares a head with another (城镇、农村居民收入 names two incomes, 小学师生比1:19、初中1:13.5 two ratios), the
preposition of a METRIC that its ACTION is done for, and what negates an ACTION (未开工). Nothing is guessed: the noun
that has the head must name a thing of the kind of the one that lacks it (``configs/naming.toml``). Not for: offsets,
which stay those of what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from zongjie.ontology import Table, either, load_table

Range = tuple[int, int]


class Stated(NamedTuple):
    """A number and what it measures, each by start and end, half-open, in code points.

    Attributes:
        noun: The METRIC.
        number: The NUMBER.
        unit: The number's unit.
    """

    noun: Range
    number: Range
    unit: str


class _Words(Table):
    """``configs/naming.toml``."""

    toward: tuple[str, ...]
    negations: tuple[str, ...]
    joiners: tuple[str, ...]
    breaks: tuple[str, ...]
    own: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...]


class _Rules:
    """The words, compiled."""

    def __init__(self, words: _Words) -> None:
        self.joiner, self.break_ = (re.compile(either(each)) for each in (words.joiners, words.breaks))
        self.toward, self.negations = words.toward, words.negations
        self.own = re.compile(either(words.own))
        self.kinds = [re.compile(either(kind)) for kind in words.kinds]
        self.endings = [re.compile(f".*{either(kind)}") for kind in words.kinds]

    def completed(self, noun: str, model: str, *, whole: bool) -> str | None:
        """Give a noun with what another says behind a word of the same kind.

        Args:
            noun: The noun that may lack its head.
            model: The one that has it.
            whole: Whether the noun must be such a word and no more; else it may end in one.

        Returns:
            The full name; ``None`` if the two are not of a kind, or neither has a head.
        """
        for kind, ending in zip(self.kinds, self.endings, strict=True):
            if (kind if whole else ending).fullmatch(noun) and (found := kind.match(model)):
                head = model[found.end() :]
                return noun + head if head and not self.own.search(head) else None
        return None


@cache
def _rules() -> _Rules:
    return _Rules(load_table("naming.toml", _Words))


def full_names(text: str, stated: Iterable[Stated]) -> dict[Range, str]:
    """Complete the nouns of lists.

    Args:
        text: What they stand in.
        stated: Its numbers.

    Returns:
        What each noun that lacks its head is called in full, by start and end; the others are left out.
    """
    rules, rows = _rules(), sorted(stated)
    full: dict[Range, str] = {}

    def complete(noun: Range, model: Range, *, whole: bool) -> None:
        name = rules.completed(text[slice(*noun)], full.get(model) or text[slice(*model)], whole=whole)
        if name:
            full[noun] = name

    # the last of a list has the head
    for later, noun in pairwise(sorted({row.noun for row in rows}, reverse=True)):
        if rules.joiner.fullmatch(text, noun[1], later[0]):
            complete(noun, later, whole=False)
    # where each has its number, the first has it
    for before, row in pairwise(rows):
        in_turn = before.noun[1] <= before.number[0] and row.noun[1] <= row.number[0]
        if in_turn and before.unit == row.unit and rules.break_.fullmatch(text, before.number[1], row.noun[0]):
            complete(row.noun, before.noun, whole=True)
    return full


def preposition(text: str, end: int) -> str:
    """Give the preposition that ends at a place in a text (为 of 为320名学生提供), or an empty string."""
    return _ending(text, end, _rules().toward)


def negation(text: str, end: int) -> str:
    """Give the word that ends at a place in a text and negates what follows (未 of 未开工), or an empty string."""
    return _ending(text, end, _rules().negations)


def _ending(text: str, end: int, words: Iterable[str]) -> str:
    return next((word for word in words if text.endswith(word, 0, end)), "")
