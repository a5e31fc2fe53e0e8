"""The model as a maker: spans, clause roles and facts from a trained network, read with the grammar beside it.

In: a ``Draft`` or a ``Doc``. Out: the same one with its layers filled. The network runs once a document, whichever of
the three steps comes first. Not for: training (``training``) or loading from disk (``model``).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import ChainMap, Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Protocol

import numpy as np
from pydantic import Field

from zongjie.alphabet import Alphabet
from zongjie.decoding import (
    TOKENS,
    Floats,
    Scores,
    decode_spans,
    end_earlier,
    link_chances,
    role_chances,
    state_chances,
)
from zongjie.layers import LINK_TYPES, LINKS, Clause, D, Draft, Link, LinkName, layers, reading
from zongjie.ontology import Table
from zongjie.reading import Reading
from zongjie.record import EntityType
from zongjie.rules import find_links
from zongjie.rules.links import (
    in_turn,
    is_aside,
    is_brief,
    is_passed,
    is_spent,
    may_measure,
    repeated,
    settled_status,
)
from zongjie.rules.metrics import fact_words
from zongjie.rules.order import Ordered
from zongjie.text import Mention
from zongjie.windows import KINDS, ROLES, STATUSES, TYPES, Said, Window, windows

if TYPE_CHECKING:
    from spacy.tokens import Doc

_FAR = 20.0  # log odds beyond which a chance is 0 or 1
_AT_ONCE = 64  # windows scored together
_OF_SECTION = ("time", "place", "school", "program")  # links to what another section of a document is not about
_OF_ITEM = ("metric", "action", "school", "program")  # … and another of 一是… 二是… neither


@dataclass(frozen=True, slots=True)
class Calibration:
    """From scores to the chance that what was found is right (Platt 1999), fitted on passages held out of training.

    Attributes:
        lines: Slope and intercept by span type, and for ``fact`` and ``statement``; kinds without one keep the logistic
            of the score itself.
        digits: Decimals of a chance, so that it prints the same everywhere; all of them if ``None``.
    """

    lines: dict[str, tuple[float, float]] = field(default_factory=dict)
    digits: int | None = 3

    def chance(self, kind: str, score: float) -> float:
        """Give the chance for a score."""
        slope, intercept = self.lines.get(kind, (1.0, 0.0))
        chance = 1 / (1 + math.exp(-max(-_FAR, min(_FAR, slope * score + intercept))))
        return chance if self.digits is None else round(chance, self.digits)


def logit(chance: float) -> float:
    """Give the log odds of a chance, bounded."""
    bounded = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


class Scorer(Protocol):
    """Whatever scores windows: a session of ONNX Runtime in use, a torch module in training."""

    def __call__(self, batch: Sequence[Window]) -> Iterable[Scores]:
        """Score windows; one result each, in order."""


class Mix(Table):
    """What the grammar keeps where the model makes the spans and facts.

    Attributes:
        grammar: Span types that the grammar marks alone.
        spans: Other span types, and what the grammar's mark adds to the score of a span there (log odds).
        denied: Span types, and what it takes from the score of a span where the grammar says that there is none.
        links: Links that the model chooses, and what the grammar's choice adds to a candidate's score there; the
            grammar chooses the others.
        shift: What to add to a type's scores.
        hold: What speaks for one status in neighbouring numbers of a paragraph (log odds): in one sentence 98 of 100
            pairs have the same.
        longest: Most characters in a window.
    """

    grammar: tuple[EntityType, ...] = ()
    spans: dict[EntityType, float] = Field(default_factory=dict)
    denied: dict[EntityType, float] = Field(default_factory=dict)
    links: dict[LinkName, float] = Field(default_factory=dict)
    shift: dict[EntityType, float] = Field(default_factory=dict)
    hold: Annotated[float, Field(ge=0)] = 0.0
    longest: Annotated[int, Field(ge=32, le=480)] = 240


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What was seen of one document.

    Attributes:
        view: The document.
        mentions: Spans with their scores.
        tokens: Scores of characters, (length of the view, TOKENS).
        starts: Where each window starts.
        ends: Ends of links by window: the numbers' and the others', (links, length, size); empty if no link is ours.
    """

    view: Reading
    mentions: dict[Mention, float]
    tokens: Floats
    starts: list[int]
    ends: list[tuple[Floats, Floats]]

    def window_of(self, mention: Mention) -> int:
        """Give the number of the window that a mention begins in."""
        return bisect_right(self.starts, mention.start) - 1

    def reaches(self, name: LinkName, mention: Mention, number: Mention) -> bool:
        """Tell whether a number may be linked to a mention.

        A window may hold the end of one section, of one paragraph or of one item of a list, and the beginning of the
        next.
        """
        text, (first, second) = self.view.text, sorted((mention.start, number.start))
        if name in ("time", "place") and is_aside(self.view, mention, number):
            return False
        if name == "time" and is_spent(self.view, mention, number):
            return False
        if name in _OF_ITEM and not self.view.in_one_item(mention.start, number.start):
            return False
        if name in _OF_SECTION and second >= self.view.section_end(first):
            return False
        if "\n" not in text[first:second]:
            return True
        # a day, a verb, or what comes later, is of its own paragraph
        own = name == "action" or number < mention or (name == "time" and is_brief(text[mention.start : mention.end]))
        return not own


