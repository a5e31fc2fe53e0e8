import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from hypothesis import example, given, settings
from hypothesis import strategies as st

import zongjie
from zongjie.errors import ConfigError, UnreadableDocument
from zongjie.layers import Draft
from zongjie.record import Entity, Fact, Record, Span, Statement, json_schema
from zongjie.text import Text

REPORT = (
    "云川市教育局2023年工作总结\n"
    "一、主要成效\n"
    "2023年，全市新建改扩建中小学28处，新增学位1.9万个。今年学前三年毛入园率达到94.37%，较去年提高1.4个百分点。\n"
    "二、下一步打算\n"
    "2024年，计划新建幼儿园12所，力争公办率提高到58%以上。\n"
)


@pytest.fixture(scope="module")
def extract() -> zongjie.Extractor:
    return zongjie.load()


def grounded(record: Record) -> bool:
    text = record.text or ""
    spans: list[Span] = [*record.entities, *record.measures, *record.results, *record.targets, *record.issues]
    for fact in record.facts:
        spans += roles_of(fact)
    sliced = all(text[s.start : s.end] == s.text and s.start < s.end for s in spans)
    marked = {(e.start, e.end) for e in record.entities}
    crossing = any(a.start < b.start < a.end < b.end for a in record.entities for b in record.entities)
    linked = all((s.start, s.end) in marked for f in record.facts for s in roles_of(f))
    placed = all(f.sentence.start <= f.number.start and f.number.end <= f.sentence.end for f in record.facts)
    named = all(any(c.isalnum() for c in f.metric.text) for f in record.facts if f.metric)
    ids = [x.id for x in spans if isinstance(x, Entity | Statement)]
    return sliced and not crossing and linked and placed and named and len(ids) == len(set(ids))


def roles_of(fact: Fact) -> list[Span]:
    roles = (fact.number, fact.metric, fact.action, fact.time, fact.place, fact.school, fact.program, fact.base)
    return [s for s in roles if s is not None]


def test_a_report_gives_facts_with_value_status_and_section(extract: zongjie.Extractor) -> None:
    record = extract(REPORT)
    facts = {f.indicator: f for f in record.facts}
    schools = facts["新建改扩建中小学"]
    assert schools.value is not None
    assert (schools.value.low, schools.value.unit, schools.status) == (28, "处", "actual")
    assert schools.section == ["一、主要成效"]
    assert schools.time is not None
    assert schools.time.period is not None
    assert schools.time.period.start == "2023-01-01"
    plan = facts["公办率提高到"]
    assert plan.value is not None
    assert (plan.value.low, plan.value.high, plan.value.flag, plan.status) == (58, None, ">=", "target")
    assert grounded(record)


def test_deictic_words_are_resolved_from_the_document(extract: zongjie.Extractor) -> None:
    record = extract(REPORT)
    rate = next(f for f in record.facts if f.number.text == "94.37%")
    assert rate.time is not None
    assert rate.time.text == "今年"
    assert rate.time.period is not None
    assert rate.time.period.start == "2023-01-01"
    whole = next(e for e in record.entities if e.text == "全市")
    assert whole.name == "云川市"


def test_without_a_date_nothing_is_guessed(extract: zongjie.Extractor) -> None:
    record = extract("今年新增学位300个。")
    assert record.document.published is None
    assert record.facts[0].time is not None
    assert record.facts[0].time.period is None
    assert "period" not in record.to_dict()["facts"][0]["time"]
    assert [w.code for w in record.warnings] == ["unresolved_time"]


def test_a_sentence_longer_than_a_file_name_is_text(extract: zongjie.Extractor) -> None:
    assert len(extract("云川市2023年新增学位3000个，教师培训800人次。" * 20).facts) == 40


def test_one_bad_document_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    import zongjie.extractor

    fresh = zongjie.load()
    real = zongjie.extractor.to_record

    def fails_once(draft: Draft, **options: object) -> Record:
        if "坏" in draft.reading.text:
            raise ValueError("a fault")
        return real(draft, **options)

    monkeypatch.setattr(zongjie.extractor, "to_record", fails_once)
    outcomes = list(fresh.pipe([Text.of("新增学位3个。"), Text.of("坏"), Text.of("新增学位4个。")]))
    assert [o.record is None for o in outcomes] == [False, True, False]
    assert "ValueError: a fault" in str(outcomes[1].error)


def test_a_config_keeps_the_defaults_that_it_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[confidence]\nfact = 0.9\n[batch]\nseconds = 7\n", encoding="utf-8")
    settings, known = zongjie.load(path).settings, zongjie.load().settings
    assert settings.confidence == {**known.confidence, "fact": 0.9}
    assert settings.batch == known.batch.model_copy(update={"seconds": 7})
    assert settings.makers.spans == "model"


def test_what_is_less_sure_is_left_out_and_counted() -> None:
    (whole,) = zongjie.load().pipe([Text.of(REPORT)])
    (sure,) = zongjie.load(min_confidence=0.97).pipe([Text.of(REPORT)])
    (none,) = zongjie.load(min_confidence=1.0).pipe([Text.of(REPORT)])
    assert whole.record
    assert sure.record
    assert none.record
    assert not any(whole.left_out)
    assert all(f.confidence >= 0.97 for f in sure.record.facts)
    assert all(s.confidence >= 0.97 for s in (*sure.record.results, *sure.record.targets, *sure.record.measures))
    assert len(whole.record.facts) - len(sure.record.facts) == sure.left_out.facts
    assert len(whole.record.entities) - len(sure.record.entities) == sure.left_out.entities
    assert none.left_out.facts == len(whole.record.facts) - len(none.record.facts) > 0
    assert grounded(sure.record)


