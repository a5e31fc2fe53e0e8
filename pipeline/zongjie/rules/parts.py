"""Totals and their parts: …共60所，其中小学40所 or …60所（小学40所）.

In: a number that is linked to its METRIC, and the links made before it. Out: the number that it is a part of.
Not for: numbers that are compared with others (``links``).
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from decimal import Decimal
from functools import cache

from zongjie.layers import Link
from zongjie.ontology import either
from zongjie.reading import Reading
from zongjie.rules.metrics import fact_words
from zongjie.rules.order import Ordered
from zongjie.text import Mention

_FAR = 160  # how far a part may stand from the word that says so, and that from the total


@cache
def _cue() -> re.Pattern[str]:
    """Match the words that a part stands behind."""
    return re.compile(either(fact_words().link.parts))


def count_alike(one: str, other: str) -> bool:
    """Say whether two units count the same kind of thing."""
    return one == other or any(one in group and other in group for group in fact_words().link.alike)


class Totals:
    """Finds totals in one view.

    Args:
        reading: The view.
        numbers: Its NUMBERs.
        heads: Where the first words of its sentences may begin.
    """

    def __init__(self, reading: Reading, numbers: Ordered, heads: Container[int]) -> None:
        self.reading, self.text, self.numbers, self.heads = reading, reading.text, numbers, heads
        self.cue = _cue()

    def total(self, link: Link, sentence: int, earlier: Sequence[Link]) -> Mention | None:
        """Find the total that a number is a part of: before 其中, or before the bracket that the number stands in.

        Args:
            link: The number and its METRIC.
            sentence: Where its sentence starts.
            earlier: The links made before it.

        Returns:
            The total, or ``None``.
        """
        number, text = link.number, self.text
        for cue in reversed(list(self.cue.finditer(text, max(sentence, number.start - _FAR), number.start))):
            between = text[cue.end() : number.start]
            if _leaves(text[max(sentence, cue.start() - _FAR) : cue.end()], between):
                continue  # the part stood in a bracket that is closed before this number
            since = sentence
            if cue.start() in self.heads:  # …共60所。其中小学40所
                since = max(text.rfind("\n", 0, sentence) + 1, self.reading.sentence_at(max(0, sentence - 1))[0])
            near = [
                n
                for n in self.numbers.within(max(since, cue.start() - _FAR), cue.start())
                if not _leaves(
                    text[max(since, cue.start() - _FAR) : n.start], text[n.end : cue.start()]
                )  # a part itself: A（520万元）、B（…
            ]
            whole = self._choose(link, near, earlier, named=cue.group() not in "（(")
            if whole and re.search("[；;]", between) and not self._fits(link, whole, earlier):
                return None
            if whole:
                return whole
        return None

    def _choose(
        self, link: Link, numbers: Sequence[Mention], earlier: Sequence[Link], *, named: bool
    ) -> Mention | None:
        """Choose the total of a part: the last number that is alike and not smaller, or that is called the same."""
        part = link.number
        changes = {k.number for k in earlier if k.kind in ("up", "down")}  # 查实17起，同比减少9起，其中7起…
        able = [
            n
            for n in reversed(numbers)
            if n not in changes and self.alike(n, part) and self._size(n) >= self._size(part)
        ]
        able.sort(key=lambda n: self._unit(n) != self._unit(part))
        name = self._surface(link.metric) if link.metric and named else ""
        names = {k.number: self._surface(k.metric) for k in earlier if k.metric} if name else {}
        same = [n for n in able if (called := names.get(n)) and (called.endswith(name) or name.endswith(called))]
        return next(iter(same or able), None)

    def _fits(self, link: Link, whole: Mention, earlier: Sequence[Link]) -> bool:
        """Say whether a total has parts already and room for one more, as in lists parted by semicolons."""
        parts = [self._size(k.number) for k in earlier if k.base == whole]
        return bool(parts) and sum(parts) + self._size(link.number) <= self._size(whole)

    def _size(self, number: Mention) -> Decimal:
        quantity = self.reading.quantity_at(number.start, number.end)
        return (quantity and (quantity.low or quantity.high)) or Decimal(0)

    def alike(self, a: Mention, b: Mention) -> bool:
        """Say whether two numbers count the same kind of thing."""
        return count_alike(self._unit(a), self._unit(b))

    def _unit(self, number: Mention) -> str:
        return self.reading.unit_at(number.start, number.end)

    def _surface(self, mention: Mention) -> str:
        return self.text[mention.start : mention.end]


def _leaves(before: str, between: str) -> bool:
    """Say whether a bracket that is open where one text ends is closed in the next."""
    depth = 0
    for mark in re.findall("[（(）)]", before):
        depth = depth + 1 if mark in "（(" else max(0, depth - 1)
    inside = depth
    for mark in re.findall("[（(）)]", between):
        depth += 1 if mark in "（(" else -1
        if depth < inside:
            return True
    return False