_Near = Mapping[tuple[int, str], Sequence[Mention]]  # what begins in a window, by its number and the type


class Tagger:
    """The maker.

    Args:
        scorer: The network.
        alphabet: Its characters.
        mix: What the grammar keeps.
        calibration: From scores to chances.
    """

    def __init__(self, scorer: Scorer, alphabet: Alphabet, mix: Mix, calibration: Calibration | None = None) -> None:
        self.scorer, self.alphabet, self.mix = scorer, alphabet, mix
        self.calibration = calibration or Calibration()
        # what the grammar marks alone is never chosen from the scores
        self._shift = np.array([-np.inf if t in mix.grammar else mix.shift.get(t, 0.0) for t in TYPES], np.float32)

    def _opinion(self, doc: Doc | Draft) -> _Opinion:
        notes = layers(doc).notes
        if self not in notes:
            notes[self] = self._read(reading(doc))
        return notes[self]  # type: ignore[return-value]

    def _read(self, view: Reading) -> _Opinion:
        """Run the network over a document, some windows at a time: scores of spans are large, and soon done with."""
        said = Said.of(view)
        cut = windows(view, said, self.alphabet, longest=self.mix.longest)
        opinion = _Opinion(view, {}, np.zeros((len(view.text), TOKENS), np.float32), [w.start for w in cut], [])
        fixed: list[Mention] = []
        for i in range(0, len(cut), _AT_ONCE):
            some = cut[i : i + _AT_ONCE]
            for window, scores in zip(some, self.scorer(some), strict=True):
                here = _within(said.mentions, window)
                kept = [m for m in here if m.type in self.mix.grammar]
                opinion.mentions.update((m, _score(m, window, scores)) for m in kept)
                fixed = [*(m for m in fixed if m.end > window.start), *kept]  # one may reach out of the window before
                for m in here:
                    if m.type in self.mix.spans and m.end <= window.end:
                        scores.spans[_cell(m, window)] += self.mix.spans[m.type]
                for m in _within(said.denied, window):
                    if m.type in self.mix.denied and m.end <= window.end:
                        scores.spans[_cell(m, window)] -= self.mix.denied[m.type]
                self._count(view, window, scores, here)
                found = decode_spans(scores.spans, offset=window.start, shift=self._shift, fixed=fixed)
                # a name has letters or digits; in text unlike any report the network may point at signs alone
                named = ((m, score) for m, score in found.items() if any(map(str.isalnum, view.text[m.start : m.end])))
                opinion.mentions.update(named)
                opinion.tokens[window.start : window.end] = scores.tokens
                if self.mix.links:
                    opinion.ends.append((scores.numbers, scores.others))
        return opinion

    def _count(self, view: Reading, window: Window, scores: Scores, here: Iterable[Mention]) -> None:
        """Let a METRIC behind a number that counts things end with the thing (40所‹普通高中›办学能力)."""
        words, kind = fact_words().counted, TYPES.index("METRIC")
        never = tuple(words.never)
        text = view.text[window.start : window.end]
        for m in here:
            start = m.end - window.start
            quantity = view.quantity_at(m.start, m.end) if m.type == "NUMBER" and start < len(text) else None
            if quantity and quantity.unit in words.units:
                able = np.flatnonzero(scores.spans[kind, start] > -self._shift[kind]).tolist()
                ends = [end for end in able if text.endswith(never, start, end + 1)]
                end_earlier(scores.spans[kind], start, ends)

    def mark_spans(self, doc: D) -> D:
        """Mark spans of all seven types.

        Args:
            doc: A draft, or any ``Doc``.

        Returns:
            The same, its mentions replaced.
        """
        found, marks = self._opinion(doc).mentions, layers(doc)
        marks.mentions = sorted(found)
        marks.confidence = {m: self.calibration.chance(m.type, score) for m, score in found.items()}
        return doc

    def assign_roles(self, doc: D) -> D:
        """Give every clause its role.

        Args:
            doc: A draft, or any ``Doc``.

        Returns:
            The same, its clauses replaced.
        """
        opinion, ranges = self._opinion(doc), reading(doc).clauses
        chances = role_chances(opinion.tokens, ranges) if ranges else ()
        layers(doc).clauses = [
            Clause(
                start,
                end,
                ROLES[int(chance.argmax())],
                self.calibration.chance("statement", logit(float(chance.max()))),
            )
            for (start, end), chance in zip(ranges, chances, strict=True)
        ]
        return doc

    def link_facts(self, doc: D) -> D:
        """Link every number to what belongs to it.

        Args:
            doc: A draft or ``Doc`` whose spans are marked and whose clauses have roles.

        Returns:
            The same, its links replaced.
        """
        opinion, marks, view = self._opinion(doc), layers(doc), reading(doc)
        links = find_links(view, marks.mentions, marks.clauses)
        near: dict[tuple[int, str], list[Mention]] = {}
        for m in marks.mentions:
            near.setdefault((opinion.window_of(m), m.type), []).append(m)
        states = self._states(opinion, sorted({link.number for link in links}))
        first: dict[Mention, Mention] = {}  # by METRIC, the first number that has it
        told: dict[Mention, list[Mention]] = {}  # the METRICs of each number so far; no two facts of one have the same
        marks.links = []
        for link in links:
            status, kind = states[link.number]
            taken = told.setdefault(link.number, [])
            key = (opinion.window_of(link.number), "METRIC")

            def free(metric: Mention, number: Mention = link.number, taken: list[Mention] = taken) -> bool:
                return metric not in taken and may_measure(view, metric, number, first.get(metric))

            if link.metric and not free(link.metric):
                link = replace(link, metric=None)
            beside = ChainMap({key: [m for m in near.get(key, ()) if free(m)]}, near)
            one = self._judged(link, opinion, beside, status, kind)
            if one.metric is None and taken:
                continue
            if one.metric:
                taken.append(one.metric)
                first.setdefault(one.metric, one.number)
            marks.links.append(one)
        places = Ordered(m for m in marks.mentions if m.type == "PLACE")
        paired = in_turn(view, marks.mentions)
        metrics = Ordered(m for m in marks.mentions if m.type == "METRIC")
        marks.links = _in_one_place(repeated(view, marks.links, metrics), view, places)
        for i, one in enumerate(marks.links):
            if one.school and is_passed(view, one.school, one.number.start, places):
                marks.links[i] = replace(one, school=None)
            if one.number in paired:
                marks.links[i] = replace(one, **paired[one.number])  # type: ignore[arg-type]
        return doc

    def _states(self, opinion: _Opinion, numbers: list[Mention]) -> dict[Mention, tuple[Floats, Floats]]:
        """Give the chances of each status and each kind for numbers in order; a new paragraph may begin with plans."""
        text = opinion.view.text
        bonds = [0.0 if "\n" in text[a.end : b.start] else self.mix.hold for a, b in pairwise(numbers)]
        return dict(zip(numbers, zip(*state_chances(opinion.tokens, numbers, bonds), strict=True), strict=True))

    def _judged(self, link: Link, opinion: _Opinion, near: _Near, status: Floats, kind: Floats) -> Link:
        parts: list[float] = []
        chosen: dict[str, Mention | None] = {}
        window = opinion.window_of(link.number)
        for name, trust in self.mix.links.items():
            beside = near.get((window, LINK_TYPES.get(name, name.upper())), ())
            others = [m for m in beside if opinion.reaches(name, m, link.number)]
            said = getattr(link, name)
            if said and not opinion.reaches(name, said, link.number):
                link = replace(link, **{name: None})  # type: ignore[arg-type]
            here = opinion.starts[window], opinion.ends[window]
            chosen[name], chance = _chosen(name, trust, link, here, others)
            if name == "metric":
                parts.append(logit(chance))
        metric = chosen.get("metric", link.metric)
        told = settled_status(opinion.view, replace(link, metric=metric, time=chosen.get("time", link.time)))
        which = STATUSES.index(told) if told else int(status.argmax()), int(kind.argmax())
        parts += [logit(float(status[which[0]])), logit(float(kind[which[1]]))]
        # spans that another maker marked have no score
        parts += [opinion.mentions[m] for m in (link.number, metric) if m in opinion.mentions]
        return replace(
            link,
            status=STATUSES[which[0]],
            kind=KINDS[which[1]],
            # a fact is as sure as the least sure of what it is made of
            confidence=self.calibration.chance("fact", min(parts)),
            **chosen,  # type: ignore[arg-type]
        )


