"""From layers to a record; the layers are made by hand, so that no maker's mistakes are in the way."""

from decimal import Decimal

import pytest

from zongjie.language import blank, to_doc
from zongjie.layers import Clause, Link, layers
from zongjie.normalise import to_record
from zongjie.record import ClauseRole, Record
from zongjie.text import Block, Mention, Notice, Text


def at(text: str, piece: str, type_: str) -> Mention:
    start = text.index(piece)
    return Mention(start, start + len(piece), type_)


def make(text: Text, spans: dict[str, str], links: list[Link], roles: str) -> Record:
    """Make a record from the spans (surface → type) and the links of a text; ``roles`` has a letter a clause."""
    doc = to_doc(text, blank())
    marks = layers(doc)
    view = doc._.reading
    marks.mentions = [at(view.text, piece, type_) for piece, type_ in spans.items()]
    marks.links = links
    given: dict[str, ClauseRole] = {r: r for r in ("M", "R", "T", "I", "O")}
    marks.clauses = [Clause(s, e, given[r]) for (s, e), r in zip(view.clauses, roles, strict=True)]
    return to_record(doc)


def test_neighbouring_clauses_of_one_role_are_one_statement() -> None:
    content = "健全机制，出台办法，新增学位300个，覆盖12所学校。仍有不足。"
    record = make(Text.of(content), {}, [], "MMRRI")
    assert [m.text for m in record.measures] == ["健全机制，出台办法"]
    assert [r.text for r in record.results] == ["新增学位300个，覆盖12所学校"]
    assert [i.text for i in record.issues] == ["仍有不足"]
    assert record.measures[0].leads_to == ["r1"]


def test_a_measure_leads_only_to_results_of_its_sentence() -> None:
    record = make(Text.of("健全机制。新增学位300个。出台办法，质量提升，开展督导，覆盖面扩大。"), {}, [], "MRMRMR")
    assert [m.leads_to for m in record.measures] == [[], ["r2"], ["r3"]]


def test_a_semicolon_and_a_full_stop_part_statements() -> None:
    record = make(Text.of("新增学位300个；培训教师40人。质量提升。"), {}, [], "RRR")
    assert [r.text for r in record.results] == ["新增学位300个", "培训教师40人", "质量提升"]


def test_statements_name_their_facts_programmes_and_schools() -> None:
    content = "实施“青蓝工程”，云川市第一小学新增学位300个。"
    number = at(content, "300个", "NUMBER")
    spans = {"“青蓝工程”": "PROGRAM", "云川市第一小学": "SCHOOL", "300个": "NUMBER"}
    record = make(Text.of(content), spans, [Link(number)], "MR")
    by_id = {e.id: e for e in record.entities}
    assert [by_id[e].text for e in record.measures[0].programs] == ["“青蓝工程”"]
    assert [by_id[e].name for e in record.measures[0].programs] == ["青蓝工程"]
    assert [by_id[e].text for e in record.results[0].schools] == ["云川市第一小学"]
    assert record.results[0].facts == [f.id for f in record.facts]


@pytest.mark.parametrize(
    ("content", "action", "metric", "indicator"),
    [
        ("新增学位300个", "新增", "学位", "新增学位"),
        ("毛入园率提高300个", "提高", "毛入园率", "毛入园率提高"),
        ("学位300个", None, "学位", "学位"),
        ("为300个家庭提供帮扶", "提供", "家庭", "为家庭提供"),
        ("给企业300个以上办理证照", "办理", "企业", "给企业办理"),
        ("未开工项目300个", "开工", "项目", "未开工项目"),
        ("共300个", None, None, ""),
    ],
)
def test_indicator_is_action_and_metric_as_they_stand(
    content: str, action: str | None, metric: str | None, indicator: str
) -> None:
    link = Link(
        at(content, "300个", "NUMBER"),
        action=at(content, action, "ACTION") if action else None,
        metric=at(content, metric, "METRIC") if metric else None,
    )
    record = make(Text.of(content), {}, [link], "R")
    assert record.facts[0].indicator == indicator


def test_an_indicator_of_a_list_gets_what_the_last_one_says_for_all() -> None:
    content = "城镇、农村居民人均可支配收入分别为3.2万元、1.9万元。"
    town, country = at(content, "城镇", "METRIC"), at(content, "农村居民人均可支配收入", "METRIC")
    spans = {content[m.start : m.end]: "METRIC" for m in (town, country)}
    links = [Link(at(content, n, "NUMBER"), metric=m) for n, m in (("3.2万元", town), ("1.9万元", country))]
    facts = make(Text.of(content), spans, links, "R").facts
    assert [fact.indicator for fact in facts] == ["城镇居民人均可支配收入", "农村居民人均可支配收入"]
    assert [fact.metric and fact.metric.text for fact in facts] == ["城镇", "农村居民人均可支配收入"]


def test_an_unreadable_number_stays_with_a_warning() -> None:
    content = "新增学位若干。"
    record = make(Text.of(content), {"若干": "NUMBER"}, [Link(at(content, "若干", "NUMBER"))], "R")
    assert record.facts[0].value is None
    assert [(w.code, w.start, w.end) for w in record.warnings] == [("unread_number", 4, 6)]


def test_a_garbled_number_or_time_is_read_with_one_warning() -> None:
    content = "截至H月底，新增学位1O0个，培训教师40人。"
    time = at(content, "截至H月底", "TIME")
    links = [Link(at(content, piece, "NUMBER"), time=time) for piece in ("1O0个", "40人")]
    record = make(Text.of(content), {}, links, "ORR")
    assert [(w.start, w.end) for w in record.warnings if w.code == "ocr_repair"] == [(0, 5), (10, 14)]
    assert [f.time.text for f in record.facts if f.time] == ["截至H月底"] * 2


def test_values_are_exact_decimals_on_the_wire() -> None:
    content = "新增学位6.35万个，投入28693.1243万元。"
    links = [Link(at(content, piece, "NUMBER")) for piece in ("6.35万个", "28693.1243万元")]
    record = make(Text.of(content), {}, links, "RR")
    assert [f.value.low for f in record.facts if f.value] == [Decimal(63500), Decimal(286931243)]
    assert '"low": 286931243,' in record.to_json()


def test_offsets_of_the_view_become_offsets_of_the_content() -> None:
    content = "投入资金18.\n26亿元。"
    record = make(Text.of(content), {"18.26亿元": "NUMBER"}, [Link(Mention(4, 11, "NUMBER"))], "R")
    number = record.facts[0].number
    assert number.text == content[number.start : number.end] == "18.\n26亿元"
    assert record.facts[0].value is not None
    assert record.facts[0].value.low == Decimal(1826000000)
    assert [w.code for w in record.warnings] == ["rejoined_lines"]


def test_reading_notices_come_out_as_warnings() -> None:
    text = Text("无", "1", "a.txt", "text/plain", notices=(Notice("uncertain_encoding", "Read as GB18030."),))
    assert [w.code for w in make(text, {}, [], "O").warnings] == ["uncertain_encoding"]


def test_page_and_section_of_a_fact() -> None:
    content = "一、成效\n新增学位300个。"
    blocks = (Block("paragraph", 0, 4, page=2), Block("paragraph", 5, len(content), page=3))
    text = Text(content, "1", "a.pdf", "application/pdf", blocks=blocks)
    record = make(text, {}, [Link(at(content, "300个", "NUMBER"))], "OR")
    assert (record.facts[0].page, record.facts[0].section) == (3, ["一、成效"])
    assert [(b.kind, b.level) for b in record.blocks] == [("heading", 1), ("paragraph", None)]
