from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson

from zongjie.corpus import GoldError, Passage, format_markup, parse_markup, read_gold

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

MARKUP = """\
#zj-t1
<T1|2023年>，<G1|全县><A1|实施><M1|<P1|薄弱学校提升工程>><N1|46个>，<M2|巩固率>由<N2|93%><A2|提高到><N3|94.370%以上>。
N1 M1 A1 P1 T1 G1 actual level 46|46|个|=
N2 M2 T1 G1 actual level 93|93|%|=
N2 T1 N3 actual level 93|93|%|=
N3 M2 A2 T1 G1 N2 actual level 94.37||%|>=
roles O R R

#zj-t2
#开头的正文也是正文，没有数字。
roles O O
"""

TEXT = "<A1|新建><M1|学校><N1|3所>，<A2|新增><M2|学位><N2|600个>。"
FACTS = ["N1 M1 A1 actual level 3|3|所|=", "N2 M2 A2 actual level 600|600|个|="]


def block(text: str = TEXT, facts: list[str] = FACTS, roles: str = "roles R R") -> str:
    return "\n".join(["", "#zj-t3", text, *facts, roles])


def row() -> dict[str, Any]:
    return parse_markup(MARKUP, source="made-up")[0].to_dict()


def test_parse_markup_finds_spans_facts_and_clauses() -> None:
    first, second = parse_markup(MARKUP, source="made-up")
    assert first.text == "2023年，全县实施薄弱学校提升工程46个，巩固率由93%提高到94.370%以上。"
    assert all(first.text[tag.start : tag.end] == tag.text for tag in first.entities)
    assert [(t.id, t.type, t.text) for t in first.entities][3:6] == [
        ("M1", "METRIC", "薄弱学校提升工程"),
        ("P1", "PROGRAM", "薄弱学校提升工程"),
        ("N1", "NUMBER", "46个"),
    ]
    assert first.facts[3].links() == {"metric": "M2", "action": "A2", "time": "T1", "place": "G1", "base": "N2"}
    assert first.facts[3].value.low == Decimal("94.37")
    assert first.facts[3].value.high is None
    assert [(c.start, c.end, c.role) for c in first.clauses] == [(0, 6, "O"), (6, 22, "R"), (22, 42, "R")]
    assert (second.text, second.entities, second.source) == ("#开头的正文也是正文，没有数字。", (), "made-up")


def test_format_markup_writes_what_parse_markup_reads() -> None:
    passages = parse_markup(MARKUP, source="made-up")
    assert parse_markup(format_markup(passages), source="made-up") == passages
    assert format_markup(passages).startswith("#zj-t1\n<T1|2023年>，<G1|全县><A1|实施><M1|<P1|薄弱学校")
    assert format_markup([]) == ""


def test_parse_markup_reads_carriage_returns_and_blank_lines() -> None:
    assert parse_markup(MARKUP.replace("\n", "\r\n\r\n"), source="x") == parse_markup(MARKUP, source="x")


@pytest.mark.parametrize(
    ("markup", "line", "message"),
    [
        ("新建学校", 1, "expected a line #ID"),
        ("\n#zj-t3\n\n\n新建学校", 5, "'roles'"),
        (block(facts=["N9 M1 actual level 3|3|所|=", *FACTS]), 4, "'N9' is no span"),
        (block(facts=["N1 X1 actual level 3|3|所|="]), 4, "'X1' is no span"),
        (block(facts=["N1 M1 M2 actual level 3|3|所|="]), 4, "both stand as metric"),
        (block(facts=["N1 N1 actual level 3|3|所|=", FACTS[1]]), 3, "its own base"),
        (block(facts=["M1 A1 actual level 3|3|所|="]), 4, "no NUMBER"),
        (block(facts=["N1 level 3|3|所|="]), 4, "is no fact"),
        (block(facts=["N1 M1 done level 3|3|所|="]), 4, "'done'"),
        (block(facts=FACTS[:1]), 3, "NUMBER N2 ('600个') has no fact"),
        (block(facts=[FACTS[0], "N2 actual level 600|600|个"]), 5, "bad value '600|600|个'"),
        (block(facts=[FACTS[0], "N2 actual level 6e2|6e2|个|="]), 5, "bad value"),
        (block(facts=[FACTS[0], "N2 actual level 600||个|="]), 5, "wants LOW and HIGH"),
        (block(facts=[FACTS[0], "N2 actual level 600|700|个|~"]), 5, "same number twice"),
        (block(facts=[FACTS[0], "N2 actual level 600|600|个|>="]), 5, "wants LOW"),
        (block(facts=[FACTS[0], "N2 actual level 700|600|个|-"]), 5, "LOW < HIGH"),
        (block(roles="roles R"), 6, "1 roles for 2 clauses: 新建学校3所， / 新增学位600个。"),
        (block(roles="roles R X"), 6, "unknown role X"),
        (block(text="新建<M1|学校，"), 3, "M1 is not closed"),
        (block(text="新建学校>，"), 3, "column 5"),
        (block(text="<新建学校，"), 3, "column 1"),
        (block(text=TEXT.replace("M2", "M1"), facts=FACTS[:1]), 3, "M1 stands 2 times"),
        (block() + block(), 7, "stands twice"),
    ],
)
def test_parse_markup_names_file_line_and_passage(markup: str, line: int, message: str) -> None:
    with pytest.raises(GoldError) as error:
        parse_markup(markup, source="bureau")
    assert str(error.value).startswith(f"bureau:{line}:")
    assert message in str(error.value)
    assert line == 1 or "passage zj-t3" in str(error.value)


