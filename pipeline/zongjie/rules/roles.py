"""The role of each clause: measure, result, target, issue or other.

In: a reading with its mentions. Out: ``Clause``s. Cues and their weights are in ``configs/roles.toml``. Not for:
joining clauses into statements (``normalise``).

Read this first: every cue group is one feature of a clause, and so is every single cue (two characters at its start,
``^加强``; at its end, ``建设$``; anywhere, ``力争``). A group also speaks for its surroundings: the clause before, the
clause after and those near by (``prev_``, ``next_``, ``near_``, ``voice_``), because a plan and an account of the past
are written in one voice for a paragraph or more. The role with the highest sum of weights wins.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from math import fsum
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from pydantic import Field

from zongjie.layers import Clause
from zongjie.ontology import Table, either, load_table
from zongjie.reading import Reading, list_marker
from zongjie.record import ClauseRole
from zongjie.text import Mention

ROLES: tuple[ClauseRole, ...] = get_args(ClauseRole)
_FEW = 3  # clauses in a text without a voice of its own
_WORDS_REACH = 80  # how far before a number a word of intent or completion speaks for it
_NEAR = 8  # clauses on either side that count as surroundings
_LOUD = ("few", "quarter", "half", "most")  # how much of the surroundings speaks so
_CLOSE = 1e-6  # a lead in votes that the order of adding could make or lose; it makes differences of about 1e-14


class Group(Table):
    """One cue group: its words and where in the clause they count; ``shape`` groups are seen by code."""

    at: Literal["start", "end", "any", "shape"]
    words: list[str]


class Voice(Table):
    """``[voice]``: the groups by which the voice of the surroundings is heard."""

    groups: list[str]


class Cues(Table):
    """``[cues]``: single cues, see ``pairs_in``."""

    pairs: list[str]


class RoleWords(Table):
    """``configs/roles.toml``."""

    voice: Voice
    groups: dict[str, Group]
    context: dict[str, dict[str, float]]
    cues: Cues = Field(default_factory=lambda: Cues(pairs=[]))
    weights: dict[str, dict[str, float]] = Field(default_factory=dict)


@cache
def role_words() -> RoleWords:
    """Give the cue groups and weights of ``configs/roles.toml``.

    Returns:
        The validated table.
    """
    return load_table("roles.toml", RoleWords)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    anchored = {"start": "{}", "end": "{}$", "any": "{}", "shape": "{}"}
    return {
        name: re.compile(anchored[group.at].format(either(group.words)))
        for name, group in role_words().groups.items()
        if group.words
    }


_HAN = re.compile(r"\^?[\u4e00-\u9fff]{2}\$?")
_VOICE = {
    "plan": frozenset({"plan_document"}),
    **dict.fromkeys(("summary", "bulletin", "news"), frozenset({"past_document"})),
}
_HEADING_VOICES = ("plan_heading", "past_heading", "issue_heading")
VOICES = (*_HEADING_VOICES, "plan_document", "past_document")
_PRECISE = re.compile(r"\d\.\d|[1-9]\d{2,}")  # 94.37, 1523: nobody plans so finely
_TAIL = " \n\t\r\u3000\xa0，。；,;！!？?：:、”’"


@cache
def _cues() -> frozenset[str]:
    return frozenset(pair for pair in role_words().cues.pairs if _HAN.fullmatch(pair))


def pairs_in(clause: str) -> set[str]:
    """List the pairs of Han characters in a clause: those at its start and end are marked as such.

    Args:
        clause: The clause, with or without its list marker and its end mark.

    Returns:
        Pairs such as ``加强``, ``^加强`` and ``建设$``.
    """
    marker = list_marker().match(clause)
    body = clause[marker.end() if marker and marker.end() < len(clause) else 0 :].rstrip(_TAIL)
    return {pair for pair in _pairs(body) if _HAN.fullmatch(pair)}


def _pairs(body: str) -> set[str]:
    """List all pairs of characters, and those at start and end once more, marked as such."""
    return {*map("".join, pairwise(body)), f"^{body[:2]}", f"{body[-2:]}$"}


def reached(text: str, start: int, end: int) -> bool:
    """Say whether a stretch holds a word that tells of what is done (累计, 现有, 已).

    Args:
        text: The view.
        start: Where the clause, or the number before, leaves off.
        end: Where the number begins.

    Returns:
        Whether the number is reached by its own words.
    """
    return bool(_patterns()["reached"].search(text, max(start, end - _WORDS_REACH), end))


def intended(text: str, start: int, end: int) -> bool:
    """Say whether a word of intent stands in a stretch and nothing undoes it.

    Args:
        text: The view.
        start: Where the clause, or the number before, leaves off.
        end: Where the number begins.

    Returns:
        Whether the number is promised by its own words (年度‹计划›投资8.6亿元).
    """
    patterns, start = _patterns(), max(start, end - _WORDS_REACH)
    undone = [m.span() for m in patterns["no_intent"].finditer(text, start, end + 2)]
    found = [m for m in patterns["intent"].finditer(text, start, end) if not any(s <= m.start() < e for s, e in undone)]
    return bool(found) and not any(s > found[-1].start() for s, _ in undone)


@cache
def _worded() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    """Give the groups that words alone decide: name, whether they count only at the start, pattern."""
    groups, patterns = role_words().groups, _patterns()
    return tuple((name, g.at == "start", patterns[name]) for name, g in groups.items() if g.words and g.at != "shape")


def _words_in(body: str, head: int) -> set[str]:
    """Name the cue groups whose words stand in a clause without its tail; ``head`` is where its list marker ends."""
    return {
        name
        for name, at_start, pattern in _worded()
        if (pattern.match(body, head) if at_start else pattern.search(body, head))
    }


class _Shapes:
    """What is seen of a clause beyond its words."""

    def __init__(self, reading: Reading, mentions: Sequence[Mention]) -> None:
        self.reading = reading
        self.mentions = sorted(mentions)
        self.starts = [m.start for m in self.mentions]
        self.sentence_starts = {s for s, _ in reading.sentences}
        self.sentence_ends = {e for _, e in reading.sentences}
        self.heading_starts = [h.start for h in reading.headings]

    def of(self, start: int, end: int, head: int) -> set[str]:
        """Name the shape groups of one clause."""
        text = self.reading.text
        inside = self.mentions[bisect_left(self.starts, start) : bisect_left(self.starts, end)]
        body_end = start + len(text[start:end].rstrip(_TAIL))
        seen = {m.type.lower() for m in inside if m.type in ("NUMBER", "PROGRAM", "SCHOOL", "PLACE", "TIME")}
        numbers = [m for m in inside if m.type == "NUMBER"]
        times = [m for m in inside if m.type == "TIME"]
        patterns = _patterns()
        bounds, past, coming = patterns["bound"], patterns["past_time"], patterns["coming_time"]
        tests = {
            "number_end": any(m.end == body_end for m in numbers),
            "intent": any(intended(text, start, m.start) for m in numbers),
            "reached": any(reached(text, start, m.start) for m in numbers),
            "past_time": any(past.search(text, m.start, m.end) for m in times),
            "coming_time": any(coming.search(text, max(0, m.start - 1), m.end) for m in times),
            "bound": any(bounds.search(text, m.start, m.end) for m in numbers),
            "precise": any(_PRECISE.search(text, m.start, m.end) for m in numbers),
            "percent": any("%" in text[m.start : m.end] or "％" in text[m.start : m.end] for m in numbers),
            "time_only": sum(m.end - m.start for m in inside if m.type == "TIME") * 2 > body_end - start,
            "short": body_end - start <= 6,
            "heading": self._in_heading(start, end),
            "marked_list": head > 0,
            "alone": len(self.reading.clauses) <= _FEW,
            "number_alone": bool(numbers) and len(self.reading.clauses) <= _FEW,
            "colon": "：" in text[start:end] or ":" in text[start:end],
            "sentence_start": start in self.sentence_starts,
            "sentence_end": end in self.sentence_ends,
        }
        return seen | {name for name, true in tests.items() if true} | voices(self.reading, start)

    def _in_heading(self, start: int, end: int) -> bool:
        i = bisect_right(self.heading_starts, start) - 1
        return i >= 0 and end <= self.reading.headings[i].end + 1


def voices(reading: Reading, position: int) -> frozenset[str]:
    """Name the groups that the headings above a place and the document's kind speak for.

    Args:
        reading: The reading of a text.
        position: An offset into the view.

    Returns:
        Some of ``VOICES``: those of the nearest heading that says anything, else that of the document.
    """
    for heading in reversed(reading.section(position)):
        if found := _heading_voices(heading):
            return found
    return _VOICE.get(reading.profile.kind, frozenset())


@lru_cache(maxsize=256)  # asked for every clause under a heading
def _heading_voices(heading: str) -> frozenset[str]:
    return frozenset(name for name in _HEADING_VOICES if _patterns()[name].search(heading))


def features(reading: Reading, mentions: Sequence[Mention]) -> list[dict[str, float]]:
    """Describe every clause by the cue groups that it and its surroundings show.

    Args:
        reading: The reading whose clauses are to be described.
        mentions: Its NUMBER, TIME, PLACE, SCHOOL and PROGRAM mentions.

    Returns:
        One mapping a clause, from group name (``prev_``, ``next_``, ``near_`` for surroundings) to strength, 0 to 1.
    """
    own, pairs = _seen(reading, mentions)
    return [_described(i, own, pairs[i]) for i in range(len(own))]


def _seen(reading: Reading, mentions: Sequence[Mention]) -> tuple[list[set[str]], list[set[str]]]:
    """Give what every clause shows of its own: its groups and its cues."""
    shapes, cues = _Shapes(reading, mentions), _cues()
    own: list[set[str]] = []
    pairs: list[set[str]] = []
    for start, end in reading.clauses:
        clause = reading.text[start:end]
        marker = list_marker().match(clause)
        head = marker.end() if marker and marker.end() < len(clause) else 0
        body = clause.rstrip(_TAIL)
        own.append(_words_in(body, head) | shapes.of(start, end, head))
        pairs.append(_pairs(body[head:]) & cues)
    return own, pairs


def _described(i: int, own: list[set[str]], pairs: set[str]) -> dict[str, float]:
    """Describe one clause by name; ``_votes`` sums the same for all clauses at once."""
    seen = own[i]
    found: dict[str, float] = dict.fromkeys(seen | pairs, 1.0)
    found["bias"] = 1.0
    for name in own[i - 1] if i else ():
        found[f"prev_{name}"] = 1.0
    for name in own[i + 1] if i + 1 < len(own) else ():
        found[f"next_{name}"] = 1.0
    around = own[max(0, i - _NEAR) : i] + own[i + 1 : i + 1 + _NEAR]
    counts = Counter(name for other in around for name in other)
    share = {name: float(_shares()[len(around), count]) for name, count in counts.items()}
    found.update((f"near_{name}", value) for name, value in share.items())
    heard = [f"voice_{name}_{_loudness(share[name])}" for name in role_words().voice.groups if name in share]
    found.update(dict.fromkeys(heard, 1.0))
    if "number" in seen:  # a figure is a result or a target by the voice around it, more than by its own words
        found.update((f"number_near_{name}", value) for name, value in share.items())
        found.update((f"number_{name}", 1.0) for name in heard)
    return found


@cache
def _shares() -> npt.NDArray[np.float64]:
    """Give what share so many of so many clauses are, by how many there are: one added for each, as weights are."""
    most = 2 * _NEAR + 1
    table = np.zeros((most, most))
    for clauses in range(1, most):
        table[clauses, 1:] = np.cumsum(np.full(most - 1, 1 / clauses))
    return table


def _loudness(share: float) -> str:
    """Name how much of the surroundings speaks so: a share counts in steps, not in proportion."""
    return _LOUD[min(3, int(share * 4))]


def find_roles(reading: Reading, mentions: Sequence[Mention]) -> list[Clause]:
    """Give every clause its role.

    Args:
        reading: The reading.
        mentions: Its mentions; metrics and actions are not looked at.

    Returns:
        The clauses in order, with offsets into the view.
    """
    own, pairs = _seen(reading, mentions)
    bare, roles = _bare(reading, mentions), []
    for i, votes in enumerate(_votes(own, pairs) if own else []):
        first, second = sorted(votes, reverse=True)[:2]
        # sums in another order differ in their last digits; where that could decide, they are made in none
        exact = first - second < _CLOSE
        roles.append(_best(_described(i, own, pairs[i]), _weights()) if exact else ROLES[votes.index(first)])
    return [
        Clause(start, end, "O" if start in bare else role)
        for (start, end), role in zip(reading.clauses, roles, strict=True)
    ]


@cache
def _weights() -> Mapping[str, Mapping[str, float]]:
    return {**role_words().weights, **role_words().context}


@cache
def _table() -> tuple[dict[str, int], dict[str, int], npt.NDArray[np.float64]]:
    """Give the places of groups and of cues, and the weights of what ``_votes`` counts, (features, roles), in order."""
    groups, voice = sorted({*role_words().groups, *role_words().context}), role_words().voice.groups
    loud = [f"voice_{name}_{how}" for name in voice for how in _LOUD]
    near, cues = [f"near_{name}" for name in groups], sorted(_cues())
    around = [*near, *loud]
    names = [*groups, *(f"{at}_{name}" for at in ("prev", "next") for name in groups), *around]
    names += [*(f"number_{name}" for name in around), *cues, "bias"]
    rows = [[_weights().get(name, {}).get(role, 0.0) for role in ROLES] for name in names]
    return {g: i for i, g in enumerate(groups)}, {c: i for i, c in enumerate(cues)}, np.array(rows)


def _votes(own: Sequence[set[str]], pairs: Sequence[set[str]]) -> list[list[float]]:
    """Sum the weights of all that ``_described`` names, for every clause (at least one) and role."""
    groups, cues, weights = _table()
    seen, cued, clauses = _hot(own, groups), _hot(pairs, cues), len(own)
    at = np.arange(clauses)
    low, high = np.maximum(at - _NEAR, 0), np.minimum(at + _NEAR + 1, clauses)
    total = np.vstack([np.zeros_like(seen[:1]), np.cumsum(seen, axis=0)])
    counts = (total[high] - total[low] - seen).astype(np.intp)
    share = _shares()[(high - low - 1)[:, None], counts]
    voice = [groups[name] for name in role_words().voice.groups]
    step = np.minimum(share[:, voice] * len(_LOUD), len(_LOUD) - 1).astype(np.intp)
    loud = (step[:, :, None] == np.arange(len(_LOUD))) & (counts[:, voice] > 0)[:, :, None]
    around = np.hstack([share, loud.reshape(clauses, -1)])
    beside = np.zeros((2, *seen.shape))
    beside[0, 1:], beside[1, :-1] = seen[:-1], seen[1:]
    number = seen[:, [groups["number"]]]
    shown = np.hstack([seen, *beside, around, around * number, cued, np.ones((clauses, 1))])
    votes: list[list[float]] = np.einsum("cf,fr->cr", shown, weights).tolist()  # no threads for so little
    return votes


def _hot(names: Sequence[set[str]], places: Mapping[str, int]) -> npt.NDArray[np.float64]:
    """Give a row for each set, with 1 at the places of its names."""
    rows = [i for i, group in enumerate(names) for _ in group]
    hot = np.zeros((len(names), len(places)))
    hot[rows, [places[name] for group in names for name in group]] = 1
    return hot


def _bare(reading: Reading, mentions: Sequence[Mention]) -> set[int]:
    """Give the starts of the clauses that are a label and hold no number: they are O, whatever their words say."""
    numbers = [m.start for m in mentions if m.type == "NUMBER"]
    labels, starts = reading.labels, [start for start, _ in reading.labels]
    found = set()
    for start, end in reading.clauses:
        i = bisect_left(starts, end) - 1
        inside = i >= 0 and labels[i][1] > start
        if inside and bisect_left(numbers, start) == bisect_left(numbers, end):
            found.add(start)
    return found


def _best(found: Mapping[str, float], weights: Mapping[str, Mapping[str, float]]) -> ClauseRole:
    votes: dict[str, list[float]] = {role: [] for role in ROLES}
    for name, strength in found.items():
        for role, weight in weights.get(name, {}).items():
            votes[role].append(strength * weight)
    # features come in no fixed order, and a plain sum of floats depends on it: fsum does not, so ties fall the same way
    return max(ROLES, key=lambda role: fsum(votes[role]))
