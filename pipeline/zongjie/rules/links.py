"""Facts: which spans belong to one number, and how the number is meant.

In: a view with its mentions and clause roles. Out: one ``Link`` a number, or one a METRIC where several share it.
Not for: finding spans. Works on spans from any maker, so the grammar can link what a model has tagged.

Read this first: numbers are taken clause by clause (``_Linker.clause``). METRICs and ACTIONs are matched inside the
clause; TIME and PLACE reach on to the end of the sentence; a SCHOOL to the end of the paragraph. A number without a
METRIC of its own takes over the one before it (…率达96%，提高2个百分点).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache

from zongjie.gazetteer import places_table
from zongjie.layers import Clause, Link, LinkName
from zongjie.ontology import either
from zongjie.period import parse_period
from zongjie.reading import Reading, list_marker
from zongjie.record import ClauseRole, Kind, Status
from zongjie.rules.metrics import fact_words
from zongjie.rules.order import Ordered
from zongjie.rules.parts import Totals, count_alike
from zongjie.rules.roles import intended, reached
from zongjie.text import Mention

_BEFORE, _AFTER = 240, 120  # how far from a number its METRIC and ACTION may stand, in characters
_PARAGRAPH = 2000  # how far back a TIME or SCHOOL at the head of a paragraph reaches
_NEAR = 400  # characters: how far behind a TIME it may settle the status of a number, or a semicolon may end it
_HEAD = 4  # characters: a list marker or a dash may stand before the first word of a sentence
_BRIEF = 180  # days; what is shorter than half a year dates its own sentence
_RECENT = 48  # facts that a total, or its other parts, are looked for in
_LONGEST_RUN = 12


class _Cues:
    """The word lists of ``[link]``, compiled once."""

    def __init__(self) -> None:
        words = fact_words()
        link, verbs = words.link, words.verbs
        comparing = either(link.comparing)
        self.run = re.compile(rf"[{re.escape(words.frame.separators)}\s]{{1,3}}")
        self.opening = re.compile(rf"[{re.escape(link.opening)}\s]*")
        self.compared = re.compile(rf"{comparing}(?:{comparing}|的|\s)*$")
        self.comparison = re.compile(comparing)
        self.up = re.compile(rf"{either(verbs.up)}+")
        self.down = re.compile(rf"{either(verbs.down)}+")
        self.sharers = re.compile(either(link.sharers))
        self.distributors = re.compile(either(link.distributors))
        self.each = re.compile(either((*link.distributors, *link.apiece)))
        self.aside = re.compile(rf"{either(link.asides)}$")
        self.lying = re.compile(rf"{either(link.lying)}[^，。；]*$")
        self.house = re.compile(rf"[^\W\d]{{0,13}}[{link.streets}]\d+(?:-\d+)?号")
        self.listed = re.compile(rf"\s*{either(link.listed)}")
        self.under = re.compile(rf"\s*{either(link.under)}")
        self.doubling = re.compile(either(link.doubling))
        self.rank = re.compile(either(link.rank_words))
        self.rank_unit = link.rank_unit
        self.multiple = re.compile(link.multiple)
        self.dating = tuple(link.dating)
        self.local_times = tuple(link.local_times)
        self.bases, self.of = tuple(link.bases), link.of
        self.from_words = re.compile(rf"{either(link.bases)}[^，。；]{{0,14}}$")
        self.to_words = re.compile(rf"{either(verbs.results)}$")


@cache
def _cues() -> _Cues:
    return _Cues()


def is_planned(text: str, metric: Mention | None, number: Mention) -> bool:
    """Say whether a number is of something planned by the words of its METRIC (年度计划投资), not a clause later.

    Args:
        text: The view.
        metric: The METRIC of the number, if it has one.
        number: The number.

    Returns:
        Whether it is.
    """
    if metric is None or not text.endswith(tuple(fact_words().link.planned), metric.start, metric.end):
        return False
    return not re.search("[，。；,;]", text[metric.end : number.start])


def is_aside(reading: Reading, mention: Mention, number: Mention) -> bool:
    """Say whether a PLACE or TIME is one that a number is not linked to by the guide.

    Args:
        reading: The view.
        mention: A mention in it.
        number: The number.

    Returns:
        Whether it is a PLACE that says where something stands, or a TIME that something is compared with or rises from
        (比上年, 是去年的1.3倍); that of 从2020年的52%升至60% is of the first number alone.
    """
    cues, text, end = _cues(), reading.text, mention.end
    if mention.type == "PLACE":
        lying = cues.lying.search(text, max(0, mention.start - 8), mention.start)
        return lying is not None or cues.house.match(text, end) is not None
    if mention.type != "TIME":
        return False
    before = text[max(0, mention.start - 6) : mention.start]
    compared = cues.compared.search(before)
    of = end + len(cues.of)
    i = bisect_left(reading.quantities, of, key=lambda q: q.start)
    its_own = text.startswith(cues.of, end) and i < len(reading.quantities) and reading.quantities[i].start == of
    if its_own and (compared or before.endswith(cues.bases)):
        return number.start != of
    return compared is not None or cues.multiple.match(text, end) is not None


def may_measure(reading: Reading, metric: Mention, number: Mention, first: Mention | None = None) -> bool:
    """Say whether a METRIC may be that of a number, by what the number counts.

    Args:
        reading: The view.
        metric: The METRIC.
        number: The number.
        first: A number that has this METRIC already, if there is one.
    """
    words, text = fact_words().counted, reading.text
    unit = reading.unit_at(number.start, number.end)
    rate = text.endswith(tuple(words.rates), metric.start, metric.end)
    if (rate and unit in words.things) or text.endswith(tuple(words.standards), 0, metric.start):
        return False
    if first is None or not re.search("[，。；,;]", text[first.end : number.start]):
        return True
    counted = reading.unit_at(first.start, first.end)
    return unit in words.relative or counted in words.relative or count_alike(unit, counted)


def is_passed(reading: Reading, school: Mention, position: int, places: Ordered) -> bool:
    """Say whether a whole area (全县) at the head of a sentence has become the topic behind a SCHOOL.

    Args:
        reading: The view.
        school: The SCHOOL.
        position: Where a number stands, or its sentence begins.
        places: The PLACEs of the view.

    Returns:
        Whether it has.
    """
    if position < reading.sentence_at(school.start)[1]:
        return False
    near = places.within(school.end, reading.sentence_at(position)[1])
    wholes = (m.start for m in near if reading.text[m.start : m.end] in _wholes())
    return any(at - reading.sentence_at(at)[0] <= _HEAD for at in wholes)


def is_spent(reading: Reading, time: Mention, number: Mention) -> bool:
    """Say whether a TIME ends at a semicolon before a number, as one does that itself stands behind a number.

    Of 325 numbers behind such a TIME (投用5所，9月前再投用2所；招聘教师30名), people linked 19 to it.

    Args:
        reading: The view.
        time: The TIME.
        number: The number behind it.

    Returns:
        Whether it does.
    """
    text = reading.text
    if not re.search("[；;]", text[time.end : min(number.start, time.end + _NEAR)]):
        return False
    since = max(reading.sentence_at(time.start)[0], time.start - _NEAR)
    start = max(since, *(text.rfind(mark, since, time.start) for mark in "；;"))
    i = bisect_left(reading.quantities, start, key=lambda q: q.start)
    return i < len(reading.quantities) and reading.quantities[i].end <= time.start


def status_on(reading: Reading, time: Mention | None) -> Status | None:
    """Say how a number of a time is meant that lies wholly before or after the day from which its document speaks.

    Args:
        reading: The view.
        time: The TIME of the number.

    Returns:
        The status; ``None`` where the time says nothing.
    """
    day = reading.profile.base
    period = reading.time_at(time.start, time.end) if time and day else None
    if period is None or day is None or period.start is None or period.end is None:
        return None
    return "target" if period.start > day else "actual" if period.end < day else None


def settled_status(reading: Reading, link: Link) -> Status | None:
    """Say how a number is meant where its METRIC or its TIME leaves no doubt.

    Args:
        reading: The view.
        link: The number with its METRIC and its time.

    Returns:
        The status, from a METRIC of something planned, else from a TIME of the same sentence that lies wholly before
        or after the day from which the document speaks; ``None`` where neither says anything.
    """
    time, number, text = link.time, link.number, reading.text
    if is_planned(text, link.metric, number):
        return "target"
    if time is None or number.start - time.end > _NEAR or re.search("[。！？\n]", text[time.end : number.start]):
        return None
    told = status_on(reading, time)
    if told == "target":
        risen = _cues().from_words.search(text[max(0, number.start - 16) : number.start])
        return None if risen else told  # 到2028年由76家增加到150家: the first stands already
    return None if re.search("[；;]", text[time.end : number.start]) else told


def in_turn(reading: Reading, mentions: Sequence[Mention]) -> dict[Mention, dict[LinkName, Mention]]:
    """Pair TIMEs, PLACEs or SCHOOLs of a list with numbers that are theirs in turn (甲县、乙县毛入园率分别为96%、92%).

    Args:
        reading: The view.
        mentions: Spans of all types.

    Returns:
        What each such number is linked to.
    """
    text, cues = reading.text, _cues()
    layer = {t: Ordered(m for m in mentions if m.type == t) for t in ("NUMBER", "TIME", "PLACE", "SCHOOL")}
    paired: dict[Mention, dict[LinkName, Mention]] = {}
    names_of: tuple[LinkName, ...] = ("time", "place", "school")
    for word in cues.each.finditer(text):
        i = bisect_right(reading.clauses, (word.start(), len(text))) - 1
        start, end = reading.clauses[max(0, i)]
        numbers = _row(text, layer["NUMBER"].within(word.end(), end))
        for name in names_of:
            names = _row(text, layer[name.upper()].within(start, word.start())[::-1])[::-1]
            if len(names) == len(numbers) > 1:
                for number, one in zip(numbers, names, strict=True):
                    paired.setdefault(number, {})[name] = one
    return paired


def repeated(reading: Reading, links: Sequence[Link], metrics: Ordered) -> list[Link]:
    """Give numbers in turn the METRICs of as many before them (学校86所，教师482人，分别比上年减少4所、增加38人).

    Args:
        reading: The view.
        links: Those of the numbers, in order.
        metrics: The METRICs of the view.

    Returns:
        The links; those behind such a word that have no METRIC of their own there have those of the numbers before it.
    """
    changed, starts = list(links), [link.number.start for link in links]
    for word in _cues().distributors.finditer(reading.text):
        clause = reading.clauses[max(0, bisect_right(reading.clauses, (word.start(), len(reading.text))) - 1)]
        low, high = bisect_left(starts, word.end()), bisect_left(starts, clause[1])
        count, sentence = high - low, reading.sentence_at(word.start())[0]
        if count < 2 or low < count or metrics.within(changed[low - 1].number.end, clause[1]):
            continue  # they have METRICs of their own
        if not _cues().comparison.search(reading.text, changed[low - 1].number.end, changed[low].number.start):
            continue
        before, after = changed[low - count : low], changed[low:high]
        named = {link.metric for link in before}
        if before[0].number.start < sentence or len(named) < count or None in named:
            continue
        changed[low:high] = [replace(link, metric=like.metric) for link, like in zip(after, before, strict=True)]
    return changed


def _row(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """Give those from the first on that have nothing but separators between them."""
    row = list(mentions[:1])
    for m in mentions[1:]:
        low, high = sorted((row[-1], m))
        if not _cues().run.fullmatch(text, low.end, high.start):
            break
        row.append(m)
    return row


@cache
def _wholes() -> frozenset[str]:
    """Give the words for a whole area (全市, 我县)."""
    areas = places_table().deictic
    return frozenset((*areas.province, *areas.city, *areas.county, *areas.town))


@lru_cache(1024)
def is_brief(words: str) -> bool:
    """Say whether a TIME is too short to be the topic of more than its sentence, as a day, a month or a term is.

    Of 52 numbers behind a sentence that a month or less dates, people linked 3 to it; behind 今年 or 五年来 most.

    Args:
        words: The TIME.
    """
    if words.startswith(tuple(fact_words().link.own_times)):
        return False
    period = parse_period(words, base=date(2000, 12, 31))  # any day will do: how long it is does not hang on the year
    days = (period.end - period.start).days if period and period.start and period.end else _BRIEF
    return days < _BRIEF


class _Linker:
    """One view, ready to be linked."""

    def __init__(self, reading: Reading, mentions: Sequence[Mention], roles: Sequence[Clause]) -> None:
        self.reading, self.text, self.cues = reading, reading.text, _cues()
        by_type: dict[str, list[Mention]] = {}
        for m in mentions:
            by_type.setdefault(m.type, []).append(m)
        self.layer = {
            t: Ordered(by_type.get(t, ())) for t in ("NUMBER", "METRIC", "ACTION", "TIME", "PLACE", "SCHOOL", "PROGRAM")
        }
        self.roles = {c.start: c.role for c in roles}
        self.clause_starts = [s for s, _ in reading.clauses]
        self.heads = {h for s, _ in reading.sentences for h in self._heads(s)}
        self.totals = Totals(reading, self.layer["NUMBER"], self.heads)
        self.in_turn = in_turn(reading, mentions)
        self.links: list[Link] = []

    def _heads(self, start: int) -> range:
        """Give the places where the first words of a sentence may begin: behind its list marker, dashes and 在."""
        marker = list_marker().match(self.text, start)
        opening = self.cues.opening.match(self.text, marker.end() if marker else start)
        return range(start, (opening.end() if opening else start) + 1)

    def run(self) -> list[Link]:
        """Link every number of the view."""
        for start, end in self.reading.clauses:
            numbers = self.layer["NUMBER"].within(start, end)
            if numbers:
                self._clause(numbers, (start, end), self.reading.sentence_at(start)[0])
        return repeated(self.reading, self.links, self.layer["METRIC"])

    def _clause(self, numbers: Sequence[Mention], clause: tuple[int, int], sentence: int) -> None:
        earlier: Sequence[Mention] = ()
        for run in self._runs(numbers):
            # what stands further off belongs to others; it also keeps endless clauses cheap
            around = max(clause[0], run[0].start - _BEFORE), min(clause[1], run[-1].end + _AFTER)
            metrics, rivals = self.layer["METRIC"].within(*around), self.layer["NUMBER"].within(*around)
            shared = self._share_out(run, metrics, around)
            for i, number in enumerate(run):
                own = shared[i] if shared else self._own_metrics(number, metrics, rivals)
                if not own and (before := self._carried(number, sentence)):
                    own = [before]
                for metric in own or (None,):
                    link = Link(number, metric, action=self._action(number, metric, rivals, around))
                    start = earlier[i] if len(earlier) == len(run) > 1 else None
                    self.links.append(self._complete(link, around, self.roles.get(clause[0]), sentence, start))
            earlier = run

    def _runs(self, numbers: Sequence[Mention]) -> list[list[Mention]]:
        """Group numbers that stand in a row with nothing but separators between them."""
        runs: list[list[Mention]] = []
        for n in numbers:
            joins = (
                runs and len(runs[-1]) < _LONGEST_RUN and self.cues.run.fullmatch(self.text, runs[-1][-1].end, n.start)
            )
            if joins:
                runs[-1].append(n)
            else:
                runs.append([n])
        return runs

    def _share_out(
        self, run: Sequence[Mention], metrics: Sequence[Mention], around: tuple[int, int]
    ) -> list[list[Mention]] | None:
        """Give k numbers in a row the k METRICs before them, each in its turn; ``None`` if there is no list."""
        if len(run) < 2:
            return None
        distributed = self.cues.distributors.search(self.text, around[0], run[0].start)
        before = [m for m in metrics if m.end <= run[0].start]
        if not before:  # the list of metrics stands in the clause before
            last = self.links[-len(run) :]
            again = last and last[0].number.start >= around[0] - _BEFORE and len({k.metric for k in last}) == len(run)
            if distributed or (again and self._runs([k.number for k in last]) == [[k.number for k in last]]):
                earlier = self.layer["METRIC"].within(max(0, around[0] - _BEFORE), run[0].start)
                before = list(dict.fromkeys(k.metric for k in self.links[-6:] if k.metric and k.metric in earlier))
        if len(before) >= len(run):
            return [[m] for m in before[-len(run) :]]
        alone = distributed and before and distributed.start() >= before[-1].end
        return [[before[-1]]] * len(run) if alone else None

    def _own_metrics(self, number: Mention, metrics: Sequence[Mention], rivals: Sequence[Mention]) -> Sequence[Mention]:
        """Find the METRIC of a number in its own clause: right behind it, else before it, else further behind."""
        text = self.text
        for metric in metrics:
            if metric.start <= number.start and number.end <= metric.end:
                return [metric]
        before = next((m for m in reversed(metrics) if m.end <= number.start), None)
        after = next((m for m in metrics if m.start >= number.end), None)
        following = next((n for n in rivals if n.start >= number.end), None)
        gap = text[number.end : after.start] if after else ""
        free = after is not None and not (following and following.start < after.end)
        leans = following and after and before and following.start == after.end  # the noun is the next number's
        if after and free and not leans and not gap.strip("的 \n"):
            return [after]
        if before:
            between = next((n for n in reversed(rivals) if before.end <= n.start < number.start), None)
            if between is None:
                return self._sharing(before, metrics, number)
            more = self.cues.run.fullmatch(text, between.end, number.start) or self._is_change(number, between)
            return [before] if more else []
        verb_between = after and self.layer["ACTION"].within(number.end, after.start)
        return [after] if after and free and len(gap) <= 12 and not verb_between else []

    def _is_change(self, number: Mention, previous: Mention) -> bool:
        """Say whether a later number of a clause says more of the same metric (第9位上升至第3位)."""
        between = self.layer["ACTION"].within(previous.end, number.start)
        return number.start - previous.end <= 8 or any(a.end <= number.start for a in between)

    def _sharing(self, last: Mention, metrics: Sequence[Mention], number: Mention) -> list[Mention]:
        """Give all METRICs of a list that one number holds for (小学巩固率、初中巩固率均达99.8%)."""
        if not self.cues.sharers.search(self.text, last.end, number.start):
            return [last]
        shared = [last]
        for m in reversed(metrics[: list(metrics).index(last)]):
            if not self.cues.run.fullmatch(self.text, m.end, shared[0].start):
                break
            shared.insert(0, m)
        return shared

    def _carried(self, number: Mention, sentence: int) -> Mention | None:
        """Give the METRIC of the number before, where this one says more of it."""
        if not self.links:
            return None
        previous = self.links[-1]
        if previous.number.start < sentence or previous.metric is None:
            return None
        gap = self.text[previous.number.end : number.start]
        clause_gap = sum(gap.count(mark) for mark in "，,；;")
        fits = may_measure(self.reading, previous.metric, number, previous.number)
        return previous.metric if clause_gap <= 2 and fits else None

    def _action(
        self, number: Mention, metric: Mention | None, numbers: Sequence[Mention], clause: tuple[int, int]
    ) -> Mention | None:
        """Find the verb that governs a number."""
        previous = next((n for n in reversed(numbers) if n.end <= number.start), None)
        following = next((n for n in numbers if n.start >= number.end), None)
        since = previous.end if previous else clause[0]
        until = following.start if following else clause[1]
        actions = self.layer["ACTION"]
        before = [a for a in actions.within(since, number.start) if a.end <= number.start]
        if before:
            at_number = before[-1].end >= number.start - 2
            governs = not at_number and metric and before[0].end <= metric.start
            return before[0] if governs else before[-1]
        after = next(iter(actions.within(number.end, until)), None)
        if after and (following is None or not self._leans(after, following)):
            return after
        listed = previous and not re.search("[（(]", self.text[previous.end : number.start])
        if listed and self.links and self.links[-1].number == previous:
            return self.links[-1].action
        if following and not after and metric and metric.start >= number.end:  # 3名教师、2名学生‹获奖›
            return next(iter(actions.within(until, clause[1])), None)
        return None

    def _leans(self, action: Mention, number: Mention) -> bool:
        """Say whether a verb between two numbers governs the second."""
        return action.end >= number.start - 1 or bool(self.layer["METRIC"].within(action.end, number.start))

    def _complete(
        self,
        link: Link,
        clause: tuple[int, int],
        role: ClauseRole | None,
        sentence: int,
        start: Mention | None,
    ) -> Link:
        """Add time, place, school, programme, base, status and kind; ``start`` is its like in a list before it."""
        number, base = link.number, self._base(link, sentence, start)
        # a part is dated and placed as its total is
        total = next((k for k in reversed(self.links[-_RECENT:]) if base and k.number == base), link)
        dated = total.time if total.time and not is_aside(self.reading, total.time, number) else None
        linked = replace(
            link,
            time=self._time(number, clause, sentence) or dated,
            place=self._place(number, sentence) or total.place,
            school=self._school(number, clause, sentence),
            program=self._program(link, clause, sentence),
            base=base,
            kind=self._kind(link),
        )
        linked = replace(linked, **self.in_turn.get(number, {}))  # type: ignore[arg-type]
        return replace(linked, status=self._status(linked, clause[0], role))

    def _time(self, number: Mention, clause: tuple[int, int], sentence: int) -> Mention | None:
        """Find the TIME whose scope covers a number: in its sentence, or at the head of an earlier one."""
        layer = self.layer["TIME"]
        position = number.start
        behind = next((t for t in layer.within(number.end, clause[1]) if not is_aside(self.reading, t, number)), None)
        dated = behind and self.text.endswith(self.cues.dating, number.end, behind.start)
        own = dated and behind and not self.layer["NUMBER"].within(number.end, behind.start)
        while (time := layer.last_before(position, since=sentence)) is not None:
            here = time.start >= clause[0]
            idle = is_aside(self.reading, time, number) or is_spent(self.reading, time, number)
            if not idle and (here or (not own and self._reaches(time))):
                return time
            position = time.start
        return behind or self._heading_sentence("TIME", sentence)

    def _reaches(self, time: Mention) -> bool:
        """Say whether a TIME may hold for later clauses."""
        aside = time.start not in self.heads and self.cues.aside.search(self.text, max(0, time.start - 3), time.start)
        return not aside and not self._surface(time).startswith(self.cues.local_times)

    def _heading_sentence(self, kind: str, position: int) -> Mention | None:
        """Find the mention that opens an earlier sentence of the paragraph and so covers the ones after it."""
        since = max(0, position - _PARAGRAPH)
        itself = kind == "SCHOOL" and self.text.startswith(tuple(fact_words().link.itself), self._heads(position)[-1])
        paragraph = since if itself else max(since, self.text.rfind("\n", since, position) + 1)
        layer, head = self.layer[kind], position
        while (m := layer.last_before(head, since=paragraph)) is not None:
            passed = kind == "SCHOOL" and is_passed(self.reading, m, position, self.layer["PLACE"])
            holds = self._is_topic(m) if kind == "TIME" else not passed
            if m.start in self.heads and holds:
                return m
            head = m.start
        return None

    def _is_topic(self, time: Mention) -> bool:
        """Say whether a TIME may hold for later sentences."""
        return self._reaches(time) and not is_brief(self._surface(time))

    def _place(self, number: Mention, sentence: int) -> Mention | None:
        """Find the PLACE before a number in its sentence; one that says where a school stands is not the figures'."""
        position = number.start
        while (place := self.layer["PLACE"].last_before(position, since=sentence)) is not None:
            if not is_aside(self.reading, place, number):
                return place
            position = place.start
        return None

    def _school(self, number: Mention, clause: tuple[int, int], sentence: int) -> Mention | None:
        """Find the SCHOOL that a number is about: in its clause, else the subject of this or an earlier sentence."""
        layer, text = self.layer["SCHOOL"], self.text
        near = layer.last_before(number.start, since=clause[0])
        if near:
            in_list = self.cues.listed.match(text, near.end) or self.cues.listed.search(
                text, max(0, near.start - 1), near.start
            )
            return None if in_list else near
        since = max(sentence, number.start - _PARAGRAPH)
        here = next((m for m in layer.within(since, number.start) if m.start in self.heads), None)
        return here or self._heading_sentence("SCHOOL", sentence)

    def _program(self, link: Link, clause: tuple[int, int], sentence: int) -> Mention | None:
        """Find the PROGRAM in the METRIC, in the clause, or in the clause before that the number was reached under."""
        layer = self.layer["PROGRAM"]
        if link.metric:
            nested = layer.inside(link.metric.start, link.metric.end)
            if nested:
                return nested[0] if len(nested) == 1 else None
        metrics = self.layer["METRIC"]
        loose = [
            p
            for p in layer.within(*clause)
            if not any(m.start <= p.start and p.end <= m.end for m in metrics.within(clause[0], p.end))
        ]
        if loose:
            return loose[0] if len(loose) == 1 else None
        before = layer.last_before(clause[0], since=sentence)
        if before is None:
            return None
        i = bisect_right(self.clause_starts, before.start) - 1
        start, end = self.reading.clauses[i]
        alone = len(layer.within(start, end)) == 1 and not self.layer["NUMBER"].within(start, end)
        return before if alone and self.cues.under.match(self.text, start) else None

    def _base(self, link: Link, sentence: int, start: Mention | None) -> Mention | None:
        """Find the number that this one was compared with, or is a part of."""
        number = link.number
        previous = start or self.layer["NUMBER"].last_before(number.start, since=sentence)
        if previous is None:
            return self.totals.total(link, sentence, self.links[-_RECENT:])
        verb = self._surface(link.action) if link.action else ""
        if link.action and link.action.start >= previous.end >= number.start - 14 and self.cues.to_words.search(verb):
            head = self.text[max(0, previous.start - 16) : previous.start]
            return previous if self.cues.from_words.search(head) and self.totals.alike(previous, number) else None
        if self.cues.up.fullmatch(verb) or self.cues.down.fullmatch(verb):
            # 由88%提高到95%，增长7个百分点: measured from where the rise began
            last = self.links[-1] if self.links else None
            risen = last and last.action and self.cues.to_words.search(self._surface(last.action))
            return last.base if last and risen and last.number == previous and last.metric == link.metric else None
        return self.totals.total(link, sentence, self.links[-_RECENT:])

    def _surface(self, mention: Mention) -> str:
        return self.text[mention.start : mention.end]

    def _status(self, link: Link, begin: int, role: ClauseRole | None) -> Status:
        if told := settled_status(self.reading, link):
            return told
        number = link.number
        previous = self.layer["NUMBER"].last_before(number.start, since=begin)
        since = previous.end if previous else begin
        if intended(self.text, since, number.start):
            return "target"
        planned = role == "T" and not reached(self.text, since, number.start)
        return "target" if planned else "actual"

    def _kind(self, link: Link) -> Kind:
        quantity = self.reading.quantity_at(link.number.start, link.number.end)
        if quantity is not None and quantity.unit == self.cues.rank_unit:
            return "rank" if self.cues.rank.match(self._surface(link.number)) else "level"
        if self.cues.doubling.search(self._surface(link.number)):
            return "up"
        behind = link.action and link.metric and link.action.start > link.number.start > link.metric.start
        if link.action is None or behind:
            return "level"
        verb = self._surface(link.action)
        return "up" if self.cues.up.fullmatch(verb) else "down" if self.cues.down.fullmatch(verb) else "level"


def find_links(reading: Reading, mentions: Sequence[Mention], roles: Sequence[Clause]) -> list[Link]:
    """Link every NUMBER to its METRIC, ACTION, TIME, PLACE, SCHOOL, PROGRAM and base.

    Args:
        reading: The reading.
        mentions: Spans of all seven types, from any maker, in offsets of the view.
        roles: The clauses with their roles; a number in a clause of role T is a target.

    Returns:
        Links in the order of their numbers; a NUMBER with several METRICs has several.
    """
    return _Linker(reading, mentions, roles).run()