def _in_one_place(links: list[Link], view: Reading, places: Ordered) -> list[Link]:
    """Let the numbers of a sentence that no PLACE parts have the PLACE before them, or none, as most of them have.

    Where it stands in an earlier sentence the network wavers within a list; people do so in 1 of 100 pairs.
    """
    runs: dict[tuple[int, int], list[int]] = {}
    for i, link in enumerate(links):
        if link.place is None or link.place.start < link.number.start:
            sentence, _ = view.sentence_at(link.number.start)
            runs.setdefault((sentence, bisect_left(places.starts, link.number.start)), []).append(i)
    for run in runs.values():
        ((most, _),) = Counter(links[i].place for i in run).most_common(1)
        for i in run:
            links[i] = replace(links[i], place=most)
    return links


def _chosen(
    name: LinkName, trust: float, link: Link, window: tuple[int, tuple[Floats, Floats]], others: Sequence[Mention]
) -> tuple[Mention | None, float]:
    """Choose what one link of a number holds, and how sure that is, among what stands in its window.

    Beyond the window (its start, and the ends of links in it) the grammar is heard alone.
    """
    (start, ends), number, said = window, link.number, getattr(link, name)
    near = [m for m in others if m != number] if name in LINK_TYPES else others
    if not near or (said is not None and said not in near):
        return said, 1.0
    chances = link_chances(
        ends,
        LINKS.index(name),
        number.start - start,
        [m.start - start for m in near],
        favoured=(-1 if said is None else near.index(said), trust),
    )
    best = int(chances.argmax())
    return near[best] if best < len(near) else None, float(chances[best])


def _within(mentions: list[Mention], window: Window) -> list[Mention]:
    """Give those, of mentions in order, that begin in a window."""
    first, last = (bisect_left(mentions, at, key=lambda m: m.start) for at in (window.start, window.end))
    return mentions[first:last]


def _score(mention: Mention, window: Window, scores: Scores) -> float:
    """Give the network's score of a span that it did not choose itself; one that crosses a window's end the lowest."""
    if mention.end > window.end:
        return -_FAR
    return float(scores.spans[_cell(mention, window)])


def _cell(mention: Mention, window: Window) -> tuple[int, int, int]:
    """Give where a mention's score stands among those of its window's spans."""
    return TYPES.index(mention.type), mention.start - window.start, mention.end - 1 - window.start