def test_same_input_gives_the_same_bytes() -> None:
    assert zongjie.load()(REPORT).to_json() == zongjie.load()(REPORT).to_json()


def test_no_hash_seed_changes_a_byte() -> None:
    samples = Path(__file__).parents[1] / "data" / "samples"
    code = (
        "import hashlib, pathlib, sys, zongjie\n"
        "files = sorted(p for p in pathlib.Path(sys.argv[1]).iterdir() if p.is_file())\n"
        "said = ''.join(o.record.to_json() for o in zongjie.load().pipe(files))\n"
        "print(hashlib.sha256(said.encode()).hexdigest())\n"
    )
    command = [sys.executable, "-c", code, str(samples)]
    digests = {
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in ("0", "1", "2")
    }
    assert len(digests) == 1


def test_record_fits_the_schema(extract: zongjie.Extractor) -> None:
    import jsonschema

    jsonschema.validate(json.loads(extract(REPORT).to_json()), json_schema())


def test_path_bytes_string_and_text_give_the_same_facts(extract: zongjie.Extractor, tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text(REPORT, encoding="gb18030")
    facts = extract(REPORT).facts
    assert extract(path).facts == extract(str(path)).facts == extract(path.read_bytes()).facts == facts
    assert extract(Text.of(REPORT)).facts == facts


def test_one_and_many_are_one_implementation(extract: zongjie.Extractor) -> None:
    outcomes = list(extract.pipe([REPORT, "missing.docx", REPORT]))
    assert [o.record is None for o in outcomes] == [False, True, False]
    assert outcomes[0].record == extract(REPORT)
    assert isinstance(outcomes[1].error, UnreadableDocument)
    with pytest.raises(UnreadableDocument, match=r"missing\.docx"):
        extract("missing.docx")


def test_doc_shows_spans_to_spacy(extract: zongjie.Extractor) -> None:
    doc = extract.doc(REPORT)
    assert doc.text == REPORT
    assert "NUMBER 28处" in {f"{s.label_} {s.text}" for s in doc.spans["entities"]}
    assert {s.label_ for s in doc.spans["clauses"]} <= set("MRTIO")


def test_components_work_in_a_users_pipeline() -> None:
    nlp = spacy.blank("zh")
    for name in ("zongjie_spans", "zongjie_roles", "zongjie_facts"):
        nlp.add_pipe(name)
    doc = nlp("2023年，全市新增学位1.9万个。")
    assert [link.number for link in doc._.layers.links]
    assert "1.9万个" in {s.text for s in doc.spans["entities"]}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'[makers]\nspans = "oracle"\n', r"mine\.toml: \[makers\.spans\].*oracle"),
        (b"[makers]\nspam = 1\n", r"mine\.toml: \[makers\.spam\]"),
        (b"batch = 3\n", r"mine\.toml: \[batch\]"),
        ("# 配置\n".encode("gb18030"), r"mine\.toml: no text in UTF-8"),
        (None, r"mine\.toml: no such config file"),
    ],
)
def test_config_errors_name_file_table_and_key(written: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if written is not None:
        path.write_bytes(written)
    with pytest.raises(ConfigError, match=said):
        zongjie.load(path)


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        zongjie.load(tmp_path)


PIECES = [
    "全市",
    "新增",
    "学位",
    "6.35万个",
    "，",
    "。",
    "\n",
    "其中",
    "88%以上",
    "分别",
    "、",
    "（",
    "）",
    "“",
    "《",
    "云川市第一小学",
    "2023年",
    "力争",
    "由",
    "提高到",
    "\u200b",
    "\t",
    "1.\n5亿元",
    "截至目前",
    "一是",
    "🙂",
    "A",
    "-",
    "：",
]


@example("🙂、一是6.35万个6.35万个")
@example("。93%以上")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_every_span_is_grounded_in_any_text(content: str) -> None:
    record = zongjie.load()(Text.of(content))
    assert record.text == content
    assert grounded(record)
    assert Record.from_json(record.to_json()) == record


def test_a_school_of_one_section_has_no_part_in_the_next(extract: zongjie.Extractor) -> None:
    record = extract(
        "一、2025年主要工作\n沅岬县第二中学获评省级“绿色学校”，高考本科上线率达到47.3%，比上年提高2.1个百分点。\n"
        "二、2026年工作打算\n下学期起，每所学校至少配备1名专职心理教师，每月开展一次安全演练。新建县第五实验小学，办学规模为36个班，"
        "总投资1.2亿元，力争秋季开学前投用。到2026年底，义务教育集团化办学覆盖率不低于85%。"
    )
    schools = {fact.number.text: fact.school.text if fact.school else None for fact in record.facts}
    assert schools["47.3%"] == "沅岬县第二中学"
    assert "沅岬县第二中学" not in {schools["1.2亿元"], schools["不低于85%"]}


def test_a_metric_of_one_item_is_not_that_of_the_next(extract: zongjie.Extractor) -> None:
    record = extract(
        "二、存在的问题\n一是城区学位依然紧张，大班额占比仍有3.1%；二是乡村教师结构性缺编67人，音体美教师不足。"
    )
    metrics = {fact.number.text: fact.metric.text if fact.metric else None for fact in record.facts}
    assert metrics["3.1%"] == "大班额占比"
    assert metrics["67人"] != "大班额占比"
