"""From the model's scores to spans, roles, status and links.

In: arrays of scores for a window or a view. Out: ``Mention``s with their scores, and choices with their chances. Spans
keep the guide's rules: nothing crosses, nothing stands twice, and METRIC holds PROGRAM. Numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    if shift is not None:
        scores = scores + shift[:, None, None]
    kinds, firsts, lasts = np.nonzero(scores > 0)
    ordered = firsts <= lasts
    kinds, firsts, lasts = kinds[ordered], firsts[ordered], lasts[ordered]
    values = scores[kinds, firsts, lasts]
    kept = [Mention(m.start - offset, m.end - offset, m.type) for m in fixed]
    found: dict[Mention, float] = {}
    for i in np.lexsort((lasts, firsts, kinds, -values)):
        mention = Mention(int(firsts[i]), int(lasts[i]) + 1, TYPES[kinds[i]])
        if all(_agree(mention, other) for other in kept):
            kept.append(mention)
            found[Mention(mention.start + offset, mention.end + offset, mention.type)] = float(values[i])
    return found


def _agree(a: Mention, b: Mention) -> bool:
    """Say whether two mentions may both stand."""
    if a.end <= b.start or b.end <= a.start:
        return True
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


def state_chances(tokens: Floats, number: Mention) -> tuple[Floats, Floats]:
    """Give the chance of each status and each kind for a number, (statuses,) and (kinds,)."""
    mean = tokens[number.start : number.end].mean(0)
    return softmax(mean[STATUS]), softmax(mean[KIND])


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
        link: Which link, its place in ``language.LINKS``.
        number: First character of the number in the window.
        others: First characters of the candidates in the window.
        favoured: Which candidate the grammar chose, -1 for none of them, and what its word adds to the score.

    Returns:
        Chances, (candidates + 1,).
    """
    choice = np.append(ends[1][link, list(others)] @ ends[0][link, number], np.float32(0))
    if favoured:
        choice[favoured[0]] += np.float32(favoured[1])
    return softmax(choice)


def softmax(x: Floats) -> Floats:
    """Chances of scores, over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)  # type: ignore[no-any-return]
