"""From the model's scores to spans, roles, status and links.

In: arrays of scores for a window or a view. Out: ``Mention``s with their scores, and choices with their chances. Spans
keep the guide's rules: nothing crosses, nothing stands twice, and METRIC holds PROGRAM. Numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from zongjie.text import Mention
from zongjie.windows import KINDS, ROLES, STATUSES, TYPES

Floats = npt.NDArray[np.floating[Any]]

# Columns of a character's scores: its say on the clause's role, its weight in the clause, status and kind.
ROLE, WEIGHT = slice(0, len(ROLES)), len(ROLES)
STATUS = slice(WEIGHT + 1, WEIGHT + 1 + len(STATUSES))
KIND = slice(STATUS.stop, STATUS.stop + len(KINDS))
TOKENS = KIND.stop

_HOLDS = {("METRIC", "PROGRAM"), ("PROGRAM", "SCHOOL")}  # (outer, inner) that may stand in one another
_HOPELESS = -10.0  # log odds below which a span takes over no other's score
LOUDEST = 8.0  # a character's weight is bounded, so that its exponential is too


@dataclass(frozen=True, slots=True)
class Scores:
    """What the network says of one window.

    Attributes:
        spans: From first to last character, (types, length, length); above 0 is a span.
        numbers: Ends of links at numbers, (links, length, size).
        others: Ends of links at what they may link, (links, length, size).
        tokens: Scores of characters, (length, TOKENS).
    """

    spans: Floats
    numbers: Floats
    others: Floats
    tokens: Floats


def decode_spans(
    scores: Floats, *, offset: int = 0, shift: Floats | None = None, fixed: Iterable[Mention] = ()
) -> dict[Mention, float]:
    """Choose spans, the surest first.

    Args:
        scores: From first to last character, (types, length, length); above 0 is a span.
        offset: Where the window starts in the view.
        shift: What to add a type, (types,); raises recall where positive.
        fixed: Mentions that stand already, in offsets of the view; what crosses them is not chosen.

    Returns:
        The chosen mentions in offsets of the view, with their scores.
    """
    length, kept, found = scores.shape[-1], list(fixed), dict[Mention, float]()
    for value, kind, at in sorted(_positive(scores, shift)):
        first, last = divmod(at, length)
        mention = Mention(first + offset, last + 1 + offset, TYPES[kind])
        if first <= last and all(_agree(mention, other) for other in kept if _touch(mention, other)):
            kept.append(mention)
            found[mention] = -value
    return found


def end_earlier(scores: Floats, start: int, ends: Iterable[int]) -> None:
    """Let no span from one character end at some others; the best that ends before the first takes over the score.

    Args:
        scores: Scores of one type from first to last character, (length, length); changed in place.
        start: The first character.
        ends: Last characters that are ruled out.
    """
    row, out = scores[start], sorted(ends)
    if not out:
        return
    loudest = row[out].max()
    row[out] = -np.inf
    rest = row[start : out[0]]
    if len(rest) and rest.max() > _HOPELESS:
        rest[rest.argmax()] = max(loudest, rest.max())


def _positive(scores: Floats, shift: Floats | None) -> Iterator[tuple[float, int, int]]:
    """Give the scores above 0, each with its sign turned, its type and where it stands in that type's square.

    The squares are large and nearly all of them lies below 0, so it is compared as it is and shifted where it counts.
    """
    for kind, square in enumerate(scores):
        more = np.float32(0) if shift is None else shift[kind]
        if np.isneginf(more):  # of a type that is never chosen
            continue
        flat = square.ravel()
        at = np.flatnonzero(flat > -more)
        yield from zip((-(flat[at] + more)).tolist(), repeat(kind), at.tolist(), strict=False)


def _touch(a: Mention, b: Mention) -> bool:
    """Say whether two mentions have a character in common."""
    return a.start < b.end and b.start < a.end


def _agree(a: Mention, b: Mention) -> bool:
    """Say whether two mentions that touch may both stand."""
    outer, inner = (a, b) if a.start <= b.start and b.end <= a.end else (b, a)
    if not (outer.start <= inner.start and inner.end <= outer.end):
        return False
    same = (a.start, a.end) == (b.start, b.end)
    return (outer.type, inner.type) in _HOLDS or (same and (inner.type, outer.type) in _HOLDS)


def role_chances(tokens: Floats, clauses: Sequence[tuple[int, int]]) -> Floats:
    """Give the chance of each role for each clause.

    Args:
        tokens: Scores of the view's characters, (length, TOKENS).
        clauses: Half-open ranges that follow on from one another.

    Returns:
        Chances, (clauses, roles).
    """
    starts = np.array([start for start, _ in clauses])
    weight = np.exp(np.clip(tokens[:, WEIGHT], -LOUDEST, LOUDEST))[:, None]
    total = np.add.reduceat(tokens[:, ROLE] * weight, starts)
    return softmax(total / np.maximum(np.add.reduceat(weight, starts), 1e-6))


def state_chances(
    tokens: Floats, numbers: Sequence[Mention], bonds: Sequence[float] | None = None
) -> tuple[Floats, Floats]:
    """Give the chance of each status and each kind for each number, (numbers, statuses) and (numbers, kinds).

    Args:
        tokens: Scores of the view's characters, (length, TOKENS).
        numbers: The numbers, in order.
        bonds: What speaks for one status in each number and the one before it (log odds), (numbers - 1,).
    """
    means = np.zeros((len(numbers), TOKENS), tokens.dtype)
    for mean, number in zip(means, numbers, strict=True):
        tokens[number.start : number.end].mean(0, out=mean)
    status = means[:, STATUS].copy()
    odds = (status[:, 1] - status[:, 0]).tolist()
    status[:, 1] = status[:, 0] + hear_neighbours(odds, bonds or [0.0] * max(0, len(odds) - 1))
    return softmax(status), softmax(means[:, KIND])


def hear_neighbours(odds: Sequence[float], bonds: Sequence[float]) -> list[float]:
    """Let each choice between two regard those around it: forward-backward on a chain (Rabiner 1989).

    Args:
        odds: Log odds of the second of the two, along the chain.
        bonds: What speaks for the same choice in neighbours (log odds), one fewer.

    Returns:
        Log odds that know of all others.
    """

    def told(odds: Sequence[float], bonds: Sequence[float]) -> list[float]:
        """Give what reaches each from before it."""
        heard = [0.0] * len(odds)
        for i, bond in enumerate(bonds):
            said = odds[i] + heard[i]
            heard[i + 1] = float(np.logaddexp(bond + said, 0) - np.logaddexp(bond, said))
        return heard

    before, behind = told(odds, bonds), told(odds[::-1], bonds[::-1])[::-1]
    return [sum(parts) for parts in zip(odds, before, behind, strict=True)]


def link_chances(
    ends: tuple[Floats, Floats],
    link: int,
    number: int,
    others: Sequence[int],
    *,
    favoured: tuple[int, float] | None = None,
) -> Floats:
    """Give the chance of each candidate, and last that of none.

    Args:
        ends: Ends of links in a window, the numbers' and the others', each (links, length, size).
        link: Which link, its place in ``layers.LINKS``.
        number: First character of the number in the window.
        others: First characters of the candidates in the window.
        favoured: Which candidate the grammar chose, -1 for none of them, and what its word adds to the score.

    Returns:
        Chances, (candidates + 1,).
    """
    choice = np.zeros(len(others) + 1, np.float32)
    choice[:-1] = ends[1][link, others] @ ends[0][link, number]
    if favoured:
        choice[favoured[0]] += np.float32(favoured[1])
    return softmax(choice)


def softmax(x: Floats) -> Floats:
    """Chances of scores, over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)  # type: ignore[no-any-return]