def test_from_dict_reads_what_to_dict_gives() -> None:
    assert Passage.from_dict(row()).to_dict() == row()
    assert list(row()["facts"][2]) == ["number", "time", "base", "status", "kind", "value"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("entities", 0, "end"), 6, "text[0:6] is not '2023年'"),
        (("entities", 0, "type"), "PLACE", "its id says another"),
        (("entities", 1), {"id": "G1", "type": "PLACE", "start": 3, "end": 8, "text": "年，全县"}, "not"),
        (("facts", 0, "metric"), "M7", "M7 as its metric, but no span"),
        (("facts", 0, "metric"), "A1", "expected a METRIC, not a ACTION"),
        (("facts", 0, "status"), "done", "facts.0.status"),
        (("facts", 0, "value", "flag"), ">", "wants LOW"),
        (("clauses", 1, "start"), 7, "do not cover"),
        (("clauses",), [], "do not cover"),
    ],
)
def test_from_dict_names_the_passage(path: tuple[str | int, ...], value: object, message: str) -> None:
    broken: Any = row()
    *way, last = path
    target = broken
    for step in way:
        target = target[step]
    target[last] = value
    with pytest.raises(GoldError, match="passage zj-t1: ") as error:
        Passage.from_dict(broken)
    assert message in str(error.value)


def test_from_dict_refuses_spans_that_cross() -> None:
    broken = row()
    broken["entities"][1] = {"id": "G1", "type": "PLACE", "start": 4, "end": 8, "text": broken["text"][4:8]}
    broken["entities"][0] |= {"end": 7, "text": broken["text"][:7]}
    with pytest.raises(GoldError, match="spans T1 and G1 cross"):
        Passage.from_dict(broken)


def test_format_markup_refuses_a_text_that_markup_cannot_show() -> None:
    text = "人数<30人\n"
    passage = Passage(id="zj-t9", source="x", text=text, entities=(), facts=(), clauses=())
    with pytest.raises(GoldError, match="zj-t9"):
        format_markup([passage])


def test_json_keeps_every_digit() -> None:
    line = parse_markup(MARKUP.replace("94.37||", "0.12345678901234567890||"), source="x")[0].to_json()
    assert '"low": 0.12345678901234567890, "high": null' in line
    assert Passage.from_dict(simplejson.loads(line, use_decimal=True)).to_json() == line


def test_read_gold_reads_rows_markup_and_folders(tmp_path: Path) -> None:
    passages = parse_markup(MARKUP, source="one")
    (tmp_path / "one.txt").write_text(MARKUP, encoding="utf-8")
    assert read_gold(tmp_path) == read_gold(tmp_path / "one.txt") == passages
    rows = tmp_path / "two.jsonl"
    rows.write_text("\n".join(p.to_json() for p in passages) + "\n", encoding="utf-8")
    assert read_gold(rows) == passages
    with pytest.raises(GoldError, match="stands in two files"):
        read_gold(tmp_path)
    rows.write_text(passages[0].to_json() + "\n{", encoding="utf-8")
    with pytest.raises(GoldError, match=r"two\.jsonl:2: "):
        read_gold(rows)
    rows.write_text((passages[0].to_json() + "\n") * 2, encoding="utf-8")
    with pytest.raises(GoldError, match=r"two\.jsonl:2: passage zj-t1: the id stands twice"):
        read_gold(rows)


def test_read_gold_refuses_what_holds_no_passages(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"no \.jsonl and no \.txt"):
        read_gold(tmp_path)
    with pytest.raises(GoldError, match=r"expected a \.jsonl"):
        read_gold(tmp_path / "gold.csv")


def test_bureau_passages_are_valid_and_survive_the_round_trip() -> None:
    passages = read_gold(ROOT / "data" / "gold" / "bureau.txt")
    assert len(passages) >= 70
    assert parse_markup(format_markup(passages), source="bureau") == passages


@pytest.mark.parametrize("name", ["train", "dev"])
def test_shared_gold_survives_the_way_through_markup(name: str) -> None:
    path = SHARED / "gold" / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("the shared gold data are not beside the repository")
    passages = read_gold(path)
    back = parse_markup(format_markup(passages), source=name)
    for old, new in zip(passages, back, strict=True):
        assert (old.id, old.text, old.facts, old.clauses) == (new.id, new.text, new.facts, new.clauses)
        assert set(old.entities) == set(new.entities)
