"""Nouns of a list that share what follows the last of them: 城镇、农村居民人均可支配收入 names two incomes.

In: a text and the METRICs in it. Out: the full name of each METRIC that is cut short. Nothing is guessed: the last noun
must begin with a word of the kind that ends the one cut short (``configs/parallel.toml``). Not for: offsets, which stay
those of what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

from zongjie.ontology import Table, either, load_table


class _Words(Table):
    """``configs/parallel.toml``."""

    joiners: tuple[str, ...]
    kinds: tuple[tuple[str, ...], ...]


@cache
def _patterns() -> tuple[re.Pattern[str], tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]]:
    """Give what joins nouns, and for each kind of word what ends with one and what begins with one."""
    table = load_table("parallel.toml", _Words)
    kinds = (either(words) for words in table.kinds)
    return re.compile(either(table.joiners)), tuple((re.compile(rf".*{k}"), re.compile(k)) for k in kinds)


def full_names(text: str, nouns: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Complete the nouns of lists.

    Args:
        text: What they stand in.
        nouns: Start and end of each, half-open, in code points; none within another.

    Returns:
        What each noun that lacks its head is called in full, by start and end; the others are left out.
    """
    joiner, _ = _patterns()
    full: dict[tuple[int, int], str] = {}
    for later, noun in pairwise(sorted(set(nouns), reverse=True)):  # from the last, which has the head
        if joiner.fullmatch(text, noun[1], later[0]):
            name = _completed(text[slice(*noun)], full.get(later) or text[slice(*later)])
            if name:
                full[noun] = name
    return full


def _completed(noun: str, model: str) -> str | None:
    """Give a noun with what another says behind a word of the same kind; ``None`` if the two are not alike."""
    for ending, opening in _patterns()[1]:
        if ending.fullmatch(noun) and (found := opening.match(model)) and found.end() < len(model):
            return noun + model[found.end() :]
    return None
