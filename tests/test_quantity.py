"""Quantities: values of whole strings, spans and values in passages, and what holds for every string."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.errors import ZongjieError
from zongjie.measure import grammar
from zongjie.numeral import fold_variants, plain, ratio, read_number, read_numeral
from zongjie.quantity import Quantity, UnitMismatch, find_quantities, format_quantity, parse_quantity
from zongjie.record import Flag
from zongjie.units import unit_name, unit_names, units

CASES = tomllib.loads((Path(__file__).parent / "cases" / "quantities.toml").read_text(encoding="utf-8"))
WHOLE = [(value, text) for value, texts in CASES["whole"].items() for text in texts]
SHARED = Path(__file__).parents[1].parent / "shared"

# Characters that quantities are made of, so that random strings come near the grammar.
TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "0123456789,.:%一二两三十百千万亿零点半成分之第前首翻番个名元年至-、约近超以上下左右多余几(） \n"
        ),
        st.characters(),
    )
)


def written(quantity: Quantity | None) -> str | None:
    """Write a value as the annotation guide does."""
    if quantity is None:
        return None
    low, high = ("" if side is None else str(side) for side in (quantity.low, quantity.high))
    return f"{low}|{high}|{quantity.unit}|{quantity.flag}"


@pytest.mark.parametrize(("value", "text"), WHOLE)
def test_whole_string_has_value(value: str, text: str) -> None:
    assert written(parse_quantity(text)) == value


@pytest.mark.parametrize("text", CASES["refused"]["strings"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    assert parse_quantity(text) is None


@pytest.mark.parametrize("case", CASES["found"], ids=lambda case: case["text"][:12])
def test_quantities_of_a_passage(case: dict[str, Any]) -> None:
    assert [[m.text, written(m.quantity)] for m in find_quantities(case["text"])] == case["spans"]


@pytest.mark.parametrize("text", CASES["none"]["texts"])
def test_nothing_is_found(text: str) -> None:
    assert find_quantities(text) == []


@pytest.mark.parametrize(
    ("text", "kind"), [("第3位", "rank"), ("首位", "rank"), ("翻番", "up"), ("3倍", "level"), ("5个", "level")]
)
def test_kind_is_hinted(text: str, kind: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None
    assert quantity.kind == kind


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("3.5公里", "米", "3500|3500|米|="),
        ("2公顷", "平方米", "20000|20000|平方米|="),
        ("1.5倍", "%", "150|150|%|="),
        ("6公顷", "亩", "90|90|亩|="),
        ("30亩", "平方米", "20000|20000|平方米|="),
        ("15亩", "公顷", "1|1|公顷|="),
        ("1.2平方公里", "亩", "1800|1800|亩|="),
        ("90分钟", "小时", "1.5|1.5|小时|="),
        ("近3吨", "kg", "3000|3000|公斤|~"),
        ("2-3公里", "千米", "2|3|千米|-"),
        ("5个", "个", "5|5|个|="),
        ("18个月", "年", "1.5|1.5|年|="),
    ],
)
def test_conversion_is_exact(text: str, unit: str, value: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None
    assert written(quantity.to(unit)) == value


@pytest.mark.parametrize(
    ("text", "unit"), [("5个", "所"), ("5公里", "亩"), ("5", "个"), ("3美元", "元"), ("3%", "个百分点")]
)
def test_conversion_across_dimensions_is_an_error(text: str, unit: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None
    with pytest.raises(UnitMismatch, match=unit) as raised:
        quantity.to(unit)
    assert isinstance(raised.value, ZongjieError)
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("一亿五千万零六千三百五十五", "150006355"),
        ("两千零二十", "2020"),
        ("1亿3千万", "130000000"),
        ("十万零一", "100001"),
        ("一万五千亿", "1500000000000"),
        ("2.5e3", "2500"),
        ("15k", "15000"),
        ("四点五万", "45000"),
        ("廿二", "22"),
        ("1,234,567.80", "1234567.8"),
    ],
)
def test_numeral_is_read(text: str, value: str) -> None:
    assert str(read_numeral(text)) == value


@pytest.mark.parametrize("text", ["", "一一", "点一", "十一十二", "百十一", "1..2", "一" * 100, "三十两", "abc"])
def test_malformed_numeral_is_refused(text: str) -> None:
    assert read_numeral(fold_variants(text)) is None


def test_quotients_round_as_the_guide_says() -> None:
    assert [str(ratio(Decimal(a), Decimal(b))) for a, b in ((2, 3), (1, 4), (1, 7000))] == [
        "0.6667",
        "0.25",
        "0.0001429",
    ]


def test_every_written_form_is_read_with_a_number() -> None:
    for form, name in unit_names().items():
        quantity = parse_quantity(f"3{form}")
        assert quantity is not None, form
        assert quantity.unit == name, form


def test_units_have_a_factor_where_they_have_a_dimension() -> None:
    for name, unit in units().units.items():
        assert (unit.dimension is None) == (unit.factor is None), name
        assert unit_name(name) == name


@given(TEXT)
def test_no_string_raises_and_offsets_slice(text: str) -> None:
    parse_quantity(text)
    end = 0
    for mention in find_quantities(text):
        assert end <= mention.start < mention.end
        assert text[mention.start : mention.end] == mention.text
        end = mention.end


@given(TEXT)
def test_whatever_is_parsed_is_written_so_that_it_parses(text: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is None or parse_quantity(format_quantity(quantity)) == quantity


@given(TEXT)
def test_found_values_are_canonical(text: str) -> None:
    for mention in find_quantities(text):
        for side in (mention.quantity.low, mention.quantity.high):
            assert side is None or str(side) == str(plain(side))


@given(
    st.decimals(min_value=0, max_value=10**12, places=4),
    st.sampled_from(["个", "元", "%", "平方米", "人次", "倍", "微克", ""]),
    st.sampled_from(["=", "~", ">=", ">", "<=", "<"]),
)
def test_format_and_parse_round_trip(value: Decimal, unit: str, flag: Flag) -> None:
    value = plain(value)
    quantity = Quantity(None if "<" in flag else value, None if ">" in flag else value, unit, flag)
    assert parse_quantity(format_quantity(quantity)) == quantity


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.sampled_from(["个", "万元", "%"]))
def test_range_round_trip(low: int, more: int, unit: str) -> None:
    quantity = parse_quantity(f"{low}—{low + more}{unit}")
    assert quantity is not None
    assert quantity.flag == "-"
    assert parse_quantity(format_quantity(quantity)) == quantity


@pytest.mark.parametrize("text", [text for _, text in WHOLE])
def test_every_whole_value_round_trips(text: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is not None
    assert parse_quantity(format_quantity(quantity)) == quantity


@given(
    st.sampled_from(CASES["found"]),
    st.sampled_from(["青禾县教育工作稳步推进。\n", "各学校认真落实。\n", "\n"]),
    st.sampled_from(["\n家长满意。", "各项工作有序开展。"]),
)
def test_neutral_text_around_changes_nothing(case: dict[str, Any], before: str, after: str) -> None:
    alone = [(m.start + len(before), m.end + len(before), m.quantity) for m in find_quantities(case["text"])]
    assert [(m.start, m.end, m.quantity) for m in find_quantities(before + case["text"] + after)] == alone


# Pieces of quantities, so that random strings hold many of them.
PIECES = st.lists(st.sampled_from(CASES["pieces"]["strings"]), max_size=9).map("".join)


@given(PIECES, st.booleans())
def test_the_fast_way_to_read_gives_the_same(text: str, whole: bool) -> None:
    rules = grammar(whole=whole)
    for start in range(len(text)):
        assert rules.read(text, start) == rules.read_full(text, start)


@given(PIECES)
def test_pieces_of_quantities_keep_the_laws(text: str) -> None:
    quantity = parse_quantity(text)
    assert quantity is None or parse_quantity(format_quantity(quantity)) == quantity
    for mention in find_quantities(text):
        assert text[mention.start : mention.end] == mention.text


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30), st.sampled_from(["人", "%", "万元"]))
def test_a_list_lends_its_unit(numbers: list[int], unit: str) -> None:
    found = find_quantities("、".join(map(str, numbers)) + unit)
    assert len(found) == len(numbers)
    assert len({mention.quantity.unit for mention in found}) == 1
    assert [mention.implied for mention in found] == [True] * (len(numbers) - 1) + [False]


def test_what_is_repaired_or_implied_is_marked() -> None:
    found = find_quantities("师生比为9」，新增教师1O2名、学位300个，投入资金2.6亿。")
    assert [(m.repaired, m.implied) for m in found] == [
        ("9:1", False),
        ("102名", False),
        (None, False),
        (None, True),
    ]


def test_a_long_row_of_bare_numbers_is_a_table() -> None:
    assert len(find_quantities("、".join(["12"] * 500) + "人")) < 100


@given(st.integers(0, 10**15), st.integers(0, 9999))
def test_chinese_and_arabic_agree(whole: int, part: int) -> None:
    assert read_number(f"{whole}.{part:04d}") == plain(Decimal(f"{whole}.{part:04d}"))


@pytest.mark.parametrize(
    "text",
    [
        "1" * 2000,
        "一" * 20000,
        "1:" * 5000,
        "3-" * 5000,
        "1 " * 5000,
        "“" * 5000,
        "5人(" * 5000,
        "123," * 5000,
        "第前" * 5000,
    ],
)
def test_long_runs_are_read(text: str) -> None:
    assert all(text[m.start : m.end] == m.text for m in find_quantities(text))


@pytest.mark.skipif(not SHARED.exists(), reason="the annotated passages are not beside this checkout")
@pytest.mark.parametrize(("split", "span_floor", "value_floor"), [("train", 0.978, 0.974), ("dev", 0.98, 0.98)])
def test_annotated_passages(split: str, span_floor: float, value_floor: float) -> None:
    spans = values = found = stated = 0
    for line in (SHARED / "gold" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines():
        passage = json.loads(line, parse_float=Decimal)
        gold = {(e["start"], e["end"]): e["id"] for e in passage["entities"] if e["type"] == "NUMBER"}
        times = [(e["start"], e["end"]) for e in passage["entities"] if e["type"] == "TIME"]
        right: dict[str, set[tuple[Any, ...]]] = {}
        for fact in passage["facts"]:
            value = fact["value"]
            right.setdefault(fact["number"], set()).add((value["low"], value["high"], value["unit"], value["flag"]))
        stated += len(gold)
        for mention in find_quantities(passage["text"]):
            place = (mention.start, mention.end)
            if place not in gold and any(start < mention.end and mention.start < end for start, end in times):
                continue
            found += 1
            spans += place in gold
            quantity = mention.quantity
            known = right.get(gold.get(place, ""), set())
            values += (quantity.low, quantity.high, quantity.unit, quantity.flag) in known
    assert 2 * spans / (found + stated) >= span_floor
    assert 2 * values / (found + stated) >= value_floor
