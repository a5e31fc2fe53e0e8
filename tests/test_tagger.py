"""What the tagger makes of a network's scores and of what the grammar says, with scores made up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from zongjie.alphabet import Alphabet
from zongjie.decoding import STATUS, TOKENS, Scores
from zongjie.layers import LINKS, Draft, Link
from zongjie.reading import Reading
from zongjie.rules import find_spans
from zongjie.tagger import Mix, Tagger
from zongjie.text import Mention, Text
from zongjie.windows import TYPES, Window

TEXT = "2023年，云川市新建幼儿园26所，新增学位7400个，学前三年毛入园率达到94.3%以上。"
DOUBT = -5.0


class Doubter:
    """A network that believes in nothing but the spans that it is given, each by its words, and how far."""

    def __init__(self, *sure: tuple[str, str], text: str = TEXT, belief: Sequence[float] = ()) -> None:
        self.sure, self.text, self.belief = sure, text, [*belief, *[2.0] * len(sure)]

    def __call__(self, batch: Sequence[Window]) -> Iterator[Scores]:
        for window in batch:
            n = len(window.ids)
            spans = np.full((len(TYPES), n, n), DOUBT, np.float32)
            for (words, kind), belief in zip(self.sure, self.belief, strict=False):
                at = self.text.find(words) - window.start
                if at >= 0 and at + len(words) <= n:
                    spans[TYPES.index(kind), at, at + len(words) - 1] = belief
            ends = np.zeros((len(LINKS), n, 4), np.float32)
            yield Scores(spans, ends, ends, np.zeros((n, TOKENS), np.float32))


def marked(
    mix: Mix, *sure: tuple[str, str], text: str = TEXT, belief: Sequence[float] = ()
) -> dict[Mention, float | None]:
    tagger = Tagger(Doubter(*sure, text=text, belief=belief), Alphabet.of([text], at_least=1), mix)
    draft = tagger.mark_spans(Draft(Reading(Text.of(text, id="made-up"))))
    return {mention: draft.layers.confidence[mention] for mention in draft.layers.mentions}


def by_grammar(*types: str, text: str = TEXT) -> set[Mention]:
    return {m for m in find_spans(Reading(Text.of(text, id="made-up"))) if m.type in types}


def test_the_grammar_keeps_its_types() -> None:
    found = marked(Mix(grammar=("NUMBER", "TIME")))
    assert set(found) == by_grammar("NUMBER", "TIME")
    assert len(found) == 4


@pytest.mark.parametrize(("weight", "heard"), [(4.0, False), (6.0, True)])
def test_a_mark_of_the_grammar_adds_its_weight(weight: float, heard: bool) -> None:
    found = marked(Mix(spans={"METRIC": weight}))
    assert by_grammar("METRIC")
    assert set(found) == (by_grammar("METRIC") if heard else set())
    assert all(chance is not None and 0.5 < chance < 0.95 for chance in found.values())  # as sure as the sum is


def test_the_network_may_still_choose_what_the_grammar_does_not_see() -> None:
    school = Mention(TEXT.index("云川市新建幼儿园"), TEXT.index("26所"), "SCHOOL")
    assert set(marked(Mix(spans={"METRIC": 1.0}), ("云川市新建幼儿园", "SCHOOL"))) == {school}


def test_marks_that_lie_across_windows_are_not_heard() -> None:
    text = "，".join(["加强学校建设"] * 12) + "，学前三年毛入园率达到94.3%以上，全市义务教育巩固率达到99.1%。"
    whole = set(marked(Mix(spans={"METRIC": 9.0}), text=text))
    cut = set(marked(Mix(spans={"METRIC": 9.0}, longest=32), text=text))
    assert cut <= whole == by_grammar("METRIC", text=text)


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("支持40所普通高中办学能力提升。", "普通高中"),
        ("改善12家养老机构服务条件。", "养老机构"),
        ("培训3项普通高中办学能力。", "普通高中办学能力"),  # 项 counts what is no thing
    ],
)
def test_a_metric_behind_a_number_of_things_ends_with_the_thing(text: str, metric: str) -> None:
    long = text[text.index(metric) : max(text.find("能力"), text.find("条件")) + 2]
    spans = [(long, "METRIC"), (metric, "METRIC")][: 1 if long == metric else 2]
    found = marked(Mix(grammar=("NUMBER",)), *spans, text=text, belief=(3.0, -1.0))
    assert [text[m.start : m.end] for m in found if m.type == "METRIC"] == [metric]


class Pointer(Doubter):
    """A network that links every number to one METRIC, whatever else stands there."""

    def __call__(self, batch: Sequence[Window]) -> Iterator[Scores]:
        (words, _), *_ = self.sure
        for window, scores in zip(batch, super().__call__(batch), strict=True):
            others = scores.others.copy()
            others[LINKS.index("metric"), self.text.index(words) - window.start] = 5.0
            yield replace(scores, numbers=np.ones_like(scores.numbers), others=others)


def test_no_two_facts_of_a_number_have_the_same_metric() -> None:
    text = "小学巩固率、初中巩固率均达99.8%。"
    mix = Mix(grammar=("NUMBER", "METRIC"), links={"metric": 4.0})
    draft = Draft(Reading(Text.of(text, id="made-up")))
    tagger = Tagger(Pointer(("小学巩固率", "METRIC"), text=text), Alphabet.of([text], at_least=1), mix)
    for step in (tagger.mark_spans, tagger.assign_roles, tagger.link_facts):
        draft = step(draft)
    metrics = [text[one.metric.start : one.metric.end] for one in draft.layers.links if one.metric]
    assert sorted(metrics) == ["初中巩固率", "小学巩固率"]


def test_no_span_crosses_a_number_that_the_window_before_has() -> None:
    text = "甲" * 38 + "1234所学校" + "乙" * 30
    (number,) = by_grammar("NUMBER", text=text)

    class Crosser(Doubter):
        def __call__(self, batch: Sequence[Window]) -> Iterator[Scores]:
            for window, scores in zip(batch, super().__call__(batch), strict=True):
                if window.start:
                    scores.spans[TYPES.index("METRIC"), 0, 8] = 3.0
                yield scores

    tagger = Tagger(Crosser(text=text), Alphabet.of([text], at_least=1), Mix(grammar=("NUMBER",), longest=40))
    draft = tagger.mark_spans(Draft(Reading(Text.of(text, id="made-up"))))
    assert draft.layers.mentions == [number]
    assert number.start < 40 < number.end


class Planner(Doubter):
    """A network that is sure that some numbers are planned and doubts the others; some it links to the first PLACE."""

    def __init__(self, *planned: str, placed: Sequence[str] = (), text: str) -> None:
        super().__init__(text=text)
        self.planned, self.placed = planned, placed

    def __call__(self, batch: Sequence[Window]) -> Iterator[Scores]:
        link = LINKS.index("place")
        for window, scores in zip(batch, super().__call__(batch), strict=True):
            tokens, numbers, others = scores.tokens.copy(), scores.numbers.copy(), np.ones_like(scores.others)
            tokens[:, STATUS.start] = 0.5
            for words in self.planned:
                tokens[self.text.index(words) - window.start, STATUS] = 0.0, 9.0
            for at in range(len(window.ids)):
                here = any(self.text.index(words) == at + window.start for words in self.placed)
                numbers[link, at] = 3.0 if here else -3.0
            yield replace(scores, tokens=tokens, numbers=numbers, others=others)


def linked(network: Doubter, mix: Mix) -> list[Link]:
    text = network.text
    tagger = Tagger(network, Alphabet.of([text], at_least=1), mix)
    draft = Draft(Reading(Text.of(text, id="made-up")))
    for step in (tagger.mark_spans, tagger.assign_roles, tagger.link_facts):
        draft = step(draft)
    return draft.layers.links


@pytest.mark.parametrize(("between", "follows"), [("，", "target"), ("。", "target"), ("\n", "actual")])
@pytest.mark.parametrize("hold", [0.0, 3.0])
def test_a_status_regards_its_neighbours_in_the_paragraph(between: str, follows: str, hold: float) -> None:
    text = f"校舍26所{between}学位740个，教师12名。"
    links = linked(Planner("26", text=text), Mix(grammar=("NUMBER",), hold=hold))
    expected = follows if hold else "actual"
    assert [one.status for one in links] == ["target", expected, expected]


def test_the_numbers_of_a_sentence_stand_in_one_place() -> None:
    text = "云川市召开会议。校舍26所，学位740个，教师12名。清溪区教师9名。"
    mix = Mix(grammar=("NUMBER", "PLACE"), links={"place": 0.0})
    most = linked(Planner(placed=("26", "12"), text=text), mix)
    assert [one.place and text[one.place.start : one.place.end] for one in most][:3] == ["云川市"] * 3
    few = linked(Planner(placed=("26",), text=text), mix)
    assert [one.place for one in few][:3] == [None] * 3


@pytest.mark.parametrize(
    ("text", "placed"),
    [
        ("一、成效\n云川市建成学校2所。\n二、打算\n新建3所。", ["云川市", None]),
        ("一、成效\n云川市建成学校2所。\n新建3所。", ["云川市", "云川市"]),
        ("一、成效\n新建3所。\n云川市建成学校2所。", [None, "云川市"]),
    ],
)
def test_a_link_stays_in_its_section_and_does_not_look_ahead(text: str, placed: list[str | None]) -> None:
    mix = Mix(grammar=("NUMBER", "PLACE"), links={"place": 0.0})
    links = linked(Planner(placed=("2", "3"), text=text), mix)
    assert [one.place and text[one.place.start : one.place.end] for one in links] == placed


def test_a_rate_is_not_of_things() -> None:
    text = "整改率98%，余下隐患6处。"
    links = linked(Pointer(("整改率", "METRIC"), text=text), Mix(grammar=("NUMBER", "METRIC"), links={"metric": 0.0}))
    named = [one.metric and text[one.metric.start : one.metric.end] for one in links]
    assert named[0] == "整改率"
    assert "整改率" not in named[1:]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("云川市教育局2025年工作总结\n2025年12月20日\n2027年巩固率达到99%。", "target"),
        ("云川市教育局2025年工作总结\n2025年12月20日\n2023年巩固率98%。", "actual"),
        ("云川市教育局2025年工作总结\n2025年12月20日\n2025年巩固率99%。", None),
        ("2023年巩固率98%。", None),
    ],
)
@pytest.mark.parametrize("planned", [False, True])
def test_a_time_before_or_after_the_documents_day_settles_the_status(
    text: str, status: str | None, planned: bool
) -> None:
    number = text[-4:-1] if text[-4:-1][0].isdigit() else text[-3:-1]
    mix = Mix(grammar=("NUMBER", "TIME"))
    (one,) = (x for x in linked(Planner(*[number] * planned, text=text), mix))
    assert one.status == (status or ("target" if planned else "actual"))
