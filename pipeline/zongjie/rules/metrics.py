"""METRIC and ACTION: the words around a number that say what it counts and what was done.

In: the text of a view, its NUMBERs and the other named spans. Out: METRIC and ACTION mentions. The words are in
``configs/facts.toml``. Not for: saying which number they belong to (``links``).

Read this first: a clause is cut into *zones* at its numbers. The zone before a number is read from right to left
(``_Grammar.before``): a verb right at the number (毛入园率‹提高到›96.1%), else a verb at the head of the zone
(‹新增›学位3.2万个), else a bare noun phrase. The zone after it is read from left to right (``_Grammar.after``): the
noun phrase that the number counts (375个‹教育集团›) and a verb behind it (20个乡镇‹入选›…).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from zongjie.ontology import Table, either, load_table
from zongjie.reading import list_marker
from zongjie.text import Mention

_CELL = "|\t"  # what parts the cells of a table row
_ZONE_LIMIT = 90  # characters of a zone that are looked at; longer ones are run-on text


class Verbs(Table):
    """``[verbs]``: classes of verbs and how they combine."""

    up: list[str]
    down: list[str]
    strong: list[str]
    weak: list[str]
    results: list[str]
    prefixes: list[str]
    joiners: list[str]
    light: list[str]
    nominal_heads: list[str]
    measured: list[str]
    nouns: list[str]
    causatives: list[str]
    adverbs: list[str]
    indicators: list[str]
    counters: list[str]
    noun_suffixes: str
    new_inside: str
    noun_before: str


class Frame(Table):
    """``[frame]``: function words around a number."""

    linking: list[str]
    openers: list[str]
    leads: list[str]
    subjects: list[str]
    keep: list[str]
    stops: list[str]
    breaks: str
    separators: str
    list_cuts: list[str]


class LinkWords(Table):
    """``[link]``: words that say how numbers and metrics are shared out."""

    opening: str
    distributors: list[str]
    apiece: list[str]
    sharers: list[str]
    parts: list[str]
    shares: list[str]
    no_share_before: str
    shared_heads: list[str]
    bases: list[str]
    rank_words: list[str]
    rank_unit: str
    comparing: list[str]
    multiple: str
    of: str
    streets: str
    dating: list[str]
    alike: list[list[str]]
    asides: list[str]
    itself: list[str]
    planned: list[str]
    lying: list[str]
    local_times: list[str]
    own_times: list[str]
    listed: list[str]
    under: list[str]
    doubling: list[str]


class Counted(Table):
    """``[counted]``: which METRICs a number of things cannot have."""

    units: list[str]
    rates: list[str]
    things: list[str]
    standards: list[str]
    relative: list[str]
    never: list[str]


class FactWords(Table):
    """``configs/facts.toml``."""

    verbs: Verbs
    frame: Frame
    link: LinkWords
    counted: Counted


@cache
def fact_words() -> FactWords:
    """Give the word lists of ``configs/facts.toml``.

    Returns:
        The validated table.
    """
    return load_table("facts.toml", FactWords)


@dataclass(frozen=True, slots=True)
class _Found:
    """What one side of a number gives, in offsets of the view; ``change`` says that the verb tells of a change."""

    metric: tuple[int, int] | None = None
    action: tuple[int, int] | None = None
    change: bool = False


class _Grammar:
    """The compiled word lists."""

    def __init__(self, words: FactWords) -> None:
        verbs, frame = words.verbs, words.frame
        change = [*verbs.up, *verbs.down]
        everything = [*verbs.strong, *verbs.weak, *change]
        weak = set(verbs.weak)
        self.weak, self.nouns = frozenset(weak), frozenset(verbs.nouns)
        self.noun_ends = tuple(verbs.nouns)
        joiner, result = either(verbs.joiners), either(verbs.results)
        prefix = f"(?<![{verbs.new_inside}]){either(verbs.prefixes)}"
        verbal = f"(?![{verbs.noun_suffixes}])"  # 保障性, 受益者 are no verbs
        nouns = set(verbs.nouns)
        multi = [v for v in everything if len(v) > 1]
        # One verb, or several in a row (培育打造, 新建、改扩建); what follows a light verb is its object, a noun.
        further = rf"(?:{joiner}?{either(v for v in multi if v not in nouns)}{verbal}){{0,4}}"

        def chain(first: Collection[str]) -> str:
            light = either(v for v in verbs.light if v in first)
            alone, leading = either(first), either(v for v in first if v not in nouns)
            verb = rf"(?:{light}{verbal}|{leading}{verbal}{further}|{alone}{verbal})"
            return rf"(?<![{verbs.noun_before}]){prefix}?{verb}{result}?"

        linking = either(frame.linking)
        # One-character verbs are trusted only right at the number: 高校 and 招生 are no verbs.
        self.at_number = re.compile(rf"(?P<verb>{chain(everything)})[了过]?(?P<tail>(?:{linking}){{0,4}})\s*$")
        self.at_head = re.compile(chain(multi))
        self.strong = re.compile(chain([v for v in verbs.strong if len(v) > 1 and v not in weak]))
        self.change = re.compile(either(change))
        self.result = re.compile(rf"{result}$")
        self.adverb = re.compile(rf"{either(verbs.adverbs)}$")
        self.compared = re.compile(rf"{either(words.link.comparing)}$")
        self.causative = re.compile(either(verbs.causatives))
        self.linking = re.compile(rf"(?:{linking}|\s){{0,6}}$")
        keep = either(frame.keep)
        self.leads = re.compile(rf"(?:(?!{keep})(?:{either(frame.leads)}|{either(frame.subjects)}(?=.)|[\s，,、；;]))+")
        self.openers = re.compile(either(frame.openers))
        self.stops = re.compile(rf"(?!{keep}){either(frame.stops)}")
        self.nominal = re.compile(rf"(?:.*{either(verbs.measured)}$|{either(verbs.nominal_heads)})")
        self.indicator = re.compile(rf"{either(verbs.indicators)}{either(verbs.counters)}?$")
        whole = either(words.link.shared_heads)
        self.share = re.compile(rf"{either(words.link.shares)}(?![{words.link.no_share_before}])(?!.*{whole}$)")
        self.breaks = re.compile(f"[{re.escape(frame.breaks)}]")
        self.bracket = re.compile(r"[（(][^（()）]{1,6}[)）]")
        self.run = re.compile(rf"[{re.escape(frame.separators)}\s]{{1,3}}")
        self.marks = frozenset("。！？!?；;，, \t\n\r\f\v\u3000\xa0")
        self.edge = self.marks | frozenset(frame.separators)
        self.after_end = re.compile(f"[{re.escape(frame.breaks)}，,、；;。！？!?]")


@cache
def _grammar() -> _Grammar:
    return _Grammar(fact_words())


class _Zones:
    """One view with its fixed spans, cut into zones."""

    def __init__(self, text: str, fixed: Sequence[Mention]) -> None:
        self.text = text
        self.grammar = _grammar()
        self.walls = sorted(m.end for m in fixed if m.type in ("TIME", "PLACE", "SCHOOL"))
        self.named = sorted((m.start, m.end) for m in fixed if m.type in ("PLACE", "SCHOOL"))
        self.time_starts = {m.end: m.start for m in fixed if m.type == "TIME"}
        self.names = sorted((m.start, m.end) for m in fixed if m.type in ("PROGRAM", "SCHOOL"))
        self._name_starts = {start for start, _ in self.names}

    def in_name(self, position: int) -> bool:
        """Say whether a place lies inside the name of a school or a programme, behind its first character."""
        i = bisect_right(self.names, (position, 1 << 60)) - 1
        return i >= 0 and position < self.names[i][1] and self.names[i][0] < position

    def _starts_name(self, position: int) -> bool:
        return position in self._name_starts

    def _wall(self, start: int, end: int) -> int:
        """Give the end of the last TIME, PLACE or SCHOOL that ends in the zone, else its start."""
        i = bisect_right(self.walls, end) - 1
        return max(start, self.walls[i]) if i >= 0 else start

    def past_marker(self, start: int, end: int) -> int:
        """Give the place behind a list marker (二是, （三）) that opens a clause."""
        marker = list_marker().match(self.text, start, end)
        return marker.end() if marker else start

    def before(self, start: int, end: int) -> _Found:
        """Read the zone before a number."""
        text = self.text
        cell = self._after_break(max(start, end - _ZONE_LIMIT), end)
        if not text[cell:end].strip() and cell > start and text[cell - 1] in _CELL:
            # a table: the cell to the left names what the number is
            end = len(text[:cell].rstrip(_CELL + " ")) if cell - start <= _ZONE_LIMIT else cell
            cell = self._after_break(max(start, end - _ZONE_LIMIT), end)
        start = cell
        wall = self._wall(start, end)
        found = self._before(wall, end)
        if found.metric is None and (found.action is None or found.change):
            # The noun phrase may stand before the time: 民办园‹3年›增加40多所
            name_end = self.time_starts.get(wall, start)
            if compared := self.grammar.compared.search(text, start, name_end):  # …规模‹比›上年扩大
                name_end = compared.start()
            lead = self._clean(self._wall(start, name_end), name_end) if name_end > start else None
            if lead:
                return _Found(lead, found.action, change=found.change)
        if found.action is None and wall > start and (verb := self._over_wall(start, wall)):
            return _Found(found.metric, verb)
        return found

    def _over_wall(self, start: int, wall: int) -> tuple[int, int] | None:
        """Find a verb whose object begins with a name or a place (‹来自›安澜县16所学校, ‹实施›城东小学等7个项目)."""
        i = bisect_left(self.named, (start, 0))  # the names between the verb and the number may be a list
        first = self.named[i][0] if i < len(self.named) and self.named[i][1] <= wall else wall
        verb = self.grammar.at_number.search(self.text[start:first])
        if verb and not self.in_name(start + verb.start("verb")) and verb["verb"] not in self.grammar.nouns:
            return start + verb.start("verb"), start + verb.end("verb")
        return None

    def _after_break(self, start: int, end: int) -> int:
        """Give the place after the last break (colon, open bracket) in a stretch; short brackets are no break."""
        g, text = self.grammar, self.text
        inside = {i for m in g.bracket.finditer(text, start, end) for i in range(*m.span())}
        for m in g.breaks.finditer(text, start, end):
            if m.start() not in inside and not self.in_name(m.start()):
                start = m.end()
        return start

    def _before(self, start: int, end: int) -> _Found:
        g, zone = self.grammar, self.text[start:end]
        verb = g.at_number.search(zone)
        while verb and self.in_name(start + verb.start("verb")):
            verb = g.at_number.search(zone, verb.start("verb") + 1)
        if verb and not g.indicator.search(zone[: verb.end("verb")]):
            word, at = verb["verb"], start + verb.start("verb")
            lead = self._clean(start, at)
            change = bool(g.change.match(word) or g.result.search(word))
            governed = lead is not None and word in g.weak and g.strong.match(self.text, *lead)
            is_noun = word in g.nouns and not g.adverb.search(self.text, start, at)
            if lead is None or change or not (is_noun or governed):
                if lead and change and (cause := g.causative.match(self.text, *lead)):
                    lead = self._clean(cause.end(), at)
                if lead and not change:
                    lead = self._phrase(*lead).metric
                return _Found(lead, (at, at + len(word)), change=change)
        linking = g.linking.search(zone)
        assert linking  # it may be empty
        stop = start + linking.start()
        share = g.share.search(self.text, start, stop)
        stop = share.start() if share else stop  # 教育支出占财政支出的21%: the METRIC is what takes the share
        lead = self._clean(start, stop)
        return self._phrase(*lead) if lead else _Found()

    def _clean(self, start: int, end: int) -> tuple[int, int] | None:
        """Strip function words from the left of a stretch and linking words from its right."""
        g, text = self.grammar, self.text
        for opener in g.openers.finditer(text, start, end):
            if not self.in_name(opener.start()):
                start = opener.end()
        if (lead := g.leads.match(text, start, end)) and not self.in_name(lead.end()):
            start = lead.end()
        linking = g.linking.search(text[start:end])
        assert linking  # it may be empty
        return self._trim(start, start + linking.start())

    def _phrase(self, start: int, end: int) -> _Found:
        """Divide a stretch into a verb at its head, or in it, and the noun phrase."""
        g, text = self.grammar, self.text
        head = g.at_head.match(text, start, end)
        is_noun = head and head.group() in g.weak and g.nominal.match(text, head.end(), end)
        if head and (not is_noun or g.causative.fullmatch(head.group())):
            return _Found(self._trim(head.end(), end), head.span(), change=bool(g.change.match(head.group())))
        fixed = g.indicator.search(text, start, end)
        limit = fixed.start() if fixed else end
        for verb in g.strong.finditer(text, start + 1, end):
            modifies = g.nominal.match(text[verb.end() : min(end, verb.end() + 2)])
            if verb.end() <= limit and not modifies and not self.in_name(verb.start()):
                return _Found(self._trim(verb.end(), end), verb.span())
        return _Found(self._trim(start, end))

    def _trim(self, start: int, end: int) -> tuple[int, int] | None:
        """Strip function words and separators from both ends of a noun phrase."""
        if m := self.grammar.leads.match(self.text, start, end):
            start = m.end()
        return self.trim_right(start, end)

    def trim_right(self, start: int, end: int) -> tuple[int, int] | None:
        """Strip separators and marks from the edges of a phrase; ``None`` if no letter or digit is left."""
        while start < end and self.text[end - 1] in self.grammar.edge:
            end -= 1
        while start < end and self.text[start] in self.grammar.marks:
            start += 1
        return (start, end) if any(map(str.isalnum, self.text[start:end])) else None

    def after(self, start: int, end: int) -> _Found:
        """Read the zone after a number: the noun phrase that it counts, and the verb behind it."""
        g, text = self.grammar, self.text
        end = min(end, start + _ZONE_LIMIT)
        begin = start
        while begin < end and text[begin] in "的 \n":
            begin += 1
        stop = begin
        while stop < end and not self._ends_phrase(begin, stop, end):
            bracket = g.bracket.match(text, stop, end)
            stop = bracket.end() if bracket else stop + 1
        metric = self.trim_right(begin, stop)
        limit = next((i for i in range(stop, end) if text[i] in "，,；;。、"), end)
        lead = g.leads.match(text, stop, limit)
        verb = g.at_head.match(text, lead.end() if lead else stop, limit)
        verb = verb or next((v for v in g.strong.finditer(text, stop, limit) if not self.in_name(v.start())), None)
        return _Found(metric, verb.span() if verb else None)

    def _ends_phrase(self, begin: int, stop: int, end: int) -> bool:
        """Say whether the noun phrase that starts at ``begin`` ends before ``stop``."""
        g, text = self.grammar, self.text
        if self.in_name(stop):
            return False
        if g.bracket.match(text, stop, end):
            return stop == begin
        if g.after_end.match(text, stop) or g.stops.match(text, stop, end):
            return True
        if self._starts_name(stop):
            return False
        if g.strong.match(text, stop, end):
            return True
        # A weak verb ends it only at its start (260万元‹推进›校园绿化) or where the clause ends (村民‹受益›).
        verb = g.at_head.match(text, stop, end)
        if verb is None or verb.group().endswith(g.noun_ends):
            return False
        return stop == begin or verb.end() == end or bool(g.after_end.match(text, verb.end()))


def mark_metrics(
    text: str, numbers: Sequence[Mention], fixed: Sequence[Mention], clauses: Sequence[tuple[int, int]]
) -> list[Mention]:
    """Find the METRIC and the ACTION around every NUMBER.

    Args:
        text: The view.
        numbers: NUMBER mentions in order.
        fixed: The TIME, PLACE, SCHOOL and PROGRAM mentions.
        clauses: The clauses of the view, in order.

    Returns:
        METRIC and ACTION mentions in order, without duplicates.
    """
    zones = _Zones(text, fixed)
    starts = [n.start for n in numbers]
    found: set[Mention] = set()
    for start, end in clauses:
        inside = numbers[bisect_left(starts, start) : bisect_left(starts, end)]
        if inside:
            _mark_clause(zones, inside, (start, end), found)
    return sorted(found)


def _mark_clause(zones: _Zones, numbers: Sequence[Mention], clause: tuple[int, int], found: set[Mention]) -> None:
    begin = zones.past_marker(clause[0], numbers[0].start)
    for i, number in enumerate(numbers):
        following = numbers[i + 1].start if i + 1 < len(numbers) else clause[1]
        pre = zones.before(begin, number.start)
        post = zones.after(number.end, following)
        if pre.metric and post.metric and post.metric[1] == following != clause[1]:
            post = _Found()  # the phrase leans on the next number, and this one has its own
        metric = pre.metric
        action = pre.action
        begin = number.end
        if post.metric and not (pre.metric and pre.change):
            metric = post.metric
            begin = post.metric[1]
        if action is None and post.action:
            action = post.action
            begin = max(begin, post.action[1])
        if metric:
            found.update(Mention(s, e, "METRIC") for s, e in _items(zones, metric, numbers, i))
        if action:
            found.add(Mention(*action, "ACTION"))


def _items(zones: _Zones, metric: tuple[int, int], numbers: Sequence[Mention], i: int) -> list[tuple[int, int]]:
    """Split 普惠率、公办率 into items where the numbers are shared out among them, else keep the phrase whole."""
    text = zones.text
    words = fact_words().link
    if metric[1] > numbers[i].start:
        return [metric]
    between = text[metric[1] : numbers[i].start]
    run = 1  # numbers in a row with nothing but separators between them
    while i + run < len(numbers) and zones.grammar.run.fullmatch(
        text, numbers[i + run - 1].end, numbers[i + run].start
    ):
        run += 1
    shared = any(w in between for w in words.sharers)
    if not shared and run == 1:
        return [metric]
    for pattern in fact_words().frame.list_cuts:
        cuts = [
            m for m in re.finditer(pattern, text[metric[0] : metric[1]]) if not zones.in_name(metric[0] + m.start())
        ]
        if cuts and (shared or len(cuts) + 1 == run):
            edges = [metric[0], *(x for m in cuts for x in (metric[0] + m.start(), metric[0] + m.end())), metric[1]]
            trimmed = (zones.trim_right(s, e) for s, e in zip(edges[::2], edges[1::2], strict=True))
            return [item for item in trimmed if item]
    return [metric]
